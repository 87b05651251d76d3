//! Trust on first use: shows the certificate of an unknown manager to the user, and pins its key if the user confirms it.
//!
//! This uses a bare handshake, before any HTTP request and before the password prompt. It only happens if no setting and no stored pin
//! decides whom to trust. A key that differs from a stored pin is never offered for confirmation.

use chrono::Utc;

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{
    CertificateDetails, CertificateProblem, Fingerprint, Pin, ServerCertificate,
    fingerprint_pinned_instead, key_fingerprint_command,
};
use crate::process::signals::Signals;
use crate::target::Target;
use crate::terminal::output::{safe, without_leading_command};
use crate::terminal::prompt::Prompt;
use crate::text::shorten;
use crate::trust::pin_store::{KnownManager, PinStore};
use crate::trust::policy::TrustSource;

/// The limit for the names of a certificate that are shown.
const MAX_NAMES: usize = 8;
/// The limit for the length of a text from the certificate, so that it cannot push the question off the screen.
const MAX_LENGTH: usize = 300;
/// The indentation of text from the certificate.
const INDENT: usize = 11;
/// The width of a line of text from the certificate: that of a pin.
const WIDTH: usize = 71;

/// Whether an unknown manager can be trusted on first use: no setting decides, and there is a terminal or `--tls-accept-new`.
pub(crate) fn is_possible(target: &Target, context: &Context) -> Result<bool, Error> {
    if !target.address.is_encrypted() {
        return Ok(false);
    }
    let may = target.tls_accept_new || context.prompt() == Prompt::Terminal;
    Ok(may && target.trust()?.source == TrustSource::System)
}

/// Reads the manager's certificate, and pins its key if the system does not trust it and the user confirms it. Returns whether a key was
/// pinned.
///
/// # Errors
/// Returns a trust error if the user does not confirm the key, or an error if the handshake fails. Nothing was sent then.
pub(crate) async fn trust_on_first_use(target: &Target, context: &Context) -> Result<bool, Error> {
    let certificate = context
        .signals
        .cancel(async { target.probe().await })
        .await?;
    let Some(problem) = &certificate.problem else {
        return Ok(false);
    };
    let host = target.address.host_and_port();
    if !problem.can_be_pinned {
        return Err(untrusted(&host, problem));
    }
    if target.tls_accept_new {
        context.output.insist(&format!(
            "the certificate of {host} {}; pinning its key {} without comparison, because of `--tls-accept-new`",
            problem.description, certificate.pin
        ));
    } else {
        confirm(context, &host, &certificate, &problem.description).await?;
    }
    pin(&host, &certificate, target, context).await?;
    Ok(true)
}

/// Checks before the password prompt whether the manager is trusted.
///
/// # Errors
/// Returns a trust error if it is not trusted, or an error if the handshake fails. Nothing was sent then.
pub(crate) async fn check_before_asking(target: &Target, context: &Context) -> Result<(), Error> {
    let address = &target.address;
    // With `--wait`, the manager may not be ready yet.
    let waits = target.wait.is_some();
    if waits || !address.is_encrypted() || context.prompt() != Prompt::Terminal {
        return Ok(());
    }
    if matches!(target.trust()?.source, TrustSource::Insecure(_)) {
        return Ok(());
    }
    let probe = async { target.probe().await };
    let certificate = context.signals.cancel(probe).await?;
    match &certificate.problem {
        Some(problem) => Err(untrusted(&address.host_and_port(), problem)),
        None => Ok(()),
    }
}

fn untrusted(host: &str, problem: &CertificateProblem) -> Error {
    let message = format!(
        "the certificate of {host} {}; nothing was sent",
        problem.description
    );
    Error::new(ErrorKind::Trust, message).hint(&problem.hint)
}

/// Stores the pin. If that fails, the pin is valid for this run only, because the user has confirmed it.
///
/// # Errors
/// Returns a trust error if another run has stored another key for this host in the meantime: one of the two is not the manager's.
async fn pin(
    host: &str,
    certificate: &ServerCertificate,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    match store_first(host, certificate.pin, &context.signals).await {
        Ok(Ok(path)) => context.output.note(&format!(
            "stored the key of {host} in {path}; `swp-keys trust remove {host}` removes it"
        )),
        Ok(Err(known)) => return Err(other_key(host, &known, certificate)),
        Err(error) if context.signals.received().is_some() => return Err(error),
        Err(error) => {
            context
                .output
                .insist(&format!("{error}; the key is trusted in this run only"));
            target.confirm(certificate.pin);
        }
    }
    Ok(())
}

/// Stores the first pin of a manager, and returns the path of the file. If other keys are already stored for it, nothing is stored and
/// they are returned.
///
/// # Errors
/// Returns a usage error if the file cannot be read or written.
pub(crate) async fn store_first(
    host: &str,
    pin: Pin,
    signals: &Signals,
) -> Result<Result<String, KnownManager>, Error> {
    let result = PinStore::change(signals, |store| match store.managers.get(host) {
        Some(known) if !known.pins.contains(&pin) => Err(known.clone()),
        _ => {
            store.add(host, &[pin]);
            Ok(())
        }
    })
    .await?;
    let path = PinStore::path().unwrap_or_default();
    Ok(result.map(|()| path.display().to_string()))
}

