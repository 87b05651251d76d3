//! Whom to trust: the manager's certificate is shown, its key is pinned on a person's word, and what is kept decides from then on.

use swp_keys::sandbox::CertificateKind;

use super::verification::showing;
use crate::support::{Home, World};

/// A manager that nothing but a pin can make trusted, and a home that keeps pins.
pub(super) fn stranger(kind: CertificateKind) -> World {
    let mut world = showing(kind);
    world.home.unset("SWP_CA_CERT");
    // Whatever the machine trusts, it is none of these.
    let none = world.home.write("no-roots.pem", "");
    world.home.set("SSL_CERT_FILE", none);
    world.home.set("SWP_CONFIG_DIR", world.home.path("config"));
    world
}

pub(super) fn place(world: &World) -> String {
    world.sandbox.address().to_string()
}

/// The print that a manager shows, in the form of a pin.
pub(super) fn shown(world: &World) -> String {
    let ran = world.run(["trust", "show", "-o", "json"]);
    ran.json()["pin"].as_str().expect("a pin").to_owned()
}

pub(super) fn other_pin() -> String {
    format!("sha256:{}", "ab".repeat(32))
}

/// The file of the pins, as it is.
pub(super) fn file(home: &Home) -> String {
    std::fs::read_to_string(home.path("config/trusted.toml")).unwrap_or_default()
}

/// Keeps this pin for a manager, as a run of `trust add` writes it.
pub(super) fn keep(world: &World, pin: &str) {
    world.run(["trust", "add", "--tls-pin", pin]).success();
}
