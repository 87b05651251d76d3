//! What is said of a certificate that is not trusted: what exactly is wrong with it, and what to do about it.

use std::fmt::Write as _;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};

use super::pin::{Mismatch, Pin};
use super::trust::{Unvouched, Weak};

/// What is wrong with a certificate, as far as a decision hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
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
    /// Something else.
    Other,
}

impl Flaw {
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
            Self::Other => "other",
        }
    }

    /// Whether a person who knows the key may pin it all the same. A pin vouches for the key alone: a key that is weak proves nothing,
    /// one that was taken back may be a thief's, and one that has changed is nothing to be waved through.
    #[must_use]
    pub(crate) fn may_be_pinned(self) -> bool {
        match self {
            Self::SelfSigned
            | Self::UnknownCa
            | Self::WrongName
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongPurpose => true,
            Self::Weak | Self::Revoked | Self::PinChanged | Self::Other => false,
        }
    }
}

/// Why a certificate is not trusted, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Distrust {
    /// Which flaw it is.
    pub(crate) flaw: Flaw,
    /// In words, as in "is self-signed".
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// What is wrong with the manager's certificate, and what to do about it, in words; `None` where the error is of something else.
pub(super) fn explain(error: &rustls::Error, host_and_port: &str) -> Option<Distrust> {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return None;
    };
    let (flaw, problem, hint) = judged(certificate, host_and_port)?;
    Some(Distrust {
        flaw,
        problem,
        hint,
    })
}

fn judged(certificate: &CertificateError, host_and_port: &str) -> Option<(Flaw, String, String)> {
    let fetch = format!(
        "get the certificate from the manager itself, or with `openssl s_client -connect {host_and_port} </dev/null | openssl x509 \
         > manager.pem` and compare its fingerprint there; then give `--ca-cert manager.pem`"
    );
    let judged = match certificate {
        CertificateError::Other(OtherError(cause)) if cause.is::<Unvouched>() => {
            unvouched(cause.downcast_ref()?, fetch, host_and_port)
        }
        CertificateError::Other(OtherError(cause)) if cause.is::<Mismatch>() => {
            mismatch(cause.downcast_ref()?)
        }
        CertificateError::Other(OtherError(cause)) if cause.is::<Weak>() => (
            Flaw::Weak,
            format!("is too weak: {}", cause.downcast_ref::<Weak>()?),
            "give the manager a new certificate: RSA of 2048 bits or more, or ECDSA, signed over SHA-256".to_owned(),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(certificate)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            Flaw::Expired,
            format!("has expired{}", since(certificate)),
            "renew the manager's certificate; if it is valid, this machine's clock is wrong"
                .to_owned(),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            Flaw::NotYetValid,
            format!("is not valid yet{}", since(certificate)),
            "check this machine's clock, and the manager's at the time it made the certificate"
                .to_owned(),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            Flaw::WrongPurpose,
            "is not for a TLS server: its extended key usage lacks serverAuth".to_owned(),
            format!("give the manager a certificate with serverAuth, or {}", pin_it(None, host_and_port)),
        ),
        CertificateError::Revoked => (
            Flaw::Revoked,
            "was revoked".to_owned(),
            "ask whoever runs the manager for a new certificate".to_owned(),
        ),
        CertificateError::Other(OtherError(cause))
            if matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            (
                Flaw::WrongPurpose,
                "is a CA's certificate, not a server's".to_owned(),
                fetch,
            )
        }
        other => (
            Flaw::Other,
            refused_as(other),
            "ask whoever runs the manager for a certificate that is fit for a TLS server"
                .to_owned(),
        ),
    };
    Some(judged)
}

/// What the library has no words for.
fn refused_as(error: &CertificateError) -> String {
    let of_webpki = match error {
        CertificateError::Other(OtherError(cause)) => cause.downcast_ref::<webpki::Error>(),
        _ => None,
    };
    match (error, of_webpki) {
        (_, Some(webpki::Error::UnsupportedCertVersion)) => {
            "was refused: it is of version 1, which has no names of hosts".to_owned()
        }
        (CertificateError::BadEncoding, _) => "was refused: it cannot be read".to_owned(),
        (CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }, _) => {
            "was refused: its kind of key is not known here".to_owned()
        }
        _ => format!("was refused: {error}"),
    }
}

/// The command that prints, on the manager itself, what is to be compared.
pub(crate) fn on_the_manager(host_and_port: &str) -> String {
    let port = host_and_port.rsplit(':').next().unwrap_or_default();
    format!(
        "openssl s_client -connect localhost:{port} </dev/null | openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | \
         openssl dgst -sha256"
    )
}

/// The print is shown for comparison: to take it over unseen would be to trust whoever answers.
fn pin_it(pin: Option<Pin>, host_and_port: &str) -> String {
    let Some(pin) = pin else {
        return format!("look at it with `swp-keys trust show {host_and_port}`");
    };
    format!(
        "where the manager itself prints the same with `{}`, trust its key with `--tls-pin {pin}`, or from now on with \
         `swp-keys trust add {host_and_port} --tls-pin {pin}`",
        on_the_manager(host_and_port)
    )
}

/// Nobody vouches for it.
fn unvouched(what: &Unvouched, fetch: String, host_and_port: &str) -> (Flaw, String, String) {
    let (flaw, problem, mut hint) = if what.self_signed {
        (
            Flaw::SelfSigned,
            "is self-signed, as a fresh manager's is".to_owned(),
            fetch,
        )
    } else {
        (
            Flaw::UnknownCa,
            "was issued by a CA that is not trusted here".to_owned(),
            "give that CA's certificate with `--ca-cert FILE`, or add it to the system's"
                .to_owned(),
        )
    };
    if what.pin.is_some() {
        let _ = write!(hint, "; or, {}", pin_it(what.pin, host_and_port));
    }
    (flaw, problem, hint)
}

fn mismatch(mismatch: &Mismatch) -> (Flaw, String, String) {
    let pinned: Vec<_> = mismatch.pinned.pins.iter().map(Pin::to_string).collect();
    (
        Flaw::PinChanged,
        format!(
            "does not hold the pinned key: it shows {}, pinned is {} ({})",
            mismatch.shown,
            pinned.join(", "),
            mismatch.pinned.place
        ),
        format!(
            "somebody may stand in between; only if whoever runs the manager says that its key was changed, {}",
            mismatch.pinned.remedy
        ),
    )
}

fn wrong_name(certificate: &CertificateError) -> (Flaw, String, String) {
    let CertificateError::NotValidForNameContext {
        expected,
        presented,
    } = certificate
    else {
        return (
            Flaw::WrongName,
            "is for another name".to_owned(),
            "use the name it was made for in `--url`".to_owned(),
        );
    };
    let expected = expected.to_str();
    if presented.is_empty() {
        return (
            Flaw::WrongName,
            format!("names no host, so it cannot be for {expected}"),
            "give the manager a certificate with a subject alternative name".to_owned(),
        );
    }
    let names = presented
        .iter()
        .take(8)
        .map(|name| plain(name))
        .collect::<Vec<_>>()
        .join(", ");
    (
        Flaw::WrongName,
        format!("is for another name: wanted {expected}, it holds {names}"),
        "use a name it was made for in `--url`, or give the manager a certificate for this one"
            .to_owned(),
    )
}

/// The name itself: webpki writes `DnsName("dsm.example.com")`, `IpAddress(192.0.2.1)`.
fn plain(presented: &str) -> &str {
    presented
        .split_once('(')
        .and_then(|(_, name)| name.strip_suffix(')'))
        .map_or(presented, |name| name.trim_matches('"'))
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
