//! What is said of a certificate that is not trusted: what exactly is wrong with it, and what to do about it.

use std::fmt::Write as _;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};

use super::pin::{Mismatch, Pin};
use super::trust::Unvouched;

/// What is wrong with the manager's certificate, and what to do about it, in words.
pub(super) fn explain(error: &rustls::Error, host_and_port: &str) -> Option<(String, String)> {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return None;
    };
    let fetch = format!(
        "get the certificate from the manager itself, or with `openssl s_client -connect {host_and_port} </dev/null | openssl x509 \
         > manager.pem` and compare its fingerprint there; then give `--ca-cert manager.pem`"
    );
    let explained = match certificate {
        CertificateError::Other(OtherError(cause)) if cause.is::<Unvouched>() => {
            unvouched(cause.downcast_ref()?, fetch, host_and_port)
        }
        CertificateError::Other(OtherError(cause)) if cause.is::<Mismatch>() => {
            mismatch(cause.downcast_ref()?)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(certificate)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            format!("has expired{}", since(certificate)),
            "renew the manager's certificate; if it is valid, this machine's clock is wrong"
                .to_owned(),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            format!("is not valid yet{}", since(certificate)),
            "check this machine's clock, and the manager's at the time it made the certificate"
                .to_owned(),
        ),
        CertificateError::Revoked => (
            "was revoked".to_owned(),
            "ask whoever runs the manager for a new certificate".to_owned(),
        ),
        CertificateError::Other(OtherError(cause))
            if matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            ("is a CA's certificate, not a server's".to_owned(), fetch)
        }
        other => (
            format!("was refused: {other}"),
            "ask whoever runs the manager for a certificate that is fit for a TLS server"
                .to_owned(),
        ),
    };
    Some(explained)
}

/// Nobody vouches for it. The print is shown for comparison: to take it over unseen would be to trust whoever answers.
fn unvouched(what: &Unvouched, fetch: String, host_and_port: &str) -> (String, String) {
    let (problem, mut hint) = if what.self_signed {
        ("is self-signed, as a fresh manager's is".to_owned(), fetch)
    } else {
        (
            "was issued by a CA that is not trusted here".to_owned(),
            "give that CA's certificate with `--ca-cert FILE`, or add it to the system's"
                .to_owned(),
        )
    };
    if let Some(pin) = what.pin {
        let port = host_and_port.rsplit(':').next().unwrap_or_default();
        let _ = write!(
            hint,
            "; or, where the manager itself prints the same with `openssl s_client -connect localhost:{port} </dev/null | \
             openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256`, trust its key with \
             `--tls-pin {pin}`"
        );
    }
    (problem, hint)
}

fn mismatch(mismatch: &Mismatch) -> (String, String) {
    let pinned: Vec<_> = mismatch.pinned.iter().map(Pin::to_string).collect();
    (
        format!(
            "does not hold the pinned key: it shows {}, pinned is {}",
            mismatch.shown,
            pinned.join(", ")
        ),
        "somebody may stand in between; only if whoever runs the manager says that its key was changed, change the pin"
            .to_owned(),
    )
}

fn wrong_name(certificate: &CertificateError) -> (String, String) {
    let CertificateError::NotValidForNameContext {
        expected,
        presented,
    } = certificate
    else {
        return (
            "is for another name".to_owned(),
            "use the name it was made for in `--url`".to_owned(),
        );
    };
    let expected = expected.to_str();
    if presented.is_empty() {
        return (
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
