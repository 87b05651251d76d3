//! A server that aborts the handshake. The hint names the likely cause.

#[cfg(unix)]
use super::openssl::{Server, openssl, trusting};
use crate::support::scripted_server::ScriptedServer;
use crate::support::snapshot::snapshot;
use crate::support::{Home, contains};

/// Alerts of RFC 8446, section 6, and the cause that the hint names.
#[test]
fn each_alert_has_its_hint() {
    const CIPHERS: [&str; 3] = ["ECDHE", "CBC", "DSA"];
    for (alert, expected) in [
        (&[21, 3, 3, 0, 2, 2, 40][..], &CIPHERS[..]),
        (&[21, 3, 3, 0, 2, 2, 71], &CIPHERS),
        (&[21, 3, 3, 0, 2, 2, 70], &["TLS 1.2"]),
        (&[21, 3, 3, 0, 2, 2, 116], &[]),
        (&[21, 3, 3, 0, 2, 2, 42], &[]),
        (&[21, 3, 3, 0, 2, 2, 112], &["`--url`"]),
        (&[21, 3, 3, 0, 2, 2, 80], &["ECDSA P-256"]),
    ] {
        let server = ScriptedServer::answering(alert);
        let mut home = Home::new();
        home.set("SWP_URL", server.url());
        home.set("SWP_API_KEY", "1:a2V5");
        let result = home.run(["find-role", "Auditor"]);
        contains(result.failure(7), &["TLS"]);
        contains(&result.stderr, expected);
        snapshot(&result.stderr);
        assert_eq!(server.connections(), 1, "trying again would not help");
    }
}

#[test]
fn a_handshake_that_ends_without_an_alert_suggests_the_key_type() {
    let server = ScriptedServer::answering(b"");
    let mut home = Home::new();
    home.set("SWP_URL", server.url());
    home.set("SWP_API_KEY", "1:a2V5");
    let result = home.run(["find-role", "Auditor", "--retries", "0"]);
    contains(result.failure(8), &["ECDSA P-256", "DSA"]);
}

/// Cipher suites without forward secrecy or authenticated encryption, and key types that cannot be verified. The server sends no certificate.
#[cfg(unix)]
#[test]
fn openssl_servers_without_a_shared_cipher_or_key_type() {
    let generate = |key: &str| {
        let home = Home::new();
        if key.contains("dsa.param") {
            openssl(&home, &["dsaparam -out dsa.param 1024"]);
        }
        let request = format!("req -x509 -nodes -days 30 -subj /CN=127.0.0.1 {key}");
        openssl(&home, &[&request, "-keyout key.pem -out leaf.pem"]);
        home
    };
    let rsa = "-newkey rsa:2048";
    for (key, ciphers) in [
        (rsa, "ECDHE-RSA-AES128-SHA256"),
        (rsa, "AES128-GCM-SHA256"),
        (rsa, "DHE-RSA-AES128-GCM-SHA256"),
        ("-newkey dsa:dsa.param", "ALL:@SECLEVEL=0"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:secp521r1", "ALL"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:secp256k1", "ALL"),
    ] {
        let mut home = generate(key);
        let server = Server::with(&home, &["-tls1_2", "-cipher", ciphers]);
        home.set("SWP_URL", &server.url);
        trusting(&mut home, None);
        for command in [&["find-role", "Auditor"][..], &["trust", "show"]] {
            let result = home.run(command);
            contains(result.failure(7), &["TLS", "ECDHE", "ECDSA P-256"]);
            assert!(!result.stderr.contains("--tls-pin"), "{}", result.stderr);
        }
    }
}

/// In TLS 1.3, the client completes its handshake before it receives the alert. The server has not read a request.
#[cfg(unix)]
#[test]
fn a_required_client_certificate_is_reported() {
    let mut home = Home::new();
    let request = "req -x509 -nodes -days 30 -subj /CN=127.0.0.1 -newkey rsa:2048";
    openssl(&home, &[request, "-keyout key.pem -out leaf.pem"]);
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Server::with(&home, &[version, "-Verify", "1"]);
        home.set("SWP_URL", &server.url);
        trusting(&mut home, None);
        let result = home.run(["find-role", "Auditor", "--insecure", "--retries", "0"]);
        contains(result.failure(7), &["TLS"]);
    }
}
