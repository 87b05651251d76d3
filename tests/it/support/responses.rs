//! Incorrect responses of a manager.

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault, Sandbox};

/// Returns a fault that responds to this request with success, without processing it.
pub(crate) fn success_without_effect(method: &str, path: &str, body: &Value) -> Fault {
    Fault::new(method, path, success(body))
}

/// Returns a success response with this body.
pub(crate) fn success(body: &Value) -> Action {
    Action::Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// Injects a fault in the form of the command line of `sandbox`.
pub(crate) fn inject(sandbox: &Sandbox, fault: &str) {
    let fault: Fault = fault
        .parse()
        .unwrap_or_else(|error| panic!("{fault}: {error}"));
    sandbox.inject(fault);
}
