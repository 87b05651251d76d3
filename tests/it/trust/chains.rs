//! Errors about an unknown CA, and about a chain that the server sends incompletely.

use super::next_steps::home;
use crate::support::certificates::{Authority, Certificate, issued_by_a_server, server};
use crate::support::scripted_server::ScriptedServer;
use crate::support::snapshot::snapshot;
use crate::support::wording::INTERMEDIATE_NOT_SENT;
use crate::support::{Home, contains};

const FIND: [&str; 2] = ["find-role", "Auditor"];
const NOT_SENT: &str = INTERMEDIATE_NOT_SENT;

fn run(home: &Home, ca: Option<&str>) -> crate::support::RunResult {
    let Some(ca) = ca else {
        return home.run(FIND);
    };
    let file = home.write("ca.pem", ca);
    let file = file.to_str().expect("UTF-8");
    home.run(FIND.iter().chain(&["--ca-cert", file]))
}

#[test]
fn an_incomplete_chain_is_reported_and_its_intermediate_ca_makes_it_trusted() {
    let root = Authority::root("the root");
    let intermediate = root.intermediate("the intermediate");
    let manager = ScriptedServer::serving_one_role(&intermediate.issue(&server(&["127.0.0.1"])));
    let home = home(&manager, &root.pem);
    for ca in [None, Some(root.pem.as_str())] {
        let result = run(&home, ca);
        contains(
            result.failure(7),
            &["CN=the intermediate", NOT_SENT, "`--ca-cert FILE`"],
        );
    }
    // The file that the hint names makes the manager trusted.
    assert_eq!(run(&home, Some(&intermediate.pem)).success(), "2");
}

#[test]
fn a_complete_chain_is_trusted_or_its_root_is_named() {
    let root = Authority::root("the root");
    let intermediate = root.intermediate("the intermediate");
    let leaf = intermediate
        .issue(&server(&["127.0.0.1"]))
        .sent_with(&intermediate);
    let manager = ScriptedServer::serving_one_role(&leaf);
    let other = Authority::root("elsewhere");
    let home = home(&manager, &other.pem);
    assert_eq!(run(&home, Some(&root.pem)).success(), "2");
    assert_eq!(run(&home, Some(&intermediate.pem)).success(), "2");
    for ca in [None, Some(other.pem.as_str())] {
        let result = run(&home, ca);
        let stderr = ["`CN=the intermediate`", "`CN=the root`"];
        contains(result.failure(7), &stderr);
        assert!(!result.stderr.contains(NOT_SENT), "{}", result.stderr);
    }
}

#[test]
fn a_ca_with_the_same_name_and_a_different_key_is_distinguished() {
    let (right, wrong) = (Authority::root("corporate"), Authority::root("corporate"));
    let manager = ScriptedServer::serving_one_role(&right.issue(&server(&["127.0.0.1"])));
    let home = home(&manager, &Authority::root("elsewhere").pem);
    let result = run(&home, Some(&wrong.pem));
    contains(result.failure(7), &["`CN=corporate`"]);
    assert_eq!(run(&home, Some(&right.pem)).success(), "2");
}

/// A CA certificate that another CA issued is not self-signed. A server cannot use it unless the certificate itself is listed.
#[test]
fn a_ca_certificate_is_not_accepted_as_a_server_certificate() {
    let root = Authority::root("the root");
    let mut params = server(&["127.0.0.1"]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca: Certificate = root.issue(&params);
    let manager = ScriptedServer::serving_one_role(&ca);
    let home = home(&manager, &root.pem);
    for given in [None, Some(root.pem.as_str())] {
        snapshot(run(&home, given).failure(7));
    }
    assert_eq!(run(&home, Some(&ca.pem)).success(), "2");
}

#[test]
fn the_constraints_of_a_ca_are_enforced() {
    use rcgen::{BasicConstraints, CidrSubnet, GeneralSubtree, IsCa, NameConstraints};
    let mut authority = server(&[]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.name_constraints = Some(NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![GeneralSubtree::IpAddress(CidrSubnet::V4(
            [127, 0, 0, 0],
            [255, 0, 0, 0],
        ))],
    });
    let (own, issued) = issued_by_a_server(&authority, &server(&["127.0.0.1"]));
    let manager = ScriptedServer::serving_one_role(&issued);
    let home = home(&manager, &own.pem);
    for given in [None, Some(own.pem.as_str())] {
        snapshot(run(&home, given).failure(7));
    }
}
