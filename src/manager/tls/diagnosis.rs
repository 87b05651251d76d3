//! What is said of a certificate that is not trusted: what exactly is wrong with it, and what to do about it.

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};

use super::certificate::UnusableCertificate;
use super::pin::{Pin, PinMismatch};
use super::verdict::{Diagnosis, RejectedCertificate, reason};

/// What is wrong with a certificate, as far as a decision hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// It is signed with its own key, as a fresh manager's is.
    SelfSigned,
    /// Its issuer is not trusted here.
    UnknownCa,
    /// It is for another host.
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its key, or the signature under it, proves nothing.
    Weak,
    /// It is not for TLS servers.
    WrongPurpose,
    /// It was taken back.
    Revoked,
    /// Its key is not the pinned one.
    PinChanged,
    /// Its own fingerprint is pinned, and not that of its key.
    FingerprintPinned,
    /// Something else.
    Other,
}

impl ProblemKind {
    /// The word for it in JSON.
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

/// Why a certificate is not trusted, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct CertificateProblem {
    /// Which kind it is.
    pub(crate) kind: ProblemKind,
    /// In words, as in "is self-signed".
    pub(crate) description: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// Whether a person who knows the key may pin it all the same. A pin vouches for the key alone: a key that is too weak proves
    /// nothing, a revoked one may be a thief's, and one that has changed must be looked into.
    pub(crate) can_be_pinned: bool,
}

/// What is wrong with the manager's certificate, and what to do about it, in words; `None` where the error is of something else.
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
            return Some(unfit(cause));
        }
    }
    Some(CertificateProblem {
        kind: ProblemKind::Other,
        description: format!("was refused: {certificate}"),
        hint: NEW_CERTIFICATE.to_owned(),
        can_be_pinned: false,
    })
}

const NEW_CERTIFICATE: &str =
    "ask the manager's administrator for a certificate that a TLS server can use";

/// No handshake with it can be verified.
fn unfit(cause: &UnusableCertificate) -> CertificateProblem {
    CertificateProblem {
        kind: if cause.weak { ProblemKind::Weak } else { ProblemKind::Other },
        description: cause.description.clone(),
        hint: "give the manager a new certificate, of version 3 and with a key of RSA with 2048 bits or more, or ECDSA P-256 or P-384; \
               no pin helps with this one, since TLS cannot verify it"
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
    if of_chain && diagnosis.issuer_is_no_ca {
        description.push_str(if diagnosis.self_signed {
            "; the certificate of that name that was given is another one"
        } else {
            "; the certificate of that name that was given is not a CA's: its basic constraints do not say CA:TRUE, or its key usage or \
             extended key usage does not allow it"
        });
    } else if kind == ProblemKind::UnknownCa && diagnosis.issuer_missing {
        description.push_str(
            "; if that is an intermediate CA, the server does not send its intermediate certificate",
        );
    }
    // The next step must not fail for another reason.
    if of_chain && !diagnosis.fits_name {
        description = format!("{description}; it also {}", wrong_name(diagnosis));
    }
    let others =
        matches!(cause, CertificateError::Other(OtherError(other)) if other.is::<webpki::Error>());
    let pin = diagnosis.pin.filter(|_| match kind {
        ProblemKind::Revoked => false,
        ProblemKind::Other => others || is_unsupported(cause),
        _ => true,
    });
    let hint = match pin {
        None if kind == ProblemKind::Revoked => {
            "ask the manager's administrator for a new certificate".to_owned()
        }
        None => NEW_CERTIFICATE.to_owned(),
        Some(pin) => next_step(kind, diagnosis, pin, host_and_port),
    };
    CertificateProblem {
        kind,
        description,
        hint,
        can_be_pinned: pin.is_some(),
    }
}

/// The next step that works: the pin, and before it a CA file if nothing but the issuer stands in the way.
fn next_step(kind: ProblemKind, diagnosis: &Diagnosis, pin: Pin, host_and_port: &str) -> String {
    let pinned = pin_it(pin, host_and_port);
    match kind {
        ProblemKind::SelfSigned if diagnosis.may_be_trusted_itself() => format!(
            "get the certificate from the manager itself, or with `openssl s_client -connect {host_and_port} </dev/null | openssl x509 \
             > manager.pem` and compare its fingerprint there; then give `--ca-cert manager.pem`; or, if {pinned}"
        ),
        ProblemKind::UnknownCa if diagnosis.may_be_trusted_itself() => format!(
            "give the certificate of {} with `--ca-cert FILE`, or add it to the system's; or, if {pinned}",
            ca(&diagnosis.top)
        ),
        ProblemKind::Expired | ProblemKind::NotYetValid => {
            format!("check this machine's clock; if it is right, and {pinned}")
        }
        _ => format!("if {pinned}"),
    }
}

fn kind_of(cause: &CertificateError, diagnosis: &Diagnosis) -> (ProblemKind, String) {
    match cause {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (ProblemKind::WrongName, wrong_name(diagnosis))
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (ProblemKind::Expired, format!("has expired{}", since(cause)))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            ProblemKind::NotYetValid,
            format!("is not valid yet{}", since(cause)),
        ),
        CertificateError::Revoked => (ProblemKind::Revoked, "was revoked".to_owned()),
        _ if is_unvouched(cause) && diagnosis.self_signed => self_signed(),
        CertificateError::UnknownIssuer => (ProblemKind::UnknownCa, unknown_ca(diagnosis)),
        CertificateError::BadSignature => (
            ProblemKind::UnknownCa,
            format!(
                "{}; a trusted CA has the same name and another key",
                unknown_ca(diagnosis)
            ),
        ),
        _ if is_unsupported(cause) => match diagnosis.broken_digest {
            Some(digest) => (
                ProblemKind::Weak,
                format!("is too weak: it is signed over {digest}"),
            ),
            None => (
                ProblemKind::Other,
                "was refused: it is signed in a way that is not supported here".to_owned(),
            ),
        },
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (ProblemKind::WrongPurpose, NOT_FOR_SERVERS.to_owned())
        }
        // A self-signed certificate may also state that it is a CA. The other trouble is the greater one.
        CertificateError::Other(OtherError(other))
            if matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            if diagnosis.self_signed {
                self_signed()
            } else {
                (
                    ProblemKind::WrongPurpose,
                    "is a CA's certificate, not a server's".to_owned(),
                )
            }
        }
        // The verifiers of some systems have an error of their own for this, which is not public.
        CertificateError::Other(_) if !diagnosis.is_for_servers => {
            (ProblemKind::WrongPurpose, NOT_FOR_SERVERS.to_owned())
        }
        other => (
            ProblemKind::Other,
            format!("was refused: {}", reason(other)),
        ),
    }
}

