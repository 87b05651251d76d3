//! TLS: which certificates are trusted, and what exactly is wrong with one that is not.
//!
//! One function, [`configuration`], decides for every connection of a run to the manager: the pinned keys alone, or the certificates of a file
//! alone, or none at all on demand, or the system's. The system's roots are read only in the last case: reading them costs milliseconds on every start.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use zeroize::Zeroizing;

use super::certificate::{CertificateDetails, CertificateFields, unfit};
use super::certificate_file;
use super::cryptography;
use super::manager_or_proxy::ManagerOrProxyVerifier;
use super::pin::PinSet;
use super::verdict::{PresentedChain, check_dates, check_itself, diagnosed};
use super::verifier::{Policy, PolicyVerifier};
use crate::error::Error;
use crate::manager::probe::{Observed, ObservingVerifier};

/// Whom to trust.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// The system's roots.
    System,
    /// The certificates of a file alone, as curl's `--cacert` does it: the CAs among them, and each of them as a server's own.
    Certificates(Vec<CertificateDer<'static>>),
    /// The holders of these keys alone, whatever their certificates say.
    Pins(PinSet),
    /// Anybody.
    Insecure,
}

impl Trust {
    /// Reads the certificates of a file.
    ///
    /// # Errors
    /// Of usage, where the file cannot be read or holds no certificate; `origin` is the flag or variable that named it.
    pub(crate) fn from_file(path: &Path, origin: &str) -> Result<Self, Error> {
        let usage = |reason: String| {
            Error::usage(
                format!("{origin}: {} {reason}", path.display()),
                "give a PEM file with one or more certificates",
            )
        };
        // Looked at before it is opened: whoever opens a pipe waits for its other end, and this is read more than once.
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(usage("is no file".to_owned()));
        }
        let bytes =
            std::fs::read(path).map_err(|error| usage(format!("cannot be read: {error}")))?;
        // The wrong file may hold a key.
        let bytes = Zeroizing::new(bytes);
        certificate_file::read(&bytes)
            .map(Self::Certificates)
            .map_err(usage)
    }
}

/// The TLS configuration of every connection: TLS 1.2 or 1.3 by rustls with ring, HTTP/1.1.
///
/// # Errors
/// Where the certificates cannot be used, or the system has none.
pub(crate) fn configuration(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    with_checks(trust, manager, |checks| checks)
}

/// The same for a look at what a server shows: the checks are made and not acted on, and no handshake is ever finished.
///
/// # Errors
/// As of [`configuration`].
pub(crate) fn observing(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    observed: Observed,
) -> Result<ClientConfig, rustls::Error> {
    with_checks(trust, manager, |checks| {
        Arc::new(ObservingVerifier { checks, observed })
    })
}

fn with_checks(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    wrap: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = cryptography::provider();
    let checks: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => system(&provider),
        Trust::Certificates(certificates) => cas(certificates, &provider)?,
        Trust::Pins(pins) => by_rule(Policy::Pins(pins.clone()), &provider),
        Trust::Insecure => by_rule(Policy::AcceptAny, &provider),
    };
    let listed = match trust {
        Trust::Certificates(certificates) => certificates.clone(),
        _ => Vec::new(),
    };
    let verifier = DiagnosingVerifier { checks, listed };
    let by_name = ManagerOrProxyVerifier {
        manager,
        checks: wrap(Arc::new(verifier)),
        others: OnceLock::new(),
        build_others: of_the_system,
    };
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(by_name))
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A run has one connection, and should it need another one, the manager is to show anew who it is.
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}

/// The system's roots, with the closer look.
fn of_the_system() -> Arc<dyn ServerCertVerifier> {
    let provider = cryptography::provider();
    Arc::new(DiagnosingVerifier {
        checks: system(&provider),
        listed: Vec::new(),
    })
}

fn by_rule(rule: Policy, provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    let provider = provider.clone();
    Arc::new(PolicyVerifier { rule, provider })
}

/// A system without roots trusts nobody, and what a manager shows is judged all the same: that message names the way out.
fn system(provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => {
            log::info!("the system's roots cannot be used: {error}");
            by_rule(Policy::RejectAll, provider)
        }
    }
}

/// The CAs among the certificates of a file. Others vouch for nothing but themselves: the holder of a server's key must not be able to
/// issue certificates for other hosts. webpki does not look at the dates of a CA that is trusted, so they are checked here.
fn cas(
    certificates: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let Some(claims) = CertificateFields::of(certificate).filter(CertificateFields::may_be_ca)
        else {
            continue;
        };
        if check_dates(&claims, UnixTime::now()).is_ok() {
            roots.add(certificate.clone())?;
        } else {
            warn_not_current(certificate);
        }
    }
    let (count, all) = (roots.len(), certificates.len());
    log::info!("{count} of {all} certificates that are given are those of CAs");
    if roots.is_empty() {
        return Ok(by_rule(Policy::RejectAll, provider));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| rustls::Error::General(error.to_string()))
}

fn warn_not_current(certificate: &CertificateDer<'_>) {
    let described = CertificateDetails::of(certificate);
    let date = |date: Option<DateTime<Utc>>| {
        date.map_or_else(|| "?".to_owned(), |date| date.format("%F").to_string())
    };
    log::warn!(
        "the CA certificate `{}` in the file of trusted certificates is not valid now and is not used (valid from {} to {})",
        described.subject,
        date(described.not_before),
        date(described.not_after)
    );
}

/// The checks, and what to know of a certificate that they refuse.
#[derive(Debug)]
struct DiagnosingVerifier {
    checks: Arc<dyn ServerCertVerifier>,
    /// The certificates of a file, each of which is trusted as a server's own.
    listed: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for DiagnosingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The handshake could not be verified, and what would be said of that names no cause.
        if let Some(unfit) = unfit(end_entity) {
            return Err(CertificateError::Other(OtherError(Arc::new(unfit))).into());
        }
        // As curl does: a server's own certificate in the file is trusted for what it says, whoever issued it.
        let verdict = if self.listed.contains(end_entity) {
            check_itself(end_entity, server_name, now).map(|()| ServerCertVerified::assertion())
        } else {
            self.checks.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )
        };
        verdict.map_err(|error| {
            let shown = PresentedChain {
                end_entity,
                intermediates,
                name: server_name,
                now,
                listed: &self.listed,
            };
            diagnosed(error, &shown)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }
}
