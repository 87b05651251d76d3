//! `--ca-cert`: the supported file formats, errors about other formats, and what a listed certificate is trusted for.

use super::next_steps::home;
use crate::support::certificates::{
    Authority, Certificate, for_clients, issued_by_a_server, server, valid,
};
use crate::support::scripted_server::{Recording, ScriptedServer};
use crate::support::snapshot::snapshot;
use crate::support::{Home, contains};

const FIND: [&str; 4] = ["find-role", "Auditor", "--ca-cert", "ca.pem"];

/// Returns a home for this server, with these bytes as `ca.pem`.
fn home_with_ca_file(manager: &ScriptedServer, bytes: &[u8]) -> Home {
    let home = home(manager, &Authority::root("elsewhere").pem);
    std::fs::write(home.path("ca.pem"), bytes).expect("a file");
    home
}

/// Returns the PEM text with a different label.
fn labelled(pem: &str, label: &str) -> String {
    pem.replace("CERTIFICATE", label)
}

/// The error names the setting with the wrong file.
#[test]
fn a_file_without_the_certificate_of_the_manager_is_named() {
    let manager =
        ScriptedServer::serving_one_role(&Authority::root("a").issue(&server(&["127.0.0.1"])));
    let other = Authority::root("b");
    let mut home = home_with_ca_file(&manager, other.pem.as_bytes());
    let result = home.run(FIND);
    contains(result.failure(7), &["the file of `--ca-cert`"]);
    snapshot(&result.stderr);
    home.set("SWP_CA_CERT", home.path("ca.pem"));
    contains(
        home.run(["find-role", "Auditor"]).failure(7),
        &["the file of `SWP_CA_CERT`"],
    );
}

#[test]
fn common_forms_of_pem_files_are_read() {
    let authority = Authority::root("corporate");
    let manager = ScriptedServer::serving_one_role(&authority.issue(&server(&["127.0.0.1"])));
    let pem = &authority.pem;
    let bom = |text: &str| [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
    let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(order).collect()
    };
    let key = rcgen::KeyPair::generate()
        .expect("a key pair")
        .serialize_pem();
    for (what, bytes) in [
        ("a byte order mark", bom(pem)),
        ("UTF-16, little endian", wide(pem, u16::to_le_bytes)),
        ("UTF-16, big endian", wide(pem, u16::to_be_bytes)),
        (
            "an older label",
            labelled(pem, "X509 CERTIFICATE").into_bytes(),
        ),
        (
            "OpenSSL's label",
            labelled(pem, "TRUSTED CERTIFICATE").into_bytes(),
        ),
        (
            "line ends of Windows",
            pem.replace('\n', "\r\n").into_bytes(),
        ),
        (
            "line ends of old Macs",
            pem.replace('\n', "\r").into_bytes(),
        ),
        ("indented", pem.replace('\n', "\n  ").into_bytes()),
        ("no last line end", pem.trim_end().as_bytes().to_vec()),
        (
            "text around it",
            format!("Bag Attributes\n{pem}\nmore: é\n").into_bytes(),
        ),
        ("a key before it", format!("{key}{pem}").into_bytes()),
    ] {
        let result = home_with_ca_file(&manager, &bytes).run(FIND);
        assert_eq!(result.success(), "2", "{what}");
    }
}

#[test]
fn der_is_read() {
    let certificate = Certificate::self_signed(&server(&["127.0.0.1"]));
    let manager = ScriptedServer::serving_one_role(&certificate);
    assert_eq!(
        home_with_ca_file(&manager, certificate.der())
            .run(FIND)
            .success(),
        "2"
    );
}

