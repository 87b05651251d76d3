//! The roots of the system, which on Linux are those of a file that `SSL_CERT_FILE` names, so that a test can choose them.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use swp_keys::sandbox::CertificateKind;

use super::verification::{
    ALL, EXPIRED, NOT_YET_VALID, SELF_SIGNED, SELF_SIGNED_FOR_ANOTHER, UNKNOWN_CA, distrusted,
    showing,
};
use crate::support::raw_server::Certificate;
use crate::support::{Ran, World, contains};

/// A world without a CA file, whose system trusts this PEM text.
fn system_trusts(mut world: World, pem: &str) -> World {
    world.home.unset("SWP_CA_CERT");
    let file = world.home.write("system.pem", pem);
    world.home.set("SSL_CERT_FILE", file);
    world
}

#[test]
fn each_certificate_is_judged_by_the_system_where_no_file_is_given() {
    let unrelated = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    for kind in ALL {
        let world = system_trusts(showing(kind), &unrelated.pem);
        let ran = world.run(["create", "--role-id", "2"]);
        let said = match kind {
            CertificateKind::SelfSigned | CertificateKind::SelfSignedCa => SELF_SIGNED,
            CertificateKind::WrongName => SELF_SIGNED_FOR_ANOTHER,
            CertificateKind::OwnCa | CertificateKind::UnknownCa => UNKNOWN_CA,
            CertificateKind::Expired => EXPIRED,
            CertificateKind::NotYetValid => NOT_YET_VALID,
        };
        distrusted(&world, &ran, &said);
    }
}

#[test]
fn a_ca_of_the_system_is_trusted() {
    let world = showing(CertificateKind::OwnCa);
    let pem = world.sandbox.certificate_pem().to_owned();
    let world = system_trusts(world, &pem);
    let ran = world.run(["create", "--role", "Auditor"]);
    assert_eq!(ran.success(), world.sandbox.api_keys()[0].secret);
}

#[test]
fn a_ca_file_decides_alone() {
    let world = showing(CertificateKind::OwnCa);
    let pem = world.sandbox.certificate_pem().to_owned();
    let mut world = system_trusts(world, &pem);
    let other = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    let other = world.home.write("other.pem", &other.pem);
    world.home.set("SWP_CA_CERT", other);
    let ran = world.run(["create", "--role", "Auditor"]);
    distrusted(&world, &ran, &UNKNOWN_CA);
}

#[test]
fn a_system_without_roots_trusts_nobody_and_names_the_way_out() {
    let mut world = World::new();
    world.home.unset("SWP_CA_CERT");
    world.home.set("SSL_CERT_FILE", "/dev/null");
    let ran = world.run(["find-role", "Auditor"]);
    contains(ran.failure(7), &["--ca-cert"]);
    assert_eq!(world.sandbox.connections().tls, 0);
}

/// Whoever reads a pipe that nobody writes to waits for ever, so a run that ends has not read it.
#[test]
fn the_systems_roots_are_read_only_when_they_decide() {
    let mut world = showing(CertificateKind::OwnCa);
    let pipe = world.home.path("roots");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    world.home.set("SSL_CERT_FILE", &pipe);
    for unread in [
        &["find-role", "Auditor"][..],
        &["find-role", "Auditor", "--insecure"],
    ] {
        assert_eq!(ended(&world, &pipe, unread).success(), "2");
    }
    // They decide now, and the pipe is read: the run waits for it, and believes what comes out.
    world.home.unset("SWP_CA_CERT");
    let pem = world.sandbox.certificate_pem().to_owned();
    let (written, writes) = (pipe.clone(), pem);
    let writer = std::thread::spawn(move || std::fs::write(written, writes));
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    writer.join().expect("a thread").expect("somebody read");
}

/// The run, if it ends by itself; a pipe that it waits for is fed, so that it is not left behind.
fn ended(world: &World, pipe: &std::path::Path, arguments: &[&str]) -> Ran {
    let child = world.home.start_piped(arguments);
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match ended.recv_timeout(Duration::from_secs(20)) {
        Ok(output) => Ran::from(output.expect("the run ends")),
        Err(_) => {
            let _ = std::fs::write(pipe, "");
            panic!("{arguments:?} reads the system's roots");
        }
    }
}
