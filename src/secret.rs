//! The type for secrets. Every secret is stored in a [`Secret`] as soon as it is read.
//!
//! [`Secret`] does not implement `Display`, `Debug`, `Deref` or `Serialize`, so that no derived trait can put a secret into a log or a
//! message. Only [`Secret::expose`] reads a secret, so every use of a secret can be found by searching for that name. The memory is zeroed
//! on drop (`secrecy`).
//!
//! Reallocation leaves copies of a buffer's content in memory. Therefore [`joined`], [`json`] and [`pretty_json`] allocate their output
//! once, at its final size.

use std::io;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A password, an MFA code, a session ID or an API key's secret.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Copies `text` and zeroes its buffer. The buffer is not reused, because shrinking it to the length of the text could leave a copy in
    /// memory.
    #[must_use]
    pub(crate) fn new(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(SecretString::from(Box::<str>::from(text.as_str())))
    }

    /// Converts bytes to a secret. The bytes must be UTF-8, because JSON strings require it.
    ///
    /// One trailing line ending is removed, because files and command output usually end with a line ending. Returns `None` if the bytes
    /// are not UTF-8. The bytes are zeroed in either case.
    #[must_use]
    pub(crate) fn from_line(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Some(Self::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }

    /// Returns the text of the secret. Only code that sends or delivers the secret may call this.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the text between the quotes if the secret is enclosed in double quotes.
    #[must_use]
    pub(crate) fn unquoted(&self) -> Option<Self> {
        let inner = self.expose().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self::new(inner.to_owned()))
    }

    /// Returns true if the text is empty. An empty secret is never sent.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

/// Returns the concatenation of the parts.
#[must_use]
pub(crate) fn joined(parts: &[&str]) -> Zeroizing<String> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for part in parts {
        text.push_str(part);
    }
    text
}

/// Returns `value` as compact JSON.
///
/// # Errors
/// Returns the error of the serializer.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    measured(&|to| serde_json::to_writer(to, value))
}

/// Returns `value` as indented JSON.
///
/// # Errors
/// Returns the error of the serializer.
pub(crate) fn pretty_json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    measured(&|to| serde_json::to_writer_pretty(to, value))
}

/// Returns the output of `write`, which is called twice. The first call only measures the length, so that the buffer can be allocated once.
fn measured(
    write: &dyn Fn(&mut dyn io::Write) -> serde_json::Result<()>,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    struct Length(usize);
    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    write(&mut length)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    write(&mut *bytes)?;
    Ok(bytes)
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> Option<String> {
        Secret::from_line(Zeroizing::new(text.to_vec())).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn exactly_one_line_ending_is_removed() {
        assert_eq!(line(b"hunter2\n").as_deref(), Some("hunter2"));
        assert_eq!(line(b"hunter2\r\n").as_deref(), Some("hunter2"));
        assert_eq!(line(b"hunter2\n\n").as_deref(), Some("hunter2\n"));
        assert_eq!(line(b" hunter2 ").as_deref(), Some(" hunter2 "));
        assert_eq!(line(b"hunter2\r").as_deref(), Some("hunter2\r"));
    }

    #[test]
    fn text_with_a_secret_is_allocated_at_its_final_size() -> serde_json::Result<()> {
        let long = "secret ".repeat(1000);
        let text = joined(&["a=", &long, "\n"]);
        assert_eq!(*text, format!("a={long}\n"));
        assert_eq!(text.capacity(), text.len());
        let value = serde_json::json!({"a": long, "b": [1, "ü"]});
        for bytes in [json(&value)?, pretty_json(&value)?] {
            assert_eq!(bytes.capacity(), bytes.len());
            let value: serde_json::Value = serde_json::from_slice(&bytes)?;
            assert_eq!(value["a"], long);
        }
        Ok(())
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_rejected() {
        assert_eq!(line(b"\xff\xfe"), None);
    }
}
