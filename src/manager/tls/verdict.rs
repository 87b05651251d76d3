//! Diagnoses a rejected certificate. The verifier reports only the first check that failed, but the message also depends on other checks.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError};

use super::certificate::{CertificateFields, UnusableCertificate};
use super::certificate_file::CertificateFile;
use super::pin::{Pin, PinMismatch};

/// The maximum number of intermediate certificates that a diagnosis examines. The verifier does not accept longer chains.
const MAX_CHAIN: usize = 8;

/// The error for a rejected certificate, with its diagnosis.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct RejectedCertificate {
    /// The first check that failed.
    pub(crate) cause: CertificateError,
    pub(crate) diagnosis: Diagnosis,
}

/// The certificates that a server presented, and the data for checking them.
pub(crate) struct PresentedChain<'a> {
    pub(crate) end_entity: &'a CertificateDer<'a>,
    pub(crate) intermediates: &'a [CertificateDer<'a>],
    pub(crate) name: &'a ServerName<'a>,
    pub(crate) now: UnixTime,
    /// The certificates in the user's file of trusted certificates (`--ca-cert`).
    pub(crate) listed: &'a CertificateFile,
}

/// The facts about a rejected certificate. The strings come from the certificate and are not safe to print.
#[derive(Debug, Clone)]
pub(crate) struct Diagnosis {
    /// The fingerprint of the public key.
    pub(crate) pin: Option<Pin>,
    /// True if the certificate names itself as its issuer.
    pub(crate) self_signed: bool,
    /// The name of the issuer.
    pub(crate) issuer: String,
    /// The name of the CA that issued the last certificate of the presented chain. The user would have to trust this CA.
    pub(crate) top: String,
    /// True if the server did not send the certificate of the issuer.
    pub(crate) issuer_missing: bool,
    /// True if a certificate in the user's file has the issuer's name, but is not a CA certificate.
    pub(crate) issuer_is_not_ca: bool,
    /// The setting that names the user's certificate file. Empty if the user set no certificate file.
    pub(crate) certificate_file: String,
    /// True if the certificate is valid for the requested host.
    pub(crate) matches_name: bool,
    /// The requested host.
    pub(crate) requested: String,
    /// The hosts and addresses that the certificate is valid for.
    pub(crate) hosts: Vec<String>,
    /// True if the certificate is valid now.
    pub(crate) is_current: bool,
    /// True if the certificate may be used for TLS servers, according to its extended key usage.
    pub(crate) is_for_servers: bool,
    /// The first broken digest, such as SHA-1, that a signature in the chain uses. `None` if no signature uses a broken digest.
    pub(crate) broken_digest: Option<&'static str>,
}

impl Diagnosis {
    fn of(chain: &PresentedChain<'_>) -> Self {
        let mut diagnosis = Self {
            pin: Pin::of(chain.end_entity),
            self_signed: false,
            issuer: String::new(),
            top: String::new(),
            issuer_missing: false,
            issuer_is_not_ca: false,
            certificate_file: chain.listed.source.clone(),
            matches_name: matches_name(chain.end_entity, chain.name),
            requested: chain.name.to_str().into_owned(),
            hosts: Vec::new(),
            is_current: true,
            is_for_servers: true,
            broken_digest: None,
        };
        let Some(fields) = CertificateFields::of(chain.end_entity) else {
            return diagnosis;
        };
        diagnosis.self_signed = fields.is_self_issued();
        diagnosis.issuer = fields.issuer();
        diagnosis.hosts = fields.hosts();
        diagnosis.is_current = check_dates(&fields, chain.now).is_ok();
        diagnosis.is_for_servers = fields.is_for_servers();
        let issuers = (chain
            .listed
            .certificates
            .iter()
            .filter_map(CertificateFields::of))
        .filter(|listed| fields.is_issued_by(listed))
        .map(|listed| listed.may_be_ca());
        diagnosis.issuer_is_not_ca = issuers.reduce(|one, other| one || other) == Some(false);
        diagnosis.follow(fields, chain.intermediates);
        diagnosis
    }

