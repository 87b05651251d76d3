//! What a certificate says of itself, for people: whose it is, who signed it, for which names, from when to when, and with what key.
//!
//! Nothing here decides whom to trust; webpki does. What a person is shown is read by another parser, because webpki tells none of it.

mod distinguished_name;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::Time;

/// What a certificate says of itself. Foreign text: it is to be made safe before it is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    /// Whose it is, as RFC 4514 writes names.
    pub(crate) subject: String,
    /// Who signed it.
    pub(crate) issuer: String,
    /// The hosts and addresses it is for.
    pub(crate) names: Vec<String>,
    /// Its first moment.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// Its last moment.
    pub(crate) not_after: Option<DateTime<Utc>>,
    /// The kind of its key, and its size.
    pub(crate) key: String,
}

impl Described {
    /// Reads a certificate; what cannot be read stays empty.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok(parsed) = Certificate::from_der(certificate) else {
            return Self::default();
        };
        let body = parsed.tbs_certificate();
        let names = match body.get_extension::<SubjectAltName>() {
            Ok(Some((_, SubjectAltName(names)))) => names.iter().filter_map(host).collect(),
            _ => Vec::new(),
        };
        Self {
            subject: distinguished_name::written(body.subject()),
            issuer: distinguished_name::written(body.issuer()),
            names,
            not_before: moment(&body.validity().not_before),
            not_after: moment(&body.validity().not_after),
            key: kind_of_key(body.subject_public_key_info()),
        }
    }
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn moment(time: &Time) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// What TLS is spoken with here: ring has no others for signatures in a handshake.
const CURVES: [(ObjectIdentifier, &str); 2] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        "ECDSA P-256",
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "ECDSA P-384"),
];
/// Signatures that can be forged: MD2, MD5 and SHA-1 (RFC 6151, RFC 9155).
const BROKEN: [(ObjectIdentifier, &str); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "MD2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "MD5"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
        "SHA-1",
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "SHA-1"),
];
/// ring takes RSA keys of this many bits at least, as everybody should (NIST SP 800-131A).
const LEAST_BITS: u32 = 2048;

fn kind_of_key(info: &SubjectPublicKeyInfoOwned) -> String {
    let algorithm = &info.algorithm;
    if algorithm.oid == RSA {
        return match info.subject_public_key.as_bytes().and_then(rsa_bits) {
            Some(bits) => format!("RSA, {bits} bits"),
            None => "RSA".to_owned(),
        };
    }
    if algorithm.oid == ED25519 {
        return "Ed25519".to_owned();
    }
    let curve = (algorithm.parameters.as_ref())
        .filter(|_| algorithm.oid == ELLIPTIC)
        .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    match curve {
        Some(curve) => (CURVES.iter().find(|(known, _)| *known == curve)).map_or_else(
            || format!("ECDSA, curve {curve}"),
            |(_, name)| (*name).to_owned(),
        ),
        None => algorithm.oid.to_string(),
    }
}

/// The length of the modulus: a key is a sequence of it and the exponent (RFC 8017, appendix A.1.1).
fn rsa_bits(key: &[u8]) -> Option<u32> {
    let mut reader = SliceReader::new(key).ok()?;
    let modulus = reader
        .sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            UintRef::decode(inner)?;
            Ok::<_, x509_cert::der::Error>(modulus)
        })
        .ok()?;
    let bytes = modulus.as_bytes();
    let first = bytes.first()?;
    u32::try_from(bytes.len() * 8)
        .ok()
        .map(|bits| bits - first.leading_zeros())
}

/// Why no handshake with this key can be checked, whoever vouches for it; `None` where it can.
pub(super) fn weak_key(subject_public_key_info: &[u8]) -> Option<String> {
    let info = SubjectPublicKeyInfoRef::from_der(subject_public_key_info).ok()?;
    if info.algorithm.oid != RSA {
        return None;
    }
    let bits = rsa_bits(info.subject_public_key.as_bytes()?)?;
    (bits < LEAST_BITS).then(|| format!("its RSA key has {bits} bits"))
}

/// Why a signature under a certificate proves nothing; `None` where it may.
pub(super) fn weak_signature(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let algorithm = parsed.signature_algorithm().oid;
    let (_, digest) = BROKEN.iter().find(|(known, _)| *known == algorithm)?;
    Some(format!("it is signed over {digest}"))
}
