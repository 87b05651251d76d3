//! Each problem of a certificate has a code, a message and a next step. OpenSSL serves the certificates that the simulated manager cannot create.

use swp_keys::sandbox::CertificateKind;

use super::fixtures::unknown_manager;
#[cfg(unix)]
use super::openssl::{Server, issued, openssl, trusting};
#[cfg(unix)]
use crate::support::snapshot::snapshot;
use crate::support::{Home, contains};

#[test]
fn each_problem_has_a_code_and_a_next_step() {
    let reports_of = |env: &crate::support::TestEnv, flaw: &str| {
        let object = env.run(["trust", "show", "-o", "json"]).json();
        assert_eq!(object["flaw"], flaw, "{object}");
        assert_eq!(object["trusted"], false);
        assert!(object["hint"].as_str().is_some_and(|hint| hint.len() > 20));
        assert_eq!(env.sandbox.requests(), []);
    };
    reports_of(&unknown_manager(CertificateKind::SelfSigned), "self-signed");
    reports_of(
        &unknown_manager(CertificateKind::SelfSignedCa),
        "self-signed",
    );
    reports_of(&unknown_manager(CertificateKind::UnknownCa), "unknown-ca");
    for (kind, flaw) in [
        (CertificateKind::Expired, "expired"),
        (CertificateKind::NotYetValid, "not-yet-valid"),
        (CertificateKind::WrongName, "wrong-name"),
    ] {
        let mut env = unknown_manager(kind);
        let pem = (env.home).write("manager.pem", env.sandbox.certificate_pem());
        env.home.set("SWP_CA_CERT", pem);
        reports_of(&env, flaw);
    }
}

/// Checks what `trust show` and another command report about the certificate.
#[cfg(unix)]
fn reports_of(home: &mut Home, ca: Option<&str>) -> (serde_json::Value, String) {
    let server = Server::start(home);
    home.set("SWP_URL", &server.url);
    trusting(home, ca);
    let object = home.run(["trust", "show", "-o", "json"]).json();
    let result = home.run(["find-role", "Auditor"]);
    (object, result.failure(7).to_owned())
}

#[cfg(unix)]
#[test]
fn a_key_of_1024_bits_is_weak_and_cannot_be_pinned() {
    let mut home = Home::new();
    let names = "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1";
    let command = "req -x509 -newkey rsa:1024 -nodes -keyout key.pem -out leaf.pem -days 30";
    openssl(&home, &[command, names]);
    for ca in [None, Some("leaf.pem")] {
        let (object, expected) = reports_of(&mut home, ca);
        assert_eq!(object["flaw"], "weak");
        assert_eq!(object["key"], "RSA, 1024 bits");
        contains(&expected, &["RSA", "1024", "2048"]);
        snapshot(&expected);
        assert!(!expected.contains("--tls-pin"), "{expected}");
    }
    let server = Server::start(&home);
    home.set("SWP_URL", &server.url);
    trusting(&mut home, None);
    let result = home.run(["trust", "add", "--tls-accept-new"]);
    snapshot(result.failure(7));
    // Neither the pin of its key nor `--insecure` makes the certificate acceptable.
    let pin = home.run(["trust", "show", "-o", "json"]).json()["pin"].clone();
    let pin = pin.as_str().expect("a pin").to_owned();
    for given in [&["--tls-pin", &pin][..], &["--insecure"]] {
        let result = home.run(["find-role", "Auditor"].iter().chain(given));
        contains(result.failure(7), &["1024"]);
    }
}

#[cfg(unix)]
#[test]
fn a_signature_over_sha_1_is_weak() {
    let mut home = Home::new();
    issued(&home, "sha1", "");
    let (object, expected) = reports_of(&mut home, Some("ca.pem"));
    assert_eq!(object["flaw"], "weak");
    let why = ["SHA-1", "`--tls-pin sha256:"];
    contains(&expected, &why);
}

#[cfg(unix)]
#[test]
fn a_client_certificate_is_not_valid_for_a_server() {
    let mut home = Home::new();
    issued(&home, "sha256", "extendedKeyUsage=clientAuth");
    let (object, expected) = reports_of(&mut home, Some("ca.pem"));
    assert_eq!(object["flaw"], "wrong-purpose");
    contains(&expected, &["TLS", "serverAuth"]);
}

#[cfg(unix)]
#[test]
fn a_certificate_of_version_1_is_rejected_with_an_explanation() {
    let mut home = Home::new();
    let another =
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 30 -keyout ca.key -out ca.pem";
    openssl(&home, &[another]);
    let request = "req -newkey rsa:2048 -nodes -subj /CN=old -keyout key.pem -out request.pem";
    openssl(&home, &[request]);
    openssl(
        &home,
        &["x509 -req -in request.pem -signkey key.pem -out leaf.pem -days 30"],
    );
    let output = std::process::Command::new("openssl")
        .args(["x509", "-in", "leaf.pem", "-noout", "-text"])
        .current_dir(home.path(""))
        .output();
    let output = output.expect("openssl runs").stdout;
    // OpenSSL 4.0 and later create version 3 anyway.
    if !String::from_utf8_lossy(&output).contains("Version: 1 ") {
        return;
    }
    let server = Server::start(&home);
    home.set("SWP_URL", &server.url);
    trusting(&mut home, Some("ca.pem"));
    for command in [&["trust", "show"][..], &["find-role", "Auditor"]] {
        let result = home.run(command);
        snapshot(result.failure(7));
        assert!(!result.stderr.contains("--tls-pin"), "{}", result.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_valid_certificate_of_openssl_is_trusted() {
    let mut home = Home::new();
    issued(&home, "sha256", "extendedKeyUsage=serverAuth");
    let server = Server::start(&home);
    home.set("SWP_URL", &server.url);
    trusting(&mut home, Some("ca.pem"));
    let object = home.run(["trust", "show", "-o", "json"]).json();
    assert_eq!(object["trusted"], true, "{object}");
    assert_eq!(object["key"], "RSA, 2048 bits");
    assert_eq!(object["issuer"], "CN=ca");
    assert_eq!(object["names"][0], "127.0.0.1");
}
