//! What a certificate says of itself, for people: whose it is, who signed it, for which names, from when to when, and with what key.
//!
//! Nothing here decides whom to trust. What a person is shown is read by another parser than webpki, which does not expose it.

mod alternative_names;
mod distinguished_name;
mod key;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::time::{Time, Validity};

pub(crate) use key::{UnusableCertificate, unfit};

/// What a certificate says of itself. Foreign text: it is to be made safe before it is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateDetails {
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

impl CertificateDetails {
    /// Reads a certificate; what cannot be read stays empty.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok(parsed) = Certificate::from_der(certificate) else {
            return Self::default();
        };
        let body = parsed.tbs_certificate();
        Self {
            subject: distinguished_name::written(body.subject()),
            issuer: distinguished_name::written(body.issuer()),
            names: alternative_names::hosts(&parsed),
            not_before: moment(&body.validity().not_before),
            not_after: moment(&body.validity().not_after),
            key: key::kind(body.subject_public_key_info()),
        }
    }
}

fn moment(time: &Time) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
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

/// The parts of a certificate that a decision or a message depends on.
pub(crate) struct CertificateFields(Certificate);

impl CertificateFields {
    /// Reads a certificate; `None` if it cannot be read.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        Certificate::from_der(certificate).ok().map(Self)
    }

    /// From when to when it is valid, in seconds since 1970.
    pub(crate) fn validity(&self) -> (u64, u64) {
        let Validity {
            not_before,
            not_after,
            ..
        } = self.0.tbs_certificate().validity();
        let seconds = |time: &Time| time.to_unix_duration().as_secs();
        (seconds(not_before), seconds(not_after))
    }

    /// Whether it may serve as that of a TLS server: it states no purposes, or this one among them.
    pub(crate) fn is_for_servers(&self) -> bool {
        let body = self.0.tbs_certificate();
        match body.get_extension::<ExtendedKeyUsage>() {
            Ok(Some((_, ExtendedKeyUsage(purposes)))) => purposes.contains(&SERVER_AUTH),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether it names itself as its issuer.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Whether it names the subject of the other one as its issuer.
    pub(crate) fn is_issued_by(&self, other: &Self) -> bool {
        let issuer = self.0.tbs_certificate().issuer().to_der();
        issuer.is_ok() && issuer == other.0.tbs_certificate().subject().to_der()
    }

    /// Its issuer, as RFC 4514 writes names.
    pub(crate) fn issuer(&self) -> String {
        distinguished_name::written(self.0.tbs_certificate().issuer())
    }

    /// The hosts and addresses it is for.
    pub(crate) fn hosts(&self) -> Vec<String> {
        alternative_names::hosts(&self.0)
    }

    /// The digest under its signature, if signatures over that can be forged.
    pub(crate) fn broken_digest(&self) -> Option<&'static str> {
        let algorithm = self.0.signature_algorithm().oid;
        let found = BROKEN.iter().find(|(known, _)| *known == algorithm);
        found.map(|(_, digest)| *digest)
    }

    /// Whether it may vouch for the certificates of servers: it states that it is a CA, or is of version 1, which cannot state it, and
    /// neither its key usage nor its extended key usage contradicts that.
    pub(crate) fn may_be_ca(&self) -> bool {
        use x509_cert::certificate::Version;
        use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

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
            // As OpenSSL does: a key that may sign certificates is a CA's.
            Ok(None) => may_sign == Some(true),
            Err(_) => false,
        };
        is_ca && self.is_for_servers()
    }
}
