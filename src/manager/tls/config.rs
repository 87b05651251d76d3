//! Builds the TLS configuration of a connection to the manager, with the trusted certificates.
//!
//! The system's root certificates are read only if the trust settings need them, because reading them takes milliseconds.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};

use super::certificate::{CertificateDetails, CertificateFields};
use super::certificate_file;
use super::certificate_file::CertificateFile;
use super::pin::PinSet;
use super::verdict::check_dates;
use super::verifier::{
    DiagnosingVerifier, ManagerOrProxyVerifier, Observed, ObservingVerifier, Policy, PolicyVerifier,
};

/// How the manager's certificate is verified.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// The system's root certificates are trusted.
    System,
    /// Only the certificates in the user's file are trusted, as with curl's `--cacert`. They may be CA certificates or server certificates.
    Certificates(CertificateFile),
    /// Only the pinned public keys are trusted, regardless of the other contents of the certificate.
    Pins(PinSet),
    /// Every certificate is accepted.
    Insecure,
}

impl Trust {
    /// Reads certificates from the content of a file. `source` is the setting that names the file.
    ///
    /// # Errors
    /// Returns an error if the content is not valid. The error is a predicate, such as "contains no certificate", so the caller must put the name of
    /// the file before it.
    pub(crate) fn from_certificate_file(content: &[u8], source: String) -> Result<Self, String> {
        let certificates = certificate_file::parse(content)?;
        Ok(Self::Certificates(CertificateFile {
            certificates,
            source,
        }))
    }
}

/// Returns the TLS configuration for a connection: TLS 1.2 or 1.3, HTTP/1.1, no resumption.
///
/// # Errors
/// Returns an error if the certificates cannot be used.
pub(crate) fn configuration(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    with_verifier(trust, manager, |verifier| verifier)
}

/// Returns the TLS configuration for a handshake that only reads and verifies the server's certificate. The handshake is never completed.
///
/// # Errors
/// Returns an error if the certificates cannot be used.
pub(crate) fn observing(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    observed: Observed,
) -> Result<ClientConfig, rustls::Error> {
    with_verifier(trust, manager, |inner| {
        Arc::new(ObservingVerifier { inner, observed })
    })
}

fn with_verifier(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    wrap: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let inner: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => system(&provider),
        Trust::Certificates(file) => listed_cas(&file.certificates, &provider)?,
        Trust::Pins(pins) => by_policy(Policy::Pins(pins.clone()), &provider),
        Trust::Insecure => by_policy(Policy::AcceptAny, &provider),
    };
    let listed = match trust {
        Trust::Certificates(file) => file.clone(),
        _ => CertificateFile::default(),
    };
    let verifier = ManagerOrProxyVerifier {
        manager,
        inner: wrap(Arc::new(DiagnosingVerifier { inner, listed })),
        for_proxy: OnceLock::new(),
        build_for_proxy: for_proxy,
    };
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A run normally has one connection, so TLS sessions are not resumed. On every further connection, the manager's certificate is verified again.
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}

/// Returns the verifier for a proxy.
fn for_proxy() -> Arc<dyn ServerCertVerifier> {
    Arc::new(DiagnosingVerifier {
        inner: system(&Arc::new(ring::default_provider())),
        listed: CertificateFile::default(),
    })
}

fn by_policy(policy: Policy, provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    let provider = provider.clone();
    Arc::new(PolicyVerifier { policy, provider })
}

/// Returns the verifier that uses the system's root certificates. If the system has none, the verifier rejects every certificate, and the
/// error explains how to trust the manager.
fn system(provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => {
            log::info!("could not use the system's root certificates: {error}");
            by_policy(Policy::RejectAll, provider)
        }
    }
}

/// Returns the verifier that trusts the CA certificates of a file. Server certificates in the file are not used as CAs, because the owner of a
/// server's private key could then issue certificates for other hosts. This function also checks the dates of each CA, because webpki does not.
fn listed_cas(
    certificates: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let Some(fields) = CertificateFields::of(certificate).filter(CertificateFields::may_be_ca)
        else {
            continue;
        };
        if check_dates(&fields, UnixTime::now()).is_ok() {
            roots.add(certificate.clone())?;
        } else {
            warn_not_current(certificate);
        }
    }
    let (count, all) = (roots.len(), certificates.len());
    log::info!("{count} of the {all} supplied certificates are valid CA certificates");
    if roots.is_empty() {
        return Ok(by_policy(Policy::RejectAll, provider));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| rustls::Error::General(error.to_string()))
}

fn warn_not_current(certificate: &CertificateDer<'_>) {
    let details = CertificateDetails::of(certificate);
    let date = |date: Option<DateTime<Utc>>| {
        date.map_or_else(|| "?".to_owned(), |date| date.format("%F").to_string())
    };
    log::warn!(
        "ignoring the CA certificate `{}`, which is valid only from {} to {}",
        details.subject,
        date(details.not_before),
        date(details.not_after)
    );
}
