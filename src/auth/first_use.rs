//! Meeting a manager for the first time: what it shows is put before a person, and its key is pinned on their word.
//!
//! It happens after a bare handshake, before any HTTP and before the password is asked for, and only where nothing that was given or
//! kept decides whom to trust: an explicit choice is never asked about again. A key that has changed never gets here.

use chrono::Utc;

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{
    CertificateDetails, CertificateProblem, Fingerprint, Pin, ServerCertificate,
    fingerprint_pinned, key_fingerprint_command,
};
use crate::process::signals::Signals;
use crate::terminal::output::{safe, without_leading_command};
use crate::terminal::prompt::Prompt;
use crate::trust::pin_store::{KnownManager, PinStore};
use crate::trust::policy::TrustSource;

/// As many names, and as much of a line, as a person looks at.
const NAMES: usize = 8;
const LENGTH: usize = 300;
/// The longest foreign text on one line, behind an indent of 11: as long as a pin.
const WIDTH: usize = 71;

/// Whether an untrusted manager could be met: nothing else decides, and there is somebody to ask, or nobody is to be asked.
pub(crate) fn is_possible(context: &Context) -> Result<bool, Error> {
    if !context.settings.address()?.is_encrypted() {
        return Ok(false);
    }
    let may = context.settings.tls_accept_new || context.prompt() == Prompt::Terminal;
    Ok(may && context.trust()?.source == TrustSource::System)
}

/// Looks at the manager, and pins its key on somebody's word where the system does not trust it. Whether a pin was made.
///
/// # Errors
/// Of trust, where the word is no; nothing was sent. Where no handshake comes about.
pub(crate) async fn trust_on_first_use(context: &Context) -> Result<bool, Error> {
    let certificate = context
        .signals
        .cancel(async { context.presented(context.settings.address()?).await })
        .await?;
    let Some(problem) = &certificate.problem else {
        return Ok(false);
    };
    let place = context.settings.address()?.host_and_port();
    if !problem.can_be_pinned {
        return Err(refused(&place, problem));
    }
    if context.settings.tls_accept_new {
        context.output.insist(&format!(
            "the certificate of {place} {}; its key {} is pinned from now on, as `--tls-accept-new` says: nobody compared it",
            problem.description, certificate.pin
        ));
    } else {
        ask(context, &place, &certificate, &problem.description).await?;
    }
    pin(context, &place, &certificate).await?;
    Ok(true)
}

/// Refuses a manager that what was given or kept does not trust, before a person is asked for a password.
///
/// # Errors
/// Of trust, if it is not trusted; nothing was sent. If no handshake comes about.
pub(crate) async fn check_before_asking(context: &Context) -> Result<(), Error> {
    let address = context.settings.address()?;
    // A manager that is waited for may not be there yet.
    let waits = context.settings.wait.is_some();
    if waits || !address.is_encrypted() || context.prompt() != Prompt::Terminal {
        return Ok(());
    }
    if matches!(context.trust()?.source, TrustSource::Insecure(_)) {
        return Ok(());
    }
    let looking = async { context.presented(address).await };
    let certificate = context.signals.cancel(looking).await?;
    match &certificate.problem {
        Some(problem) => Err(refused(&address.host_and_port(), problem)),
        None => Ok(()),
    }
}

fn refused(place: &str, problem: &CertificateProblem) -> Error {
    let message = format!(
        "the certificate of {place} {}; nothing was sent",
        problem.description
    );
    Error::new(ErrorKind::Trust, message).hint(&problem.hint)
}

/// Keeps the pin; where that cannot be done, this run goes on with it, since somebody stands by it.
///
/// # Errors
/// Of trust, where another run has met another key at this place in the meantime: one of the two is not the manager's.
async fn pin(context: &Context, place: &str, certificate: &ServerCertificate) -> Result<(), Error> {
    match keep_first(place, certificate.pin, &context.signals).await {
        Ok(Ok(path)) => context.output.note(&format!(
            "the key of {place} is kept in {path}; `swp-keys trust remove {place}` forgets it"
        )),
        Ok(Err(kept)) => return Err(changed(place, &kept, certificate)),
        Err(error) if context.signals.received().is_some() => return Err(error),
        Err(error) => {
            context
                .output
                .insist(&format!("{error}; the key is trusted in this run alone"));
            context.confirm(certificate.pin);
        }
    }
    Ok(())
}

