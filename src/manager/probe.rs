//! Reads a manager's certificate without trusting it.
//!
//! The handshake uses the same client, proxy and time limits as every other connection. The handshake ends as soon as the server has proven that it
//! has the private key of the certificate. So no HTTP request is sent, and no secret can leak.

use reqwest::Method;

use super::client::Manager;
use super::error::{Cause, ManagerError};
use super::http::request::ApiRequest;
use super::http::retry::RetryPolicy;
use super::http::transport::{ConnectionOptions, Transport};
use super::tls::certificate::CertificateDetails;
use super::tls::config;
use super::tls::diagnosis::{self, CertificateProblem};
use super::tls::pin::{Fingerprint, Pin};
use super::tls::verifier::{Observed, ObservedCertificate};

/// The certificate of a manager.
pub(crate) struct ServerCertificate {
    /// The fingerprint of the certificate's public key. The server has proven that it has the private key.
    pub(crate) pin: Pin,
    /// The fingerprint of the whole certificate.
    pub(crate) fingerprint: Fingerprint,
    /// The contents of the certificate.
    pub(crate) details: CertificateDetails,
    /// The reason why the certificate is not trusted. `None` if it is trusted.
    pub(crate) problem: Option<CertificateProblem>,
}

impl ServerCertificate {
    /// Returns true if `fingerprint` belongs to the whole certificate or to its public key.
    #[must_use]
    pub(crate) fn has_fingerprint(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprint == *fingerprint || self.pin.equals_certificate(fingerprint)
    }

    fn from_observed(observed: ObservedCertificate, host_and_port: &str) -> Option<Self> {
        let ObservedCertificate {
            certificate,
            verdict,
            ..
        } = observed;
        Some(Self {
            pin: Pin::of(&certificate)?,
            fingerprint: Fingerprint::of(&certificate),
            details: CertificateDetails::of(&certificate),
            problem: (verdict.err()).and_then(|error| diagnosis::explain(&error, host_and_port)),
        })
    }
}

impl Manager {
    /// Performs a TLS handshake with a manager, and checks the manager's certificate with the trust settings in `options`. No HTTP request is sent.
    ///
    /// # Errors
    /// Returns an error if the handshake fails, or if the server does not have the private key of its certificate.
    pub(crate) async fn probe(
        options: &ConnectionOptions,
    ) -> Result<ServerCertificate, ManagerError> {
        let host = options.address.host_and_port();
        let _step = options.progress.begin(format!("connecting to {host}"));
        if !options.address.is_encrypted() {
            return Err(ManagerError::new(
                Cause::Unusable,
                format!("{} uses http and has no certificate", options.address),
                Some("use an https address".to_owned()),
            ));
        }
        let observed = Observed::default();
        let tls = config::observing(
            &options.trust,
            options.address.server_name(),
            observed.clone(),
        )
        .map_err(|error| {
            ManagerError::new(
                Cause::Untrusted,
                format!("could not set up TLS: {error}"),
                None,
            )
        })?;
        let transport = Transport::with_tls(options, tls)?;
        let action = "read the certificate";
        let request = ApiRequest::new(action, Method::GET, "/", RetryPolicy::Read);
        let Err(error) = transport.send(&request).await else {
            return Err(ManagerError::new(
                Cause::Unreadable,
                format!("could not {action}: the server responded without a TLS handshake"),
                None,
            ));
        };
        (observed.take())
            .and_then(|observed| {
                ServerCertificate::from_observed(observed, &options.address.host_and_port())
            })
            .ok_or(error)
    }
}
