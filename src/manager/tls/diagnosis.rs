//! Explains why a certificate is not trusted, and what the user can do.

use rustls::{CertificateError, OtherError};

use super::certificate::UnusableCertificate;
use super::pin::{Pin, PinMismatch};
use super::verdict::{Diagnosis, RejectedCertificate, reason, validity_detail};
use crate::text::shorten;

/// The kind of problem that an untrusted certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The certificate is self-signed, like the certificate of a newly installed manager.
    SelfSigned,
    /// The issuer is not trusted.
    UnknownCa,
    /// The certificate is not valid for this host.
    WrongName,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate's public key is too short, or the digest of a signature is broken.
    Weak,
    /// The certificate is not valid for TLS servers.
    WrongPurpose,
    /// The certificate was revoked.
    Revoked,
    /// The certificate's public key is not pinned.
    PinChanged,
    /// The pin is the fingerprint of the certificate instead of the fingerprint of its public key.
    FingerprintPinned,
    /// Any other problem.
    Other,
}

impl ProblemKind {
    /// Returns the name of this kind in JSON output.
    #[must_use]
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::SelfSigned => "self-signed",
            Self::UnknownCa => "unknown-ca",
            Self::WrongName => "wrong-name",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Weak => "weak",
            Self::WrongPurpose => "wrong-purpose",
            Self::Revoked => "revoked",
            Self::PinChanged => "pin-changed",
            Self::FingerprintPinned => "fingerprint-pinned",
            Self::Other => "other",
        }
    }
}

/// The reason why a certificate is not trusted, as a kind of problem and as text for a message.
#[derive(Debug, Clone)]
pub(crate) struct CertificateProblem {
    /// The kind of problem, as shown in JSON output.
    pub(crate) kind: ProblemKind,
    /// The problem as a predicate of "the certificate", such as "is self-signed".
    pub(crate) description: String,
    /// The hint.
    pub(crate) hint: String,
    /// True if the user may pin the certificate's public key after comparing its fingerprint. The key must not be pinned in these cases:
    ///
    /// - The key is too weak.
    /// - The certificate was revoked: its private key may be stolen.
    /// - A different key is pinned: the connection may be intercepted.
    pub(crate) can_be_pinned: bool,
}

/// Returns the problem of an untrusted certificate. `None` if the certificate did not cause the error.
pub(crate) fn explain(error: &rustls::Error, host_and_port: &str) -> Option<CertificateProblem> {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return None;
    };
    if let CertificateError::Other(OtherError(cause)) = certificate {
        if let Some(RejectedCertificate { cause, diagnosis }) = cause.downcast_ref() {
            return Some(refused(cause, diagnosis, host_and_port));
        }
        if let Some(cause) = cause.downcast_ref::<PinMismatch>() {
            return Some(mismatch(cause));
        }
        if let Some(cause) = cause.downcast_ref::<UnusableCertificate>() {
            return Some(unusable(cause));
        }
    }
    Some(CertificateProblem {
        kind: ProblemKind::Other,
        description: format!("was rejected: {certificate}"),
        hint: NEW_CERTIFICATE.to_owned(),
        can_be_pinned: false,
    })
}

const NEW_CERTIFICATE: &str =
    "ask the manager's administrator to install a certificate that is valid for a TLS server";

/// Returns the problem of a certificate with a key or a format that TLS does not support.
fn unusable(cause: &UnusableCertificate) -> CertificateProblem {
    CertificateProblem {
        kind: if cause.weak { ProblemKind::Weak } else { ProblemKind::Other },
        description: cause.description.clone(),
        hint: "install a version 3 certificate on the manager, with an RSA key of at least 2048 bits or an ECDSA P-256 or P-384 key; pinning \
               does not help, because TLS cannot verify handshakes with this certificate"
            .to_owned(),
        can_be_pinned: false,
    }
}

fn refused(
    cause: &CertificateError,
    diagnosis: &Diagnosis,
    host_and_port: &str,
) -> CertificateProblem {
    let (kind, mut description) = kind_of(cause, diagnosis);
    let of_chain = matches!(
        kind,
        ProblemKind::SelfSigned | ProblemKind::UnknownCa | ProblemKind::Weak
    );
    if of_chain && diagnosis.issuer_is_not_ca {
        description.push_str(if diagnosis.self_signed {
            "; the certificate that you supplied has the same subject, but is a different certificate"
        } else {
            "; you supplied a certificate with the issuer's name, but this certificate is not allowed to issue others: check its basic \
             constraints, key usage and extended key usage"
        });
    } else if kind == ProblemKind::UnknownCa && diagnosis.issuer_missing {
        description.push_str(
            "; if the issuer is an intermediate CA, the server must send the certificate of that CA",
        );
    }
    // A wrong host name is reported as a second problem. If the user fixed only the first problem, the certificate would still be rejected.
    if of_chain && !diagnosis.matches_name {
        description = format!(
            "{description}; in addition, the certificate {}",
            wrong_name(diagnosis)
        );
    }
    let from_webpki =
        matches!(cause, CertificateError::Other(OtherError(other)) if other.is::<webpki::Error>());
    let pin = diagnosis.pin.filter(|_| match kind {
        ProblemKind::Revoked => false,
        ProblemKind::Other => from_webpki || is_unsupported(cause),
        _ => true,
    });
    let hint = match pin {
        None if kind == ProblemKind::Revoked => {
            "ask the manager's administrator for a new certificate".to_owned()
        }
        None => NEW_CERTIFICATE.to_owned(),
        Some(pin) => hint(kind, diagnosis, pin, host_and_port),
    };
    CertificateProblem {
        kind,
        description,
        hint,
        can_be_pinned: pin.is_some(),
    }
}