/// Keeps what was met first and nothing beside it: where other keys are kept by now, they are returned.
///
/// # Errors
/// Of usage, where the file cannot be read or written.
pub(crate) async fn keep_first(
    place: &str,
    pin: Pin,
    signals: &Signals,
) -> Result<Result<String, KnownManager>, Error> {
    let kept = PinStore::change(signals, |trusted| match trusted.managers.get(place) {
        Some(kept) if !kept.pins.contains(&pin) => Err(kept.clone()),
        _ => {
            add(trusted, place, &[pin]);
            Ok(())
        }
    })
    .await?;
    let path = PinStore::path().unwrap_or_default();
    Ok(kept.map(|()| path.display().to_string()))
}

/// The manager shows another key than those that are kept; or what is kept is the fingerprint of its certificate, which is no change.
pub(crate) fn changed(place: &str, kept: &KnownManager, certificate: &ServerCertificate) -> Error {
    let shown = certificate.pin;
    let mut pins = kept.pins.iter();
    if pins.any(|pin| pin.has_digits_of(&certificate.fingerprint)) {
        let file = PinStore::path().unwrap_or_default();
        let file = file.display().to_string();
        let (problem, hint) = fingerprint_pinned(&file, Some(place), shown);
        let message = format!("the certificate of {place} {problem}; nothing was changed");
        return Error::new(ErrorKind::Trust, message).hint(hint);
    }
    let old: Vec<_> = kept.pins.iter().map(Pin::to_string).collect();
    Error::new(
        ErrorKind::Trust,
        format!(
            "the key of {place} has changed: it shows {shown}, kept is {}; nothing was changed",
            old.join(", ")
        ),
    )
    .hint(format!(
        "the connection may be intercepted; only if the manager's administrator confirms that its key was changed, \
         `swp-keys trust remove {place}` and add it again"
    ))
}

