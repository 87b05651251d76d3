//! Pins: trusting exactly one public key, whatever the certificate around it says. Its signature is still checked, so whoever shows
//! the certificate must hold the key.
//!
//! The print is that of RFC 7469: the SHA-256 of the DER of the certificate's `SubjectPublicKeyInfo`, which survives a renewal with
//! the same key. Written in hex, as `openssl dgst -sha256` prints it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, OtherError};

const PREFIX: &str = "sha256:";
const LENGTH: usize = 32;

/// The SHA-256 of a public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin([u8; LENGTH]);

impl Pin {
    /// The print of a certificate's key; `None` where the bytes are no certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            parsed.subject_public_key_info().as_ref(),
        );
        digest.as_ref().try_into().ok().map(Self)
    }
}

impl FromStr for Pin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix(PREFIX)
            .ok_or("it does not begin with `sha256:`")?;
        // `openssl x509 -fingerprint` and many a console put colons between the bytes.
        let digits = digits.replace(':', "");
        if digits.len() != 2 * LENGTH || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("it is not 64 hex digits after `sha256:`");
        }
        let mut bytes = [0; LENGTH];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16)
                .map_err(|_| "it holds what is no hex digit")?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PREFIX)?;
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Keys that are pinned, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The keys.
    pub(crate) pins: Vec<Pin>,
    /// Where the pins stand, for messages: a flag, a variable, a file.
    pub(crate) place: String,
    /// What to do where the manager's key was changed, as in "change the pin".
    pub(crate) remedy: String,
}

/// The key that was shown is none of those that are pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its key is not the pinned one")]
pub(super) struct Mismatch {
    /// What was shown.
    pub(super) shown: Pin,
    /// What is pinned.
    pub(super) pinned: Pins,
}

impl Pins {
    /// Whether a certificate holds one of these keys.
    pub(super) fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let shown = Pin::of(certificate).ok_or(CertificateError::BadEncoding)?;
        if self.pins.contains(&shown) {
            return Ok(());
        }
        let pinned = self.clone();
        Err(CertificateError::Other(OtherError(Arc::new(Mismatch { shown, pinned }))).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_it_is_written_with_colons_and_capitals_too() {
        let plain = format!("sha256:{}", "0a".repeat(32));
        let colons = format!("sha256:{}0A", "0A:".repeat(31));
        let pin: Result<Pin, _> = plain.parse();
        assert_eq!(pin, colons.parse());
        assert_eq!(pin.map(|pin| pin.to_string()), Ok(plain));
    }

    #[test]
    fn anything_else_is_no_pin() {
        let short = format!("sha256:{}", "0a".repeat(31));
        let wide = format!("sha256:{}", "é".repeat(32));
        for text in ["", "sha256:", "0a", "sha1:0a", &short, &wide] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
    }
}
