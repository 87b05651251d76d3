//! Redacts the secrets of a connection from text in responses, in case a server sends a secret back.
//!
//! The first safeguard is the type `Secret`, which cannot be printed. Redaction is the second safeguard, for text from responses. A response may
//! repeat a secret of an earlier request, so secrets are remembered for the lifetime of the connection.

use std::cell::RefCell;
use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::secret::{self, Secret};

/// The text that replaces a secret.
const REDACTED: &str = "[secret]";
/// The minimum length of a secret to redact. A shorter secret may occur by chance in a common word. If a part of a common word were redacted, a
/// reader could guess the secret.
const MIN_LENGTH: usize = 4;

/// The secrets that were sent to a manager or received from it.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: RefCell<Vec<Secret>>,
}

impl Redactor {
    /// Adds secrets that are redacted from now on.
    pub(crate) fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut known = self.secrets.borrow_mut();
        for secret in secrets {
            // A response may repeat the value of a cookie without its quotes.
            for secret in [secret.clone()].into_iter().chain(secret.unquoted()) {
                let text = secret.expose();
                if text.len() >= MIN_LENGTH && known.iter().all(|other| other.expose() != text) {
                    known.push(secret);
                }
            }
        }
    }

    /// Returns `text` with every secret replaced by `[secret]`. A secret is also found in the encodings of JSON, URLs and HTML.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.secrets.borrow();
        let mut encodings: Vec<_> = known
            .iter()
            .flat_map(|one| encodings(one.expose()))
            .collect();
        // A secret may be a part of a longer secret, so longer secrets are replaced first.
        encodings.sort_by_cached_key(|encoding| encoding.len());
        let mut redacted = text.to_owned();
        for encoding in encodings.into_iter().rev() {
            if redacted.contains(encoding.as_str()) {
                redacted = redacted.replace(encoding.as_str(), REDACTED);
            }
        }
        redacted
    }
}

/// Returns the secret as it is written in plain text, JSON, URLs and HTML. An error page may quote the request in any of these encodings.
fn encodings(secret: &str) -> [Zeroizing<String>; 8] {
    let json = secret::json(&secret).unwrap_or_default();
    // Remove the quotes.
    let json = json
        .get(1..json.len().saturating_sub(1))
        .unwrap_or_default();
    let json = String::from_utf8_lossy(json).into_owned();
    let html = Zeroizing::new(secret.to_owned());
    let html = ["&&amp;", "<&lt;", ">&gt;", "\"&quot;"]
        .into_iter()
        .fold(html, |text, pair| {
            let (from, to) = pair.split_at(1);
            Zeroizing::new(text.replace(from, to))
        });
    [
        secret.to_owned(),
        ascii(&json),
        json,
        percent(secret, |byte| format!("%{byte:02X}")),
        percent(secret, |byte| format!("%{byte:02x}")),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        html.replace('\'', "&#39;"),
        html.as_str().to_owned(),
    ]
    .map(Zeroizing::new)
}

/// Returns JSON with all non-ASCII characters escaped, as some libraries write it.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

fn percent(secret: &str, escape: impl Fn(u8) -> String) -> String {
    let mut text = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        // These unreserved characters are not escaped (RFC 3986, section 2.3).
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&escape(byte));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(secrets: &[&str], text: &str) -> String {
        let redactor = Redactor::default();
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::new((*secret).to_owned()))
            .collect();
        redactor.add(&secrets);
        redactor.redact(text)
    }

    #[test]
    fn a_secret_is_redacted_in_every_encoding() {
        let secret = r#"a"b\ü&<'+/"#;
        for text in [
            r#"a"b\ü&<'+/"#,
            r#"a\"b\\ü&<'+/"#,
            r#"a\"b\\\u00fc&<'+/"#,
            "a%22b%5C%C3%BC%26%3C%27%2B%2F",
            "a%22b%5c%c3%bc%26%3c%27%2b%2f",
            r"a&quot;b\ü&amp;&lt;&#39;+/",
            r"a&quot;b\ü&amp;&lt;'+/",
        ] {
            assert_eq!(redacted(&[secret], &format!("<{text}>")), "<[secret]>");
        }
    }

    #[test]
    fn a_secret_inside_another_secret_does_not_reveal_the_rest() {
        let text = "it was before-1234-after";
        for secrets in [["1234", "before-1234-after"], ["before-1234-after", "1234"]] {
            assert_eq!(redacted(&secrets, text), "it was [secret]");
        }
    }

    #[test]
    fn a_short_secret_is_not_redacted() {
        assert_eq!(redacted(&["12"], "12 roles"), "12 roles");
    }
}
