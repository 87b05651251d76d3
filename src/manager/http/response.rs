//! A success, and reading it: JSON with the place of what is wrong in it, cookies, and pages that are no answer at all.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::page::WebPage;
use super::redaction::Redactor;
use crate::manager::address::Address;
use crate::manager::error::{CallContext, FailedCall, ManagerError, SignerKind, classify};
use crate::manager::json::TOO_LARGE;
use crate::secret::Secret;

/// A success, read to its end.
pub(crate) struct ApiResponse {
    pub(crate) what: String,
    pub(crate) address: Address,
    pub(crate) signer: SignerKind,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) html: Option<String>,
}

impl ApiResponse {
    /// The body as the contract describes it.
    ///
    /// # Errors
    /// A page for a browser is said to be one; a JSON error names the field.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ManagerError> {
        self.is_the_managers()?;
        // A struct would be read from a list too, and every answer of the contract is an object.
        if self.body.trim_ascii_start().starts_with(b"[") {
            let reason = "the manager's answer is not what the contract says";
            return Err(self.unreadable(reason.to_owned(), None));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let category = error.inner().classify();
            let path = error.path().to_string();
            // Only a wrong type is found where every name on the way is one of ours; else it may be any text.
            let place = if path == "." || category != Category::Data {
                String::new()
            } else {
                format!(", at `{path}`")
            };
            // What serde says may quote the value, and the value may be a secret: only the place and the kind are told, and the name
            // of a field that is missing, which is a name of ours.
            let said = error.inner().to_string();
            let missing = said
                .split('`')
                .nth(1)
                .filter(|_| said.starts_with("missing field"));
            let place = missing.map_or(place.clone(), |field| {
                format!("{place}: `{field}` is missing")
            });
            let problem = match category {
                _ if said.starts_with(TOO_LARGE) => {
                    let size = said.split(" at line").next().unwrap_or(TOO_LARGE);
                    return self.unreadable(format!("the manager's answer is {size}{place}"), None);
                }
                Category::Data => "is not what the contract says",
                Category::Eof => "ends too early",
                _ => "is not JSON",
            };
            self.unreadable(format!("the manager's answer {problem}{place}"), None)
        })?;
        reader.end().map_err(|_| {
            self.unreadable(
                "the manager's answer goes on after its end".to_owned(),
                None,
            )
        })?;
        Ok(read)
    }

    /// A success without anything in it that is needed; a page for a browser is none.
    pub(crate) fn is_the_managers(&self) -> Result<(), ManagerError> {
        match &self.html {
            None => Ok(()),
            Some(page) => Err(self.unreadable(
                page.clone(),
                Some(
                    "a proxy or a sign-in page stands in between, or this is no manager; check `--url`"
                        .to_owned(),
                ),
            )),
        }
    }

    /// A success that lacks what it must have.
    pub(crate) fn unreadable(&self, reason: String, hint: Option<String>) -> ManagerError {
        let call = CallContext {
            what: &self.what,
            address: &self.address,
            signer: self.signer,
        };
        classify(
            call,
            FailedCall::Unreadable {
                status: self.status,
                reason,
                hint,
            },
        )
    }
}

/// Names and values of the cookies that an answer sets; the attributes are for browsers. The last of one name wins.
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
    // A semicolon between quotes is part of the value (RFC 2109, section 4.1). The quotes stay: a server wants back what it sent.
    let quoted = (rest.strip_prefix('"').and_then(|inner| inner.find('"'))).map(|end| end + 2);
    let end = quoted.or_else(|| rest.find(';')).unwrap_or(rest.len());
    let value = rest[..end].trim_end();
    let empty = value.is_empty() || value == "\"\"";
    // A tab may stand in a header, but in no cookie (RFC 6265, section 4.1.1).
    let clean = !name.contains(';') && !(name.chars().chain(value.chars())).any(char::is_control);
    (!name.is_empty() && !empty && clean).then(|| (name.to_owned(), Secret::new(value.to_owned())))
}

/// What is said of a success that is a page for a browser: proxies and portals send those with a 200.
pub(crate) fn page(headers: &HeaderMap, body: &[u8], redactor: &Redactor) -> Option<String> {
    let page = WebPage::of(headers, body, redactor)?;
    Some(format!("the answer is {page}, not the manager's JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        let answer = ApiResponse {
            what: "testing".to_owned(),
            address: Address::parse("dsm.example.com").unwrap_or_else(|why| panic!("{why}")),
            signer: SignerKind::Password,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
            html: None,
        };
        let read = answer.json::<std::collections::BTreeMap<String, u8>>();
        read.err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_name_in_what_is_no_json_is_not_repeated() {
        let answered = "testing: the manager's answer";
        assert_eq!(
            said(r#"{"a":1,"hunter2":x}"#),
            format!("{answered} is not JSON")
        );
        assert_eq!(said(r#"{"hunter2":"#), format!("{answered} ends too early"));
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
