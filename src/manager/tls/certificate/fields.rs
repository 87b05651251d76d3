//! The fields of a certificate that a decision or a message depends on.

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::time::{Time, Validity};

use super::{alternative_names, distinguished_name};

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// The signature algorithms with a broken digest: MD2, MD5 and SHA-1 (RFC 6151, RFC 9155).
const BROKEN: [(ObjectIdentifier, &str); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "MD2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "MD5"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
        "SHA-1",
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "SHA-1"),
];

/// A parsed certificate.
pub(crate) struct CertificateFields(Certificate);

impl CertificateFields {
    /// Parses a certificate. `None` if it cannot be parsed.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        Certificate::from_der(certificate).ok().map(Self)
    }

    /// Returns the start and the end of the validity period, in seconds since the Unix epoch.
    pub(crate) fn validity(&self) -> (u64, u64) {
        let Validity {
            not_before,
            not_after,
            ..
        } = self.0.tbs_certificate().validity();
        let seconds = |time: &Time| time.to_unix_duration().as_secs();
        (seconds(not_before), seconds(not_after))
    }

    /// Returns true if the certificate is suitable for TLS servers. Its extended key usage must contain serverAuth or be absent.
    pub(crate) fn is_for_servers(&self) -> bool {
        let body = self.0.tbs_certificate();
        match body.get_extension::<ExtendedKeyUsage>() {
            Ok(Some((_, ExtendedKeyUsage(purposes)))) => purposes.contains(&SERVER_AUTH),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Returns true if the certificate names itself as its issuer.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Returns true if the issuer of this certificate is the subject of `other`.
    pub(crate) fn is_issued_by(&self, other: &Self) -> bool {
        let issuer = self.0.tbs_certificate().issuer().to_der();
        issuer.is_ok() && issuer == other.0.tbs_certificate().subject().to_der()
    }

    /// Returns the issuer, as an RFC 4514 name.
    pub(crate) fn issuer(&self) -> String {
        distinguished_name::format(self.0.tbs_certificate().issuer())
    }

    /// Returns the hosts and addresses that the certificate is valid for.
    pub(crate) fn hosts(&self) -> Vec<String> {
        alternative_names::hosts(&self.0)
    }

    /// Returns the name of the digest if the certificate's signature uses a broken digest, such as SHA-1.
    pub(crate) fn broken_digest(&self) -> Option<&'static str> {
        let algorithm = self.0.signature_algorithm().oid;
        let found = BROKEN.iter().find(|(known, _)| *known == algorithm);
        found.map(|(_, digest)| *digest)
    }

    /// Returns true if the certificate may belong to a CA that issues server certificates. The basic constraints, if present, must contain CA:TRUE.
    /// The key usage and the extended key usage must allow issuing server certificates. A version 1 certificate has no extensions, so it counts as a
    /// CA certificate if it is self-issued.
    pub(crate) fn may_be_ca(&self) -> bool {
        let body = self.0.tbs_certificate();
        if body.version() == Version::V1 {
            return self.is_self_issued();
        }
        let may_sign = match body.get_extension::<KeyUsage>() {
            Ok(Some((_, usage))) => Some(usage.key_cert_sign()),
            Ok(None) => None,
            Err(_) => Some(false),
        };
        let is_ca = match body.get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => constraints.ca && may_sign != Some(false),
            // As in OpenSSL, a certificate without basic constraints counts as a CA certificate if its key usage allows signing certificates.
            Ok(None) => may_sign == Some(true),
            Err(_) => false,
        };
        is_ca && self.is_for_servers()
    }
}
