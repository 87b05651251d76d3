//! The checks of the connection: name resolution, TCP, proxy, TLS, clock and manager.

use serde_json::Value;
use swp_keys::sandbox::{Action, CertificateKind, Fault, Settings};

use super::fixture::{doctor, document, hint, message, skipped_from, status};
use crate::support::proxy::{Proxy, ReservedPort};
use crate::support::{TestEnv, contains};

#[test]
fn a_port_without_a_listener() {
    let mut env = TestEnv::new();
    let port = ReservedPort::new();
    env.home.set("SWP_URL", port.url());
    let result = env.run(["doctor", "-o", "json", "--sign-in"]);
    let answer = document(&result, 13);
    assert_eq!(status(&answer, "tcp"), "failed");
    contains(message(&answer, "tcp"), &[&port.address().to_string()]);
    assert_ne!(hint(&answer, "tcp"), "");
    skipped_from(&answer, "proxy", "tcp");
    let error: Value = serde_json::from_str(result.stderr.trim()).expect("a JSON error");
    assert_eq!(error["error"]["code"], "said-no");
    contains(
        error["error"]["message"].as_str().unwrap_or_default(),
        &["`tcp`"],
    );
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn an_unknown_host() {
    let mut env = TestEnv::new();
    env.home.set("SWP_URL", "https://dsm.invalid:4119");
    let answer = doctor(&env.home, &["--connect-timeout", "5s"], 13);
    assert_eq!(status(&answer, "name-resolution"), "failed");
    contains(message(&answer, "name-resolution"), &["dsm.invalid"]);
    skipped_from(&answer, "tcp", "name-resolution");
}

#[test]
fn a_certificate_that_is_not_trusted_is_not_pinned() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    let answer = doctor(&env.home, &["--sign-in", "--tls-accept-new"], 13);
    assert_eq!(status(&answer, "tls"), "failed");
    contains(hint(&answer, "tls"), &["swp-keys trust add"]);
    skipped_from(&answer, "clock", "tls");
    assert!(!env.home.path("config").exists());
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn pins_and_insecure_are_named() {
    let mut env = TestEnv::with(Settings {
        certificate: CertificateKind::Expired,
        ..Settings::default()
    });
    env.home.unset("SWP_CA_CERT");
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    let document = env.run(["trust", "show", "-o", "json"]).json();
    let pin = document["pin"].as_str().expect("a pin");
    let answer = doctor(&env.home, &["--tls-pin", pin], 0);
    assert_eq!(status(&answer, "tls"), "warning");
    contains(message(&answer, "tls"), &["`--tls-pin`", "expired"]);
    let answer = doctor(&env.home, &["--insecure"], 0);
    assert_eq!(status(&answer, "tls"), "warning");
    contains(message(&answer, "tls"), &["`--insecure`"]);
    env.run(["trust", "add", "--tls-pin", pin]).success();
    let answer = doctor(&env.home, &[], 0);
    contains(message(&answer, "tls"), &["trusted.toml"]);
    let other = format!("sha256:{}", "ab".repeat(32));
    let answer = doctor(&env.home, &["--tls-pin", &other], 13);
    assert_eq!(status(&answer, "tls"), "failed");
    let answer = doctor(&env.home, &["--ca-cert", "/nowhere.pem"], 13);
    contains(message(&answer, "tls"), &["/nowhere.pem"]);
}

#[test]
fn a_wrong_clock_is_a_warning() {
    for (seconds, words) in [(7200, ["2h", "ahead of"]), (-600, ["10m", "behind"])] {
        let env = TestEnv::with(Settings {
            clock_skew_seconds: seconds,
            ..Settings::default()
        });
        let answer = doctor(&env.home, &[], 0);
        assert_eq!(status(&answer, "clock"), "warning");
        // The measured difference may be one second smaller.
        contains(message(&answer, "clock"), &words[1..]);
        assert_ne!(hint(&answer, "clock"), "");
    }
}

#[test]
fn a_starting_manager() {
    let env = TestEnv::new();
    for path in [
        "/rest/status/manager/ping",
        "/rest/apiVersion",
        "/api/apikeys/current",
    ] {
        let starting = Action::status(503, "Service starting");
        env.sandbox
            .inject(Fault::new("GET", path, starting).times(1));
    }
    let answer = doctor(&env.home, &["--sign-in"], 13);
    assert_eq!(status(&answer, "manager"), "failed");
    contains(hint(&answer, "manager"), &["--wait"]);
    skipped_from(&answer, "sign-in", "manager");
    assert_eq!(env.count("POST /api/sessions"), 0);
    let answer = doctor(&env.home, &["--wait", "30s"], 0);
    assert_eq!(status(&answer, "manager"), "ok");
}

#[test]
fn a_version_that_is_not_sent_is_unknown() {
    let env = TestEnv::with(Settings {
        version: String::new(),
        ..Settings::default()
    });
    let answer = doctor(&env.home, &[], 0);
    contains(message(&answer, "manager"), &["only after sign-in"]);
    assert_eq!(answer["meta"]["managerVersion"], Value::Null);
}

#[test]
fn the_proxy_that_applies_is_named() {
    let mut env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    let answer = doctor(&env.home, &["--proxy", &proxy.url()], 0);
    contains(message(&answer, "proxy"), &[&proxy.url(), "`--proxy`"]);
    contains(message(&answer, "tcp"), &["(the proxy)"]);
    env.home.set("NO_PROXY", "127.0.0.1");
    let answer = doctor(&env.home, &["--proxy", &proxy.url()], 0);
    contains(message(&answer, "proxy"), &["NO_PROXY"]);
    env.home.unset("NO_PROXY");
    let refusing = Proxy::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let answer = doctor(&env.home, &["--proxy", &refusing.url()], 13);
    assert_eq!(status(&answer, "proxy"), "failed");
    skipped_from(&answer, "tls", "proxy");
}
