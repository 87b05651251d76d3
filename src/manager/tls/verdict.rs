//! What is to be known of a certificate that was refused: the message about it depends on more than the first check that failed.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError};

use super::certificate::{CertificateFields, UnusableCertificate};
use super::pin::{Pin, PinMismatch};

/// As many certificates as a chain is followed through; no more are accepted either.
const LONGEST: usize = 8;

/// A certificate was refused, and what is to be known of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct RejectedCertificate {
    /// What failed first.
    pub(crate) cause: CertificateError,
    pub(crate) diagnosis: Diagnosis,
}

/// What a server showed, when, for which name, and the certificates of the file that it is judged by.
pub(crate) struct PresentedChain<'a> {
    pub(crate) end_entity: &'a CertificateDer<'a>,
    pub(crate) intermediates: &'a [CertificateDer<'a>],
    pub(crate) name: &'a ServerName<'a>,
    pub(crate) now: UnixTime,
    pub(crate) listed: &'a [CertificateDer<'a>],
}

/// What is to be known of a certificate that was refused. Its texts are foreign.
#[derive(Debug, Clone)]
pub(crate) struct Diagnosis {
    /// The pin of its key.
    pub(crate) pin: Option<Pin>,
    /// It names itself as its issuer.
    pub(crate) self_signed: bool,
    /// Who issued it.
    pub(crate) issuer: String,
    /// The CA that the chain leads to as far as it was sent, which is the one to trust.
    pub(crate) top: String,
    /// The server sent no certificate of the issuer.
    pub(crate) issuer_missing: bool,
    /// The file holds the issuer's certificate, and that is not a CA's.
    pub(crate) issuer_is_no_ca: bool,
    /// It is for the host that was asked for.
    pub(crate) fits_name: bool,
    /// That host.
    pub(crate) wanted: String,
    /// The hosts and addresses that it is for.
    pub(crate) hosts: Vec<String>,
    /// It is valid now.
    pub(crate) is_current: bool,
    /// It may be a TLS server's.
    pub(crate) is_for_servers: bool,
    /// The digest under a signature in its chain that can be forged.
    pub(crate) broken_digest: Option<&'static str>,
}

impl Diagnosis {
    fn of(shown: &PresentedChain<'_>) -> Self {
        let mut diagnosis = Self {
            pin: Pin::of(shown.end_entity),
            self_signed: false,
            issuer: String::new(),
            top: String::new(),
            issuer_missing: false,
            issuer_is_no_ca: false,
            fits_name: fits(shown.end_entity, shown.name),
            wanted: shown.name.to_str().into_owned(),
            hosts: Vec::new(),
            is_current: true,
            is_for_servers: true,
            broken_digest: None,
        };
        let Some(claims) = CertificateFields::of(shown.end_entity) else {
            return diagnosis;
        };
        diagnosis.self_signed = claims.is_self_issued();
        diagnosis.issuer = claims.issuer();
        diagnosis.hosts = claims.hosts();
        diagnosis.is_current = check_dates(&claims, shown.now).is_ok();
        diagnosis.is_for_servers = claims.is_for_servers();
        let issuers = (shown.listed.iter().filter_map(CertificateFields::of))
            .filter(|listed| claims.is_issued_by(listed))
            .map(|listed| listed.may_be_ca());
        diagnosis.issuer_is_no_ca = issuers.reduce(|one, other| one || other) == Some(false);
        diagnosis.follow(claims, shown.intermediates);
        diagnosis
    }

    /// Follows the chain as far as it was sent.
    fn follow(&mut self, mut last: CertificateFields, intermediates: &[CertificateDer<'_>]) {
        let mut sent: Vec<_> = (intermediates.iter().take(LONGEST))
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

    /// Trusting the certificate itself would do: nothing but its issuer stands in the way.
    pub(crate) fn may_be_trusted_itself(&self) -> bool {
        self.fits_name && self.is_current && self.is_for_servers
    }
}

fn fits(end_entity: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(end_entity)
        .is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

/// Refuses a certificate outside its dates.
pub(crate) fn check_dates(
    claims: &CertificateFields,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let (not_before, not_after) = claims.validity();
    let moment = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if now.as_secs() < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before: moment(not_before),
        });
    }
    if now.as_secs() > not_after {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after: moment(not_after),
        });
    }
    Ok(())
}

/// Judges a certificate that is trusted as it is, byte for byte, by everything that it says: its dates, its purpose, its names. Who
/// issued it does not matter then, and its key is proven by the handshake.
///
/// # Errors
/// If one of them does not fit, or it cannot be read.
pub(crate) fn check_itself(
    end_entity: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let claims = CertificateFields::of(end_entity).ok_or(CertificateError::BadEncoding)?;
    check_dates(&claims, now)?;
    if !claims.is_for_servers() {
        return Err(CertificateError::InvalidPurpose.into());
    }
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)
}

/// A refusal of a certificate with what is to be known of it.
pub(crate) fn diagnosed(error: rustls::Error, shown: &PresentedChain<'_>) -> rustls::Error {
    let rustls::Error::InvalidCertificate(cause) = error else {
        return error;
    };
    // It is complete as it is.
    if let CertificateError::Other(OtherError(other)) = &cause
        && (other.is::<PinMismatch>() || other.is::<UnusableCertificate>())
    {
        return cause.into();
    }
    let diagnosis = Diagnosis::of(shown);
    CertificateError::Other(OtherError(Arc::new(RejectedCertificate {
        cause,
        diagnosis,
    })))
    .into()
}

/// What is wrong with the chain, in words; the library has names of its own for it.
pub(crate) fn reason(cause: &CertificateError) -> String {
    let CertificateError::Other(OtherError(other)) = cause else {
        return cause.to_string();
    };
    match other.downcast_ref() {
        Some(webpki::Error::NameConstraintViolation) => {
            "a CA in its chain may not vouch for its names"
        }
        Some(webpki::Error::PathLenConstraintViolated) => {
            "its chain is longer than a CA in it allows"
        }
        Some(webpki::Error::EndEntityUsedAsCa) => "a certificate in its chain is not a CA's",
        _ => return other.to_string(),
    }
    .to_owned()
}
