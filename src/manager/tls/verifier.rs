//! The certificate verifiers. Each verifier checks the signature of the handshake, so a server must have the private key of its certificate.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::certificate::unusable;
use super::certificate_file::CertificateFile;
use super::pin::{Pin, PinSet};
use super::verdict::{PresentedChain, check_listed, with_diagnosis};

/// The rule by which certificates are accepted or rejected regardless of their CA.
#[derive(Debug)]
pub(crate) enum Policy {
    /// Only certificates with a pinned public key are accepted.
    Pins(PinSet),
    /// Every certificate is accepted. Used for `--insecure`.
    AcceptAny,
    /// No certificate is accepted. Used on a system without root certificates.
    RejectAll,
}

/// A verifier that accepts certificates according to a policy.
#[derive(Debug)]
pub(crate) struct PolicyVerifier {
    pub(crate) policy: Policy,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PolicyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.policy {
            Policy::Pins(pins) => pins.check(end_entity)?,
            Policy::AcceptAny => {}
            Policy::RejectAll => return Err(CertificateError::UnknownIssuer.into()),
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// A verifier that adds a diagnosis to the error for a rejected certificate.
#[derive(Debug)]
pub(crate) struct DiagnosingVerifier {
    pub(crate) inner: Arc<dyn ServerCertVerifier>,
    /// The certificates in the user's file. A server that presents one of these certificates is trusted.
    pub(crate) listed: CertificateFile,
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
        // Without this check, an unusable certificate would fail later with an error that does not name the cause.
        if let Some(unusable) = unusable(end_entity) {
            return Err(CertificateError::Other(OtherError(Arc::new(unusable))).into());
        }
        // As in curl, a server certificate in the user's file is trusted regardless of its issuer.
        let verdict = if self.listed.certificates.contains(end_entity) {
            check_listed(end_entity, server_name, now).map(|()| ServerCertVerified::assertion())
        } else {
            self.inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )
        };
        verdict.map_err(|error| {
            let chain = PresentedChain {
                end_entity,
                intermediates,
                name: server_name,
                now,
                listed: &self.listed,
            };
            with_diagnosis(error, &chain)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.inner).verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.inner).verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The error for a proxy whose certificate is not trusted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the proxy's certificate is not trusted")]
pub(crate) struct UntrustedProxy(pub(crate) rustls::Error);

impl UntrustedProxy {
    /// Returns the [`UntrustedProxy`] inside a TLS error. `None` if the handshake failed for a different reason.
    pub(crate) fn cause_of(error: &rustls::Error) -> Option<&Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
                cause.downcast_ref()
            }
            _ => None,
        }
    }
}

/// A verifier for the manager and for a proxy that uses TLS. The manager's certificate is verified with the trust settings, and the proxy's
/// certificate with the system's root certificates.
///
/// The HTTP library uses the same verifier for the manager and the proxy. Pins, CA files and `--insecure` are settings for the manager and never
/// apply to a proxy.
#[derive(Debug)]
pub(crate) struct ManagerOrProxyVerifier {
    /// The host name or IP address of the manager. `None` if no certificate can be valid for it.
    pub(crate) manager: Option<ServerName<'static>>,
    pub(crate) inner: Arc<dyn ServerCertVerifier>,
    /// The verifier for a proxy. It is created on first use, because reading the system's root certificates takes time.
    pub(crate) for_proxy: OnceLock<Arc<dyn ServerCertVerifier>>,
    pub(crate) build_for_proxy: fn() -> Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for ManagerOrProxyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |verifier: &Arc<dyn ServerCertVerifier>| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        if self.manager.as_ref() == Some(server_name) {
            return verify(&self.inner);
        }
        verify(self.for_proxy.get_or_init(self.build_for_proxy)).map_err(|error| {
            CertificateError::Other(OtherError(Arc::new(UntrustedProxy(error)))).into()
        })
    }

    // Signatures are verified in the same way for the manager and a proxy.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.inner).verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.inner).verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The certificate from a handshake, and the result of its verification.
#[derive(Debug, Clone)]
pub(crate) struct ObservedCertificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) verdict: Result<(), rustls::Error>,
    /// True if the server has proven that it has the private key of the certificate.
    key_proven: bool,
}

/// The shared cell in which an [`ObservingVerifier`] stores the certificate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed(Arc<Mutex<Option<ObservedCertificate>>>);

impl Observed {
    /// Removes and returns the certificate. `None` if the server has not proven that it has the private key.
    pub(crate) fn take(&self) -> Option<ObservedCertificate> {
        let observed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        observed.filter(|observed| observed.key_proven)
    }
}

/// A verifier that stores the certificate and the result of its verification. The verifier ends the handshake as soon as the server has proven that
/// it has the private key.
#[derive(Debug)]
pub(crate) struct ObservingVerifier {
    pub(crate) inner: Arc<dyn ServerCertVerifier>,
    pub(crate) observed: Observed,
}

impl ObservingVerifier {
    /// In a handshake with the manager, returns an error, which ends the handshake. In a handshake with a proxy, returns `signature`, so the
    /// handshake continues if the signature is valid.
    fn stop(
        &self,
        certificate: &CertificateDer<'_>,
        signature: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut observed = (self.observed.0.lock()).unwrap_or_else(PoisonError::into_inner);
        let Some(observed) =
            (observed.as_mut()).filter(|observed| observed.certificate == *certificate)
        else {
            return signature;
        };
        // If the key of the certificate is unusable, the signature of the handshake cannot be verified. The certificate is shown to the user
        // nevertheless, but its key cannot be pinned.
        observed.key_proven = signature.is_ok() || unusable(certificate).is_some();
        signature?;
        Err(rustls::Error::General("observed".to_owned()))
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
        let verdict = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        // If the public key cannot be parsed, the program cannot show the certificate to the user. So the certificate is not stored, and the result
        // of the verification is returned.
        if Pin::of(end_entity).is_none() {
            return verdict;
        }
        let observed = ObservedCertificate {
            certificate: end_entity.clone().into_owned(),
            verdict: verdict.map(|_| ()),
            key_proven: false,
        };
        *(self.observed.0.lock()).unwrap_or_else(PoisonError::into_inner) = Some(observed);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let signature = (self.inner).verify_tls12_signature(message, certificate, signature);
        self.stop(certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let signature = (self.inner).verify_tls13_signature(message, certificate, signature);
        self.stop(certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
