//! TLS that ends, or that is somebody else's: not a byte of a request is sent.

use super::case::MOST_MEMORY;
use super::launcher::{self, Measured};
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::secrets::{PASSWORD, assert_silent};
use crate::support::{Home, contains};

/// A run with a password that trusts `trusted`.
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
    let right = || Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let (good, thief) = (right(), right());
    for (shown, trusted, said) in [
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
        (thief, Some(&good), "self-signed"),
        (good.copied(), Some(&good), "TLS"),
    ] {
        let heard = Recording::default();
        let server = ScriptedServer::tls(&shown, heard.clone());
        run(&server, trusted.unwrap_or(&shown), 7, &[said]);
        assert_eq!(heard.bytes(), b"", "{said}");
    }
}

#[test]
fn alerts_and_noise_instead_of_a_handshake() {
    let good = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    for (said, exit, stderr) in [
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
        run(&ScriptedServer::answering(said), &good, exit, &[stderr]);
    }
}

/// An alert in the middle of an answer is an end of it.
#[test]
fn an_alert_in_an_answer_ends_it() {
    let good = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let server = ScriptedServer::speaking_tls(&good, |stream| {
        use std::io::{Read as _, Write as _};
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"RID\":");
        // An alert that is not even encrypted, as somebody on the way could put in.
        let _ = stream.sock.write_all(&[21, 3, 3, 0, 2, 2, 40]);
    });
    run(&server, &good, 8, &[]);
}
