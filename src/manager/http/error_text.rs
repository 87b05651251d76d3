//! Extracts the message from an error response, and recognises what the message means.
//!
//! The wording of the manager's messages is mostly unknown (docs/manager-api.md, "Sign-in"). So this module searches for single words, such as
//! `locked`. A recognised word makes the error of this program more precise. If no word is recognised, the error is less precise, but correct.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::redaction::Redactor;
use crate::manager::error::SignInRefusal;
use crate::manager::json::{AnyObject, Lenient};
use crate::text::shorten;

/// The maximum length, in characters, of text that an error message quotes from a response.
pub(crate) const LIMIT: usize = 300;

/// The fields of an error response that may contain the message. The legacy API has the message in `error.message`.
#[derive(Deserialize)]
struct JsonError<'a> {
    #[serde(default)]
    message: Lenient<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The field `error` of an error response, if the field is an object.
#[derive(Deserialize)]
struct InnerJsonError {
    #[serde(default)]
    message: Lenient<String>,
}

impl JsonError<'_> {
    fn text(self) -> Option<String> {
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

/// Returns the message in the body of an error response: the first of the fields `message`, `error.message` and `error` that contains text. If the
/// body is neither JSON nor HTML, returns the whole body.
pub(crate) fn message(body: &[u8], redactor: &Redactor) -> Option<String> {
    let found = match serde_json::from_slice::<JsonError<'_>>(body) {
        Ok(body) => body.text()?,
        Err(_) if is_html(body) || is_json(body) => return None,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let text = shorten(redactor.redact(&found).trim(), LIMIT).into_owned();
    (!text.is_empty()).then_some(text)
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Returns true if the body of an error response is a JSON object, like all errors of the manager (docs/manager-api.md, "Errors"). Other
/// bodies come from a gateway, or from a manager that is still starting.
pub(crate) fn is_api_error(body: &[u8]) -> bool {
    serde_json::from_slice::<AnyObject>(body).is_ok()
}

/// Returns true if a body is an HTML page, regardless of its Content-Type.
pub(crate) fn is_html(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(256)]).to_ascii_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// Returns true if a body begins with `<`, as web pages and parts of web pages do.
pub(crate) fn begins_with_markup(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// Returns the title of an HTML page.
pub(crate) fn html_title(body: &[u8], redactor: &Redactor) -> Option<String> {
    element(body, "title", redactor)
}

/// Returns the first heading of an HTML page.
pub(crate) fn html_heading(body: &[u8], redactor: &Redactor) -> Option<String> {
    element(body, "h1", redactor)
}

/// Returns the text of the first element `<name>` without attributes.
fn element(body: &[u8], name: &str, redactor: &Redactor) -> Option<String> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    // Conversion to ASCII lower case does not change any byte offset, so offsets in `lower` are also valid in `text`.
    let lower = text.to_ascii_lowercase();
    let start = lower.find(&begin)? + begin.len();
    let end = start + lower[start..].find(&end)?;
    let inner = shorten(redactor.redact(&text[start..end]).trim(), LIMIT).into_owned();
    (!inner.is_empty()).then_some(inner)
}

/// Returns true if the message says that the port requires TLS, in the wording of Tomcat, nginx or Apache.
pub(crate) fn is_tls_required(message: &str) -> bool {
    let message = message.to_lowercase();
    ["requires tls", "https port", "ssl-enabled"]
        .iter()
        .any(|words| message.contains(words))
}

/// Returns the reason for a rejected sign-in, according to the manager's message.
pub(crate) fn sign_in_refusal(message: &str) -> SignInRefusal {
    let lower = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if is_account_locked(message) {
        SignInRefusal::Locked
    } else if is_code_request(&lower) {
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

fn is_account_locked(message: &str) -> bool {
    let message = message.to_lowercase();
    ["locked", "lockout", "lock-out"]
        .iter()
        .any(|word| message.contains(word))
}

/// Returns true if the message says that the account has reached the session limit. If this function returns true, the sign-in may be repeated. So it
/// returns true only for known wordings, and false for every message about a locked account.
pub(crate) fn is_session_limit(message: &str) -> bool {
    let lower = message.to_lowercase();
    let known = ["maxsessionsexception", "maximum number of active sessions"];
    known.iter().any(|words| lower.contains(words)) && !is_account_locked(message)
}

/// Returns true if the message says that the header `api-version` is missing or unknown.
pub(crate) fn is_version_refused(message: &str) -> bool {
    message.to_lowercase().contains("api-version")
}

/// Returns true if the message says that an API key or a user already has the requested name. An API key and a user cannot have the same name.
pub(crate) fn is_name_taken(message: &str) -> bool {
    let message = message.to_lowercase();
    ["already exists", "already in use", "already taken"]
        .iter()
        .any(|words| message.contains(words))
}

/// Returns true if the message asks for an MFA code.
fn is_code_request(message: &str) -> bool {
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
    .any(|word| message.contains(word))
}

/// Returns true if the message says that the session has ended. A 403 can mean that the session has ended or that a permission is missing, and only
/// the message shows which.
pub(crate) fn is_session_ended(message: &str) -> bool {
    let message = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| message.contains(word));
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

/// Returns true if the message says that the API key is not valid. A 403 can mean that the key is not valid or that a permission is missing, and only
/// the message shows which.
pub(crate) fn is_key_refused(message: &str) -> bool {
    let message = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| message.contains(word));
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

    fn parsed(body: &str) -> Option<String> {
        message(body.as_bytes(), &Redactor::default())
    }

    #[test]
    fn the_known_error_formats_are_parsed() {
        assert_eq!(parsed(r#"{"message":"No"}"#).as_deref(), Some("No"));
        assert_eq!(
            parsed(r#"{"error":{"message":"No"}}"#).as_deref(),
            Some("No")
        );
        assert_eq!(
            parsed("Service starting\n").as_deref(),
            Some("Service starting")
        );
        assert_eq!(parsed("<!DOCTYPE html><html><title>x</title>"), None);
        assert_eq!(parsed("{}"), None);
        assert_eq!(parsed(""), None);
        assert_eq!(
            parsed(&"x".repeat(5000)).map(|text| text.len()),
            Some(LIMIT + 3)
        );
    }

    #[test]
    fn an_ended_session_differs_from_a_missing_permission() {
        assert!(is_session_ended("Your session has expired"));
        assert!(is_session_ended("Not authenticated"));
        assert!(!is_session_ended("A session may not search roles"));
        assert!(!is_session_ended(
            "Not authorized to view administrator roles."
        ));
    }

    #[test]
    fn an_invalid_key_differs_from_a_missing_permission() {
        assert!(is_key_refused("The API key is not valid."));
        assert!(is_key_refused("This secret key has expired"));
        assert!(!is_key_refused("Not authorized to view API keys."));
        assert!(!is_key_refused("The role is not valid."));
    }

    #[test]
    fn an_echoed_secret_is_redacted() {
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
