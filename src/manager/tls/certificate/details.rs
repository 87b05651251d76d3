//! The contents of a certificate for display.

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

use super::{alternative_names, distinguished_name, key};

/// The contents of a certificate. The strings come from the certificate and are not safe to print.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateDetails {
    /// The subject, as an RFC 4514 name.
    pub(crate) subject: String,
    /// The issuer, as an RFC 4514 name.
    pub(crate) issuer: String,
    /// The hosts and addresses that the certificate is valid for.
    pub(crate) names: Vec<String>,
    /// The start of the validity period.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// The end of the validity period.
    pub(crate) not_after: Option<DateTime<Utc>>,
    /// The type and the size of the key.
    pub(crate) key: String,
}

impl CertificateDetails {
    /// Parses a certificate. A field that cannot be parsed stays empty.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok(parsed) = Certificate::from_der(certificate) else {
            return Self::default();
        };
        let body = parsed.tbs_certificate();
        Self {
            subject: distinguished_name::format(body.subject()),
            issuer: distinguished_name::format(body.issuer()),
            names: alternative_names::hosts(&parsed),
            not_before: date_time(&body.validity().not_before),
            not_after: date_time(&body.validity().not_after),
            key: key::kind(body.subject_public_key_info()),
        }
    }
}

fn date_time(time: &Time) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}
