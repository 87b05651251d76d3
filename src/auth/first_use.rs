//! Trust on first use: shows the certificate of an unknown manager to the user, and pins the certificate's public key if the user confirms it.
//!
//! The certificate is read in a separate TLS handshake, before any HTTP request and before the password prompt. The user is not asked if a setting or
//! a stored pin (the fingerprint of a public key) determines which certificate is trusted. If the manager's public key matches no stored pin, the run
//! fails without a question.

use super::certificate_text::{COLUMNS, MAX_LENGTH, comparison_commands, describe_with};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{
    Cause, CertificateProblem, Fingerprint, Pin, ServerCertificate, fingerprint_pinned_instead,
    incomplete_fingerprint, key_fingerprint_command,
};
use crate::process::signals::Signals;
use crate::target::Target;
use crate::terminal::output::{filled, safe};
use crate::text::shorten;
use crate::trust::pin_store::{KnownManager, PinStore};
use crate::trust::policy::TrustSource;

/// The number of hex digits on the first of the two lines of a fingerprint.
const HALF: usize = 32;
/// The maximum number of times that the user is asked whether to trust a certificate.
const MAX_QUESTIONS: usize = 3;

/// Returns true if this run can pin the public key of an unknown manager. Pinning requires a terminal or `--tls-accept-new`. Pinning is not possible
/// if a setting or a stored pin determines which certificate is trusted.
pub(crate) fn is_possible(target: &Target, context: &Context) -> Result<bool, Error> {
    if !target.address.is_encrypted() {
        return Ok(false);
    }
    let may = target.tls_accept_new || context.prompt().is_available();
    Ok(may && target.trust()?.source == TrustSource::System)
}

/// Reads the manager's certificate. If the system does not trust the certificate, asks the user to confirm it, and pins its public key. With
/// `--tls-accept-new`, pins the public key without a question. Returns true if a public key was pinned.
///
/// # Errors
/// Returns a trust error if the certificate cannot be pinned or the user does not confirm it. Returns an error if the TLS handshake fails. No HTTP
/// request was sent before these errors.
pub(crate) async fn trust_on_first_use(target: &Target, context: &Context) -> Result<bool, Error> {
    let certificate = context
        .signals
        .cancel(async { target.probe(context).await })
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
            "the certificate of {host} {}; pinning its key {} without confirmation, because `--tls-accept-new` is set",
            problem.description, certificate.pin
        ));
    } else {
        confirm(context, &host, &certificate, &problem.description).await?;
    }
    pin(&host, &certificate, target, context).await?;
    Ok(true)
}

/// Checks that the manager's certificate is trusted, before the user is asked for a password. If the address uses http, checks that the manager
/// accepts http.
///
/// # Errors
/// Returns a trust error if the certificate is not trusted, or an error if the TLS handshake fails. No credential has been sent before these errors.
pub(crate) async fn check_before_asking(target: &Target, context: &Context) -> Result<(), Error> {
    let address = &target.address;
    // With `--wait`, nothing is checked here, because the manager may not have started yet.
    let waits = target.wait.is_some();
    if waits || !context.prompt().is_available() {
        return Ok(());
    }
    if !address.is_encrypted() {
        let manager = target.manager(context)?;
        let readiness = async { Ok(manager.check_readiness().await) };
        return match context.signals.cancel(readiness).await? {
            Err(error) if *error.cause() == Cause::Unusable => Err(error.into()),
            // Any other failure is reported by the sign-in, which may retry.
            _ => Ok(()),
        };
    }
    if matches!(target.trust()?.source, TrustSource::Insecure(_)) {
        return Ok(());
    }
    let probe = async { target.probe(context).await };
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

/// Stores the pin of the certificate that the user confirmed. If the pin file cannot be written, the certificate's public key is trusted only in this
/// run.
///
/// # Errors
/// Returns a trust error if a concurrent run has stored a different pin for this host.
async fn pin(
    host: &str,
    certificate: &ServerCertificate,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    match store_first(host, certificate.pin, &context.signals).await {
        Ok(Ok(path)) => context.output.note(&format!(
            "pinned the key of {host} in {path}; run `swp-keys trust remove {host}` to unpin it"
        )),
        Ok(Err(known)) => return Err(other_key(host, &known, certificate)),
        Err(error) if context.signals.received().is_some() => return Err(error),
        Err(error) => {
            context.output.insist(&format!(
                "{error}; the manager's key is trusted only in this run"
            ));
            target.confirm(certificate.pin);
        }
    }
    Ok(())
}

/// Stores the first pin of a manager, and returns the path of the pin file. If other pins of the manager are already stored, stores nothing and
/// returns the stored pins.
///
/// # Errors
/// Returns a usage error if the pin file cannot be read or written.
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

/// Returns the error for a manager whose public key matches no stored pin. If a stored pin is the fingerprint of the whole certificate, the error
/// says that a pin must be the fingerprint of the public key.
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
            "the key of {host} has changed to {} (stored: {}); nothing was changed",
            certificate.pin,
            stored.join(", ")
        ),
    )
    .hint(format!(
        "ask the manager's administrator whether the key was replaced; if it was, run `swp-keys trust remove {host}` and pin the new key; if it was not, the connection may be intercepted"
    ))
}

