//! What a server means with the alert that it ends a TLS connection with, as far as the alert shows it, and what to do.

use rustls::AlertDescription;

/// What to do about a handshake that the server ended with this alert.
pub(crate) fn hint(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::ProtocolVersion => {
            "enable TLS 1.2 or 1.3 on the manager; TLS 1.0 and 1.1 are not supported here"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "enable TLS 1.2 or 1.3 and an ECDHE cipher suite with GCM or ChaCha20-Poly1305 on the manager (CBC, static RSA and DHE suites \
             are not supported here); if it has one, it may want a client certificate, which is not supported, or its key is not RSA, \
             ECDSA P-256 or P-384, or Ed25519 (DSA, say); no pin helps then"
        }
        _ if wants_certificate(alert) => {
            "the server wants a client certificate, which is not supported here: turn that off for the API, or use another port"
        }
        AlertDescription::UnrecognisedName => {
            "use a name in `--url` that the server knows: the one in its certificate"
        }
        AlertDescription::InternalError => {
            "look at the manager's log: its TLS settings do not work, or its key is not RSA, ECDSA P-256 or P-384, or Ed25519; no pin helps then"
        }
        _ => "TLS 1.2 or 1.3 is needed; look at the manager's TLS settings",
    }
}

/// Whether a server sends it about the certificate of a client. This one shows none.
pub(crate) fn wants_certificate(alert: AlertDescription) -> bool {
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
