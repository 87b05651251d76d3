//! TLS verification: which certificates are trusted, errors about the others, and that nothing is sent to an untrusted server.

use std::collections::BTreeSet;

use swp_keys::sandbox::{CertificateKind, Settings, TlsVersions};

use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
#[cfg(unix)]
use crate::support::set_mode;
use crate::support::snapshot::snapshot;
use crate::support::{Home, RunResult, TestEnv, contains};

pub(crate) const ALL: [CertificateKind; 7] = [
    CertificateKind::SelfSigned,
    CertificateKind::SelfSignedCa,
    CertificateKind::OwnCa,
    CertificateKind::UnknownCa,
    CertificateKind::WrongName,
    CertificateKind::Expired,
    CertificateKind::NotYetValid,
];

pub(crate) const SELF_SIGNED: &[&str] = &["self-signed", "openssl s_client", "--ca-cert"];
/// The certificate is neither trusted nor valid for this host, so no CA file helps.
pub(crate) const SELF_SIGNED_FOR_ANOTHER: &[&str] = &[
    "self-signed",
    "127.0.0.1",
    "dsm.example.com",
    "`--tls-pin sha256:",
];
pub(crate) const UNKNOWN_CA: &[&str] = &[
    "`CN=swp-keys sandbox CA`",
    "--ca-cert FILE",
    "--tls-pin sha256:",
];
const WRONG_NAME: &[&str] = &["127.0.0.1", "dsm.example.com", "`--tls-pin sha256:"];
pub(crate) const EXPIRED: &[&str] = &["`--tls-pin sha256:"];
pub(crate) const NOT_YET_VALID: &[&str] = &["`--tls-pin sha256:"];

pub(crate) fn showing(certificate: CertificateKind) -> TestEnv {
    TestEnv::with(Settings {
        certificate,
        ..Settings::default()
    })
}

/// Returns the parts of the error for this certificate if its file is passed with `--ca-cert`, or nothing if the certificate is trusted.
fn with_its_file(kind: CertificateKind) -> Option<&'static [&'static str]> {
    match kind {
        CertificateKind::SelfSigned | CertificateKind::SelfSignedCa | CertificateKind::OwnCa => {
            None
        }
        CertificateKind::UnknownCa => Some(UNKNOWN_CA),
        CertificateKind::WrongName => Some(WRONG_NAME),
        CertificateKind::Expired => Some(EXPIRED),
        CertificateKind::NotYetValid => Some(NOT_YET_VALID),
    }
}

/// Asserts that the certificate stopped the run, that the error contains these parts, and that nothing was sent.
#[track_caller]
pub(crate) fn distrusted(env: &TestEnv, result: &RunResult, expected: &[&str]) {
    contains(result.failure(7), expected);
    contains(&result.stderr, &["error: ", "\nhint: "]);
    snapshot(&result.stderr);
    assert_eq!(env.sandbox.requests(), [], "no request over this");
    assert_eq!(
        env.sandbox.connections().tcp,
        1,
        "trying again would not help"
    );
}

#[test]
fn the_ca_file_verifies_each_certificate() {
    for kind in ALL {
        let env = showing(kind);
        let result = env.run(["create", "--role-id", "2"]);
        match with_its_file(kind) {
            None => assert_eq!(result.success(), env.sandbox.api_keys()[0].secret),
            Some(expected) => distrusted(&env, &result, expected),
        }
    }
}

#[test]
fn each_problem_has_its_own_message_and_next_step() {
    let mut lines = BTreeSet::new();
    for kind in [
        CertificateKind::SelfSigned,
        CertificateKind::UnknownCa,
        CertificateKind::WrongName,
        CertificateKind::Expired,
        CertificateKind::NotYetValid,
    ] {
        let env = showing(kind);
        let mut home = Home::new();
        let other = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
        let file = match kind {
            CertificateKind::SelfSigned => home.write("ca.pem", &other.pem),
            _ => home.write("ca.pem", env.sandbox.certificate_pem()),
        };
        home.set("SWP_CA_CERT", file);
        home.set("SWP_URL", env.sandbox.url());
        home.set("SWP_API_KEY", "1:a2V5");
        let error = home
            .run(["find-role", "Auditor", "-o", "json"])
            .json_error(7);
        assert_eq!(error["code"], "tls-trust");
        assert_eq!(error["retryable"], false);
        assert_eq!(error["http"], serde_json::Value::Null);
        let place = env.sandbox.address().to_string();
        for part in ["message", "hint"] {
            let text = error[part].as_str().unwrap_or_default();
            lines.insert(text.replace(&place, "HOST"));
        }
    }
    assert_eq!(lines.len(), 10, "{lines:#?}");
}

