//! What the manager says in words, and what can be concluded from it.
//!
//! No body of a refused sign-in was ever captured (manager-api.md, section 3), so only words that any wording would need are
//! looked for, and they only refine a message that is right without them.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::redaction::Redactor;
use crate::manager::error::SignInRefusal;
use crate::manager::json::{AnyObject, Lenient};

/// As much of a foreign text as a message can bear.
const LIMIT: usize = 300;

/// What of an error's body is needed: `message`, or `error.message` as the legacy API has it.
#[derive(Deserialize)]
struct JsonError<'a> {
    #[serde(default)]
    message: Lenient<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What of its `error` is, where that is an object.
#[derive(Deserialize)]
struct InnerJsonError {
    #[serde(default)]
    message: Lenient<String>,
}

impl JsonError<'_> {
    fn said(self) -> Option<String> {
        let error = self.error.map(RawValue::get).unwrap_or_default();
        let inner = || {
            serde_json::from_str::<InnerJsonError>(error)
                .ok()?
                .message
                .0
        };
        (self.message.0)
            .or_else(inner)
            .or_else(|| serde_json::from_str(error).ok())
    }
}

/// The message in an error's body: `message`, or `error.message`, or `error`, or plain text; never a page of HTML.
pub(crate) fn message(body: &[u8], redactor: &Redactor) -> Option<String> {
    let found = match serde_json::from_slice::<JsonError<'_>>(body) {
        Ok(body) => body.said()?,
        Err(_) if is_html(body) || is_json(body) => return None,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let text = shorten(redactor.redact(&found).trim());
    (!text.is_empty()).then_some(text)
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Whether an error's body is one of the manager's: a JSON object (manager-api.md, section 10). Others come from whatever stands in
/// between, or from a manager that is not up yet.
pub(crate) fn is_the_managers(body: &[u8]) -> bool {
    serde_json::from_slice::<AnyObject>(body).is_ok()
}

/// Whether a body is a page for a browser, whatever its Content-Type says.
pub(crate) fn is_html(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(256)]).to_ascii_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// Whether a body begins with an element, as a page or a part of one does; JSON, words and an empty body do not.
pub(crate) fn has_markup(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// What is said of a page of HTML: its title, which tells a sign-in page from a proxy's.
pub(crate) fn html_title(body: &[u8], redactor: &Redactor) -> Option<String> {
    element(body, "title", redactor)
}

/// The first heading of a page of HTML.
pub(crate) fn html_heading(body: &[u8], redactor: &Redactor) -> Option<String> {
    element(body, "h1", redactor)
}

/// The text of the first element of this name, which has no attributes.
fn element(body: &[u8], name: &str, redactor: &Redactor) -> Option<String> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    // ASCII lower case keeps every byte's place, so the indexes fit the original.
    let lower = text.to_ascii_lowercase();
    let start = lower.find(&begin)? + begin.len();
    let end = start + lower[start..].find(&end)?;
    let inner = shorten(redactor.redact(&text[start..end]).trim());
    (!inner.is_empty()).then_some(inner)
}

pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The date in a header, in the form that HTTP's senders must use (RFC 9110, section 5.6.7).
pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<DateTime<Utc>> {
    let text = headers.get(name)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.to_utc())
}

/// The innermost reason of an error: the outer ones only say that a request failed.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    let reason = current.to_string();
    // rustls adds the address of a page that explains it to programmers.
    shorten(reason.split(": http").next().unwrap_or(&reason))
}

/// What is wrong with the tunnel that a proxy was asked for, if it is that. The HTTP library has a type for it, and shows its words alone.
pub(crate) fn tunnel_problem(error: &dyn std::error::Error) -> Option<String> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| Some(error.to_string().strip_prefix("tunnel error: ")?.to_owned()))
}

/// A server reports that its port wants TLS: Tomcat, nginx and Apache have these words for it.
pub(crate) fn says_https(said: &str) -> bool {
    let said = said.to_lowercase();
    ["requires tls", "https port", "ssl-enabled"]
        .iter()
        .any(|words| said.contains(words))
}

/// Why the manager refused a sign-in, as far as its words show it.
pub(crate) fn sign_in_refusal(said: &str) -> SignInRefusal {
    let lower = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says_locked(said) {
        SignInRefusal::Locked
    } else if asks_for_code(&lower) {
        SignInRefusal::Code
    } else if !any(&["password"]) {
        SignInRefusal::Unclear
    } else if any(&["expired", "must be changed", "change your password"]) {
        SignInRefusal::PasswordExpired
    } else if any(&["incorrect", "invalid", "wrong", "not valid", "not correct"]) {
        SignInRefusal::Credentials
    } else {
        SignInRefusal::Unclear
    }
}

