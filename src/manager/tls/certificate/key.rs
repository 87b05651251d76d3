//! The key in a certificate: its kind and size, and whether a handshake that is signed with it can be verified.

use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The curves that ring verifies the signature of a handshake with.
const CURVES: [(ObjectIdentifier, &str); 2] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        "ECDSA P-256",
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "ECDSA P-384"),
];
/// Other kinds of keys that certificates have.
const OTHERS: [(ObjectIdentifier, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
        "RSASSA-PSS",
    ),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
];
/// ring verifies with RSA keys of these lengths, whole bytes counted; below them is too weak (NIST SP 800-131A).
const LEAST_BITS: u32 = 2048;
const MOST_BITS: u32 = 8192;

/// Why no handshake with a certificate can be verified, whoever vouches for it and whatever is pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub(crate) struct UnusableCertificate {
    /// In words, as in "is too weak: its RSA key has 1024 bits".
    pub(crate) description: String,
    /// Its key is too short.
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

/// Why no handshake with this certificate can be verified; `None` if one can be.
pub(crate) fn unfit(certificate: &CertificateDer<'_>) -> Option<UnusableCertificate> {
    let key = match webpki::EndEntityCert::try_from(certificate) {
        Ok(parsed) => parsed.subject_public_key_info(),
        Err(webpki::Error::UnsupportedCertVersion) => {
            let description = "was refused: it is of version 1 or 2, and TLS needs version 3 here";
            return Some(UnusableCertificate::other(description.to_owned()));
        }
        Err(webpki::Error::UnsupportedCriticalExtension) => {
            let description = "was refused: it has a critical extension that is not known here";
            return Some(UnusableCertificate::other(description.to_owned()));
        }
        Err(_) => {
            return Some(UnusableCertificate::other(
                "was refused: it cannot be read".to_owned(),
            ));
        }
    };
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(&key) else {
        let description = "was refused: its key cannot be read";
        return Some(UnusableCertificate::other(description.to_owned()));
    };
    if info.algorithm.oid == RSA {
        return match info.subject_public_key.as_bytes().and_then(rsa_bits) {
            None => Some(UnusableCertificate::other(
                "was refused: its RSA key cannot be read".to_owned(),
            )),
            Some(bits) if bits.div_ceil(8) * 8 < LEAST_BITS => Some(UnusableCertificate {
                description: format!("is too weak: its RSA key has {bits} bits"),
                weak: true,
            }),
            Some(bits) if bits > MOST_BITS => Some(UnusableCertificate::other(format!(
                "was refused: its RSA key has {bits} bits, and at most {MOST_BITS} are supported"
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
            "was refused: its key ({kind}) is of a kind that is not supported here"
        ))
    })
}

/// The kind of a key, and its size.
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
