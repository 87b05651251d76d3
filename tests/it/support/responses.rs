//! Answers that a manager should not give.

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault};

/// This request is answered with a success, and nothing is done.
pub(crate) fn success_without_effect(method: &str, path: &str, body: &Value) -> Fault {
    Fault::new(method, path, success(body))
}

/// A success with this body.
pub(crate) fn success(body: &Value) -> Action {
    Action::Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
