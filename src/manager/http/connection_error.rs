//! Where no whole answer came: what broke, found out from the layers of errors that the HTTP library wraps it in.

use std::error::Error as _;

use rustls::AlertDescription;

use super::error_text;
use super::proxy_failure::{self, ProxyAttempt};
use crate::manager::error::{CallContext, Cause, ManagerError, SignerKind};
use crate::manager::tls::{alert, diagnosis};

/// What became of a call that got no whole answer. Only `error::classify` asks.
pub(crate) fn broken(
    call: CallContext<'_>,
    error: &reqwest::Error,
    through: Option<ProxyAttempt<'_>>,
) -> ManagerError {
    let of_proxy = through.and_then(|through| proxy_failure::of(call, error, through));
    if let Some(failure) = of_proxy {
        return failure;
    }
    let host = call.address.host_and_port();
    // Once the connection stands, TLS that fails says nothing about the certificate, and the request may have been worked on.
    if error.is_connect()
        && let Some(tls) = find::<rustls::Error>(error)
    {
        return tls_failure(call, tls, &host);
    }
    if let Some(tls) = find::<rustls::Error>(error).filter(|tls| wants_certificate(tls)) {
        return tls_failure(call, tls, &host);
    }
    let io = io_kind(error);
    let reason = error_text::innermost(error);
    if error.is_timeout() && !error.is_connect() {
        let message = format!("{}: no whole answer from {host} in time", call.what);
        return ManagerError::new(
            Cause::TimedOut,
            message,
            Some(lost_hint(call, "raise `--timeout`, or look at the network")),
        );
    }
    if !error.is_connect() && !call.address.is_encrypted() && reason.contains("invalid HTTP") {
        return speaks_https(call);
    }
    if !error.is_connect() && !call.address.is_encrypted() {
        let message = format!("{}: the connection to {host} broke ({reason})", call.what);
        let hint = format!(
            "check whether the port speaks https: write {}",
            call.address.over_https()
        );
        return ManagerError::new(Cause::Reset, message, Some(hint));
    }
    if !error.is_connect() {
        let message = format!("{}: the connection to {host} broke ({reason})", call.what);
        let hint = (call.signer == SignerKind::Password).then(|| lost_hint(call, ""));
        return ManagerError::new(Cause::Reset, message, hint);
    }
    if let Some(address) = call.address.at_usual_port() {
        let (cause, problem) = match io {
            Some(std::io::ErrorKind::ConnectionRefused) => {
                (Cause::ConnectionRefused, "was refused")
            }
            _ if error.is_timeout() => (Cause::Unreachable, "did not come about in time"),
            _ => (Cause::Unreachable, "failed"),
        };
        let message =
            format!("the connection to {host} {problem}: an address without a port means 443");
        let hint = format!("write {address} if the manager has its usual port");
        return ManagerError::new(cause, message, Some(hint));
    }
    let (cause, message, hint) = match io {
        Some(std::io::ErrorKind::ConnectionRefused) => (
            Cause::ConnectionRefused,
            format!("nobody listens at {host}"),
            "check the address; a manager that is starting is waited for with `--wait 5m`",
        ),
        Some(
            std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::BrokenPipe,
        ) => (
            Cause::Reset,
            format!("{host} broke the connection off before it stood"),
            "is it a TLS port? A manager that is starting is waited for with `--wait 5m`; one whose key is not RSA, ECDSA P-256 or P-384, \
             or Ed25519 (DSA, say) may break off like this too, and no pin helps then",
        ),
        _ if error.is_timeout() => (
            Cause::Unreachable,
            format!("no connection to {host} in time"),
            "check the address and the way there (firewall, `--proxy`), or raise `--connect-timeout`",
        ),
        _ => (
            Cause::Unreachable,
            format!("no connection to {host}: {reason}"),
            "check the address, the name's DNS entry, and the proxy if there is one",
        ),
    };
    ManagerError::new(cause, message, Some(hint.to_owned()))
}

/// A server that wants TLS was sent plain HTTP, which it does not work on.
pub(crate) fn speaks_https(call: CallContext<'_>) -> ManagerError {
    ManagerError::new(
        Cause::Unusable,
        format!("{} speaks https and not http", call.address.host_and_port()),
        Some(format!("write {}", call.address.over_https())),
    )
}

/// A sign-in whose answer is lost may have counted as a failed one.
fn lost_hint(call: CallContext<'_>, otherwise: &str) -> String {
    if call.signer == SignerKind::Password {
        "the manager may have counted this sign-in; do not repeat it in a loop, a wrong password would lock the account"
            .to_owned()
    } else {
        otherwise.to_owned()
    }
}

fn tls_failure(call: CallContext<'_>, error: &rustls::Error, host: &str) -> ManagerError {
    if let Some(problem) = diagnosis::explain(error, host) {
        let message = format!(
            "the certificate of {host} {}; nothing was sent",
            problem.description
        );
        return ManagerError::new(Cause::Untrusted, message, Some(problem.hint));
    }
    let (message, hint) = match error {
        rustls::Error::InvalidMessage(_) => (
            format!("{host} does not speak TLS"),
            "is the port right? The manager's is 4119 unless it was changed".to_owned(),
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("{host} refused the TLS connection ({alert:?})"),
            alert::hint(*alert).to_owned(),
        ),
        other => (
            format!("{}: TLS with {host} failed: {other}", call.what),
            "TLS 1.2 or 1.3 is needed; look at the manager's TLS settings".to_owned(),
        ),
    };
    ManagerError::new(Cause::Untrusted, message, Some(hint))
}

/// In TLS 1.3 a client learns only after its handshake that the server wanted a certificate: no request was read then.
fn wants_certificate(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate
        )
    )
}

/// The first error of type `T` on the way down. `io::Error` hides what it carries from `source`, so it is opened as well.
pub(crate) fn find<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        next = match current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => match inner.downcast_ref::<T>() {
                Some(found) => return Some(found),
                None => Some(inner),
            },
            None => current.source(),
        };
    }
    None
}

/// What the innermost `io::Error` is: one that only wraps another error says nothing by itself.
pub(crate) fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut kind = None;
    let mut next = error.source();
    while let Some(current) = next {
        let io = current.downcast_ref::<std::io::Error>();
        kind = io
            .map(std::io::Error::kind)
            .filter(|kind| *kind != std::io::ErrorKind::Other)
            .or(kind);
        next = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    kind
}
