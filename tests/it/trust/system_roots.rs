//! The system's roots. On Linux, `SSL_CERT_FILE` names their file, so that a test can set them.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use swp_keys::sandbox::CertificateKind;

use super::verification::{
    ALL, EXPIRED, NOT_YET_VALID, SELF_SIGNED, SELF_SIGNED_FOR_ANOTHER, UNKNOWN_CA, distrusted,
    showing,
};
use crate::support::scripted_server::Certificate;
use crate::support::{RunResult, TestEnv, contains};

/// Returns an environment without a CA file, whose system trusts this PEM text.
fn system_trusts(mut env: TestEnv, pem: &str) -> TestEnv {
    env.home.unset("SWP_CA_CERT");
    let file = env.home.write("system.pem", pem);
    env.home.set("SSL_CERT_FILE", file);
    env
}

#[test]
fn without_a_ca_file_the_systems_roots_verify_each_certificate() {
    let unrelated = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    for kind in ALL {
        let env = system_trusts(showing(kind), &unrelated.pem);
        let result = env.run(["create", "--role-id", "2"]);
        let expected = match kind {
            CertificateKind::SelfSigned | CertificateKind::SelfSignedCa => SELF_SIGNED,
            CertificateKind::WrongName => SELF_SIGNED_FOR_ANOTHER,
            CertificateKind::OwnCa | CertificateKind::UnknownCa => UNKNOWN_CA,
            CertificateKind::Expired => EXPIRED,
            CertificateKind::NotYetValid => NOT_YET_VALID,
        };
        distrusted(&env, &result, expected);
    }
}

#[test]
fn a_ca_in_the_systems_roots_is_trusted() {
    let env = showing(CertificateKind::OwnCa);
    let pem = env.sandbox.certificate_pem().to_owned();
    let env = system_trusts(env, &pem);
    let result = env.run(["create", "--role", "Auditor"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
}

#[test]
fn a_ca_file_replaces_the_systems_roots() {
    let env = showing(CertificateKind::OwnCa);
    let pem = env.sandbox.certificate_pem().to_owned();
    let mut env = system_trusts(env, &pem);
    let other = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    let other = env.home.write("other.pem", &other.pem);
    env.home.set("SWP_CA_CERT", other);
    let result = env.run(["create", "--role", "Auditor"]);
    distrusted(&env, &result, UNKNOWN_CA);
}

#[test]
fn a_system_without_roots_trusts_no_server_and_gets_a_hint() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    env.home.set("SSL_CERT_FILE", "/dev/null");
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(7), &["--ca-cert"]);
    assert_eq!(env.sandbox.connections().tls, 0);
}

/// Reading from a pipe without a writer would block forever, so a run that ends has not read it.
#[test]
fn the_systems_roots_are_read_only_if_needed() {
    let mut env = showing(CertificateKind::OwnCa);
    let pipe = env.home.path("roots");
    let status = Command::new("mkfifo").arg(&pipe).status();
    assert!(status.expect("mkfifo runs").success());
    env.home.set("SSL_CERT_FILE", &pipe);
    for unread in [
        &["find-role", "Auditor"][..],
        &["find-role", "Auditor", "--insecure"],
    ] {
        assert_eq!(ended(&env, &pipe, unread).success(), "2");
    }
    // Without a CA file, the system's roots decide. The run reads the pipe and trusts its content.
    env.home.unset("SWP_CA_CERT");
    let pem = env.sandbox.certificate_pem().to_owned();
    let (written, writes) = (pipe.clone(), pem);
    let writer = std::thread::spawn(move || std::fs::write(written, writes));
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    writer.join().expect("a thread").expect("the pipe was read");
}

/// Returns the result of the run. If the run waits for the pipe, the pipe is filled, so that the process does not stay behind.
fn ended(env: &TestEnv, pipe: &std::path::Path, arguments: &[&str]) -> RunResult {
    let child = env.home.start_piped(arguments);
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match ended.recv_timeout(Duration::from_secs(20)) {
        Ok(output) => RunResult::from(output.expect("the run ends")),
        Err(_) => {
            let _ = std::fs::write(pipe, "");
            panic!("{arguments:?} reads the system's roots");
        }
    }
}
