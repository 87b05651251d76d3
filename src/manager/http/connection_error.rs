//! Classifies calls that failed before a complete response arrived.

use std::io::ErrorKind;

use rustls::AlertDescription;

use super::call::{CallContext, SignerKind};
use super::error_chain::{find, innermost, io_kind};
use super::hints::WAIT_FOR_START;
use super::proxy_failure::{self, ProxyAttempt};
use crate::manager::error::{Cause, ManagerError};
use crate::manager::tls::{alert, diagnosis};

/// Returns the error for a call without a complete response. Only `http/classify.rs` calls this function.
pub(crate) fn classify(
    call: CallContext<'_>,
    error: &reqwest::Error,
    proxy: Option<ProxyAttempt<'_>>,
) -> ManagerError {
    let of_proxy = proxy.and_then(|proxy| proxy_failure::classify(call, error, proxy));
    if let Some(failure) = of_proxy {
        return failure;
    }
    // Only a TLS error during the handshake is classified as a TLS failure. A TLS error after the handshake has nothing to do with the certificate,
    // and the request may have been processed.
    if let Some(tls) =
        find::<rustls::Error>(error).filter(|tls| error.is_connect() || is_certificate_request(tls))
    {
        return tls_failure(call, tls);
    }
    if !error.is_connect() {
        return broken(call, error);
    }
    let host = call.address.host_and_port();
    let failure = unconnected(&host, error);
    let is_wrong_port = io_kind(error).is_some_and(|kind| PORT_PROBLEMS.contains(&kind));
    match call.address.at_usual_port() {
        Some(address) if is_wrong_port || error.is_timeout() => failure.with_hint(format!(
            "an https address without a port means port 443; if the manager listens on port 4119, use {address}"
        )),
        _ => failure,
    }
}

/// The errors of a connection attempt that a wrong port can cause.
const PORT_PROBLEMS: [ErrorKind; 4] = [
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::UnexpectedEof,
    ErrorKind::BrokenPipe,
];

/// Returns the error for a connection that could not be established.
fn unconnected(host: &str, error: &reqwest::Error) -> ManagerError {
    let (cause, message, hint) = match io_kind(error) {
        Some(ErrorKind::ConnectionRefused) => (
            Cause::ConnectionRefused,
            format!("connection refused by {host}"),
            format!("check the address; {WAIT_FOR_START}"),
        ),
        Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) => (
            Cause::Reset,
            format!("{host} closed the connection during the handshake"),
            format!(
                "check that the port uses TLS and that the manager's key is supported ({}); {WAIT_FOR_START}",
                alert::SUPPORTED_KEYS
            ),
        ),
        _ if error.is_timeout() => (
            Cause::Unreachable,
            format!("connecting to {host} timed out"),
            "check the address, firewalls and `--proxy`, or raise `--connect-timeout`".to_owned(),
        ),
        _ => (
            Cause::Unreachable,
            format!("could not connect to {host}: {}", innermost(error)),
            "check the address, the DNS entry of the host and the proxy settings".to_owned(),
        ),
    };
    ManagerError::new(cause, message, Some(hint))
}

/// Returns the error for a connection that failed after it was established and before the response was complete.
fn broken(call: CallContext<'_>, error: &reqwest::Error) -> ManagerError {
    let host = call.address.host_and_port();
    let action = call.action;
    let uncertain_sign_in = (call.signer == SignerKind::Password).then(|| {
        "do not repeat the sign-in automatically: the manager may have counted this attempt, and failed attempts lock the account"
            .to_owned()
    });
    if error.is_timeout() {
        let message =
            format!("could not {action}: {host} did not send a complete response in time");
        let hint =
            uncertain_sign_in.unwrap_or_else(|| "raise `--timeout`, or check the network".into());
        return ManagerError::new(Cause::TimedOut, message, Some(hint));
    }
    let reason = innermost(error);
    let message = format!("could not {action}: the connection to {host} was lost: {reason}");
    if call.address.is_encrypted() {
        return ManagerError::new(Cause::Reset, message, uncertain_sign_in);
    }
    if reason.contains("invalid HTTP") {
        return needs_https(call);
    }
    let hint = format!(
        "if the port requires https, use {}",
        call.address.over_https()
    );
    ManagerError::new(Cause::Reset, message, Some(hint))
}

/// Returns the error for a plain HTTP request to a port that requires TLS. The server has not processed the request.
pub(crate) fn needs_https(call: CallContext<'_>) -> ManagerError {
    ManagerError::new(
        Cause::Unusable,
        format!("{} requires https", call.address.host_and_port()),
        Some(format!("use {}", call.address.over_https())),
    )
}

fn tls_failure(call: CallContext<'_>, error: &rustls::Error) -> ManagerError {
    let host = call.address.host_and_port();
    if let Some(problem) = diagnosis::explain(error, &host) {
        let message = format!(
            "the certificate of {host} {}; nothing was sent",
            problem.description
        );
        return ManagerError::new(Cause::Untrusted, message, Some(problem.hint));
    }
    let (message, hint) = match error {
        rustls::Error::InvalidMessage(_) => (
            format!("{host} does not use TLS"),
            "check the port: the manager's default is 4119",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("{host} rejected the TLS handshake: {alert:?}"),
            alert::hint(*alert),
        ),
        other => (
            format!("could not {}: TLS with {host} failed: {other}", call.action),
            alert::CHECK_TLS,
        ),
    };
    ManagerError::new(Cause::Untrusted, message, Some(hint.to_owned()))
}

/// Returns true if the server ended the connection because it requires a client certificate. In TLS 1.3, the server reports this after the client has
/// finished the handshake, but before the server reads a request.
fn is_certificate_request(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate
        )
    )
}
