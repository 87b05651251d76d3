//! Classifies redirects by their target.

use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

use super::call::{CallContext, SignerKind};
use super::error_text::LIMIT;
use super::hints::SIGN_IN_AGAIN;
use crate::manager::error::{Cause, ManagerError};
use crate::text::shorten;

/// Returns the error for a redirect. Redirects are never followed, because following a redirect could send the credentials to a host that the user
/// did not name.
pub(crate) fn classify(call: CallContext<'_>, headers: &HeaderMap) -> ManagerError {
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let target = (call.address.join("/").join(location).ok()).filter(|_| !location.is_empty());
    if let Some(url) = &target
        && call.address.is_origin_of(url)
    {
        return to_same_host(call, url);
    }
    let target = target
        .as_ref()
        .map_or_else(|| "an unknown address".to_owned(), origin);
    ManagerError::new(
        Cause::Redirected {
            session_ended: false,
        },
        format!(
            "could not {}: {} redirects to {target}; redirects are not followed, because the new address would receive the credentials",
            call.action, call.address
        ),
        Some("if the manager is at that address, use it in `--url`".to_owned()),
    )
}

/// Returns the error for a redirect to the same host. If a call has no valid session, a manager redirects it to the sign-in page of its console.
fn to_same_host(call: CallContext<'_>, target: &Url) -> ManagerError {
    let session_ended = call.signer == SignerKind::Session;
    // The message shows the path only up to the first semicolon, because `;jsessionid=...` contains a session ID of the application server.
    let path = target.path().split(';').next().unwrap_or_default();
    let path = shorten(path, LIMIT);
    let (problem, hint) = if session_ended {
        ("the session has ended", SIGN_IN_AGAIN)
    } else {
        (
            "the response did not come from the API",
            "check that `--url` is the address of the manager, that the manager's API is enabled, and that no portal is in front of it",
        )
    };
    ManagerError::new(
        Cause::Redirected { session_ended },
        format!(
            "could not {}: {problem} ({} redirected the request to {path})",
            call.action, call.address
        ),
        Some(hint.to_owned()),
    )
}

/// Returns the scheme, host and port of a redirect's target. The rest of the URL is omitted, because it may contain a secret.
fn origin(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => "an address without a host".to_owned(),
    }
}
