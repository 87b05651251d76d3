//! What cannot be a user name, a password, a code or a key is found before it is sent: the manager would refuse it, and each refusal
//! counts towards the lock-out of the account.
//!
//! One set of rules for every source. A line break at the end of a file, of stdin or of a command's output is the end of its line and
//! no part of the value; anything else that would be sent and cannot be right is refused, and never repaired, but for blanks in a code.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::manager::KEY_PAGE;
use crate::secret::Secret;

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// The administrator's name.
    Username,
    /// The tenant's name.
    Tenant,
    /// The administrator's password.
    Password,
    /// The code of the second factor.
    MfaCode,
    /// An API key's secret.
    ApiKey,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Username => "user name",
            Self::Tenant => "tenant",
            Self::Password => "password",
            Self::MfaCode => "code",
            Self::ApiKey => "API key",
        })
    }
}

/// Why a value cannot be what it is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    /// Nothing is in it.
    #[error("is empty")]
    Empty,
    /// It is text of another encoding.
    #[error("is UTF-16 text, not UTF-8")]
    Utf16,
    /// It begins with U+FEFF.
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    /// It is no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It holds a NUL.
    #[error("holds a NUL character")]
    Nul,
    /// A file has an empty line behind it, or a variable a line break.
    #[error("ends in a line break that is not part of it")]
    BreakAtEnd,
    /// It has several lines.
    #[error("has more than one line")]
    SeveralLines,
    /// It holds half of a Windows line ending.
    #[error("holds a carriage return, as in a Windows line ending")]
    CarriageReturn,
    /// It is a key of another service.
    #[error("is a token of the Vision One platform, which is not accepted here")]
    PlatformToken,
    /// It holds what no HTTP header can carry, and so is no key.
    #[error("holds a character that an HTTP header cannot carry")]
    NotForHeader,
    /// It is not what an authenticator shows.
    #[error("is not a code of 6 to 8 digits")]
    NotACode,
}

impl Defect {
    /// The usage error of the value that `subject` names, such as "the password in `SWP_PASSWORD`".
    pub(crate) fn error(self, subject: &str, kind: CredentialKind) -> Error {
        Error::usage(
            format!("{subject} {self}; nothing was sent"),
            self.hint(kind),
        )
    }

    fn hint(self, kind: CredentialKind) -> String {
        match self {
            Self::Empty => format!("give the {kind}; an empty one is never sent"),
            Self::Utf16 | Self::ByteOrderMark | Self::NotUtf8 => {
                format!("save the {kind} as UTF-8 without a byte order mark")
            }
            Self::SeveralLines => format!(
                "give the {kind} alone; of a command that prints more, take the first line with `sh -c 'COMMAND | head -n 1'`"
            ),
            Self::Nul | Self::BreakAtEnd | Self::CarriageReturn | Self::NotForHeader => {
                format!("remove what is not part of the {kind}")
            }
            Self::PlatformToken => {
                format!("make an API key in the Vision One console under {KEY_PAGE}, and use that")
            }
            Self::NotACode => "give the digits that the authenticator shows".to_owned(),
        }
    }
}