const NOT_FOR_SERVERS: &str = "is not for a TLS server: its extended key usage lacks serverAuth";

fn self_signed() -> (ProblemKind, String) {
    (
        ProblemKind::SelfSigned,
        "is self-signed, as a fresh manager's is".to_owned(),
    )
}

fn unknown_ca(diagnosis: &Diagnosis) -> String {
    let (issuer, top) = (ca(&diagnosis.issuer), ca(&diagnosis.top));
    if issuer == top {
        format!("was issued by {issuer}, which is not trusted here")
    } else {
        format!("was issued by {issuer}, under {top}, which is not trusted here")
    }
}

/// The name of a CA between backticks, no longer than a message can bear.
fn ca(name: &str) -> String {
    const LIMIT: usize = 200;
    if name.is_empty() {
        return "a CA without a name".to_owned();
    }
    format!("`{}`", foreign(name, LIMIT))
}

/// A text of the certificate, no longer than this. It must not look like a command of ours, which stand between backticks.
fn foreign(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown.replace('`', "'")
}

/// No way to a trusted certificate. A root that merely bears the same name (`CN=localhost`, say) shows as a signature that does not fit.
fn is_unvouched(cause: &CertificateError) -> bool {
    matches!(
        cause,
        CertificateError::UnknownIssuer | CertificateError::BadSignature
    ) || is_unsupported(cause)
}

/// A signature in the chain that cannot be verified.
#[expect(
    deprecated,
    reason = "rustls still returns the variant without context"
)]
fn is_unsupported(cause: &CertificateError) -> bool {
    matches!(
        cause,
        CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
}

/// The command that prints, on the manager itself, what is to be compared.
pub(crate) fn key_fingerprint_command(host_and_port: &str) -> String {
    let port = host_and_port.rsplit(':').next().unwrap_or_default();
    format!(
        "openssl s_client -connect localhost:{port} </dev/null | openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | \
         openssl dgst -sha256"
    )
}

/// The print is shown for comparison: to take it over unseen would be to trust whoever answers.
fn pin_it(pin: Pin, host_and_port: &str) -> String {
    format!(
        "the manager itself prints the same with `{}`, trust its key with `--tls-pin {pin}`, or from now on with \
         `swp-keys trust add {host_and_port} --tls-pin {pin}`",
        key_fingerprint_command(host_and_port)
    )
}

fn mismatch(mismatch: &PinMismatch) -> CertificateProblem {
    let (shown, pinned) = (mismatch.shown, &mismatch.pinned);
    let place = &pinned.source;
    if mismatch.of_certificate {
        let (description, hint) = fingerprint_pinned(place, pinned.stored_for.as_deref(), shown);
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
            "does not hold the pinned key: it shows {shown}, pinned is {} ({place})",
            pins.join(", ")
        ),
        hint: format!(
            "the connection may be intercepted; only if the manager's administrator confirms that its key was changed, {}",
            pinned.remedy
        ),
        can_be_pinned: false,
    }
}

/// The fingerprint of the certificate stands at `place`, where that of its key belongs: what is wrong and what to do, in words.
pub(crate) fn fingerprint_pinned(
    place: &str,
    stored_for: Option<&str>,
    pin: Pin,
) -> (String, String) {
    let description = format!(
        "is the one with the fingerprint in {place}, but a pin is the fingerprint of the public key"
    );
    let hint = match stored_for {
        Some(host) => format!(
            "run `swp-keys trust remove {host}` and `swp-keys trust add {host} --tls-pin {pin}`"
        ),
        None => format!("give the pin of its key instead: `--tls-pin {pin}`"),
    };
    (description, hint)
}

fn wrong_name(diagnosis: &Diagnosis) -> String {
    /// As many names as a message can bear.
    const NAMES: usize = 8;
    let wanted = &diagnosis.wanted;
    if diagnosis.hosts.is_empty() {
        return format!(
            "names no host in a subject alternative name, so it cannot be for {wanted} (a CN does not count)"
        );
    }
    let mut names = (diagnosis.hosts.iter().take(NAMES))
        .map(|name| foreign(name, 100))
        .collect::<Vec<_>>()
        .join(", ");
    if let more @ 1.. = diagnosis.hosts.len().saturating_sub(NAMES) {
        names = format!("{names} and {more} more");
    }
    format!("is for another name: wanted {wanted}, it holds {names}")
}

fn since(certificate: &CertificateError) -> String {
    let day = |time: &UnixTime| {
        i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
            .map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string())
            .unwrap_or_default()
    };
    match certificate {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(": it ended on {}", day(not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(": it begins on {}", day(not_before))
        }
        _ => String::new(),
    }
}
