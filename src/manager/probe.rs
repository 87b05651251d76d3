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
use super::http::retry::Repeat;
use super::http::transport::{Options, Request, Transport};
use super::tls::certificate::{Described, unfit};
use super::tls::config;
use super::tls::diagnosis;
use super::tls::diagnosis::Distrust;
use super::tls::pin::{Fingerprint, Pin};

/// What a manager shows.
pub(crate) struct Presented {
    /// The print of its key, whose holder it has proven to be.
    pub(crate) pin: Pin,
    /// That of its whole certificate.
    pub(crate) fingerprint: Fingerprint,
    /// What its certificate says.
    pub(crate) described: Described,
    /// Why it is not trusted; `None` where it is.
    pub(crate) distrust: Option<Distrust>,
}

impl Manager {
    /// Looks at what a manager shows in the handshake, judged as `options` say. Nothing is sent.
    ///
    /// # Errors
    /// Where no handshake comes about, or whoever answers does not hold the key that it shows.
    pub(crate) async fn presented(options: &Options) -> Result<Presented, ManagerError> {
        if !options.address.is_encrypted() {
            return Err(ManagerError::new(
                Cause::Unusable,
                "there is no certificate where http is spoken".to_owned(),
                Some("give an address with https".to_owned()),
            ));
        }
        let seen = Seen::default();
        let unusable = |error: rustls::Error| {
            ManagerError::new(
                Cause::Untrusted,
                format!("TLS cannot be set up: {error}"),
                None,
            )
        };
        let tls = config::looking(&options.trust, options.address.server_name(), seen.clone())
            .map_err(unusable)?;
        let transport = Transport::with_tls(options, tls)?;
        let what = "looking at the certificate";
        let request = Request::new(what, Method::GET, "/", Repeat::Read);
        let Err(error) = transport.send(request).await else {
            return Err(ManagerError::new(
                Cause::Unreadable,
                format!("{what}: an answer came without a handshake"),
                None,
            ));
        };
        seen.presented(&options.address.host_and_port())
            .ok_or(error)
    }
}

/// The certificate of a handshake, and what the checks say of it.
#[derive(Debug, Clone)]
struct Sight {
    certificate: CertificateDer<'static>,
    verdict: Result<(), rustls::Error>,
    /// The handshake was signed with its key.
    held: bool,
}

/// What the verifier leaves for whoever looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Option<Sight>>>);

impl Seen {
    fn presented(&self, host_and_port: &str) -> Option<Presented> {
        let sight = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sight = sight.filter(|sight| sight.held)?;
        Some(Presented {
            pin: Pin::of(&sight.certificate)?,
            fingerprint: Fingerprint::of(&sight.certificate),
            described: Described::of(&sight.certificate),
            distrust: (sight.verdict.err())
                .and_then(|error| diagnosis::explain(&error, host_and_port)),
        })
    }
}

/// The checks, whose verdict is kept and not acted on; the handshake goes no further than the proof of the key.
#[derive(Debug)]
pub(super) struct Looking {
    pub(super) checks: Arc<dyn ServerCertVerifier>,
    pub(super) seen: Seen,
}

impl Looking {
    fn stop(
        &self,
        certificate: &CertificateDer<'_>,
        signature: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut seen = (self.seen.0.lock()).unwrap_or_else(PoisonError::into_inner);
        // A proxy on the way is no sight, and passed by.
        let Some(sight) = (seen.as_mut()).filter(|sight| sight.certificate == *certificate) else {
            return signature;
        };
        // What is signed with such a key cannot be checked here; it is shown, and never pinned.
        sight.held = signature.is_ok() || unfit(certificate).is_some();
        signature?;
        Err(rustls::Error::General("seen".to_owned()))
    }
}

impl ServerCertVerifier for Looking {
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
        let sight = Sight {
            certificate: end_entity.clone().into_owned(),
            verdict: verdict.map(|_| ()),
            held: false,
        };
        *(self.seen.0.lock()).unwrap_or_else(PoisonError::into_inner) = Some(sight);
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
