//! A pin trusts the holder of one public key, regardless of its certificate, and no other server.

use swp_keys::sandbox::{CertificateKind, Settings, TlsVersions};

use super::verification::{ALL, distrusted, showing};
use crate::support::contains;
use crate::support::pins::other_pin;
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::{Home, TestEnv};

/// Returns a manager that only a pin makes trusted.
fn unknown(kind: CertificateKind) -> TestEnv {
    let mut env = showing(kind);
    env.home.unset("SWP_CA_CERT");
    env
}

/// Returns the pin that the message about an untrusted certificate names.
fn named_pin(env: &TestEnv) -> String {
    let result = env.run(["find-role", "Auditor"]);
    let stderr = result.failure(7);
    let (_, pin) = stderr.split_once("`--tls-pin ").expect("it names the pin");
    pin.split('`').next().expect("an end").to_owned()
}

/// Returns the pin that OpenSSL computes with the commands in the message.
#[cfg(unix)]
fn by_openssl(env: &TestEnv) -> String {
    let file = (env.home).write("shown.pem", env.sandbox.certificate_pem());
    let pipe = "openssl x509 -pubkey -noout -in \"$0\" | openssl pkey -pubin -outform der | openssl dgst -sha256";
    let output = std::process::Command::new("sh")
        .args(["-c", pipe])
        .arg(file)
        .output()
        .expect("a shell");
    let text = String::from_utf8(output.stdout).expect("text");
    let digits = text.split_whitespace().last().expect("a fingerprint");
    format!("sha256:{digits}")
}

#[cfg(unix)]
#[test]
fn the_message_names_the_fingerprint_that_openssl_prints() {
    let env = unknown(CertificateKind::SelfSigned);
    assert_eq!(named_pin(&env), by_openssl(&env));
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn a_pinned_key_is_trusted_with_any_certificate() {
    for kind in ALL {
        let pinned = unknown(kind);
        // Some of these certificates have a wrong name or are expired, so the pin comes from the mismatch error.
        let other = format!("sha256:{}", "00".repeat(32));
        let result = pinned.run(["find-role", "Auditor", "--tls-pin", &other]);
        let pin = other_pin(result.failure(7), &other);
        let result = pinned.run(["find-role", "Auditor", "--tls-pin", &pin]);
        assert_eq!(result.success(), "2", "{kind:?}");
    }
}

#[test]
fn a_different_key_is_rejected_with_both_fingerprints_and_nothing_is_sent() {
    for tls in [TlsVersions::Only12, TlsVersions::Only13] {
        let env = TestEnv::with(Settings {
            tls,
            ..Settings::default()
        });
        let other = format!("sha256:{}", "ab".repeat(32));
        // The certificate file would make the manager trusted, but the pin takes precedence.
        let result = env.run(["create", "--role-id", "2", "--tls-pin", &other]);
        let expected = ["sha256:", &other];
        distrusted(&env, &result, &expected);
    }
}

#[test]
fn several_pins_and_a_variable_are_accepted() {
    let mut env = unknown(CertificateKind::SelfSigned);
    let (pin, other) = (named_pin(&env), format!("sha256:{}", "ab".repeat(32)));
    let arguments = ["find-role", "Auditor", "--tls-pin", &other];
    let result = env.run(arguments.iter().chain(&["--tls-pin", &pin]));
    assert_eq!(result.success(), "2");
    env.home.set("SWP_TLS_PIN", format!("{other},{pin}"));
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    // A flag takes precedence over a variable.
    env.run(arguments).failure(7);
}

/// Everyone can copy a certificate, but only its owner can sign with its key.
#[test]
fn a_copied_certificate_without_its_key_is_rejected() {
    let own = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let (heard, other) = (Recording::default(), format!("sha256:{}", "ab".repeat(32)));
    let mut home = Home::new();
    home.set("SWP_API_KEY", "1:a2V5");
    let server = ScriptedServer::tls(&own, heard.clone());
    home.set("SWP_URL", server.url());
    let result = home.run(["find-role", "Auditor", "--tls-pin", &other]);
    let pin = other_pin(result.failure(7), &other);
    let thief = ScriptedServer::tls(&own.copied(), heard.clone());
    home.set("SWP_URL", thief.url());
    let result = home.run(["find-role", "Auditor", "--tls-pin", &pin]);
    result.failure(7);
    assert_eq!(heard.bytes(), b"", "nothing is sent: {}", result.stderr);
}

#[test]
fn insecure_is_refused_with_a_pin() {
    let mut env = TestEnv::new();
    let pin = format!("sha256:{}", "ab".repeat(32));
    let typed = ["find-role", "Auditor", "--insecure", "--tls-pin", &pin];
    let stderr = ["`--insecure`", "`--tls-pin`", "\nhint: "];
    contains(env.run(typed).failure(2), &stderr);
    env.home.set("SWP_INSECURE", "1");
    env.home.set("SWP_TLS_PIN", &pin);
    let stderr = ["`SWP_INSECURE`", "`SWP_TLS_PIN`"];
    contains(env.run(["find-role", "Auditor"]).failure(2), &stderr);
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn an_invalid_pin_is_a_usage_error_with_its_source() {
    let mut home = Home::new();
    home.set("SWP_URL", "https://127.0.0.1:1");
    for text in ["abc", "sha256:12", "sha1:00", ",", " ", ",,"] {
        let result = home.run(["find-role", "Auditor", "--tls-pin", text]);
        contains(result.failure(2), &["--tls-pin"]);
    }
    home.set("SWP_TLS_PIN", "sha256:12");
    let result = home.run(["find-role", "Auditor"]);
    contains(result.failure(2), &["SWP_TLS_PIN"]);
}

#[test]
fn a_pin_is_rejected_with_http() {
    let env = TestEnv::new();
    let url = format!("http://{}", env.sandbox.address());
    let pin = format!("sha256:{}", "ab".repeat(32));
    let result = env.run(["find-role", "Auditor", "--url", &url, "--tls-pin", &pin]);
    contains(result.failure(2), &["--tls-pin", "http"]);
    assert_eq!(env.sandbox.connections().tcp, 0);
}
