//! Hints for TLS alerts. A server sends a TLS alert when it aborts a handshake.

use rustls::AlertDescription;

/// The key types that this program supports in a server certificate.
pub(crate) const SUPPORTED_KEYS: &str = "RSA, ECDSA P-256 or P-384, or Ed25519";

/// The hint for a TLS failure without a more specific cause.
pub(crate) const CHECK_TLS: &str =
    "check the manager's TLS settings: TLS 1.2 or 1.3 must be enabled";

/// Returns the hint for a handshake that the server ended with this alert.
pub(crate) fn hint(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::ProtocolVersion => {
            "enable TLS 1.2 or 1.3 on the manager; TLS 1.0 and 1.1 are not supported"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "enable TLS 1.2 or 1.3 on the manager, with an ECDHE cipher suite that uses GCM or ChaCha20-Poly1305 (CBC, static RSA and DHE \
             suites are not supported); if such a suite is enabled, check that the server does not require a client certificate and that \
             its key is RSA, ECDSA P-256 or P-384, or Ed25519: pinning does not help with other key types"
        }
        _ if is_about_client_certificate(alert) => {
            "turn off client certificates for the API on the manager, or use a different port: this program does not support client certificates"
        }
        AlertDescription::UnrecognisedName => {
            "use a host name in `--url` that is in the server's certificate"
        }
        AlertDescription::InternalError => {
            "check the manager's log and TLS settings, and check that the key of the manager's certificate is RSA, ECDSA P-256 or P-384, or \
             Ed25519: pinning does not help with other key types"
        }
        _ => CHECK_TLS,
    }
}

/// Returns true if this alert can mean that the server requires a client certificate. This program has no client certificate.
fn is_about_client_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}