impl CredentialKind {
    /// Takes over what a file, stdin or a command gave. One line ending at the end is removed.
    ///
    /// # Errors
    /// Returns why it cannot be what it is meant to be.
    pub(crate) fn parse_line(self, bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Defect> {
        if is_utf_16(&bytes) {
            return Err(Defect::Utf16);
        }
        let secret = Secret::from_line(bytes).ok_or(Defect::NotUtf8)?;
        self.checked(&secret)
    }

    /// The value as it is to be sent: a code without its blanks, anything else unchanged.
    ///
    /// # Errors
    /// Returns why it cannot be what it is meant to be.
    pub(crate) fn checked(self, secret: &Secret) -> Result<Secret, Defect> {
        let text = secret.expose();
        self.check(text)?;
        Ok(match self {
            Self::MfaCode => without_blanks(text),
            _ => secret.clone(),
        })
    }

    /// The same for a text that is not secret.
    ///
    /// # Errors
    /// Returns why it cannot be what it is meant to be.
    pub(crate) fn check(self, text: &str) -> Result<(), Defect> {
        if text.is_empty() {
            return Err(Defect::Empty);
        }
        if text.starts_with('\u{feff}') {
            return Err(Defect::ByteOrderMark);
        }
        if text.contains('\0') {
            return Err(Defect::Nul);
        }
        if self == Self::MfaCode {
            let code = without_blanks(text);
            return if is_code(code.expose()) {
                Ok(())
            } else {
                Err(Defect::NotACode)
            };
        }
        if text.trim_end_matches(['\r', '\n']).contains('\n') {
            return Err(Defect::SeveralLines);
        }
        if text.ends_with('\n') {
            return Err(Defect::BreakAtEnd);
        }
        if text.contains('\r') {
            return Err(Defect::CarriageReturn);
        }
        match self {
            Self::ApiKey if text.starts_with("eyJ") && text.matches('.').count() >= 2 => {
                Err(Defect::PlatformToken)
            }
            // A password may look like anything, so only a whole token is one.
            Self::Password if is_token(text) => Err(Defect::PlatformToken),
            Self::ApiKey if !text.chars().all(|one| one == ' ' || one.is_ascii_graphic()) => {
                Err(Defect::NotForHeader)
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is the text of Windows' tools: it begins with its byte order mark, or every second byte of it is 0, as ASCII has it.
fn is_utf_16(bytes: &[u8]) -> bool {
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).all(|byte| *byte == 0);
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || (bytes.len() >= 4 && bytes.len().is_multiple_of(2) && zeros(0) != zeros(1))
}

/// A JSON Web Token: a header that begins with `{"`, and two more parts, each in base64.
fn is_token(text: &str) -> bool {
    let is_part = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !part.is_empty() && part.bytes().all(fits)
    };
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(is_part)
}

/// An authenticator shows the digits in groups, and they are copied so.
fn without_blanks(code: &str) -> Secret {
    let mut digits = Zeroizing::new(String::with_capacity(code.len()));
    let blank = |one: char| one.is_whitespace() && !matches!(one, '\n' | '\r');
    digits.extend(code.trim().chars().filter(|one| !blank(*one)));
    Secret::new(std::mem::take(&mut *digits))
}

/// RFC 6238 and RFC 4226 have codes of 6 digits and more, and authenticators show up to 8.
fn is_code(text: &str) -> bool {
    (6..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::CredentialKind::{ApiKey, MfaCode, Password, Username};
    use super::*;

    fn read(kind: CredentialKind, bytes: &[u8]) -> Result<String, Defect> {
        let secret = kind.parse_line(Zeroizing::new(bytes.to_vec()))?;
        Ok(secret.expose().to_owned())
    }

    #[test]
    fn what_cannot_be_right_is_found() {
        for (bytes, defect) in [
            (&b""[..], Defect::Empty),
            (b"\n", Defect::Empty),
            (b"\r\n", Defect::Empty),
            (b"a\n\n", Defect::BreakAtEnd),
            (b"a\r\n\r\n", Defect::BreakAtEnd),
            (b"a\nb", Defect::SeveralLines),
            (b"a\nb\n", Defect::SeveralLines),
            (b"a\n\nb\n\n", Defect::SeveralLines),
            (b"a\r", Defect::CarriageReturn),
            (b"a\rb\n", Defect::CarriageReturn),
            (b"\ra", Defect::CarriageReturn),
            (b"a\0", Defect::Nul),
            (b"a\0b\0c", Defect::Nul),
            (b"\xef\xbb\xbfa", Defect::ByteOrderMark),
            (b"\xff\xfea\0", Defect::Utf16),
            (b"\xfe\xff\0a", Defect::Utf16),
            (b"a\0b\0\n\0", Defect::Utf16),
            (b"\0a\0b", Defect::Utf16),
            (b"caf\xe9", Defect::NotUtf8),
        ] {
            for kind in [Username, Password, ApiKey] {
                assert_eq!(read(kind, bytes), Err(defect), "{kind} {bytes:?}");
            }
        }
        for good in [" a b ", "a\tb", "p\u{e4}ss", "eyJ.a", "a.b.c", "a\u{1}"] {
            assert_eq!(read(Password, good.as_bytes()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn a_code_is_digits_with_or_without_blanks() {
        for (bytes, code) in [
            ("123456", "123456"),
            ("012345\n", "012345"),
            (" 123 456 ", "123456"),
            ("123\u{a0}456\r\n\n", "123456"),
            ("1234567", "1234567"),
            ("1234 5678\t", "12345678"),
        ] {
            assert_eq!(read(MfaCode, bytes.as_bytes()).as_deref(), Ok(code));
        }
        for bytes in [
            "12345",
            "123456789",
            "12345a",
            "123-456",
            "123456\n123456",
            "１２３４５６",
        ] {
            assert_eq!(
                read(MfaCode, bytes.as_bytes()),
                Err(Defect::NotACode),
                "{bytes}"
            );
        }
    }

    #[test]
    fn a_key_of_the_platform_is_known_by_its_look() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-_";
        for kind in [Password, ApiKey] {
            assert_eq!(read(kind, token.as_bytes()), Err(Defect::PlatformToken));
        }
        assert_eq!(read(ApiKey, b"eyJ.a.b+"), Err(Defect::PlatformToken));
        assert_eq!(read(Password, b"eyJ.a.b+").as_deref(), Ok("eyJ.a.b+"));
        for key in ["8:QUJD+/=", "tmc12:abc", "eyJabc:Zm9v"] {
            assert_eq!(read(ApiKey, key.as_bytes()).as_deref(), Ok(key));
        }
        for key in ["8:\u{1}", "8:\u{e4}", "8:\tx"] {
            assert_eq!(read(ApiKey, key.as_bytes()), Err(Defect::NotForHeader));
        }
    }
}
