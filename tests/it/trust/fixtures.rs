//! Whom to trust: the manager's certificate is shown, its key is pinned on a person's word, and what is kept decides from then on.

use swp_keys::sandbox::CertificateKind;

use super::verification::showing;
use crate::support::{Home, TestEnv};

/// A manager that nothing but a pin can make trusted, and a home that keeps pins.
pub(super) fn stranger(kind: CertificateKind) -> TestEnv {
    let mut env = showing(kind);
    env.home.unset("SWP_CA_CERT");
    // Whatever the machine trusts, it is none of these.
    let none = env.home.write("no-roots.pem", "");
    env.home.set("SSL_CERT_FILE", none);
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env
}

pub(super) fn place(env: &TestEnv) -> String {
    env.sandbox.address().to_string()
}

/// The print that a manager shows, in the form of a pin.
pub(super) fn shown(env: &TestEnv) -> String {
    let result = env.run(["trust", "show", "-o", "json"]);
    result.json()["pin"].as_str().expect("a pin").to_owned()
}

pub(super) fn other_pin() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

/// The file of the pins, as it is.
pub(super) fn file(home: &Home) -> String {
    std::fs::read_to_string(home.path("config/trusted.toml")).unwrap_or_default()
}

/// Keeps this pin for a manager, as a run of `trust add` writes it.
pub(super) fn keep(env: &TestEnv, pin: &str) {
    env.run(["trust", "add", "--tls-pin", pin]).success();
}
