//! Classifies failures between this machine and the proxy, and error responses of the proxy. In all of these failures, nothing was sent to the
//! manager.

use std::io::ErrorKind;

use super::call::CallContext;
use super::error_chain::{find, innermost, io_kind, tunnel_problem};
use super::proxy::Proxy;
use super::proxy_response::ProxyResponse;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::tls::diagnosis;
use crate::manager::tls::verifier::UntrustedProxy;

/// The proxy that a call used. If the proxy refused the call's CONNECT request, this program sends a second one to read the reason. `response` is the
/// proxy's response to the second CONNECT request.
pub(crate) struct ProxyAttempt<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) response: Option<ProxyResponse>,
}

/// The HTTP library's error message if a proxy requires credentials.
pub(crate) const CREDENTIALS_REQUIRED: &str = "proxy authorization required";
/// The HTTP library's error message if a proxy returns an error response and does not require credentials.
pub(crate) const REFUSED: &str = "unsuccessful";

/// Returns the error for a call that the proxy did not forward. `None` if the failure occurred between the proxy and the manager.
pub(crate) fn classify(
    call: CallContext<'_>,
    error: &reqwest::Error,
    attempt: ProxyAttempt<'_>,
) -> Option<ManagerError> {
    let ProxyAttempt { proxy, response } = attempt;
    let host = call.address.host_and_port();
    if let Some(tls) = find::<rustls::Error>(error) {
        if let Some(UntrustedProxy(cause)) = UntrustedProxy::cause_of(tls) {
            return Some(untrusted(cause, proxy));
        }
        // The verifier recognizes the proxy by its host name. If the proxy and the manager have the same host name, the error is not
        // `UntrustedProxy`. But if the tunnel through the proxy was not opened, the rejected certificate is the proxy's.
        return tunnel_problem(error).map(|_| match tls {
            rustls::Error::InvalidCertificate(_) => untrusted(tls, proxy),
            other => tls_failure(other, proxy),
        });
    }
    let Some(problem) = tunnel_problem(error) else {
        return (error.is_connect() && error.is_timeout()).then(|| timed_out(proxy, &host));
    };
    let refused = [CREDENTIALS_REQUIRED, REFUSED].contains(&problem.as_str());
    Some(match response {
        _ if problem == CREDENTIALS_REQUIRED => {
            requires_credentials(proxy, &host, response.as_ref())
        }
        Some(ProxyResponse { status: None, .. }) => unusable(
            Cause::ProxyRefused,
            format!("the response of {proxy} is not HTTP; nothing was sent to {host}"),
            proxy,
        ),
        Some(response) => refusal(proxy, &host, &response),
        None if refused => unusable(
            Cause::Unreachable,
            format!("{proxy} refused to connect to {host}; nothing was sent"),
            proxy,
        ),
        None if io_kind(error) == Some(ErrorKind::ConnectionRefused) => unusable(
            Cause::ConnectionRefused,
            format!("connection refused by {proxy}"),
            proxy,
        ),
        None => {
            let reason = innermost(error);
            let reason = reason.strip_prefix("tunnel error: ").unwrap_or(&reason);
            let message =
                format!("could not connect to {host} through {proxy}: {reason}; nothing was sent");
            unusable(Cause::Unreachable, message, proxy)
        }
    })
}

fn timed_out(proxy: &Proxy, host: &str) -> ManagerError {
    let message = format!("connecting to {host} through {proxy} timed out");
    let hint = format!(
        "check the proxy, or raise `--connect-timeout`; {}",
        bypass(proxy)
    );
    ManagerError::new(Cause::Unreachable, message, Some(hint))
}

fn unusable(cause: Cause, message: String, proxy: &Proxy) -> ManagerError {
    let hint = format!("check the address of the proxy; {}", bypass(proxy));
    ManagerError::new(cause, message, Some(hint))
}

fn bypass(proxy: &Proxy) -> String {
    format!(
        "to connect without the proxy, remove {} or add the manager's host to NO_PROXY",
        proxy.source
    )
}

/// Returns the error for a connection that the proxy refused. After a timeout, a rate limit or a server error, the proxy may be able to connect
/// later. All other refusals are final.
fn refusal(proxy: &Proxy, host: &str, response: &ProxyResponse) -> ManagerError {
    let cause = match response.status {
        Some(408 | 429 | 500..) => Cause::Unreachable,
        _ => Cause::ProxyRefused,
    };
    let message = format!(
        "{proxy} refused to connect to {host}: {}; nothing was sent",
        summary(response)
    );
    let hint = format!(
        "check that the proxy allows connections to this host and port; {}",
        bypass(proxy)
    );
    ManagerError::new(cause, message, Some(hint))
}

/// Returns the HTTP status and the text of the proxy's response.
fn summary(response: &ProxyResponse) -> String {
    let status = response.status.map(|status| format!("HTTP {status}"));
    let parts: Vec<String> = status
        .into_iter()
        .chain(response.texts.iter().cloned())
        .collect();
    parts.join(", ")
}

fn requires_credentials(
    proxy: &Proxy,
    host: &str,
    response: Option<&ProxyResponse>,
) -> ManagerError {
    let summary = response.map_or_else(|| "HTTP 407".to_owned(), summary);
    let message = format!("{proxy} refused to connect to {host}: {summary}; nothing was sent");
    let schemes = response.map_or(&[][..], |response| &response.schemes);
    let hint = if !schemes.is_empty() && schemes.iter().all(|scheme| scheme != "basic") {
        format!(
            "enable Basic authentication on the proxy (the proxy accepts only {}); {}",
            schemes.join(", "),
            bypass(proxy)
        )
    } else if proxy.address.has_credentials() {
        format!("check the user name and the password in {}", proxy.source)
    } else {
        "add the proxy's user name and password to HTTPS_PROXY or `--proxy`: http://USER:PASSWORD@HOST:PORT".to_owned()
    };
    ManagerError::new(Cause::ProxyRefused, message, Some(hint))
}

fn untrusted(cause: &rustls::Error, proxy: &Proxy) -> ManagerError {
    let host = proxy.address.to_string();
    let problem = diagnosis::explain(cause, &host).map_or_else(
        || format!("was rejected: {cause}"),
        |problem| problem.description,
    );
    let message = format!("the certificate of {proxy} {problem}; nothing was sent");
    let hint = "add the CA of the proxy to the system's root certificates or to the file in SSL_CERT_FILE; the settings for the \
                manager's certificate do not apply to the proxy";
    ManagerError::new(Cause::Untrusted, message, Some(hint.to_owned()))
}

fn tls_failure(error: &rustls::Error, proxy: &Proxy) -> ManagerError {
    let (message, hint) = match error {
        rustls::Error::InvalidMessage(_) => (
            format!("{proxy} does not use TLS; nothing was sent"),
            "use an http address for the proxy, as most proxies require".to_owned(),
        ),
        other => (
            format!("TLS with {proxy} failed: {other}; nothing was sent"),
            bypass(proxy),
        ),
    };
    ManagerError::new(Cause::Untrusted, message, Some(hint))
}