/// Returns the error for a manager whose key is not one of the stored ones. If the fingerprint of its certificate was stored instead, the
/// error says so.
pub(crate) fn other_key(
    host: &str,
    known: &KnownManager,
    certificate: &ServerCertificate,
) -> Error {
    let mut pins = known.pins.iter();
    if pins.any(|pin| pin.equals_certificate(&certificate.fingerprint)) {
        let file = PinStore::path().unwrap_or_default();
        let file = file.display().to_string();
        let (problem, hint) = fingerprint_pinned_instead(&file, Some(host), certificate.pin);
        let message = format!("the certificate of {host} {problem}; nothing was changed");
        return Error::new(ErrorKind::Trust, message).hint(hint);
    }
    let stored: Vec<_> = known.pins.iter().map(Pin::to_string).collect();
    Error::new(
        ErrorKind::Trust,
        format!(
            "the key of {host} has changed: it has {}, stored is {}; nothing was changed",
            certificate.pin,
            stored.join(", ")
        ),
    )
    .hint(format!(
        "ask the manager's administrator whether its key was changed, because the connection may be intercepted; only if it was, run \
         `swp-keys trust remove {host}` and add the key again"
    ))
}

/// Shows the certificate, and asks the user to type `yes` or one of the two fingerprints. A single `y` is not accepted, because users type
/// it out of habit.
///
/// # Errors
/// Returns a trust error for any other answer.
pub(crate) async fn confirm(
    context: &Context,
    host: &str,
    certificate: &ServerCertificate,
    problem: &str,
) -> Result<(), Error> {
    let question = format!(
        "The certificate of {host} {}.\n\n{}\n\n{}\n\nTrust this key from now on? Type `yes`, or paste one of the fingerprints: ",
        safe(problem),
        describe(certificate),
        comparison_commands(host)
    );
    let flags = format!("give its key with `--tls-pin {}`", certificate.pin);
    let answer = context
        .prompt()
        .answer(&question, &flags, &context.signals)
        .await?;
    let pasted = answer.parse::<Fingerprint>().ok();
    let matches =
        |pasted| certificate.fingerprint == pasted || certificate.pin.equals_certificate(&pasted);
    if answer == "yes" || pasted.is_some_and(matches) {
        return Ok(());
    }
    let message = match pasted {
        Some(other) => format!(
            "neither the certificate of {host} nor its key has the typed fingerprint {other}"
        ),
        None => format!("the key of {host} was not confirmed"),
    };
    let hint = format!(
        "ask the manager's administrator for the fingerprint of its certificate or its key; the fingerprint of the key is the one in \
         `--tls-pin {}`",
        certificate.pin
    );
    Err(Error::new(ErrorKind::Trust, format!("{message}; nothing was sent")).hint(hint))
}

/// Returns the commands that print the fingerprints on the manager's host.
pub(crate) fn comparison_commands(host: &str) -> String {
    let port = host.rsplit(':').next().unwrap_or_default();
    format!(
        "Compare the fingerprints on the manager's host: they are equal unless the connection is intercepted.\n\
         Certificate:\n  keytool -printcert -sslserver localhost:{port}\n\
         Public key:\n  {}",
        key_fingerprint_command(host)
    )
}

/// Describes a certificate in several lines.
pub(crate) fn describe(certificate: &ServerCertificate) -> String {
    format!(
        "{}\n\n  SHA-256 fingerprint of the certificate, as in keytool, browsers and `openssl x509 -fingerprint -sha256`:\n    {}\n  \
         SHA-256 fingerprint of the public key, as in `--tls-pin`:\n    {}",
        describe_details(&certificate.details),
        certificate.fingerprint,
        certificate.pin
    )
}

fn describe_details(details: &CertificateDetails) -> String {
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
        names if names.len() > MAX_NAMES => {
            let first = names[..MAX_NAMES].join(", ");
            format!("{first} and {} more", names.len() - MAX_NAMES)
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
    .map(|(name, value)| {
        let value = wrapped(&safe(&shorten(value, MAX_LENGTH)));
        format!("  {name:<8} {value}")
    })
    .join("\n")
}

/// Wraps and indents text from a certificate. A terminal would wrap a long line at its edge, and the rest could look like a line of this
/// program, for example another fingerprint. Characters outside ASCII count as two columns. No line begins with a command for a CI runner.
fn wrapped(text: &str) -> String {
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
        lines.push('\n');
        lines.push_str(&" ".repeat(INDENT));
        rest = without_leading_command(&rest[end..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_cannot_imitate_a_line() {
        for filler in ["x", " ", "監"] {
            let fake = format!("SHA-256 fingerprint of it: sha256:{}", "0b".repeat(32));
            let details = CertificateDetails {
                subject: format!("CN={}  {fake}", filler.repeat(66)),
                ..CertificateDetails::default()
            };
            let text = describe_details(&details);
            assert!(
                text.lines()
                    .all(|line| line.chars().count() <= INDENT + WIDTH)
            );
            let fingerprints = text.lines().filter(|line| line.starts_with("  SHA-256"));
            assert_eq!(fingerprints.count(), 0, "{text}");
            let others = text.lines().filter(|line| line.contains("0b0b"));
            assert!(others.clone().count() > 0);
            for line in others {
                assert!(line.starts_with(&" ".repeat(INDENT)), "{text}");
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_command_for_a_runner() {
        for spaces in ["", "   "] {
            let text = format!("{}{spaces}::stop-commands::x", "y".repeat(WIDTH));
            let lines = wrapped(&text);
            assert!(lines.lines().count() == 2, "{lines}");
            assert!(
                lines
                    .lines()
                    .all(|line| !line.trim_start().starts_with("::")),
                "{lines}"
            );
        }
    }
}
