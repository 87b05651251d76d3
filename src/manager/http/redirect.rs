//! Redirects: where one points, and what that means.

use reqwest::header::{HeaderMap, LOCATION};
use url::Url;

use super::error_text;
use super::status_error::NO_SESSION;
use crate::manager::error::{CallContext, Cause, ManagerError, SignerKind};

/// No redirect is followed: headers that are secrets would go to a host that was not named.
pub(crate) fn of(call: CallContext<'_>, headers: &HeaderMap) -> ManagerError {
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let target = (call.address.join("/").join(location).ok()).filter(|_| !location.is_empty());
    if let Some(url) = &target
        && call.address.is_origin_of(url)
    {
        return to_the_same_host(call, url);
    }
    let target = target
        .as_ref()
        .map_or_else(|| "a place that it does not name".to_owned(), host_of);
    ManagerError::new(
        Cause::Redirected {
            session_ended: false,
        },
        format!(
            "{}: {} answers with a redirect to {target}, which is not followed: the password or key would go there",
            call.what, call.address
        ),
        Some("if that is where the manager is, name it in `--url`".to_owned()),
    )
}

/// A manager's console redirects to its sign-in page if there is no session.
fn to_the_same_host(call: CallContext<'_>, target: &Url) -> ManagerError {
    let session_ended = call.signer == SignerKind::Session;
    // A Tomcat may write its session into the path: `;jsessionid=...`.
    let path = target.path().split(';').next().unwrap_or_default();
    let path = error_text::shorten(path);
    let (problem, hint) = if session_ended {
        ("the session has ended", NO_SESSION)
    } else {
        (
            "the API did not answer",
            "check that `--url` names the manager itself; the API may be switched off, or a portal may stand before it",
        )
    };
    ManagerError::new(
        Cause::Redirected { session_ended },
        format!(
            "{}: {problem}: {} redirects to its page {path}, which is not followed",
            call.what, call.address
        ),
        Some(hint.to_owned()),
    )
}

/// Scheme, host and port alone: the rest of a foreign address may hold anything.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => "a place without a host".to_owned(),
    }
}
