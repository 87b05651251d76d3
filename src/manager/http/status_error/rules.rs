//! Classifies error responses by their status and body.
//!
//! It is undocumented which status the manager sends for most errors (docs/manager-api.md, "Errors"). A comment at each decision explains why the
//! decision is correct for every status that the manager may send.

use std::time::Duration;

use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::manager::address::KEY_PAGE;
use crate::manager::error::{Cause, ManagerError, SignInRefusal};
use crate::manager::http::call::{CallContext, SignerKind};
use crate::manager::http::date::date;
use crate::manager::http::hints::{CLOUD_ONE_KEY, LOCKED, SIGN_IN_AGAIN, WAIT_FOR_START};
use crate::manager::http::web_page::WebPage;
use crate::manager::http::{connection_error, error_text, redirect};

/// The facts extracted from the body of an error response.
#[derive(Clone, Copy, Default)]
pub(crate) struct ErrorBody<'a> {
    /// The manager's message.
    pub(crate) message: Option<&'a str>,
    /// A web page.
    pub(crate) page: Option<&'a WebPage>,
}

/// Returns the error for an error response. Only `http/classify.rs` calls this function.
pub(crate) fn classify(
    call: CallContext<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: ErrorBody<'_>,
) -> ManagerError {
    let ErrorBody { message, page } = body;
    let detail = match (message, page) {
        (Some(message), _) => format!(": {message}"),
        (None, Some(page)) => format!(": the response is {page}"),
        (None, None) => String::new(),
    };
    let error = by_message(call, status, message, &detail)
        .or_else(|| by_status(call, status, headers, &detail))
        .unwrap_or_else(|| match page {
            Some(page) if is_foreign(call, status, page) => foreign_page(call, status, &detail),
            _ => refusal(call, status, message, &detail),
        });
    error.with_status(status)
}

/// Returns the error that the manager's message identifies. It is unknown which status the manager sends with each message.
fn by_message(
    call: CallContext<'_>,
    status: StatusCode,
    message: Option<&str>,
    detail: &str,
) -> Option<ManagerError> {
    let message = message?;
    let action = call.action;
    let signing_in = call.signer == SignerKind::Password;
    // The status 429 always means that the rate limit was exceeded and the call was not executed, whatever the message says.
    let is_refusal = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
    let refused = is_refusal.then_some(status.as_u16());
    if signing_in && error_text::is_session_limit(message) {
        return Some(too_many_sessions(call, detail));
    }
    if let Some(code) = refused.filter(|_| error_text::is_version_refused(message)) {
        return Some(ManagerError::new(
            Cause::Rejected(code),
            format!(
                "could not {action}: the manager rejected the header `api-version: v1` (HTTP {status}){detail}"
            ),
            Some("check that no proxy removes or changes this header".to_owned()),
        ));
    }
    let taken = |_: &u16| !signing_in && error_text::is_name_taken(message);
    refused.filter(taken).map(|code| {
        ManagerError::new(
            Cause::Rejected(code),
            format!("could not {action}: HTTP {status}{detail}"),
            Some(
                "choose a different name: a key or a user with this name already exists".to_owned(),
            ),
        )
        .with_name_taken()
    })
}

/// Returns the error for a status whose meaning does not depend on the credentials of the call. `None` for every other status.
fn by_status(
    call: CallContext<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    detail: &str,
) -> Option<ManagerError> {
    let action = call.action;
    match status.as_u16() {
        400 if !call.address.is_encrypted() && error_text::is_tls_required(detail) => {
            Some(connection_error::needs_https(call))
        }
        300..=399 => Some(redirect::classify(call, headers)),
        429 => Some(ManagerError::new(
            Cause::RateLimited {
                retry_after: retry_after(headers),
            },
            format!("could not {action}: the manager's rate limit is exceeded{detail}"),
            Some(
                "wait a minute and run the command again; the manager did not execute this call"
                    .to_owned(),
            ),
        )),
        502..=504 => Some(ManagerError::new(
            Cause::Unavailable {
                retry_after: retry_after(headers),
            },
            format!("could not {action}: the manager is not available (HTTP {status}){detail}"),
            Some(WAIT_FOR_START.to_owned()),
        )),
        _ => None,
    }
}

/// Returns true if a web page probably comes from a different server than the manager, such as a proxy. Two kinds of page are attributed to the
/// manager:
///
/// - A page of Tomcat with the status 401 or 403, because the manager runs in Tomcat. If such a page were attributed to a proxy, a rejected sign-in
///   would be retried, and the retries could lock the account.
/// - Any page with the status 404 or 405, because these statuses mean that the object or the endpoint does not exist.
fn is_foreign(call: CallContext<'_>, status: StatusCode, page: &WebPage) -> bool {
    match status.as_u16() {
        401 | 403 => !page.is_from_tomcat(),
        404 | 405 => false,
        500.. => matches!(call.signer, SignerKind::Password | SignerKind::None),
        _ => true,
    }
}

/// Returns the error for a web page from a proxy, a firewall or a portal, or from an application server whose application is still
/// starting.
fn foreign_page(call: CallContext<'_>, status: StatusCode, detail: &str) -> ManagerError {
    let (cause, hint) = if status.is_server_error() {
        (
            Cause::Unavailable { retry_after: None },
            "if the manager is still starting, add `--wait 5m`; if it is not starting, check the manager's log",
        )
    } else {
        (
            Cause::Rejected(status.as_u16()),
            "check `--url`; if it is correct, a proxy or firewall between this machine and the manager may have sent the page",
        )
    };
    let message = format!(
        "could not {}: {} responded with HTTP {status}{detail}",
        call.action, call.address
    );
    ManagerError::new(cause, message, Some(hint.to_owned()))
}