/// The run sends nothing, names the file, and prints none of its bytes.
#[test]
fn an_invalid_file_is_named_and_never_quoted() {
    let certificate = Certificate::self_signed(&server(&["127.0.0.1"]));
    let heard = Recording::default();
    let manager = ScriptedServer::tls(&certificate, heard.clone());
    let key = rcgen::KeyPair::generate()
        .expect("a key pair")
        .serialize_pem();
    let pem = &certificate.pem;
    let body = |text: &str| text.lines().nth(1).expect("a line").to_owned();
    let secrets = [body(&key), body(pem)];
    let lines = pem.lines().collect::<Vec<_>>();
    let half = lines[..lines.len() - 1].join("\n");
    for bytes in [
        // The lines of a key and a certificate are joined.
        key.replace('\n', "") + &pem.replace('\n', ""),
        key.trim_end().to_owned() + pem,
        pem.replace('\n', " "),
        format!("\n\n{half}\n"),
        format!("{half}\n{pem}"),
        half + "\n-----END PRIVATE KEY-----\n",
        pem.replacen(lines[1], "\u{e9}*hunter2", 1),
        pem.replacen(lines[1], "", 1),
        key.clone(),
        labelled(pem, "CERTIFICATE REQUEST"),
        labelled(pem, "PKCS7"),
        "hunter2\n".to_owned(),
    ] {
        let home = home_with_ca_file(&manager, bytes.as_bytes());
        for format in ["text", "json"] {
            let result = home.run(FIND.iter().chain(&["-o", format]));
            contains(result.failure(2), &["`--ca-cert`", "ca.pem"]);
            snapshot(&result.stderr);
            for secret in &secrets {
                assert!(!result.stderr.contains(secret), "{}", result.stderr);
            }
            assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
        }
    }
    assert_eq!(heard.bytes(), b"");
}

#[test]
fn unsupported_formats_are_named() {
    let certificate = Certificate::self_signed(&server(&["127.0.0.1"]));
    let manager = ScriptedServer::tls(&certificate, Recording::default());
    for bytes in [
        &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2][..],
        &[0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03],
    ] {
        let result = home_with_ca_file(&manager, bytes).run(FIND);
        contains(result.failure(2), &["ca.pem"]);
        snapshot(&result.stderr);
    }
    assert_eq!(manager.connections(), 0);
}

/// The trust settings of OpenSSL may forbid a use that the certificate itself allows.
#[cfg(unix)]
#[test]
fn the_trust_settings_of_openssl_apply() {
    let authority = Authority::root("corporate");
    let manager = ScriptedServer::serving_one_role(&authority.issue(&server(&["127.0.0.1"])));
    for (settings, trusted) in [
        ("-addtrust serverAuth", true),
        ("-addtrust anyExtendedKeyUsage", true),
        (
            "-addtrust clientAuth -addtrust serverAuth -addreject emailProtection",
            true,
        ),
        ("-setalias corporate", true),
        ("-addtrust emailProtection", false),
        ("-addreject serverAuth", false),
        ("-addreject anyExtendedKeyUsage", false),
        ("-addtrust serverAuth -addreject serverAuth", false),
    ] {
        let home = home_with_ca_file(&manager, b"");
        home.write("plain.pem", &authority.pem);
        let command = "x509 -in plain.pem -trustout -out ca.pem";
        super::openssl::openssl(&home, &[command, settings]);
        let result = home.run(FIND);
        if trusted {
            assert_eq!(result.success(), "2", "{settings}");
        } else {
            contains(result.failure(2), &["ca.pem"]);
        }
    }
}

/// As in curl, a server certificate is trusted if it equals a listed one byte for byte, whoever issued it.
#[test]
fn a_listed_server_certificate_is_trusted_for_its_names_and_dates() {
    let authority = Authority::root("corporate");
    for certificate in [
        authority.issue(&server(&["127.0.0.1"])),
        Certificate::self_signed(&server(&["127.0.0.1"])),
        Certificate::marked_as_ca("127.0.0.1", 2020, 2100),
        authority
            .issue(&server(&["127.0.0.1"]))
            .sent_with(&authority),
    ] {
        let manager = ScriptedServer::serving_one_role(&certificate);
        let result = home_with_ca_file(&manager, certificate.pem.as_bytes()).run(FIND);
        assert_eq!(result.success(), "2");
    }
}

