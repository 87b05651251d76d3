//! TLS: which certificates are trusted, and what exactly is wrong with one that is not.
//!
//! One function, [`configuration`], decides for every connection of a run to the manager: the pinned keys alone, or the certificates of a file
//! alone, or none at all on demand, or the system's. The system's roots are read only in the last case: reading them costs milliseconds on every start.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use super::between::ByName;
use super::certificate::{weak_key, weak_signature};
use super::cryptography;
use super::pin::{Pin, Pins};
use super::presented::{Looking, Seen};
use super::rule::{ByRule, Rule};
use crate::error::Error;

/// Whom to trust.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// The system's roots.
    System,
    /// The certificates in this PEM text alone, as curl's `--cacert` does it.
    Certificates(Vec<CertificateDer<'static>>),
    /// The holders of these keys alone, whatever their certificates say.
    Pins(Pins),
    /// Anybody.
    Anybody,
}

impl Trust {
    /// Reads the certificates of a PEM file.
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
        let certificates = certificates(&bytes).map_err(usage)?;
        if certificates.is_empty() {
            return Err(usage("holds no certificate".to_owned()));
        }
        Ok(Self::Certificates(certificates))
    }
}

/// Reads all certificates of a PEM text. What is wrong is reported in fixed words, with the line: the library's errors hold the bytes
/// of the file, which may be those of a private key.
fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut rest = text;
    let mut found = Vec::new();
    loop {
        let next = pem::ReadIter::<_, CertificateDer<'static>>::new(&mut rest).next();
        let wrong = |what: &str| {
            let read = &text[..text.len() - rest.len()];
            let breaks = read[..read.len().saturating_sub(1)].iter();
            let line = breaks.filter(|byte| **byte == b'\n').count() + 1;
            Err(format!("is not a usable PEM file: line {line}: {what}"))
        };
        match next {
            None => return Ok(found),
            Some(Err(error)) => return wrong(pem_problem(&error)),
            // What cannot be trusted is found out here, where the file's name is known.
            Some(Ok(certificate)) if webpki::anchor_from_trusted_cert(&certificate).is_err() => {
                return wrong("the section that ends here is not a certificate");
            }
            Some(Ok(certificate)) => found.push(certificate),
        }
    }
}

fn pem_problem(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line",
        pem::Error::IllegalSectionStart { .. } => "the BEGIN line holds more than its label",
        pem::Error::Base64Decode(_) => "the section that ends here is not base64",
        pem::Error::SectionTooLarge => "the section is too large",
        _ => "it cannot be read",
    }
}

/// The TLS configuration of every connection: TLS 1.2 or 1.3 by rustls with ring, HTTP/1.1.
///
/// # Errors
/// Where the certificates cannot be used, or the system has none.
pub(super) fn configuration(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    with_checks(trust, manager, |checks| checks)
}

/// The same for a look at what a server shows: the checks are made and not acted on, and no handshake is ever finished.
///
/// # Errors
/// As of [`configuration`].
pub(super) fn looking(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    seen: Seen,
) -> Result<ClientConfig, rustls::Error> {
    with_checks(trust, manager, |checks| Arc::new(Looking { checks, seen }))
}

fn with_checks(
    trust: &Trust,
    manager: Option<ServerName<'static>>,
    wrap: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = cryptography::provider();
    let checks: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => system(&provider),
        Trust::Certificates(certificates) => listed(certificates, &provider)?,
        Trust::Pins(pins) => by_rule(Rule::Pins(pins.clone()), &provider),
        Trust::Anybody => by_rule(Rule::Anybody, &provider),
    };
    let listed = match trust {
        Trust::Certificates(certificates) => certificates.clone(),
        _ => Vec::new(),
    };
    let verifier = Verifier {
        checks,
        listed,
        provider: provider.clone(),
    };
    let by_name = ByName {
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
    Arc::new(Verifier {
        checks: system(&provider),
        listed: Vec::new(),
        provider,
    })
}

fn by_rule(rule: Rule, provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    let provider = provider.clone();
    Arc::new(ByRule { rule, provider })
}

