//! Pins. A pin is the fingerprint of a public key that is trusted regardless of its certificate. The handshake proves that the server has the private
//! key.
//!
//! The fingerprint is that of RFC 7469: the SHA-256 of the DER encoding of the certificate's `SubjectPublicKeyInfo`. It does not change if the
//! certificate is renewed with the same key. The fingerprint is written in hex, as in the output of `openssl dgst -sha256`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, OtherError};

const PREFIX: &str = "sha256:";
const LENGTH: usize = 32;

/// The SHA-256 fingerprint of a public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin([u8; LENGTH]);

impl Pin {
    /// Returns the fingerprint of a certificate's public key. `None` if the bytes are not a certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
        Some(Self(sha256(parsed.subject_public_key_info().as_ref())))
    }

    /// Returns true if the pin is the fingerprint of the whole certificate. A user may pass this fingerprint by mistake, instead of the
    /// fingerprint of the public key.
    #[must_use]
    pub(crate) fn equals_certificate(&self, fingerprint: &Fingerprint) -> bool {
        self.0 == fingerprint.0
    }
}

impl FromStr for Pin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digest(text).map(Self)
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

/// The SHA-256 fingerprint of a whole certificate, in the format of keytool, browsers and `openssl x509 -fingerprint`. It is not a pin, because a
/// renewed certificate with the same key has a different fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// Returns the fingerprint of a certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(sha256(certificate))
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digest(text).map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        self.0.iter().try_for_each(|byte| {
            write!(formatter, "{separator}{byte:02X}")?;
            separator = ":";
            Ok(())
        })
    }
}

fn sha256(bytes: &[u8]) -> [u8; LENGTH] {
    let mut digest = [0; LENGTH];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// Parses a SHA-256 fingerprint in hex, as keytool, browsers, openssl and this program print it. The digits are in upper or lower case, with or
/// without colons or spaces between the bytes. A prefix (`sha256:`, `SHA256 Fingerprint=`, `SHA2-256(stdin)= `) is optional.
fn digest(text: &str) -> Result<[u8; LENGTH], &'static str> {
    let digits = without_separators(text);
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("expected `sha256:` and 64 hex digits");
    }
    let mut bytes = [0; LENGTH];
    match digits.len() {
        64 => {}
        40 => {
            return Err(
                "expected a SHA-256 fingerprint (64 hex digits), not a SHA-1 fingerprint (40 hex digits)",
            );
        }
        _ => return Err("expected 64 hex digits"),
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
        *byte = u8::try_from(value(pair[0]) * 16 + value(pair[1])).unwrap_or_default();
    }
    Ok(bytes)
}

/// Returns the fingerprint without its prefix and without the colons and spaces between the bytes.
fn without_separators(text: &str) -> Vec<u8> {
    let text = text.rsplit('=').next().unwrap_or(text).trim();
    let prefixed = text.get(..PREFIX.len());
    let digits = match prefixed.filter(|prefix| prefix.eq_ignore_ascii_case(PREFIX)) {
        Some(_) => &text[PREFIX.len()..],
        None => text,
    };
    let mut digits: Vec<u8> = digits.bytes().collect();
    digits.retain(|byte| !matches!(byte, b':' | b' '));
    digits
}

/// Returns the number of hex digits if `text` consists of hex digits, but is not a SHA-256 fingerprint: it may be incomplete, or a fingerprint of a
/// different kind.
pub(crate) fn incomplete_fingerprint(text: &str) -> Option<usize> {
    let digits = without_separators(text);
    // A text of fewer than four hex digits is probably a word, such as `fed`.
    let is_hex = digits.len() >= 4 && digits.iter().all(u8::is_ascii_hexdigit);
    (is_hex && digits.len() != 2 * LENGTH).then_some(digits.len())
}

/// The pins of a manager, and the setting that contains them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PinSet {
    /// The fingerprints of the pinned public keys.
    pub(crate) pins: Vec<Pin>,
    /// The flag, environment variable or file that contains the pins. Messages name it.
    pub(crate) source: String,
    /// What the user must do if the manager's key was changed, such as "change the pin".
    pub(crate) remedy: String,
    /// The address of the manager, if its pins come from trusted.toml. `None` if the pins come from a different setting.
    pub(crate) stored_for: Option<String>,
}

/// The error for a public key that is not pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key is not pinned")]
pub(crate) struct PinMismatch {
    /// The fingerprint of the server's public key.
    pub(crate) shown: Pin,
    /// The pins.
    pub(crate) pinned: PinSet,
    /// True if a pin is the fingerprint of the server's certificate instead of the fingerprint of the public key.
    pub(crate) of_certificate: bool,
}

impl PinSet {
    /// Checks that the public key of a certificate is pinned.
    ///
    /// # Errors
    /// Returns an error if the certificate has a different key, or if it cannot be parsed.
    pub(crate) fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let shown = Pin::of(certificate).ok_or(CertificateError::BadEncoding)?;
        if self.pins.contains(&shown) {
            return Ok(());
        }
        let fingerprint = Fingerprint::of(certificate);
        let mismatch = PinMismatch {
            shown,
            pinned: self.clone(),
            of_certificate: (self.pins.iter()).any(|pin| pin.equals_certificate(&fingerprint)),
        };
        Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_parsed_in_the_format_of_every_tool() {
        let plain = format!("sha256:{}", "0a".repeat(32));
        let pin: Result<Pin, _> = plain.parse();
        assert_eq!(pin.map(|pin| pin.to_string()), Ok(plain));
        let colons = format!("{}0A", "0A:".repeat(31));
        assert_eq!(
            colons
                .parse::<Fingerprint>()
                .map(|fingerprint| fingerprint.to_string()),
            Ok(colons.clone())
        );
        for text in [
            "0a".repeat(32),
            format!("sha256:{colons}"),
            format!("SHA256:{colons}"),
            colons.to_lowercase(),
            format!("SHA256 Fingerprint={colons}"),
            format!("sha256 Fingerprint={colons}"),
            format!("SHA2-256(stdin)= {}", "0a".repeat(32)),
            format!("(stdin)= {}", "0a".repeat(32)),
            // keytool and browsers.
            format!("\t SHA256: {colons}"),
            colons.replace(':', " "),
        ] {
            assert_eq!(text.parse(), pin, "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_pin() {
        let short = format!("sha256:{}", "0a".repeat(31));
        let wide = format!("sha256:{}", "é".repeat(32));
        let other = format!("md5:{}", "0a".repeat(32));
        for text in [
            "", "yes", "sha256:", "0a", "sha1:0a", "é", &short, &wide, &other,
        ] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
        let sha1 = "0a".repeat(20).parse::<Pin>().err().unwrap_or_default();
        assert!(sha1.contains("SHA-1"), "{sha1}");
    }
}