/// Returns the error for a call that the manager rejected.
fn refusal(
    call: CallContext<'_>,
    status: StatusCode,
    message: Option<&str>,
    detail: &str,
) -> ManagerError {
    let action = call.action;
    if call.signer == SignerKind::Password {
        return match status.as_u16() {
            404 | 405 if message.is_none() => no_sign_in_endpoint(call, status, detail),
            _ => sign_in_refused(call, status, message),
        };
    }
    let message_is = |test: fn(&str) -> bool| message.is_some_and(test);
    match status.as_u16() {
        401 => unauthorized(call, detail),
        403 if call.signer == SignerKind::Session && message_is(error_text::is_session_ended) => {
            unauthorized(call, detail)
        }
        403 if call.signer.is_key() && message_is(error_text::is_key_refused) => {
            unauthorized(call, detail)
        }
        403 => ManagerError::new(
            Cause::Forbidden,
            format!("could not {action}: the manager denied permission{detail}"),
            Some(forbidden_hint(call.signer).to_owned()),
        ),
        404 => ManagerError::new(
            Cause::NotFound,
            format!("could not {action}: the object does not exist{detail}"),
            (call.signer == SignerKind::CloudOneKey).then(|| CLOUD_ONE_KEY.to_owned()),
        ),
        code => ManagerError::new(
            Cause::Rejected(code),
            format!("could not {action}: HTTP {status}{detail}"),
            None,
        ),
    }
}

fn no_sign_in_endpoint(call: CallContext<'_>, status: StatusCode, detail: &str) -> ManagerError {
    let hint = format!(
        "check `--url`: it may be the address of a different server, or of a manager older than Deep Security 11.1; {WAIT_FOR_START}"
    );
    ManagerError::new(
        Cause::Rejected(status.as_u16()),
        format!(
            "could not {}: {} has no sign-in endpoint (HTTP {status}){detail}",
            call.action, call.address
        ),
        Some(hint),
    )
}

/// Returns the error for a rejected sign-in. It is undocumented which status means a wrong password, so no rejected sign-in is repeated.
fn sign_in_refused(
    call: CallContext<'_>,
    status: StatusCode,
    message: Option<&str>,
) -> ManagerError {
    let refusal = message.map_or(SignInRefusal::Unclear, error_text::sign_in_refusal);
    let reason = message.map_or_else(
        || "no reason given".to_owned(),
        |message| format!("\"{message}\""),
    );
    let refused = format!("the manager rejected the sign-in (HTTP {status}): {reason}");
    let (message, hint) = match refusal {
        SignInRefusal::Locked => (format!("the account is locked: {refused}"), LOCKED),
        SignInRefusal::Code => (
            refused,
            "pass the current MFA code with `--mfa-code` or `--mfa-command`",
        ),
        SignInRefusal::PasswordExpired | SignInRefusal::Credentials | SignInRefusal::Unclear => (
            refused,
            "check the user name, the password, `--tenant` and `--mfa-code`; if they are correct, the account may be locked, have an expired \
             password or have too many sessions; do not repeat the sign-in unchanged, because each failure counts towards the lockout",
        ),
    };
    // A hosted manager may no longer accept passwords, because Cloud One or Vision One manages the accounts now (docs/manager-api.md, "Sign-in").
    let hint = if call.address.is_hosted() {
        format!(
            "{hint}; if this is a Cloud One or Vision One account, create a key in the service's console under {KEY_PAGE} and use the key with \
             `--api-key-file`"
        )
    } else {
        hint.to_owned()
    };
    ManagerError::new(Cause::SignInRefused(refusal), message, Some(hint))
}

/// Returns the error for an account with too many sessions. The user name and the password were correct, so the sign-in does not count towards the
/// lockout.
fn too_many_sessions(call: CallContext<'_>, detail: &str) -> ManagerError {
    ManagerError::new(
        Cause::TooManySessions,
        format!(
            "could not {}: the account has reached the manager's session limit{detail}",
            call.action
        ),
        Some(
            "use an API key (`--api-key-file`), which needs no session; or wait until unused sessions expire; or raise the limit in \
             the manager's console under Administration > System Settings > Security"
                .to_owned(),
        ),
    )
}

fn unauthorized(call: CallContext<'_>, detail: &str) -> ManagerError {
    let (object, hint) = match call.signer {
        SignerKind::CloudOneKey => ("API key", CLOUD_ONE_KEY),
        SignerKind::ApiKey => (
            "API key",
            "check that the key is not deleted, expired or locked, and that it belongs to this manager and tenant; do not repeat the call \
             unchanged",
        ),
        _ => ("session", SIGN_IN_AGAIN),
    };
    let message = format!(
        "could not {}: the manager rejected the {object}{detail}",
        call.action
    );
    ManagerError::new(Cause::Unauthorized, message, Some(hint.to_owned()))
}

fn forbidden_hint(signer: SignerKind) -> &'static str {
    match signer {
        SignerKind::CloudOneKey => CLOUD_ONE_KEY,
        SignerKind::ApiKey => {
            "check that the API key's role has this permission and that the key is not expired, locked or deleted"
        }
        _ => "ask an administrator for a role with this permission",
    }
}

/// Returns how long to wait according to `Retry-After`. The header contains a number of seconds, or a date according to the sender's clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds =
        (headers.get(RETRY_AFTER)?.to_str().ok()).and_then(|text| text.trim().parse().ok());
    if let Some(seconds) = seconds {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(headers, &RETRY_AFTER)?;
    let now = date(headers, &DATE).unwrap_or_else(Utc::now);
    // A date in the past means that no wait is needed.
    Some((until - now).to_std().unwrap_or_default())
}
