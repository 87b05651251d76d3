//! What a manager shows in the handshake, looked at without trusting it.
//!
//! The handshake is a real one, through the same client, proxy and time-outs as every other, and it is ended as soon as the server
//! has proven that it holds the key: nothing of HTTP is ever sent, so there is no secret that could be.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::Manager;
use super::error::{Cause, ManagerError};
use super::http::retry::RetryPolicy;
use super::http::transport::{ApiRequest, ConnectionOptions, Transport};
use super::tls::certificate::{CertificateDetails, unfit};
use super::tls::config;
use super::tls::diagnosis;
use super::tls::diagnosis::CertificateProblem;
use super::tls::pin::{Fingerprint, Pin};

/// What a manager shows.
pub(crate) struct ServerCertificate {
    /// The print of its key, whose holder it has proven to be.
    pub(crate) pin: Pin,
    /// That of its whole certificate.
    pub(crate) fingerprint: Fingerprint,
    /// What its certificate says.
    pub(crate) details: CertificateDetails,
    /// Why it is not trusted; `None` where it is.
    pub(crate) problem: Option<CertificateProblem>,
}

impl Manager {
    /// Looks at what a manager shows in the handshake, judged as `options` say. Nothing is sent.
    ///
    /// # Errors
    /// Where no handshake comes about, or whoever answers does not hold the key that it shows.
    pub(crate) async fn probe(
        options: &ConnectionOptions,
    ) -> Result<ServerCertificate, ManagerError> {
        if !options.address.is_encrypted() {
            return Err(ManagerError::new(
                Cause::Unusable,
                "there is no certificate where http is spoken".to_owned(),
                Some("give an address with https".to_owned()),
            ));
        }
        let observed = Observed::default();
        let unusable = |error: rustls::Error| {
            ManagerError::new(
                Cause::Untrusted,
                format!("TLS cannot be set up: {error}"),
                None,
            )
        };
        let tls = config::observing(
            &options.trust,
            options.address.server_name(),
            observed.clone(),
        )
        .map_err(unusable)?;
        let transport = Transport::with_tls(options, tls)?;
        let what = "looking at the certificate";
        let request = ApiRequest::new(what, Method::GET, "/", RetryPolicy::Read);
        let Err(error) = transport.send(request).await else {
            return Err(ManagerError::new(
                Cause::Unreadable,
                format!("{what}: an answer came without a handshake"),
                None,
            ));
        };
        observed
            .certificate(&options.address.host_and_port())
            .ok_or(error)
    }
}

/// The certificate of a handshake, and what the checks say of it.
#[derive(Debug, Clone)]
struct ObservedCertificate {
    certificate: CertificateDer<'static>,
    verdict: Result<(), rustls::Error>,
    /// The handshake was signed with its key.
    held: bool,
}

/// What the verifier leaves for whoever looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed(Arc<Mutex<Option<ObservedCertificate>>>);

impl Observed {
    fn certificate(&self, host_and_port: &str) -> Option<ServerCertificate> {
        let observation = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let observation = observation.filter(|observation| observation.held)?;
        Some(ServerCertificate {
            pin: Pin::of(&observation.certificate)?,
            fingerprint: Fingerprint::of(&observation.certificate),
            details: CertificateDetails::of(&observation.certificate),
            problem: (observation.verdict.err())
                .and_then(|error| diagnosis::explain(&error, host_and_port)),
        })
    }
}

/// The checks, whose verdict is kept and not acted on; the handshake goes no further than the proof of the key.
#[derive(Debug)]
pub(super) struct ObservingVerifier {
    pub(super) checks: Arc<dyn ServerCertVerifier>,
    pub(super) observed: Observed,
}

impl ObservingVerifier {
    fn stop(
        &self,
        certificate: &CertificateDer<'_>,
        signature: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut observed = (self.observed.0.lock()).unwrap_or_else(PoisonError::into_inner);
        // A proxy on the way is no observation, and passed by.
        let Some(observation) =
            (observed.as_mut()).filter(|observation| observation.certificate == *certificate)
        else {
            return signature;
        };
        // What is signed with such a key cannot be checked here; it is shown, and never pinned.
        observation.held = signature.is_ok() || unfit(certificate).is_some();
        signature?;
        Err(rustls::Error::General("seen".to_owned()))
    }
}

impl ServerCertVerifier for ObservingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.checks.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        // Of a certificate without a readable key there is nothing to show but what is wrong with it.
        if Pin::of(end_entity).is_none() {
            return verdict;
        }
        let observation = ObservedCertificate {
            certificate: end_entity.clone().into_owned(),
            verdict: verdict.map(|_| ()),
            held: false,
        };
        *(self.observed.0.lock()).unwrap_or_else(PoisonError::into_inner) = Some(observation);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let signature = (self.checks).verify_tls12_signature(message, certificate, signature);
        self.stop(certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let signature = (self.checks).verify_tls13_signature(message, certificate, signature);
        self.stop(certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }
}