#[test]
fn a_certificate_marked_as_a_ca_is_checked_for_name_and_dates() {
    let cases = [
        (
            Certificate::marked_as_ca("dsm.example.com", 2020, 2100),
            "dsm.example.com",
        ),
        (
            Certificate::marked_as_ca("127.0.0.1", 2001, 2002),
            "2002-01-01",
        ),
        (
            Certificate::marked_as_ca("127.0.0.1", 2099, 2100),
            "2099-01-01",
        ),
    ];
    for (certificate, expected) in cases {
        let heard = Recording::default();
        let server = ScriptedServer::tls(&certificate, heard.clone());
        let mut home = Home::new();
        home.set("SWP_URL", server.url());
        home.set("SWP_API_KEY", "1:a2V5");
        home.set("SWP_CA_CERT", home.write("ca.pem", &certificate.pem));
        let result = home.run(["find-role", "Auditor"]);
        contains(result.failure(7), &[expected]);
        assert_eq!(heard.bytes(), b"", "nothing is sent");
    }
}

#[test]
fn a_certificate_with_the_name_of_a_listed_one_is_not_trusted() {
    let output = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let listed = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let heard = Recording::default();
    let server = ScriptedServer::tls(&output, heard.clone());
    let mut home = Home::new();
    home.set("SWP_URL", server.url());
    home.set("SWP_API_KEY", "1:a2V5");
    home.set("SWP_CA_CERT", home.write("ca.pem", &listed.pem));
    home.run(["find-role", "Auditor"]).failure(7);
    assert_eq!(heard.bytes(), b"", "nothing is sent");
}

#[test]
fn insecure_accepts_every_certificate_and_always_warns() {
    for kind in ALL {
        let mut env = showing(kind);
        env.home.unset("SWP_CA_CERT");
        let result = env.run(["create", "--role-id", "2", "--insecure", "--quiet"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        let stderr = ["warning: --insecure", "--ca-cert"];
        contains(&result.stderr, &stderr);
    }
}

#[test]
fn insecure_is_off_by_default() {
    let mut env = showing(CertificateKind::UnknownCa);
    for value in ["", "0", "false"] {
        env.home.set("SWP_INSECURE", value);
        env.run(["find-role", "Auditor"]).failure(7);
    }
    env.home.set("SWP_INSECURE", "1");
    let result = env.run(["find-role", "Auditor"]);
    assert_eq!(result.success(), "2");
    contains(&result.stderr, &["warning: --insecure"]);
}

#[test]
fn both_tls_versions_work_and_the_newer_one_is_preferred() {
    for (tls, version) in [
        (TlsVersions::Only12, "TLSv1.2"),
        (TlsVersions::Only13, "TLSv1.3"),
        (TlsVersions::Both, "TLSv1.3"),
    ] {
        let env = TestEnv::with(Settings {
            tls,
            ..Settings::default()
        });
        env.run(["create", "--role", "Auditor"]).success();
        let versions: Vec<_> = (env.sandbox.requests().iter())
            .map(|request| request.tls)
            .collect();
        assert_eq!(versions, [version; 4], "{tls:?}");
    }
}

#[test]
fn an_ipv6_address_works_with_and_without_its_brackets() {
    // A machine without IPv6, for example a container, lacks this address.
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let env = TestEnv::with(Settings {
        listen: "[::1]:0".parse().expect("an address"),
        ..Settings::default()
    });
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    let without_scheme = env.sandbox.address().to_string();
    let result = env.run(["find-role", "Auditor", "--url", &without_scheme]);
    assert_eq!(result.success(), "2");
    let host = env.sandbox.requests()[0].header("host").map(str::to_owned);
    assert_eq!(host, Some(without_scheme));
}

#[test]
fn localhost_by_name_works() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let env = TestEnv::with(Settings {
            listen: listen.parse().expect("an address"),
            ..Settings::default()
        });
        let url = format!("https://localhost:{}/api/", env.sandbox.address().port());
        let result = env.run(["create", "--role", "Auditor", "--url", &url]);
        assert_eq!(
            result.success(),
            env.sandbox.api_keys()[0].secret,
            "{listen}"
        );
    }
}