#[test]
fn a_listed_server_certificate_is_trusted_only_for_its_names_dates_and_purpose() {
    let authority = Authority::root("corporate");
    let mut ca_for_clients = for_clients(&["127.0.0.1"]);
    ca_for_clients.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    for params in [
        server(&["dsm.example.com"]),
        server(&[]),
        valid(&["127.0.0.1"], 2001, 2002),
        valid(&["127.0.0.1"], 2099, 2100),
        for_clients(&["127.0.0.1"]),
        ca_for_clients,
    ] {
        for certificate in [Certificate::self_signed(&params), authority.issue(&params)] {
            let heard = Recording::default();
            let manager = ScriptedServer::tls(&certificate, heard.clone());
            let result = home_with_ca_file(&manager, certificate.pem.as_bytes()).run(FIND);
            snapshot(result.failure(7));
            assert_eq!(heard.bytes(), b"");
        }
    }
}

/// Everyone can copy a certificate, but not its key.
#[test]
fn a_copy_of_a_listed_certificate_without_its_key_is_rejected() {
    let certificate = Authority::root("corporate").issue(&server(&["127.0.0.1"]));
    let heard = Recording::default();
    let thief = ScriptedServer::tls(&certificate.copied(), heard.clone());
    home_with_ca_file(&thief, certificate.pem.as_bytes())
        .run(FIND)
        .failure(7);
    assert_eq!(heard.bytes(), b"");
}

/// The key of a listed server certificate could sign any certificate, so none of them is trusted.
#[test]
fn a_listed_server_certificate_does_not_issue_others() {
    for names in [&["127.0.0.1"][..], &["dsm.example.com"], &[]] {
        let (own, issued) = issued_by_a_server(&server(names), &server(&["127.0.0.1"]));
        let heard = Recording::default();
        let manager = ScriptedServer::tls(&issued, heard.clone());
        let result = home_with_ca_file(&manager, own.pem.as_bytes()).run(FIND);
        snapshot(result.failure(7));
        assert_eq!(heard.bytes(), b"");
    }
}

/// As in OpenSSL, the key usage and the extended key usage of a CA limit what it may sign.
#[test]
fn a_ca_that_may_not_sign_for_servers_is_not_trusted() {
    use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
    for (usage, purpose, exit) in [
        (KeyUsagePurpose::DigitalSignature, None, 7),
        (
            KeyUsagePurpose::KeyCertSign,
            Some(ExtendedKeyUsagePurpose::ClientAuth),
            7,
        ),
        (
            KeyUsagePurpose::KeyCertSign,
            Some(ExtendedKeyUsagePurpose::ServerAuth),
            0,
        ),
    ] {
        let mut authority = server(&[]);
        (authority.distinguished_name).push(rcgen::DnType::CommonName, "limited");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![usage];
        authority.extended_key_usages = purpose.into_iter().collect();
        let (own, issued) = issued_by_a_server(&authority, &server(&["127.0.0.1"]));
        let manager = ScriptedServer::serving_one_role(&issued);
        let result = home_with_ca_file(&manager, own.pem.as_bytes()).run(FIND);
        if exit == 0 {
            result.success();
        } else {
            snapshot(result.failure(exit));
        }
    }
}

/// The certificate differs from the listed one in at least one byte.
#[test]
fn a_different_certificate_with_the_same_names_is_rejected() {
    let authority = Authority::root("corporate");
    let (listed, shown) = (
        authority.issue(&server(&["127.0.0.1"])),
        authority.issue(&server(&["127.0.0.1"])),
    );
    let heard = Recording::default();
    let manager = ScriptedServer::tls(&shown, heard.clone());
    let result = home_with_ca_file(&manager, listed.pem.as_bytes()).run(FIND);
    contains(result.failure(7), &["`CN=corporate`"]);
    assert_eq!(heard.bytes(), b"");
}

#[test]
fn a_ca_outside_its_dates_is_not_trusted() {
    let expired = Authority::until("Old Corporate CA", 2024);
    let manager = ScriptedServer::serving_one_role(&expired.issue(&server(&["127.0.0.1"])));
    let result = home_with_ca_file(&manager, expired.pem.as_bytes()).run(FIND);
    contains(result.failure(7), &["Old Corporate CA", "2024-01-01"]);
    let current = Authority::until("Corporate CA", 2090);
    let manager = ScriptedServer::serving_one_role(&current.issue(&server(&["127.0.0.1"])));
    let both = [expired.pem, current.pem].concat();
    home_with_ca_file(&manager, both.as_bytes())
        .run(FIND)
        .success();
}
