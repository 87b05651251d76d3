//! Trust on first use: the manager's certificate is shown, its key is pinned after confirmation, and later runs require this key.

use swp_keys::sandbox::CertificateKind;

use super::verification::showing;
use crate::support::{Home, TestEnv};

/// Returns a manager that only a pin makes trusted, and a home for pins.
pub(super) fn unknown_manager(kind: CertificateKind) -> TestEnv {
    let mut env = showing(kind);
    env.home.unset("SWP_CA_CERT");
    // No certificate of the machine makes this manager trusted.
    let none = env.home.write("no-roots.pem", "");
    env.home.set("SSL_CERT_FILE", none);
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env
}

pub(super) fn place(env: &TestEnv) -> String {
    env.sandbox.address().to_string()
}

/// Returns the pin of the manager's key.
pub(super) fn shown(env: &TestEnv) -> String {
    let result = env.run(["trust", "show", "-o", "json"]);
    result.json()["pin"].as_str().expect("a pin").to_owned()
}

pub(super) fn other_pin() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

/// Returns the text of the pin file.
pub(super) fn file(home: &Home) -> String {
    std::fs::read_to_string(home.path("config/trusted.toml")).unwrap_or_default()
}

/// Saves this pin for a manager, as `trust add` does.
pub(super) fn keep(env: &TestEnv, pin: &str) {
    env.run(["trust", "add", "--tls-pin", pin]).success();
}