/// Adds pins to what is kept of a manager.
pub(crate) fn add(trusted: &mut PinStore, place: &str, pins: &[Pin]) {
    let entry = trusted.managers.entry(place.to_owned());
    let kept = entry.or_insert_with(|| KnownManager {
        pins: Vec::new(),
        added: Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    for pin in pins {
        if !kept.pins.contains(pin) {
            kept.pins.push(*pin);
        }
    }
}

/// Shows what the manager shows, and wants `yes` in full or one of the two fingerprints: a habit of pressing `y` must not decide this.
///
/// # Errors
/// Of trust, with any other answer.
pub(crate) async fn ask(
    context: &Context,
    place: &str,
    certificate: &ServerCertificate,
    problem: &str,
) -> Result<(), Error> {
    let question = format!(
        "The certificate of {place} {}.\n\n{}\n\n{}\n\n\
         Trust the holder of this key from now on? `yes` in full, or paste one of the fingerprints: ",
        safe(problem),
        lines(certificate),
        comparison(place)
    );
    let flags = format!("give its key with `--tls-pin {}`", certificate.pin);
    let answer = context
        .prompt()
        .answer(&question, &flags, &context.signals)
        .await?;
    let pasted = answer.parse::<Fingerprint>().ok();
    let fits = |pasted| certificate.fingerprint == pasted || certificate.pin.has_digits_of(&pasted);
    if answer == "yes" || pasted.is_some_and(fits) {
        return Ok(());
    }
    let message = match pasted {
        Some(other) => format!(
            "neither the certificate of {place} nor its key has the fingerprint that was typed: {other}"
        ),
        None => format!("the key of {place} was not confirmed"),
    };
    Err(Error::new(ErrorKind::Trust, format!("{message}; nothing was sent")).hint(format!(
        "ask the manager's administrator for the fingerprint of its certificate or of its key; its key is the one of `--tls-pin {}`",
        certificate.pin
    )))
}

/// How the fingerprints are found on the manager itself.
pub(crate) fn comparison(place: &str) -> String {
    let port = place.rsplit(':').next().unwrap_or_default();
    format!(
        "On the manager itself, this prints the same fingerprint of the certificate unless the connection is intercepted:\n  \
         keytool -printcert -sslserver localhost:{port}\n\
         And this prints that of its public key:\n  {}",
        key_fingerprint_command(place)
    )
}

/// What a manager shows, in lines for a person.
pub(crate) fn lines(certificate: &ServerCertificate) -> String {
    format!(
        "{}\n\n  SHA-256 fingerprint of the certificate, as keytool, browsers and `openssl x509 -fingerprint -sha256` show it:\n    {}\n  \
         SHA-256 fingerprint of its public key, as `--tls-pin` takes it:\n    {}",
        foreign_lines(&certificate.details),
        certificate.fingerprint,
        certificate.pin
    )
}

/// What a certificate says of itself.
fn foreign_lines(details: &CertificateDetails) -> String {
    let time = |time: Option<chrono::DateTime<Utc>>| {
        time.map_or_else(
            || "?".to_owned(),
            |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
        )
    };
    let issuer = if details.issuer == details.subject {
        "itself".to_owned()
    } else {
        details.issuer.clone()
    };
    let names = match &details.names[..] {
        [] => "none".to_owned(),
        names if names.len() > NAMES => {
            let first = names[..NAMES].join(", ");
            format!("{first} and {} more", names.len() - NAMES)
        }
        names => names.join(", "),
    };
    let validity = format!(
        "from {} to {}",
        time(details.not_before),
        time(details.not_after)
    );
    [
        ("subject", &details.subject),
        ("issuer", &issuer),
        ("names", &names),
        ("valid", &validity),
        ("key", &details.key),
    ]
    .map(|(name, value)| format!("  {name:<8} {}", in_lines(&safe(&shortened(value)))))
    .join("\n")
}

/// Broken here and indented, so that nothing in a certificate stands where a line of ours would: a terminal breaks a long one at its
/// edge, and what comes then could look like another print. What is not ASCII may be twice as wide. No line begins with a command for
/// a CI runner.
fn in_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut rest = text.to_owned();
    loop {
        let mut width = 0;
        let end = rest.char_indices().find(|(_, character)| {
            width += if character.is_ascii() { 1 } else { 2 };
            width > WIDTH
        });
        let Some((end, _)) = end else {
            return lines + &rest;
        };
        lines.push_str(&rest[..end]);
        lines.push_str("\n           ");
        rest = without_leading_command(&rest[end..]);
    }
}

/// What a certificate says may be long enough to carry the question out of sight.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_fakes_no_line() {
        for filler in ["x", " ", "監"] {
            let fake = format!("SHA-256 fingerprint of it: sha256:{}", "0b".repeat(32));
            let details = CertificateDetails {
                subject: format!("CN={}  {fake}", filler.repeat(66)),
                ..CertificateDetails::default()
            };
            let text = foreign_lines(&details);
            assert!(text.lines().all(|line| line.chars().count() <= 11 + WIDTH));
            let prints = text.lines().filter(|line| line.starts_with("  SHA-256"));
            assert_eq!(prints.count(), 0, "{text}");
            let others = text.lines().filter(|line| line.contains("0b0b"));
            assert!(others.clone().count() > 0);
            for line in others {
                assert!(line.starts_with(&" ".repeat(11)), "{text}");
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_command_for_a_runner() {
        for blanks in ["", "   "] {
            let text = format!("{}{blanks}::stop-commands::x", "y".repeat(WIDTH));
            let shown = in_lines(&text);
            assert!(shown.lines().count() == 2, "{shown}");
            assert!(
                shown
                    .lines()
                    .all(|line| !line.trim_start().starts_with("::")),
                "{shown}"
            );
        }
    }
}
