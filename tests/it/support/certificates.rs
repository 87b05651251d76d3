//! Generated certificates, their keys, and the CAs that issue them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// A server's certificate, its key, and the chain that the server sends.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// Returns a self-signed certificate that is marked as a CA, for this host name or address and these years.
    pub(crate) fn marked_as_ca(name: &str, from: i32, until: i32) -> Self {
        Self::with_names(vec![name.to_owned()], from, until)
    }

    /// Like `marked_as_ca`, but with this many names.
    #[cfg(unix)]
    pub(crate) fn naming(count: u32) -> Self {
        let names = (0..count).map(|number| format!("n{number}.example.com"));
        Self::with_names(names.collect(), 2020, 2100)
    }

    fn with_names(names: Vec<String>, from: i32, until: i32) -> Self {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut params = server(&names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Self::self_signed(&params)
    }

    /// Returns a self-signed certificate.
    pub(crate) fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self::of(&certificate, &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            pem: certificate.pem(),
            chain: vec![certificate.der().clone()],
            key: private(key),
        }
    }

    /// Returns a certificate that a different program created.
    #[cfg(unix)]
    pub(crate) fn from_pem(certificate: &str, key: &str) -> Self {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        Self {
            pem: certificate.to_owned(),
            chain: vec![der],
            key: PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        }
    }

    /// Makes the server send this CA's certificate too.
    pub(crate) fn sent_with(mut self, authority: &Authority) -> Self {
        let der = CertificateDer::from_pem_slice(authority.pem.as_bytes());
        self.chain.push(der.expect("a certificate"));
        self
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    pub(crate) fn server(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = (provider.key_provider)
            .load_private_key(self.key.clone_key())
            .expect("a key");
        let certified = CertifiedKey::new(self.chain.clone(), key);
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_no_client_auth()
            // The certificate is not checked against the key.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
    }

    /// Returns the same certificate with a different key. An attacker can copy a certificate, but not its key.
    pub(crate) fn copied(&self) -> Self {
        Self {
            pem: self.pem.clone(),
            chain: self.chain.clone(),
            key: private(&KeyPair::generate().expect("a key pair")),
        }
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

/// Returns the parameters of a server certificate with a CN, as keytool creates it, and these names.
pub(crate) fn server(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    (params.distinguished_name).push(DnType::CommonName, "home-made");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

/// Returns the parameters of a certificate for clients.
pub(crate) fn for_clients(names: &[&str]) -> CertificateParams {
    let mut params = server(names);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Returns the parameters of a server certificate for these years.
pub(crate) fn valid(names: &[&str], from: i32, until: i32) -> CertificateParams {
    let mut params = server(names);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// A CA.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2100, 1, 1);
        params
    }

    /// Returns a self-signed CA.
    pub(crate) fn root(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        let params = Self::params(name);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Returns a CA that was valid until the beginning of this year.
    pub(crate) fn until(name: &str, year: i32) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        let mut params = Self::params(name);
        params.not_after = date_time_ymd(year, 1, 1);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Returns an intermediate CA that this CA issued.
    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key pair");
        let params = Self::params(name);
        let certificate = params.signed_by(&key, &self.issuer);
        Self {
            pem: certificate.expect("a certificate").pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Issues a certificate.
    pub(crate) fn issue(&self, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().expect("a key pair");
        let certificate = params.signed_by(&key, &self.issuer);
        Certificate::of(&certificate.expect("a certificate"), &key)
    }
}

/// Returns a certificate that the key of a server certificate signed, as an attacker with this key could create it.
pub(crate) fn issued_by_a_server(
    server: &CertificateParams,
    params: &CertificateParams,
) -> (Certificate, Certificate) {
    let key = KeyPair::generate().expect("a key pair");
    let own = Certificate::of(&server.self_signed(&key).expect("a certificate"), &key);
    let issuer = Issuer::new(server.clone(), key);
    let other = KeyPair::generate().expect("a key pair");
    let issued = params.signed_by(&other, &issuer).expect("a certificate");
    (own, Certificate::of(&issued, &other))
}
