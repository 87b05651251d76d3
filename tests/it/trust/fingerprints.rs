//! The two SHA-256 fingerprints: that of the certificate, which other tools show, and that of its public key, which is the pin.

use swp_keys::sandbox::CertificateKind;

use super::fixtures::{file, keep, other_pin, place, shown, unknown_manager};
use crate::support::pty::Pty;
use crate::support::snapshot::snapshot;
use crate::support::wording::{FINGERPRINT_PROMPT, INTERCEPTED};
use crate::support::{TestEnv, contains};

/// Returns the output line of `openssl x509` with the certificate's fingerprint.
fn by_openssl(env: &TestEnv) -> String {
    let file = (env.home).write("shown.pem", env.sandbox.certificate_pem());
    let output = std::process::Command::new("openssl")
        .args(["x509", "-fingerprint", "-sha256", "-noout", "-in"])
        .arg(file)
        .output()
        .expect("openssl runs");
    let line = String::from_utf8(output.stdout).expect("text");
    line.trim().to_owned()
}

fn digits(line: &str) -> String {
    let (_, digits) = line.split_once('=').expect("a line of openssl's");
    digits.to_owned()
}

#[test]
fn both_fingerprints_are_shown_with_labels() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let (pin, certificate) = (shown(&env), digits(&by_openssl(&env)));
    let text = env.run(["trust", "show"]).success().to_owned();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let label = |value: &str| {
        let at = lines.iter().position(|line| *line == value);
        lines[at.unwrap_or_else(|| panic!("{value} is missing in: {text}")) - 1]
    };
    contains(
        label(&certificate),
        &["fingerprint of the certificate", "keytool"],
    );
    contains(label(&pin), &["of the public key", "--tls-pin"]);
    contains(&text, &["keytool -printcert -sslserver localhost:"]);
    let object = env.run(["trust", "show", "-o", "json"]).json();
    assert_eq!(object["certificateFingerprint"], certificate.as_str());
    assert_eq!(object["pin"], pin.as_str());
    let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" trust add"#);
    // The question fits 80 columns, so the fingerprint is split into two lines.
    let (first, second) = certificate.split_at(certificate.len() / 2 + 1);
    terminal.see(first);
    terminal.see(second);
    terminal.see(&pin);
    terminal.see(FINGERPRINT_PROMPT);
    terminal.type_line("no");
    terminal.end();
}

#[test]
fn either_fingerprint_confirms_in_any_notation() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let (pin, line) = (shown(&env), by_openssl(&env));
    let certificate = digits(&line);
    let bare = pin.trim_start_matches("sha256:").to_owned();
    for pasted in [
        line.clone(),
        certificate.clone(),
        certificate.to_lowercase(),
        certificate.replace(':', ""),
        format!("sha256:{}", certificate.replace(':', "").to_lowercase()),
        format!("SHA256: {certificate}"),
        format!("SHA256 Fingerprint={certificate}"),
        pin.to_uppercase(),
        bare,
    ] {
        let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" trust add; echo "code=$?""#);
        terminal.see(FINGERPRINT_PROMPT);
        terminal.type_line(&pasted);
        terminal.see("code=0");
        terminal.end();
        // The key is pinned, whichever fingerprint was compared.
        contains(&file(&env.home), &[&pin]);
        env.run(["trust", "remove"]).success();
    }
    let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" trust add; echo "code=$?""#);
    terminal.see(FINGERPRINT_PROMPT);
    terminal.type_line(&other_pin());
    terminal.see("code=7");
    terminal.end();
    assert!(!file(&env.home).contains(&pin));
}

#[test]
fn a_fingerprint_in_place_of_a_pin_is_recognized_and_the_pin_is_named() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let (pin, line) = (shown(&env), by_openssl(&env));
    let prefixed = format!("sha256:{}", digits(&line));
    for given in [&line, &digits(&line), &prefixed] {
        let result = env.run(["find-role", "Auditor", "--tls-pin", given]);
        contains(result.failure(7), &[&format!("`--tls-pin {pin}`")]);
        snapshot(&result.stderr);
        assert!(!result.stderr.contains(INTERCEPTED), "{}", result.stderr);
    }
    env.home.set("SWP_TLS_PIN", &prefixed);
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(7), &["SWP_TLS_PIN", &pin]);
    let object = env.run(["trust", "show", "-o", "json"]).json();
    assert_eq!(object["flaw"], "fingerprint-pinned");
    env.home.unset("SWP_TLS_PIN");
    assert_eq!(env.sandbox.requests(), [], "nothing is sent");
    let result = env.run(["find-role", "Auditor", "--tls-pin", &pin]);
    assert_eq!(result.success(), "2");
}

#[test]
fn a_fingerprint_saved_as_a_pin_is_not_reported_as_a_changed_key() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let (pin, line) = (shown(&env), by_openssl(&env));
    keep(&env, &other_pin());
    let prefixed = format!("sha256:{}", digits(&line).replace(':', "").to_lowercase());
    let stored = file(&env.home).replace(&other_pin(), &prefixed);
    std::fs::write(env.home.path("config/trusted.toml"), stored).expect("a file");
    let place = place(&env);
    let remove = format!("`swp-keys trust remove {place}`");
    let add = format!("`swp-keys trust add {place} --tls-pin {pin}`");
    for command in [
        &["find-role", "Auditor"][..],
        &["trust", "add", "--tls-accept-new"],
    ] {
        let result = env.run(command);
        contains(result.failure(7), &["trusted.toml", &remove, &add]);
        assert!(!result.stderr.contains(INTERCEPTED), "{}", result.stderr);
    }
    assert!(
        !file(&env.home).contains(&pin),
        "nothing is kept in passing"
    );
    env.run(["trust", "remove", &place]).success();
    env.run(["trust", "add", &place, "--tls-pin", &pin])
        .success();
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
}

/// If the manager can be reached, `trust add` recognizes the fingerprint of its certificate, and pins the key of this certificate.
#[test]
fn trust_add_pins_the_key_of_a_certificate_whose_fingerprint_is_passed() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let (pin, line) = (shown(&env), by_openssl(&env));
    let result = env.run(["trust", "add", "--tls-pin", &line]);
    result.success();
    contains(&result.stderr, &["note: ", &pin]);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.sandbox.requests().len(), 3, "no request before");
    // A pin of a different key is added, with a warning and the number of pins.
    let result = env.run(["trust", "add", "--tls-pin", &other_pin()]);
    result.success();
    contains(&result.stderr, &["warning: ", "2 keys"]);
    contains(&file(&env.home), &[&pin, &other_pin()]);
}

/// The question shows the fingerprint of the certificate on two lines.
#[cfg(unix)]
#[test]
fn a_fingerprint_may_be_pasted_in_two_lines() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let certificate = digits(&by_openssl(&env));
    let (first, second) = certificate.split_at(certificate.len().div_ceil(2));
    let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" trust add; echo "code=$?""#);
    terminal.see(FINGERPRINT_PROMPT);
    terminal.type_line(first);
    terminal.type_line(second);
    terminal.see("code=0");
    terminal.end();
    contains(&file(&env.home), &[&shown(&env)]);
}

/// A different key is a changed key, even if a flag contains a fingerprint.
#[test]
fn the_fingerprint_of_a_different_certificate_means_a_changed_key() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let other = unknown_manager(CertificateKind::SelfSigned);
    let result = env.run(["find-role", "Auditor", "--tls-pin", &by_openssl(&other)]);
    snapshot(result.failure(7));
    assert_eq!(env.sandbox.requests(), []);
}
