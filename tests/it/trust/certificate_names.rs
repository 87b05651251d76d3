//! The names in a certificate as the program prints them.

use rcgen::{DnType, DnValue, SanType};
use serde_json::json;

use super::next_steps::home;
use crate::support::certificates::{Authority, Certificate, server};
use crate::support::contains;
use crate::support::scripted_server::ScriptedServer;

fn ia5(text: &str) -> rcgen::string::Ia5String {
    text.try_into().expect("ASCII")
}

#[test]
fn a_name_of_a_different_type_is_not_shown_as_a_host() {
    let authority = Authority::root("corporate");
    let email = SanType::Rfc822Name(ia5("admin@example.com"));
    let uri = SanType::URI(ia5("https://dsm.example.com"));
    let address = SanType::DnsName(ia5("127.0.0.1"));
    for (names, expected, shown) in [
        (vec![email.clone(), uri.clone()], "127.0.0.1", json!([])),
        // The address is in a name type that matches no address.
        (
            vec![email, address, uri],
            "DNS:127.0.0.1",
            json!(["DNS:127.0.0.1"]),
        ),
    ] {
        let mut params = server(&[]);
        params.subject_alt_names = names;
        let manager = ScriptedServer::serving_one_role(&authority.issue(&params));
        let home = home(&manager, &authority.pem);
        let result = home.run(["find-role", "Auditor"]);
        contains(result.failure(7), &[expected, "--tls-pin"]);
        assert!(!result.stderr.contains("0x0"), "{}", result.stderr);
        let object = home.run(["trust", "show", "-o", "json"]).json();
        assert_eq!(object["names"], shown);
    }
}

#[test]
fn subjects_in_old_string_types_are_shown_as_text() {
    let bmp = rcgen::string::BmpString::try_from("Bücher ☃").expect("UTF-16");
    let teletex = rcgen::string::TeletexString::try_from("Trend Micro").expect("ASCII");
    let mut params = server(&["127.0.0.1"]);
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = &mut params.distinguished_name;
    name.push(DnType::OrganizationName, DnValue::TeletexString(teletex));
    name.push(DnType::CommonName, DnValue::BmpString(bmp));
    let manager = ScriptedServer::serving_one_role(&Certificate::self_signed(&params));
    let home = home(&manager, &Authority::root("elsewhere").pem);
    let object = home.run(["trust", "show", "-o", "json"]).json();
    assert_eq!(object["subject"], "CN=Bücher ☃,O=Trend Micro");
    assert_eq!(object["flaw"], "self-signed");
}

/// A name in a certificate may imitate a next step, or contain control characters for the terminal.
#[test]
fn a_name_cannot_imitate_a_command_or_an_escape_sequence() {
    let authority = Authority::root("a` with `--insecure` \u{1b}[2J\u{202e}b");
    let mut params = server(&[]);
    params.subject_alt_names = vec![SanType::DnsName(ia5(
        "x; run `swp-keys --insecure` \u{1b}[2J",
    ))];
    let manager = ScriptedServer::serving_one_role(&authority.issue(&params));
    let home = home(&manager, &Authority::root("elsewhere").pem);
    let trusting = home.write("ca.pem", &authority.pem);
    let trusting = trusting.to_str().expect("UTF-8");
    for given in [&[][..], &["--ca-cert", trusting]] {
        let result = home.run(["find-role", "Auditor"].iter().chain(given));
        let stderr = result.failure(7);
        assert!(!stderr.contains("`swp-keys --insecure"), "{stderr}");
        assert!(!stderr.contains("`--insecure`"), "{stderr}");
        assert!(!stderr.contains(['\u{1b}', '\u{202e}']), "{stderr}");
        contains(stderr, &["`--tls-pin sha256:"]);
    }
}
