//! The addresses of the sandbox, and its TLS.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};

use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use swp_keys::sandbox::{CertificateKind, Sandbox, Settings, TlsVersions};

use super::client::{ALL_VERSIONS, Client, Connection, Request};

#[test]
fn it_listens_on_loopback_and_nowhere_else() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let listen: SocketAddr = address.parse().expect("an address");
        let error = Sandbox::start(Settings {
            listen,
            ..Settings::default()
        })
        .expect_err("refused");
        assert!(error.to_string().contains("loopback"), "{error}");
    }
}

#[test]
fn a_used_port_is_reported() {
    let sandbox = Sandbox::start(Settings::default()).expect("a sandbox");
    let listen = sandbox.address();
    let error = Sandbox::start(Settings {
        listen,
        ..Settings::default()
    })
    .expect_err("taken");
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}

#[test]
fn other_loopback_addresses_work_and_are_in_the_certificate() {
    // On other systems, 127.0.0.1 is the only IPv4 loopback address by default.
    let more = if cfg!(target_os = "linux") {
        "127.0.0.2:0"
    } else {
        "127.0.0.1:0"
    };
    for address in ["[::1]:0", more] {
        let listen = address.parse().expect("an address");
        let mut client = Client::start(Settings {
            listen,
            ..Settings::default()
        });
        assert_eq!(
            client.raw(&Request::bare("GET", "/rest/apiVersion")).status,
            200,
            "{address}"
        );
        assert!(
            client
                .sandbox
                .url()
                .starts_with(&format!("https://{}", address.trim_end_matches('0')))
        );
    }
}

#[test]
fn both_tls_versions_are_supported_unless_one_is_selected() {
    for (tls, twelve, thirteen) in [
        (TlsVersions::Both, true, true),
        (TlsVersions::Only12, true, false),
        (TlsVersions::Only13, false, true),
    ] {
        let sandbox = Sandbox::start(Settings {
            tls,
            ..Settings::default()
        })
        .expect("a sandbox");
        let version = |version| {
            Connection::try_open(&sandbox, &[version])
                .ok()
                .and_then(|open| open.tls_version())
        };
        assert_eq!(
            version(&TLS12),
            twelve.then_some(ProtocolVersion::TLSv1_2),
            "{tls:?}"
        );
        assert_eq!(
            version(&TLS13),
            thirteen.then_some(ProtocolVersion::TLSv1_3),
            "{tls:?}"
        );
    }
}

#[test]
fn each_certificate_kind_has_its_own_problem() {
    use CertificateKind::{
        Expired, NotYetValid, OwnCa, SelfSigned, SelfSignedCa, UnknownCa, WrongName,
    };
    for (certificate, complaint) in [
        (SelfSigned, None),
        (OwnCa, None),
        (SelfSignedCa, Some("CaUsedAsEndEntity")),
        (UnknownCa, Some("UnknownIssuer")),
        (WrongName, Some("not valid for name")),
        (Expired, Some("expired")),
        (NotYetValid, Some("not valid yet")),
    ] {
        let sandbox = Sandbox::start(Settings {
            certificate,
            ..Settings::default()
        })
        .expect("a sandbox");
        let error = Connection::try_open(&sandbox, ALL_VERSIONS)
            .err()
            .map(|error| error.to_string());
        let fits = match (&error, complaint) {
            (Some(error), Some(complaint)) => error.contains(complaint),
            (None, None) => true,
            _ => false,
        };
        assert!(fits, "{certificate:?}: {error:?}");
        assert_eq!(sandbox.connections().tcp, 1);
    }
}

#[test]
fn it_stops_and_closes_its_connections_when_it_is_dropped() {
    let Client { sandbox, .. } = Client::start(Settings::default());
    let mut connection = Connection::open(&sandbox);
    let address = sandbox.address();
    drop(sandbox);
    assert!(
        connection
            .send(&Request::bare("GET", "/rest/apiVersion"))
            .is_err()
    );
    assert_eq!(
        TcpStream::connect(address)
            .map_err(|error| error.kind())
            .err(),
        Some(ErrorKind::ConnectionRefused)
    );
}
