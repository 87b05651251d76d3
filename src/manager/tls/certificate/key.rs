//! The public key of a certificate: its type, its size, and whether TLS can use it to verify a handshake.

use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The curves that ring supports for handshakes.
const CURVES: [(ObjectIdentifier, &str); 2] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        "ECDSA P-256",
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "ECDSA P-384"),
];
/// The key types that are not supported, with their names.
const OTHERS: [(ObjectIdentifier, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
        "RSASSA-PSS",
    ),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
];
/// The minimum length of an RSA key in bits. Shorter keys are too weak (NIST SP 800-131A). As in ring, the length of a key is rounded up to whole
/// bytes before it is compared with this minimum.
const MIN_BITS: u32 = 2048;
/// The maximum length of an RSA key in bits. ring does not support longer keys.
const MAX_BITS: u32 = 8192;

/// The reason why every TLS handshake with a certificate fails, even if its CA is trusted or its key is pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub(crate) struct UnusableCertificate {
    /// The problem as a predicate of "the certificate", such as "is too weak: its RSA key has 1024 bits".
    pub(crate) description: String,
    /// True if the key is too short.
    pub(crate) weak: bool,
}

impl UnusableCertificate {
    fn other(description: String) -> Self {
        Self {
            description,
            weak: false,
        }
    }
}

/// Returns the reason why every TLS handshake with this certificate fails. `None` if a handshake can succeed.
pub(crate) fn unusable(certificate: &CertificateDer<'_>) -> Option<UnusableCertificate> {
    let key = match webpki::EndEntityCert::try_from(certificate) {
        Ok(parsed) => parsed.subject_public_key_info(),
        Err(webpki::Error::UnsupportedCertVersion) => {
            let description = "was rejected: it has version 1 or 2, but TLS requires version 3";
            return Some(UnusableCertificate::other(description.to_owned()));
        }
        Err(webpki::Error::UnsupportedCriticalExtension) => {
            let description = "was rejected: it has an unknown critical extension";
            return Some(UnusableCertificate::other(description.to_owned()));
        }
        Err(_) => {
            return Some(UnusableCertificate::other(
                "was rejected: it cannot be parsed".to_owned(),
            ));
        }
    };
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(&key) else {
        let description = "was rejected: its key cannot be parsed";
        return Some(UnusableCertificate::other(description.to_owned()));
    };
    if info.algorithm.oid == RSA {
        return match info.subject_public_key.as_bytes().and_then(rsa_bits) {
            None => Some(UnusableCertificate::other(
                "was rejected: its RSA key cannot be parsed".to_owned(),
            )),
            Some(bits) if bits.div_ceil(8) * 8 < MIN_BITS => Some(UnusableCertificate {
                description: format!("is too weak: its RSA key has {bits} bits"),
                weak: true,
            }),
            Some(bits) if bits > MAX_BITS => Some(UnusableCertificate::other(format!(
                "was rejected: its RSA key has {bits} bits, but at most {MAX_BITS} are supported"
            ))),
            Some(_) => None,
        };
    }
    let curve = curve_of(&info);
    let known = info.algorithm.oid == ED25519
        || curve.is_some_and(|curve| CURVES.iter().any(|(known, _)| *known == curve));
    (!known).then(|| {
        let kind = described(&info);
        UnusableCertificate::other(format!(
            "was rejected: its key type ({kind}) is not supported"
        ))
    })
}

/// Returns the type and the size of a key.
pub(crate) fn kind(info: &SubjectPublicKeyInfoOwned) -> String {
    described(&info.owned_to_ref())
}

fn described(info: &SubjectPublicKeyInfoRef<'_>) -> String {
    let algorithm = info.algorithm.oid;
    if algorithm == RSA {
        return match info.subject_public_key.as_bytes().and_then(rsa_bits) {
            Some(bits) => format!("RSA, {bits} bits"),
            None => "RSA".to_owned(),
        };
    }
    if algorithm == ED25519 {
        return "Ed25519".to_owned();
    }
    if let Some(curve) = curve_of(info) {
        let known = CURVES.iter().find(|(known, _)| *known == curve);
        return known.map_or_else(
            || format!("ECDSA, curve {curve}"),
            |(_, name)| (*name).to_owned(),
        );
    }
    let known = OTHERS.iter().find(|(known, _)| *known == algorithm);
    known.map_or_else(|| algorithm.to_string(), |(_, name)| (*name).to_owned())
}

fn curve_of(info: &SubjectPublicKeyInfoRef<'_>) -> Option<ObjectIdentifier> {
    (info.algorithm.parameters.as_ref())
        .filter(|_| info.algorithm.oid == ELLIPTIC)
        .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok())
}

/// Returns the length of the modulus of an RSA key in bits. An RSA key is a sequence of modulus and exponent (RFC 8017, appendix A.1.1).
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
