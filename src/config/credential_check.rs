//! Checks user names, passwords, MFA codes and API keys before they are sent. The manager would reject an invalid value, and would lock the account
//! after several rejections.
//!
//! Two defects are corrected: a line break at the end of a file, of stdin or of a command's output is removed, and spaces in an MFA code are removed.
//! A value with any other defect is rejected.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::manager::KEY_PAGE;
use crate::secret::Secret;

/// The kind of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// The administrator's name.
    Username,
    /// The tenant's name.
    Tenant,
    /// The administrator's password.
    Password,
    /// The MFA code, which is the second factor of a sign-in.
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

/// The reason why a value is not a valid credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// The value is UTF-16 text.
    #[error("is UTF-16 text, not UTF-8")]
    Utf16,
    /// The value starts with a byte order mark (U+FEFF).
    #[error("starts with a byte order mark")]
    ByteOrderMark,
    /// The value is not UTF-8 text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The value contains a NUL character.
    #[error("contains a NUL character")]
    Nul,
    /// The value ends with a line break. If it was read from a file, stdin or a command, one line break has already been removed.
    #[error("ends with a line break, which is not part of a valid value")]
    BreakAtEnd,
    /// The value has several lines.
    #[error("has more than one line")]
    SeveralLines,
    /// The value contains a carriage return without a line feed.
    #[error("contains a carriage return, as in a Windows line ending")]
    CarriageReturn,
    /// The value is an access token of a different service, and not a password or an API key of the manager.
    #[error("is a token of the Vision One platform, not an API key for this API")]
    PlatformToken,
    /// The value contains a character that is not allowed in an HTTP header.
    #[error("contains a character that is not allowed in an HTTP header")]
    NotForHeader,
    /// The MFA code does not consist of 6 to 8 digits.
    #[error("is not a code of 6 to 8 digits")]
    NotACode,
}

impl Defect {
    /// Returns the usage error for a value with this defect. `subject` names the value, such as "the password in `SWP_PASSWORD`".
    pub(crate) fn error(self, subject: &str, kind: CredentialKind) -> Error {
        Error::usage(
            format!("{subject} {self}; nothing was sent"),
            self.hint(kind),
        )
    }

    fn hint(self, kind: CredentialKind) -> String {
        match self {
            Self::Empty => format!("set the {kind} to a value that is not empty"),
            Self::Utf16 | Self::ByteOrderMark | Self::NotUtf8 => {
                format!("save the {kind} as UTF-8 without a byte order mark")
            }
            Self::SeveralLines => format!(
                "remove every line except the {kind}; if a command prints the {kind} on its first line, use `sh -c 'COMMAND | head -n 1'`"
            ),
            Self::Nul | Self::BreakAtEnd | Self::CarriageReturn | Self::NotForHeader => {
                format!("remove every character that is not part of the {kind}")
            }
            Self::PlatformToken => {
                format!(
                    "create an API key in the Vision One console under {KEY_PAGE}, and use this API key"
                )
            }
            Self::NotACode => "enter the digits that the authenticator app shows".to_owned(),
        }
    }
}

impl CredentialKind {
    /// Parses a credential that was read from a file, from stdin or from the output of a command. A single line break at the end is removed.
    ///
    /// # Errors
    /// Returns the defect if the value is not valid.
    pub(crate) fn parse_line(self, bytes: Zeroizing<Vec<u8>>) -> Result<Secret, Defect> {
        if is_utf_16(&bytes) {
            return Err(Defect::Utf16);
        }
        let secret = Secret::from_line(bytes).ok_or(Defect::NotUtf8)?;
        self.checked(&secret)
    }

    /// Checks a secret, and returns the value to send. Spaces in an MFA code are removed. Other secrets are not changed.
    ///
    /// # Errors
    /// Returns the defect if the value is not valid.
    pub(crate) fn checked(self, secret: &Secret) -> Result<Secret, Defect> {
        let text = secret.expose();
        self.check(text)?;
        Ok(match self {
            Self::MfaCode => without_blanks(text),
            _ => secret.clone(),
        })
    }

    /// Checks the text of a value.
    ///
    /// # Errors
    /// Returns the defect if the value is not valid.
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
            // A valid password may start like a JSON Web Token. So a password is rejected only if the whole text has that form.
            Self::Password if is_token(text) => Err(Defect::PlatformToken),
            Self::ApiKey if !text.chars().all(|one| one == ' ' || one.is_ascii_graphic()) => {
                Err(Defect::NotForHeader)
            }
            _ => Ok(()),
        }
    }
}

/// Returns true if the bytes are UTF-16: they start with a UTF-16 byte order mark, or every second byte is 0, as in ASCII text that is
/// encoded as UTF-16.
fn is_utf_16(bytes: &[u8]) -> bool {
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).all(|byte| *byte == 0);
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || (bytes.len() >= 4 && bytes.len().is_multiple_of(2) && zeros(0) != zeros(1))
}

/// Returns true if the text is a JSON Web Token: a base64 header that starts with `{"`, and two more base64 parts.
fn is_token(text: &str) -> bool {
    let is_part = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !part.is_empty() && part.bytes().all(fits)
    };
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(is_part)
}

/// Removes spaces from an MFA code, because authenticator apps show its digits in groups.
fn without_blanks(code: &str) -> Secret {
    let mut digits = Zeroizing::new(String::with_capacity(code.len()));
    let blank = |one: char| one.is_whitespace() && !matches!(one, '\n' | '\r');
    digits.extend(code.trim().chars().filter(|one| !blank(*one)));
    Secret::new(std::mem::take(&mut *digits))
}

/// Returns true if the text is an MFA code of 6 to 8 digits. RFC 4226 and RFC 6238 require at least 6 digits, and authenticator apps show at most 8.
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
    fn invalid_values_are_rejected() {
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
    fn a_code_is_digits_with_or_without_spaces() {
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
    fn a_token_of_the_platform_is_recognized_by_its_format() {
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
