//! TLS handshakes that fail: the run sends no byte of a request.

use super::case::MOST_MEMORY;
use super::launcher::{self, Measured};
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::secrets::{PASSWORD, assert_silent};
use crate::support::{Home, contains};

/// Runs a sign-in with a password that trusts `trusted`, and checks how it fails.
fn run(server: &ScriptedServer, trusted: &Certificate, exit: i32, stderr: &[&str]) {
    let mut home = Home::new();
    home.set("SWP_URL", server.url());
    home.set("SWP_CA_CERT", home.write("ca.pem", &trusted.pem));
    home.set("SWP_USERNAME", "admin");
    home.set("SWP_PASSWORD_FILE", home.write_secret("password", PASSWORD));
    let arguments = [
        "find-role",
        "Auditor",
        "-vv",
        "--retries",
        "0",
        "--timeout",
        "5s",
    ];
    let Measured { result, peak } = launcher::run(&home, &arguments);
    contains(result.failure(exit), stderr);
    assert_silent("TLS", &result, &[PASSWORD], None);
    assert!(peak < MOST_MEMORY, "{} KiB of memory", peak / 1024);
}

#[test]
fn nothing_is_sent_to_an_untrusted_certificate() {
    let certificate = || Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let (good, stolen_name) = (certificate(), certificate());
    for (presented, trusted, reason) in [
        (
            Certificate::marked_as_ca("127.0.0.1", 2001, 2002),
            None,
            "2002-01-01",
        ),
        (
            Certificate::marked_as_ca("127.0.0.1", 2099, 2100),
            None,
            "2099-01-01",
        ),
        (
            Certificate::marked_as_ca("dsm.example.com", 2020, 2100),
            None,
            "dsm.example.com",
        ),
        (stolen_name, Some(&good), "self-signed"),
        (good.copied(), Some(&good), "TLS"),
    ] {
        let received = Recording::default();
        let server = ScriptedServer::tls(&presented, received.clone());
        run(&server, trusted.unwrap_or(&presented), 7, &[reason]);
        assert_eq!(received.bytes(), b"", "{reason}");
    }
}

#[test]
fn alerts_and_noise_in_place_of_a_handshake() {
    let good = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    for (response, exit, stderr) in [
        // handshake_failure, protocol_version, internal_error, close_notify (RFC 8446, section 6).
        (&[21, 3, 3, 0, 2, 2, 40][..], 7, "TLS"),
        (&[21, 3, 3, 0, 2, 2, 70], 7, "TLS"),
        (&[21, 3, 3, 0, 2, 2, 80], 7, "TLS"),
        (&[21, 3, 3, 0, 2, 1, 0], 8, "127.0.0.1"),
        (&[22, 3, 3, 255, 255, 0], 7, "TLS"),
        (&[22, 3, 3, 0, 4, 2, 255, 255, 255], 7, "TLS"),
        (b"HTTP/1.1 200 OK\r\n\r\n", 7, "TLS"),
        (&[0; 4096], 7, "TLS"),
        (b"", 8, "127.0.0.1"),
    ] {
        run(&ScriptedServer::answering(response), &good, exit, &[stderr]);
    }
}

#[test]
fn an_alert_within_a_response_ends_it() {
    let good = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let server = ScriptedServer::speaking_tls(&good, |stream| {
        use std::io::{Read as _, Write as _};
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"RID\":");
        // An unencrypted alert, which an attacker on the network could insert.
        let _ = stream.sock.write_all(&[21, 3, 3, 0, 2, 2, 40]);
    });
    run(&server, &good, 8, &[]);
}