/// Returns the hint for an untrusted certificate: pin its public key. If the untrusted issuer is the only problem, the hint also explains how to
/// trust the certificate with `--ca-cert`.
fn hint(kind: ProblemKind, diagnosis: &Diagnosis, pin: Pin, host_and_port: &str) -> String {
    let pinned = pin_hint(pin, host_and_port);
    let check = match diagnosis.certificate_file.as_str() {
        "" => String::new(),
        source => {
            format!("check that {source} names the certificate file of this manager; if it does, ")
        }
    };
    match kind {
        ProblemKind::SelfSigned if diagnosis.can_be_trusted() => format!(
            "{check}get the certificate with `openssl s_client -connect {host_and_port} </dev/null | openssl x509 > manager.pem`, verify its fingerprint \
             on the manager's host, and use `--ca-cert manager.pem`; or {pinned}"
        ),
        ProblemKind::UnknownCa if diagnosis.can_be_trusted() => format!(
            "{check}pass the certificate of {} with `--ca-cert FILE`, or add it to the system's root certificates; or {pinned}",
            ca(&diagnosis.top)
        ),
        ProblemKind::Expired | ProblemKind::NotYetValid => {
            format!("check this machine's clock; if it is correct, {pinned}")
        }
        _ => pinned,
    }
}

fn kind_of(cause: &CertificateError, diagnosis: &Diagnosis) -> (ProblemKind, String) {
    match cause {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (ProblemKind::WrongName, wrong_name(diagnosis))
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            ProblemKind::Expired,
            format!("has expired{}", validity_detail(cause)),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            ProblemKind::NotYetValid,
            format!("is not valid yet{}", validity_detail(cause)),
        ),
        CertificateError::Revoked => (ProblemKind::Revoked, "was revoked".to_owned()),
        _ if is_untrusted_issuer(cause) && diagnosis.self_signed => self_signed(diagnosis),
        CertificateError::UnknownIssuer => (ProblemKind::UnknownCa, unknown_ca(diagnosis)),
        CertificateError::BadSignature => (
            ProblemKind::UnknownCa,
            format!(
                "{}; a trusted CA has the issuer's name but a different key",
                unknown_ca(diagnosis)
            ),
        ),
        _ if is_unsupported(cause) => match diagnosis.broken_digest {
            Some(digest) => (
                ProblemKind::Weak,
                format!("is too weak: its signature uses {digest}"),
            ),
            None => (
                ProblemKind::Other,
                "was rejected: its signature algorithm is not supported".to_owned(),
            ),
        },
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (ProblemKind::WrongPurpose, NOT_FOR_SERVERS.to_owned())
        }
        // A self-signed certificate of a CA is reported as self-signed, because this is the problem that the user can fix.
        CertificateError::Other(OtherError(other))
            if matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            if diagnosis.self_signed {
                self_signed(diagnosis)
            } else {
                (
                    ProblemKind::WrongPurpose,
                    "is the certificate of a CA, not of a server".to_owned(),
                )
            }
        }
        // On some systems, the verifier's error for a wrong purpose has a private type, so no pattern can match it. In this case, the diagnosis of
        // the certificate shows the wrong purpose.
        CertificateError::Other(_) if !diagnosis.is_for_servers => {
            (ProblemKind::WrongPurpose, NOT_FOR_SERVERS.to_owned())
        }
        other => (
            ProblemKind::Other,
            format!("was rejected: {}", reason(other)),
        ),
    }
}

const NOT_FOR_SERVERS: &str =
    "is not valid for a TLS server: its extended key usage lacks serverAuth";

fn self_signed(diagnosis: &Diagnosis) -> (ProblemKind, String) {
    let description = match diagnosis.certificate_file.as_str() {
        "" => "is self-signed, as is usual for a newly installed manager".to_owned(),
        source => format!("is self-signed and is not in the file of {source}"),
    };
    (ProblemKind::SelfSigned, description)
}