    /// Follows the chain to the last certificate that the server sent.
    fn follow(&mut self, mut last: CertificateFields, intermediates: &[CertificateDer<'_>]) {
        let mut sent: Vec<_> = (intermediates.iter().take(MAX_CHAIN))
            .filter_map(CertificateFields::of)
            .collect();
        self.issuer_missing = !self.self_signed && !sent.iter().any(|one| last.is_issued_by(one));
        while !last.is_self_issued() {
            self.broken_digest = self.broken_digest.or(last.broken_digest());
            let Some(next) = sent.iter().position(|one| last.is_issued_by(one)) else {
                break;
            };
            last = sent.swap_remove(next);
        }
        self.top = last.issuer();
    }

    /// Returns true if the untrusted issuer is the only problem. If it is, the user can trust the certificate with `--ca-cert`.
    pub(crate) fn can_be_trusted(&self) -> bool {
        self.matches_name && self.is_current && self.is_for_servers
    }
}

fn matches_name(end_entity: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(end_entity)
        .is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

/// Checks the dates of a certificate.
///
/// # Errors
/// Returns an error if the certificate is not valid yet or has expired.
pub(crate) fn check_dates(
    fields: &CertificateFields,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let (not_before, not_after) = fields.validity();
    let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if now.as_secs() < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before: time(not_before),
        });
    }
    if now.as_secs() > not_after {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after: time(not_after),
        });
    }
    Ok(())
}

/// Checks the dates, the purpose and the names of a server certificate. The user's certificate file contains this certificate, so its issuer is not
/// checked. The handshake proves that the server has the private key.
///
/// # Errors
/// Returns an error if a check fails, or if the certificate cannot be parsed.
pub(crate) fn check_listed(
    end_entity: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let fields = CertificateFields::of(end_entity).ok_or(CertificateError::BadEncoding)?;
    check_dates(&fields, now)?;
    if !fields.is_for_servers() {
        return Err(CertificateError::InvalidPurpose.into());
    }
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)
}

/// Adds the diagnosis to the error for a rejected certificate.
pub(crate) fn with_diagnosis(error: rustls::Error, chain: &PresentedChain<'_>) -> rustls::Error {
    let rustls::Error::InvalidCertificate(cause) = error else {
        return error;
    };
    // These errors already contain all facts for their messages, so no diagnosis is added.
    if let CertificateError::Other(OtherError(other)) = &cause
        && (other.is::<PinMismatch>() || other.is::<UnusableCertificate>())
    {
        return cause.into();
    }
    let diagnosis = Diagnosis::of(chain);
    CertificateError::Other(OtherError(Arc::new(RejectedCertificate {
        cause,
        diagnosis,
    })))
    .into()
}

/// Returns the reason why a chain is not valid. The library's messages are only names of error variants, so the common errors have messages here.
pub(crate) fn reason(cause: &CertificateError) -> String {
    let CertificateError::Other(OtherError(other)) = cause else {
        return cause.to_string();
    };
    match other.downcast_ref() {
        Some(webpki::Error::NameConstraintViolation) => {
            "a CA in its chain is not allowed to issue certificates for this host name"
        }
        Some(webpki::Error::PathLenConstraintViolated) => {
            "a CA in its chain does not allow a chain of this length"
        }
        Some(webpki::Error::EndEntityUsedAsCa) => {
            "a certificate in its chain is not a CA certificate"
        }
        _ => return other.to_string(),
    }
    .to_owned()
}

/// Returns the date from which or until which a certificate is valid, as the end of a message. Returns an empty text for any other problem.
pub(crate) fn validity_detail(certificate: &CertificateError) -> String {
    let date = |time: &UnixTime| {
        i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
            .map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default()
    };
    match certificate {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(": it was valid until {}", date(not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(": it is valid from {}", date(not_before))
        }
        _ => String::new(),
    }
}
