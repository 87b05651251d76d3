//! A successful response of the manager: its JSON, its cookies, and the check that it is not a web page.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::call::{CallContext, SignerKind};
use super::classify::{FailedCall, classify};
use super::redaction::Redactor;
use super::web_page::WebPage;
use crate::manager::address::Address;
use crate::manager::error::ManagerError;
use crate::manager::json::TOO_LARGE;
use crate::secret::Secret;

type JsonPathError = serde_path_to_error::Error<serde_json::Error>;

/// A successful response with its complete body.
pub(crate) struct ApiResponse {
    pub(crate) action: String,
    pub(crate) address: Address,
    pub(crate) signer: SignerKind,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// The description of a web page that was received instead of JSON.
    pub(crate) web_page: Option<String>,
}

impl ApiResponse {
    /// Parses the body.
    ///
    /// # Errors
    /// Returns an error if the body is a web page, or is not JSON of type `T`. The error message may name a field, but never contains a value from
    /// the response.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ManagerError> {
        self.require_api_response()?;
        // Every successful response of the API is an object. serde would also accept an array as a struct, so an array is rejected here.
        if self.body.trim_ascii_start().starts_with(b"[") {
            return Err(self.unreadable(format!("the response {NO_MATCH}"), None));
        }
        // The error names the path of the wrong field. Tracking these paths takes time: 5 % of all instructions in a run of `create`. So paths are
        // tracked only if parsing fails, in a second attempt.
        serde_json::from_slice(&self.body)
            .map_err(|_| self.unreadable(field_problem::<T>(&self.body), None))
    }

    /// Checks that the response is not a web page. This function is for calls whose response body is not used.
    ///
    /// # Errors
    /// Returns an error if the response is a web page.
    pub(crate) fn require_api_response(&self) -> Result<(), ManagerError> {
        match &self.web_page {
            None => Ok(()),
            Some(page) => Err(self.unreadable(
                page.clone(),
                Some(
                    "check that `--url` is the address of a manager, and that no proxy or portal responds instead of the manager"
                        .to_owned(),
                ),
            )),
        }
    }

    /// Returns the error for a response with a success status that cannot be used.
    pub(crate) fn unreadable(&self, reason: String, hint: Option<String>) -> ManagerError {
        let call = CallContext {
            action: &self.action,
            address: &self.address,
            signer: self.signer,
        };
        let failure = FailedCall::Unreadable {
            status: self.status,
            reason,
            hint,
        };
        classify(call, failure)
    }
}

const NO_MATCH: &str = "does not match the API";

/// Returns the reason why a body is not JSON of type `T`.
fn field_problem<T: DeserializeOwned>(body: &[u8]) -> String {
    let mut parser = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut parser) {
        Ok(_) => "the response contains text after the JSON".to_owned(),
        Err(error) => parse_problem(&error),
    }
}

/// Returns the reason why a body could not be parsed. The parser's own message may quote a value, and the value may be a secret. So the reason
/// contains only the kind of the problem, the position, and the name of a missing field.
fn parse_problem(error: &JsonPathError) -> String {
    let category = error.inner().classify();
    let path = error.path().to_string();
    // If a value has the wrong type, the path consists of known field names. For any other problem, the path may contain any text from the response,
    // so the path is not shown.
    let place = if path == "." || category != Category::Data {
        String::new()
    } else {
        format!(", at `{path}`")
    };
    let reason = error.inner().to_string();
    if reason.starts_with(TOO_LARGE) {
        let size = reason.split(" at line").next().unwrap_or(TOO_LARGE);
        return format!("the response is {size}{place}");
    }
    let missing = reason
        .split('`')
        .nth(1)
        .filter(|_| reason.starts_with("missing field"));
    let place = missing.map_or(place.clone(), |field| {
        format!("{place}: `{field}` is missing")
    });
    let problem = match category {
        Category::Data => NO_MATCH,
        Category::Eof => "is incomplete",
        _ => "is not JSON",
    };
    format!("the response {problem}{place}")
}

/// Returns the names and values of the cookies that a response sets. If a name occurs twice, its last value is used.
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<(String, Secret)> {
    let mut cookies: Vec<(String, Secret)> = Vec::new();
    for header in headers.get_all(SET_COOKIE) {
        let Some((name, value)) = header.to_str().ok().and_then(cookie) else {
            continue;
        };
        cookies.retain(|(other, _)| *other != name);
        cookies.push((name, value));
    }
    cookies
}

fn cookie(header: &str) -> Option<(String, Secret)> {
    let (name, rest) = header.split_once('=')?;
    let (name, rest) = (name.trim(), rest.trim_start());
    // A semicolon between quotes is part of the value (RFC 2109, section 4.1). The quotes are not removed, because servers expect the same value in
    // later requests.
    let quoted = (rest.strip_prefix('"').and_then(|inner| inner.find('"'))).map(|end| end + 2);
    let end = quoted.or_else(|| rest.find(';')).unwrap_or(rest.len());
    let value = rest[..end].trim_end();
    let empty = value.is_empty() || value == "\"\"";
    // A tab is valid in a header, but not in a cookie (RFC 6265, section 4.1.1).
    let clean = !name.contains(';') && !(name.chars().chain(value.chars())).any(char::is_control);
    (!name.is_empty() && !empty && clean).then(|| (name.to_owned(), Secret::new(value.to_owned())))
}

/// Returns the description of a web page that was received instead of JSON. Proxies and portals send web pages with the status 200.
pub(crate) fn web_page(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> Option<String> {
    let page = WebPage::of(headers, body, redactor)?;
    Some(format!("the response is {page}, not JSON from the manager"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> String {
        let response = ApiResponse {
            action: "run the test".to_owned(),
            address: Address::parse("dsm.example.com").unwrap_or_else(|why| panic!("{why}")),
            signer: SignerKind::Password,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
            web_page: None,
        };
        let read = response.json::<std::collections::BTreeMap<String, u8>>();
        read.err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_name_in_invalid_json_is_not_repeated() {
        let response = "could not run the test: the response";
        assert_eq!(
            problem(r#"{"a":1,"hunter2":x}"#),
            format!("{response} is not JSON")
        );
        assert_eq!(
            problem(r#"{"hunter2":"#),
            format!("{response} is incomplete")
        );
    }

    #[test]
    fn a_cookie_has_a_name_a_value_and_no_control_characters() {
        let pair =
            |header| cookie(header).map(|(name, value)| format!("{name}={}", value.expose()));
        assert_eq!(pair("sID = D5EE ; Path=/").as_deref(), Some("sID=D5EE"));
        for header in [
            "sID",
            "sID; Path=/",
            "sID=; Path=/",
            "sID=\"\"; Path=/",
            "=1",
            "s\tID=1",
            "sID=1\t2",
        ] {
            assert_eq!(pair(header), None, "{header:?}");
        }
        for (header, wanted) in [
            ("sID=\"D5EE\"; Path=/", "sID=\"D5EE\""),
            ("sID=\"D5;EE\" ; Path=/", "sID=\"D5;EE\""),
            ("sID=\"D5EE; Path=/", "sID=\"D5EE"),
        ] {
            assert_eq!(pair(header).as_deref(), Some(wanted));
        }
    }
}