fn unknown_ca(diagnosis: &Diagnosis) -> String {
    let (issuer, top) = (ca(&diagnosis.issuer), ca(&diagnosis.top));
    let reason = match diagnosis.certificate_file.as_str() {
        "" => "which is not trusted".to_owned(),
        source => format!("but the file of {source} contains no valid certificate of this CA"),
    };
    if issuer == top {
        format!("was issued by {issuer}, {reason}")
    } else {
        format!("was issued by {issuer} and chains to {top}, {reason}")
    }
}

/// Returns the shortened name of a CA in backticks.
fn ca(name: &str) -> String {
    const LIMIT: usize = 200;
    if name.is_empty() {
        return "a CA without a name".to_owned();
    }
    format!("`{}`", foreign(name, LIMIT))
}

/// Returns shortened text from a certificate. Backticks are replaced, so that text from a certificate cannot look like a command in a hint.
fn foreign(text: &str, limit: usize) -> String {
    shorten(text, limit).replace('`', "'")
}

/// Returns true if the error means that the issuer of the certificate is not trusted. `BadSignature` is such an error:
/// the issuer has the same name as a trusted CA (for example `CN=localhost`), but a different key.
fn is_untrusted_issuer(cause: &CertificateError) -> bool {
    matches!(
        cause,
        CertificateError::UnknownIssuer | CertificateError::BadSignature
    ) || is_unsupported(cause)
}

/// Returns true if the algorithm of a signature in the chain is not supported.
#[expect(deprecated, reason = "rustls still returns this deprecated variant")]
fn is_unsupported(cause: &CertificateError) -> bool {
    matches!(
        cause,
        CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// Returns the command that prints the fingerprint of the public key on the manager's host.
pub(crate) fn key_fingerprint_command(host_and_port: &str) -> String {
    let port = host_and_port.rsplit(':').next().unwrap_or_default();
    format!(
        "openssl s_client -connect localhost:{port} </dev/null | openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | \
         openssl dgst -sha256"
    )
}

/// Returns the hint to compare the fingerprint of the public key and then to pin it. Pinning without a comparison would trust any server.
fn pin_hint(pin: Pin, host_and_port: &str) -> String {
    format!(
        "compare the key's fingerprint with the output of `{}` on the manager's host; if they are equal, pass `--tls-pin {pin}`, or store the pin with `swp-keys trust add {host_and_port} --tls-pin {pin}`",
        key_fingerprint_command(host_and_port)
    )
}

fn mismatch(mismatch: &PinMismatch) -> CertificateProblem {
    let (shown, pinned) = (mismatch.shown, &mismatch.pinned);
    let place = &pinned.source;
    if mismatch.of_certificate {
        let (description, hint) =
            fingerprint_pinned_instead(place, pinned.stored_for.as_deref(), shown);
        return CertificateProblem {
            kind: ProblemKind::FingerprintPinned,
            description,
            hint,
            can_be_pinned: false,
        };
    }
    let pins: Vec<_> = pinned.pins.iter().map(Pin::to_string).collect();
    CertificateProblem {
        kind: ProblemKind::PinChanged,
        description: format!(
            "has the key {shown}, but the pinned key is {} ({place})",
            pins.join(", ")
        ),
        hint: format!(
            "ask the manager's administrator whether the key was changed: if it was not, the connection may be intercepted; if it was, {}",
            pinned.remedy
        ),
        can_be_pinned: false,
    }
}

/// Returns the problem and the hint for a pin that is the fingerprint of the certificate instead of the fingerprint of its public key.
pub(crate) fn fingerprint_pinned_instead(
    place: &str,
    stored_for: Option<&str>,
    pin: Pin,
) -> (String, String) {
    let description = format!(
        "matches the fingerprint in {place}, but a pin must be the fingerprint of the public key"
    );
    let hint = match stored_for {
        Some(host) => format!(
            "run `swp-keys trust remove {host}` and `swp-keys trust add {host} --tls-pin {pin}`"
        ),
        None => format!("use the fingerprint of the certificate's public key: `--tls-pin {pin}`"),
    };
    (description, hint)
}

fn wrong_name(diagnosis: &Diagnosis) -> String {
    /// The maximum number of host names that a message lists.
    const NAMES: usize = 8;
    let requested = &diagnosis.requested;
    if diagnosis.hosts.is_empty() {
        return format!(
            "is not valid for {requested}: it has no host in its subject alternative names, and its CN is ignored"
        );
    }
    let mut names = (diagnosis.hosts.iter().take(NAMES))
        .map(|name| foreign(name, 100))
        .collect::<Vec<_>>()
        .join(", ");
    if let more @ 1.. = diagnosis.hosts.len().saturating_sub(NAMES) {
        names = format!("{names} and {more} more");
    }
    format!("is not valid for {requested}; it is valid for {names}")
}
