//! Requests that a manager received.

use serde_json::Value;
use swp_keys::sandbox::{Request, Sandbox};

/// The request that creates a key.
pub(crate) const CREATE: &str = "POST /api/apikeys";
/// The request that searches for roles.
pub(crate) const SEARCH_ROLES: &str = "POST /api/roles/search";
/// The request that searches for keys.
pub(crate) const SEARCH_KEYS: &str = "POST /api/apikeys/search";

/// Returns the bodies of the requests of a route, as JSON.
pub(crate) fn bodies(sandbox: &Sandbox, route: &str) -> Vec<Value> {
    (sandbox.requests().iter())
        .filter(|request| request.route() == route)
        .map(|request| serde_json::from_slice(&request.body).expect("a JSON body"))
        .collect()
}

/// Returns the number of requests of a route.
pub(crate) fn count(sandbox: &Sandbox, route: &str) -> usize {
    (sandbox.requests().iter())
        .filter(|request| request.route() == route)
        .count()
}

/// Asserts that the sandbox received no connection.
#[track_caller]
pub(crate) fn nothing_was_sent(sandbox: &Sandbox) {
    assert_eq!(sandbox.requests(), [], "nothing is sent");
    assert_eq!(sandbox.connections().tcp, 0, "the run connected");
}

/// Returns the session ID and the request ID of a request.
pub(crate) fn session_of(request: &Request) -> Option<(String, String)> {
    let cookies = request.header("cookie")?;
    let sid = cookies
        .split("; ")
        .find_map(|cookie| cookie.strip_prefix("sID="))?;
    Some((sid.to_owned(), request.header("rid")?.to_owned()))
}