#[test]
fn a_port_without_tls_is_reported() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ] {
        let server = ScriptedServer::answering(answer);
        let result = password_run(&server.url());
        contains(result.failure(7), &["TLS"]);
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_server_that_requires_an_older_tls_version_is_reported() {
    // A fatal alert, protocol_version (RFC 8446, section 6).
    let server = ScriptedServer::answering(&[21, 3, 1, 0, 2, 2, 70]);
    let result = password_run(&server.url());
    contains(result.failure(7), &["TLS", "TLS 1.2"]);
}

#[test]
fn a_server_that_closes_during_the_handshake_is_unreachable() {
    let server = ScriptedServer::answering(b"");
    let result = password_run(&server.url());
    contains(result.failure(8), &[&server.address().to_string()]);
    assert_eq!(server.connections(), 1, "a sign-in is not tried again");
}

fn password_run(url: &str) -> RunResult {
    let mut home = Home::new();
    home.set("SWP_URL", url);
    home.set("SWP_USERNAME", "admin");
    home.set("SWP_PASSWORD", "hunter2");
    let unrelated = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    home.set("SWP_CA_CERT", home.write("ca.pem", &unrelated.pem));
    home.run(["create", "--role", "Auditor"])
}

#[test]
fn http_is_rejected_except_for_loopback() {
    let home = Home::new();
    for url in [
        "http://dsm.example.com:4119",
        "http://192.0.2.7",
        "http://localhost.example.com",
        "http://[2001:db8::1]:4119",
    ] {
        let result = home.run(["find-role", "Auditor", "--url", url]);
        contains(result.failure(2), &["`--url`", "http"]);
    }
    let body = "{\"roles\":[{\"ID\":2,\"name\":\"Auditor\"}]}";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = ScriptedServer::answering(answer.leak().as_bytes());
    let mut home = Home::new();
    home.set("SWP_API_KEY", "1:a2V5");
    let url = format!("http://{}", server.address());
    let result = home.run(["find-role", "Auditor", "--url", &url]);
    assert_eq!(result.success(), "2");
}

#[test]
fn a_password_in_the_address_is_rejected_and_not_repeated() {
    let mut home = Home::new();
    let url = "https://admin:hunter2@dsm.example.com:4119";
    let result = home.run(["find-role", "Auditor", "-vv", "--url", url]);
    contains(result.failure(2), &["`--url`"]);
    assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
    assert!(!result.stderr.contains("admin"), "{}", result.stderr);
    home.set("SWP_URL", url);
    let result = home.run(["find-role", "Auditor"]);
    contains(result.failure(2), &["`SWP_URL`"]);
    assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
}

#[test]
fn an_unusable_ca_file_is_reported_with_its_flag_or_variable() {
    let mut env = TestEnv::new();
    let home = &env.home;
    let key = rcgen::KeyPair::generate()
        .expect("a key pair")
        .serialize_pem();
    // A PEM block whose content is not a certificate.
    let hollow = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let cases = [
        home.path("missing.pem"),
        home.write("empty.pem", ""),
        home.write("text.pem", "hello\n"),
        home.write("key.pem", &key),
        home.write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB"),
        home.write("hollow.pem", hollow),
        home.path(""),
        home.path("nowhere.pem"),
    ];
    for path in cases {
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        let result = env.run(["find-role", "Auditor", "--ca-cert", &path]);
        contains(result.failure(2), &["`--ca-cert`", &path, "\nhint: "]);
        snapshot(&result.stderr);
        env.home.set("SWP_CA_CERT", &path);
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(2), &["`SWP_CA_CERT`", &path]);
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[cfg(unix)]
#[test]
fn a_pipe_as_the_ca_file_does_not_block() {
    let env = TestEnv::new();
    let pipe = env.home.path("pipe.pem");
    let status = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(status.expect("mkfifo runs").success());
    let pipe = pipe.to_str().expect("a path in UTF-8");
    for command in [&["find-role", "Auditor"][..], &["trust", "show"]] {
        let result = env.run(command.iter().copied().chain(["--ca-cert", pipe]));
        contains(result.failure(2), &["`--ca-cert`"]);
    }
}

#[cfg(unix)]
#[test]
fn a_ca_file_that_other_users_can_write_is_rejected() {
    let env = TestEnv::new();
    let file = env.home.write("open.pem", env.sandbox.certificate_pem());
    set_mode(&file, 0o666);
    let path = file.to_str().expect("a path in UTF-8");
    let command = ["find-role", "Auditor", "--ca-cert", path];
    let result = env.run(command);
    contains(result.failure(2), &["`chmod o-w "]);
    assert_eq!(env.sandbox.connections().tcp, 0);
    let loose = command.into_iter().chain(["--allow-loose-permissions"]);
    assert_eq!(env.run(loose).success(), "2");
    set_mode(&file, 0o664);
    assert_eq!(env.run(command).success(), "2");
}

#[test]
fn a_ca_file_can_contain_several_certificates() {
    let env = TestEnv::new();
    let unrelated = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    let both = format!(
        "A comment.\n{}{}",
        unrelated.pem,
        env.sandbox.certificate_pem()
    );
    let file = env.home.write("both.pem", &both);
    let file = file.to_str().expect("a path in UTF-8");
    let result = env.run(["find-role", "Auditor", "--ca-cert", file]);
    assert_eq!(result.success(), "2");
}
