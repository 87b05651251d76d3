//! Who stands between: a proxy that is spoken to over TLS is not the manager.
//!
//! The HTTP library checks both with one verifier. The system's roots judge the proxy, whatever decides about the manager: no pin, no CA
//! file and no `--insecure` is about it, and what it shows is never taken for what the manager shows.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

/// The certificate of a proxy is not trusted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the proxy's certificate is not trusted")]
pub(crate) struct UntrustedProxy(pub(crate) rustls::Error);

impl UntrustedProxy {
    /// What is wrong with the proxy, where that is what broke the handshake.
    pub(crate) fn cause_of(error: &rustls::Error) -> Option<&Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
                cause.downcast_ref()
            }
            _ => None,
        }
    }
}

/// The checks of the manager for the manager, and the system's for everybody else.
#[derive(Debug)]
pub(crate) struct ManagerOrProxyVerifier {
    /// None where no certificate can be for the manager's host.
    pub(crate) manager: Option<ServerName<'static>>,
    pub(crate) checks: Arc<dyn ServerCertVerifier>,
    /// Built when somebody else is met, since reading the system's roots takes time.
    pub(crate) others: OnceLock<Arc<dyn ServerCertVerifier>>,
    pub(crate) build_others: fn() -> Arc<dyn ServerCertVerifier>,
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
        let judge = |checks: &Arc<dyn ServerCertVerifier>| {
            checks.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        if self.manager.as_ref() == Some(server_name) {
            return judge(&self.checks);
        }
        judge(self.others.get_or_init(self.build_others)).map_err(|error| {
            CertificateError::Other(OtherError(Arc::new(UntrustedProxy(error)))).into()
        })
    }

    // A signature is checked alike whoever decides.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.checks).verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.checks).verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }
}