/// Shows the certificate, and asks the user whether to trust it. The user types `yes` or `no`, or pastes a fingerprint of the certificate or its
/// public key. A single `y` is invalid, because many users type `y` without reading the question. After an invalid answer, the user is asked again,
/// at most twice.
///
/// # Errors
/// Returns a trust error if the user types `no` or a fingerprint that does not match, or if the last answer is invalid.
pub(crate) async fn confirm(
    context: &Context,
    host: &str,
    certificate: &ServerCertificate,
    problem: &str,
) -> Result<(), Error> {
    let mut question = first_question(host, certificate, problem);
    let flags = format!(
        "compare the key's fingerprint with the output of `{}` on the manager's host; if they are equal, pass `--tls-pin {}`",
        key_fingerprint_command(host),
        certificate.pin
    );
    let mut message = format!("the key of {host} was not confirmed");
    let mut is_invalid = false;
    let mut first_line = String::new();
    for attempt in 1..=MAX_QUESTIONS {
        let answer = context
            .prompt()
            .answer(&question, &flags, &context.signals)
            .await?;
        let answer = std::mem::take(&mut first_line) + &answer;
        match answer.parse::<Fingerprint>() {
            Ok(pasted) if certificate.has_fingerprint(&pasted) => return Ok(()),
            Ok(_) => return Err(mismatch(&answer, host)),
            Err(_) if answer == "yes" => return Ok(()),
            Err(_) if answer == "no" => {
                is_invalid = false;
                break;
            }
            Err(_) => {
                is_invalid = true;
                question = repeated_question(&answer, attempt + 1);
                // The question shows the certificate's fingerprint on two lines, so a pasted fingerprint may arrive as two answers.
                if incomplete_fingerprint(&answer) == Some(HALF) {
                    question = "Paste the second half of the fingerprint: ".to_owned();
                    first_line = answer;
                }
            }
        }
    }
    if is_invalid {
        message.push_str(
            ", because the last answer was neither `yes`, `no` nor a whole SHA-256 fingerprint (64 hex digits)",
        );
    }
    let hint = format!(
        "ask the manager's administrator for the fingerprint of the public key; if it is {}, run the command again and confirm the key",
        certificate.pin
    );
    Err(Error::new(ErrorKind::Trust, format!("{message}; nothing was sent")).hint(hint))
}

/// Returns the question whether to trust a certificate, with a description of the certificate.
fn first_question(host: &str, certificate: &ServerCertificate, problem: &str) -> String {
    let fingerprint = certificate.fingerprint.to_string();
    // The fingerprint is split into two lines, because it is too long for one line of `COLUMNS` characters.
    let (first, second) = fingerprint.split_at(fingerprint.len().div_ceil(2));
    format!(
        "{}\n\n{}\n\n{}\n\nTrust this key from now on? Type `yes` or `no`, or paste a fingerprint: ",
        filled(
            &format!("The certificate of {host} {}.", safe(problem)),
            COLUMNS
        ),
        describe_with(certificate, &format!("{first}\n    {second}")),
        comparison_commands(host)
    )
}

/// Returns the error for a pasted fingerprint that does not match. The error omits the fingerprint of the presented certificate, because the user
/// could paste that fingerprint in the next run.
fn mismatch(pasted: &str, host: &str) -> Error {
    let message = format!(
        "the pasted fingerprint `{}` matches neither the certificate of {host} nor its key; nothing was sent",
        safe(&shorten(pasted, MAX_LENGTH)).replace('`', "'")
    );
    Error::new(ErrorKind::Trust, message).hint(
        "do not continue until the manager's administrator has explained why the fingerprints differ: the connection may be intercepted",
    )
}

/// Returns the question to repeat after an invalid answer. If the answer is a fingerprint of the wrong length, the question begins with this reason.
fn repeated_question(answer: &str, attempt: usize) -> String {
    let reason = incomplete_fingerprint(answer).map(|count| {
        format!("The pasted fingerprint has {count} hex digits, but a whole SHA-256 fingerprint has 64.\n")
    });
    let reason = reason.unwrap_or_default();
    format!(
        "{reason}Attempt {attempt} of {MAX_QUESTIONS}: type the whole word `yes` or `no`, or paste a fingerprint: "
    )
}