fn says_locked(said: &str) -> bool {
    let said = said.to_lowercase();
    ["locked", "lockout", "lock-out"]
        .iter()
        .any(|word| said.contains(word))
}

/// The manager says that the account has as many sessions as it may. A sign-in is repeated for these words and no others, so they are
/// those that are known, and a locked account is not taken for it.
pub(crate) fn says_too_many_sessions(said: &str) -> bool {
    let lower = said.to_lowercase();
    let known = ["maxsessionsexception", "maximum number of active sessions"];
    known.iter().any(|words| lower.contains(words)) && !says_locked(said)
}

/// The manager says that the header that names the version of its interface is missing, or is not one that it knows.
pub(crate) fn says_version_refused(said: &str) -> bool {
    said.to_lowercase().contains("api-version")
}

/// The manager says that a key or a user of this name is there: they share one table.
pub(crate) fn says_name_taken(said: &str) -> bool {
    let said = said.to_lowercase();
    ["already exists", "already in use", "already taken"]
        .iter()
        .any(|words| said.contains(words))
}

/// The manager asks for the code of the second factor.
fn asks_for_code(said: &str) -> bool {
    [
        "mfa",
        "multi-factor",
        "multifactor",
        "two-factor",
        "verification code",
        "authentication code",
        "one-time",
        "totp",
    ]
    .iter()
    .any(|word| said.contains(word))
}

/// The manager says that the session is over, with a status that could also mean a missing right.
pub(crate) fn says_session_ended(said: &str) -> bool {
    let said = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    (any(&["session"])
        && any(&[
            "expired",
            "ended",
            "timed out",
            "time-out",
            "timeout",
            "no longer",
            "invalid",
        ]))
        || any(&[
            "not authenticated",
            "unauthenticated",
            "sign in again",
            "log in again",
            "not signed in",
            "not logged in",
        ])
}

/// The manager says that a key does not work any more, with a status that could also mean a missing right.
pub(crate) fn says_key_refused(said: &str) -> bool {
    let said = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    any(&["api key", "api-key", "apikey", "secret key"])
        && any(&[
            "not valid",
            "invalid",
            "expired",
            "locked",
            "inactive",
            "deleted",
            "unknown",
        ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> Option<String> {
        message(body.as_bytes(), &Redactor::default())
    }

    #[test]
    fn the_known_shapes_of_an_error_are_read() {
        assert_eq!(said(r#"{"message":"No"}"#).as_deref(), Some("No"));
        assert_eq!(said(r#"{"error":{"message":"No"}}"#).as_deref(), Some("No"));
        assert_eq!(
            said("Service starting\n").as_deref(),
            Some("Service starting")
        );
        assert_eq!(said("<!DOCTYPE html><html><title>x</title>"), None);
        assert_eq!(said("{}"), None);
        assert_eq!(said(""), None);
        assert_eq!(
            said(&"x".repeat(5000)).map(|text| text.len()),
            Some(LIMIT + 3)
        );
    }

    #[test]
    fn an_ended_session_is_told_from_one_that_may_not() {
        assert!(says_session_ended("Your session has expired"));
        assert!(says_session_ended("Not authenticated"));
        assert!(!says_session_ended("A session may not search roles"));
        assert!(!says_session_ended(
            "Not authorized to view administrator roles."
        ));
    }

    #[test]
    fn a_key_that_does_not_work_is_told_from_one_that_may_not() {
        assert!(says_key_refused("The API key is not valid."));
        assert!(says_key_refused("This secret key has expired"));
        assert!(!says_key_refused("Not authorized to view API keys."));
        assert!(!says_key_refused("The role is not valid."));
    }

    #[test]
    fn a_secret_that_comes_back_is_masked() {
        let redactor = Redactor::default();
        redactor.add([&crate::secret::Secret::new("hunter2".to_owned())]);
        let body = br#"{"message":"bad password hunter2 for admin"}"#;
        assert_eq!(
            message(body, &redactor).as_deref(),
            Some("bad password [secret] for admin")
        );
        let page = b"<html><head><TITLE> Sign in hunter2 </TITLE>";
        assert!(is_html(page));
        assert_eq!(
            html_title(page, &redactor).as_deref(),
            Some("Sign in [secret]")
        );
    }
}
