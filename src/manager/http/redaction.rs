//! The secrets of one run, so that none is shown where the manager, or whoever stands in its place, sends it back.
//!
//! The last line of defence: secrets stay out of messages by their type, and only foreign text can bring them in. A later answer
//! may repeat what an earlier request held, so what was learnt is kept for as long as the way to the manager.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::secret::{self, Secret};

/// What stands in the place of a secret.
const REDACTED: &str = "[secret]";
/// A secret shorter than this is no secret, and masking it would tell it.
const SHORTEST: usize = 4;

/// The secrets that were sent to a manager or came from it.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: RefCell<Vec<Secret>>,
}

impl Redactor {
    /// Remembers secrets.
    pub(crate) fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut known = self.secrets.borrow_mut();
        for secret in secrets {
            // The quotes around a cookie's value are not part of what they enclose.
            for secret in [secret.clone()].into_iter().chain(secret.unquoted()) {
                let text = secret.expose();
                if text.len() >= SHORTEST && known.iter().all(|other| other.expose() != text) {
                    known.push(secret);
                }
            }
        }
    }

    /// `text` without them, however they are written.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.secrets.borrow();
        let mut forms: Vec<_> = known.iter().flat_map(|one| forms(one.expose())).collect();
        // The longest first: one secret may be a part of another.
        forms.sort_by_key(|form| Reverse(form.len()));
        let mut hidden = text.to_owned();
        for form in forms {
            if hidden.contains(form.as_str()) {
                hidden = hidden.replace(form.as_str(), REDACTED);
            }
        }
        hidden
    }
}

/// A secret as it is, and as JSON, URLs and HTML write it: a page of an error may quote the request.
fn forms(secret: &str) -> [Zeroizing<String>; 8] {
    let json = secret::json(&secret).unwrap_or_default();
    // Without the quotes around it.
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

/// JSON with nothing but ASCII in it, as some libraries write it.
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
        // RFC 3986, section 2.3.
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

    fn hidden(secrets: &[&str], text: &str) -> String {
        let redactor = Redactor::default();
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::new((*secret).to_owned()))
            .collect();
        redactor.add(&secrets);
        redactor.redact(text)
    }

    #[test]
    fn a_secret_is_hidden_in_every_form() {
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
            assert_eq!(hidden(&[secret], &format!("<{text}>")), "<[secret]>");
        }
    }

    #[test]
    fn a_secret_within_another_does_not_tell_the_rest() {
        let text = "it was before-1234-after";
        for secrets in [["1234", "before-1234-after"], ["before-1234-after", "1234"]] {
            assert_eq!(hidden(&secrets, text), "it was [secret]");
        }
    }

    #[test]
    fn what_is_too_short_to_be_secret_is_not_told_by_masking_it() {
        assert_eq!(hidden(&["12"], "12 roles"), "12 roles");
    }
}
