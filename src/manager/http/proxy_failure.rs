//! What went wrong between here and the proxy, or with what it answered: not the manager's doing. Nothing was sent to the manager.

use std::io::ErrorKind;

use super::connection_error::{find, io_kind};
use super::error_text;
use super::proxy::Proxy;
use super::proxy_response::ProxyResponse;
use crate::manager::error::{CallContext, Cause, ManagerError};
use crate::manager::tls::diagnosis;
use crate::manager::tls::manager_or_proxy::UntrustedProxy;

/// The proxy that a call went through, and what it answered, if it was asked.
pub(crate) struct ProxyAttempt<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) answer: Option<ProxyResponse>,
}

/// What the HTTP library reports of a proxy that wants to be signed in to.
pub(crate) const WANTS_SIGN_IN: &str = "proxy authorization required";
/// The same of every other refusal.
pub(crate) const REFUSED: &str = "unsuccessful";

/// What became of a call that the proxy did not let through; none if the failure lies behind the proxy.
pub(crate) fn of(
    call: CallContext<'_>,
    error: &reqwest::Error,
    through: ProxyAttempt<'_>,
) -> Option<ManagerError> {
    let ProxyAttempt { proxy, answer } = through;
    let host = call.address.host_and_port();
    if let Some(tls) = find::<rustls::Error>(error) {
        if let Some(UntrustedProxy(cause)) = UntrustedProxy::cause_of(tls) {
            return Some(untrusted(cause, proxy));
        }
        // A proxy on the manager's own host is checked by its name as the manager is.
        return error_text::tunnel_problem(error).map(|_| match tls {
            rustls::Error::InvalidCertificate(_) => untrusted(tls, proxy),
            other => no_tls(other, proxy),
        });
    }
    let Some(problem) = error_text::tunnel_problem(error) else {
        let no_time = || {
            let message = format!("no connection to {host} through {proxy} in time");
            let hint = format!(
                "check the proxy, or raise `--connect-timeout`; {}",
                without(proxy)
            );
            ManagerError::new(Cause::Unreachable, message, Some(hint))
        };
        return (error.is_connect() && error.is_timeout()).then(no_time);
    };
    let io = io_kind(error);
    let refused = [WANTS_SIGN_IN, REFUSED].contains(&problem.as_str());
    Some(match answer {
        _ if problem == WANTS_SIGN_IN => wants_sign_in(proxy, &host, answer.as_ref()),
        Some(ProxyResponse { status: None, .. }) => plain(
            Cause::ProxyRefused,
            format!("{proxy} does not answer in HTTP; nothing was sent"),
            proxy,
        ),
        Some(answer) => refusal(proxy, &host, &answer),
        None if refused => plain(
            Cause::Unreachable,
            format!("{proxy} refused to connect to {host}; nothing was sent"),
            proxy,
        ),
        None if io == Some(ErrorKind::ConnectionRefused) => plain(
            Cause::ConnectionRefused,
            format!("the connection was refused by {proxy}"),
            proxy,
        ),
        None => {
            let reason = error_text::innermost(error);
            let reason = reason.strip_prefix("tunnel error: ").unwrap_or(&reason);
            let message =
                format!("no connection to {host} through {proxy}: {reason}; nothing was sent");
            plain(Cause::Unreachable, message, proxy)
        }
    })
}

fn plain(cause: Cause, message: String, proxy: &Proxy) -> ManagerError {
    let hint = format!("check the address of the proxy; {}", without(proxy));
    ManagerError::new(cause, message, Some(hint))
}

fn without(proxy: &Proxy) -> String {
    format!(
        "to connect without it, leave out {}, or name the manager's host in NO_PROXY",
        proxy.source
    )
}

/// A gateway that has no way just now may have one later; anything else is an answer for good.
fn refusal(proxy: &Proxy, host: &str, answer: &ProxyResponse) -> ManagerError {
    let cause = match answer.status {
        Some(408 | 429 | 500..) => Cause::Unreachable,
        _ => Cause::ProxyRefused,
    };
    let message = format!(
        "{proxy} refused to connect to {host}{}; nothing was sent",
        said(answer)
    );
    let hint = format!(
        "check whether the proxy lets connections to this host and port pass; {}",
        without(proxy)
    );
    ManagerError::new(cause, message, Some(hint))
}

/// Its status and its words.
fn said(answer: &ProxyResponse) -> String {
    let status = answer.status.map(|status| format!("HTTP {status}"));
    let parts: Vec<String> = status
        .into_iter()
        .chain(answer.words.iter().cloned())
        .collect();
    format!(" ({})", parts.join(", "))
}

fn wants_sign_in(proxy: &Proxy, host: &str, answer: Option<&ProxyResponse>) -> ManagerError {
    let said = answer.map_or_else(|| " (HTTP 407)".to_owned(), said);
    let message = format!("{proxy} refused to connect to {host}{said}; nothing was sent");
    let schemes = answer.map_or(&[][..], |answer| &answer.schemes);
    let hint = if !schemes.is_empty() && schemes.iter().all(|scheme| scheme != "basic") {
        format!(
            "the proxy accepts {} only, and a user name and a password are sent as Basic; {}",
            schemes.join(", "),
            without(proxy)
        )
    } else if proxy.address.has_credentials() {
        format!("check the user name and the password in {}", proxy.source)
    } else {
        "give the proxy's user name and password in HTTPS_PROXY or `--proxy`: http://USER:PASSWORD@HOST:PORT".to_owned()
    };
    ManagerError::new(Cause::ProxyRefused, message, Some(hint))
}

fn untrusted(cause: &rustls::Error, proxy: &Proxy) -> ManagerError {
    let host = proxy.address.to_string();
    let problem = diagnosis::explain(cause, &host).map_or_else(
        || format!("was refused: {cause}"),
        |problem| problem.description,
    );
    let message = format!("the certificate of {proxy} {problem}; nothing was sent");
    let hint = "the system's roots judge a proxy, whatever is said about the manager: add the CA of the proxy there, or to the file \
                in SSL_CERT_FILE";
    ManagerError::new(Cause::Untrusted, message, Some(hint.to_owned()))
}

fn no_tls(error: &rustls::Error, proxy: &Proxy) -> ManagerError {
    let (message, hint) = match error {
        rustls::Error::InvalidMessage(_) => (
            format!("{proxy} does not speak TLS; nothing was sent"),
            "write its address with http, as most proxies want it".to_owned(),
        ),
        other => (
            format!("TLS with {proxy} failed: {other}; nothing was sent"),
            without(proxy),
        ),
    };
    ManagerError::new(Cause::Untrusted, message, Some(hint))
}