/// A system without roots trusts nobody, and what a manager shows is judged all the same: that message names the way out.
fn system(provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) => {
            log::info!("the system's roots cannot be used: {error}");
            by_rule(Rule::Nobody, provider)
        }
    }
}

fn listed(
    certificates: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone())?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// What the certificate is, where the checks only say that nobody vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate is {}", if *.self_signed { "self-signed" } else { "from an unknown CA" })]
pub(super) struct Unvouched {
    pub(super) self_signed: bool,
    /// The print of its key.
    pub(super) pin: Option<Pin>,
}

impl Unvouched {
    fn error(certificate: &CertificateDer<'_>, self_signed: bool) -> rustls::Error {
        let pin = Pin::of(certificate);
        CertificateError::Other(OtherError(Arc::new(Self { self_signed, pin }))).into()
    }
}

/// The certificate proves nothing, whoever vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Weak(String);

impl Weak {
    fn error(reason: String) -> rustls::Error {
        CertificateError::Other(OtherError(Arc::new(Self(reason)))).into()
    }
}

/// The certificate was refused because it proves nothing.
pub(super) fn is_weak(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) if cause.is::<Weak>()
    )
}

/// The checks, and a closer look where they say no.
#[derive(Debug)]
struct Verifier {
    checks: Arc<dyn ServerCertVerifier>,
    listed: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// A self-signed certificate that says it is a CA may not serve as a server's by webpki's rules; curl and OpenSSL accept it
    /// where the file lists that very certificate. The checks compare its dates before they find that out (webpki,
    /// `check_issuer_independent_properties`), so its name is what remains; its key is proven by the handshake.
    fn judge_ca(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
        error: rustls::Error,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if (self.listed.iter()).any(|certificate| certificate == end_entity) {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            rustls::client::verify_server_name(&parsed, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        // That it says it is a CA is the lesser trouble: nobody vouches for it.
        Err(if self.is_self_signed(end_entity, now) {
            Unvouched::error(end_entity, true)
        } else {
            error
        })
    }

    fn is_self_signed(&self, end_entity: &CertificateDer<'_>, now: UnixTime) -> bool {
        let mut roots = RootCertStore::empty();
        let (Ok(()), Ok(parsed)) = (
            roots.add(end_entity.clone().into_owned()),
            ParsedCertificate::try_from(end_entity),
        ) else {
            return false;
        };
        let algorithms = self.provider.signature_verification_algorithms.all;
        match rustls::client::verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &roots,
            &[],
            now,
            algorithms,
        ) {
            Ok(()) => true,
            // Signed by itself, and unfit for another reason.
            Err(error) => is_ca(&error),
        }
    }
}

/// The certificate is refused as a server's because it says it is a CA's.
fn is_ca(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) = error
    else {
        return false;
    };
    matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // With such a key the handshake could not be checked, and what would be said of that names no cause.
        let key = webpki::EndEntityCert::try_from(end_entity)
            .ok()
            .and_then(|parsed| weak_key(parsed.subject_public_key_info().as_ref()));
        if let Some(reason) = key {
            return Err(Weak::error(reason));
        }
        let verdict = self.checks.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            Err(error) if is_ca(&error) => self.judge_ca(end_entity, server_name, now, error),
            Err(rustls::Error::InvalidCertificate(problem)) if nobody_vouches(&problem) => {
                let self_signed = self.is_self_signed(end_entity, now);
                let unsupported = problem != CertificateError::UnknownIssuer && !self_signed;
                if let Some(reason) = weak_signature(end_entity).filter(|_| unsupported) {
                    return Err(Weak::error(reason));
                }
                let unknown = self_signed || problem == CertificateError::UnknownIssuer;
                Err(if unknown {
                    Unvouched::error(end_entity, self_signed)
                } else {
                    problem.into()
                })
            }
            other => other,
        }
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

/// No way to a trusted certificate. A root that merely bears the same name (`CN=localhost`, say) shows as a signature that does not fit.
#[expect(
    deprecated,
    reason = "rustls still returns the variant without context"
)]
fn nobody_vouches(problem: &CertificateError) -> bool {
    matches!(
        problem,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}
