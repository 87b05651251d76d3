//! A success, and reading it: JSON with the place of what is wrong in it, cookies, and pages that are no answer at all.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, SET_COOKIE};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::address::Address;
use super::error::{Call, Failure, ManagerError, Signer, classify};
use super::mask::Mask;
use super::text;
use crate::secret::Secret;

/// A success, read to its end.
pub(super) struct Answer {
    pub(super) what: String,
    pub(super) address: Address,
    pub(super) signer: Signer,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) html: Option<String>,
}

impl Answer {
    /// The body as the contract describes it.
    ///
    /// # Errors
    /// A page for a browser is said to be one; a JSON error names the field.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ManagerError> {
        self.is_the_managers()?;
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." {
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
            let problem = match error.inner().classify() {
                serde_json::error::Category::Data => "is not what the contract says",
                serde_json::error::Category::Eof => "ends too early",
                _ => "is not JSON",
            };
            self.unreadable(format!("the manager's answer {problem}{place}"), None)
        })
    }

    /// A success without anything in it that is needed; a page for a browser is none.
    pub(super) fn is_the_managers(&self) -> Result<(), ManagerError> {
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
    pub(super) fn unreadable(&self, reason: String, hint: Option<String>) -> ManagerError {
        let call = Call {
            what: &self.what,
            address: &self.address,
            signer: self.signer,
        };
        classify(
            call,
            Failure::Unreadable {
                status: self.status,
                reason,
                hint,
            },
        )
    }

    /// Names and values of the cookies it sets; the attributes are for browsers. The last of one name wins.
    pub(super) fn cookies(&self) -> Vec<(String, Secret)> {
        let mut cookies: Vec<(String, Secret)> = Vec::new();
        for header in self.headers.get_all(SET_COOKIE) {
            let Some((name, value)) = header.to_str().ok().and_then(cookie) else {
                continue;
            };
            cookies.retain(|(other, _)| *other != name);
            cookies.push((name, value));
        }
        cookies
    }
}

fn cookie(header: &str) -> Option<(String, Secret)> {
    let pair = header.split(';').next()?;
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty() && !value.is_empty())
        .then(|| (name.to_owned(), Secret::new(value.to_owned())))
}

/// What is said of a success that is a page for a browser: proxies and portals send those with a 200.
pub(super) fn page(headers: &HeaderMap, body: &[u8], mask: &Mask) -> Option<String> {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let declared = declared.to_ascii_lowercase();
    if !declared.starts_with("text/html")
        && !declared.starts_with("application/xhtml")
        && !text::is_html(body)
    {
        return None;
    }
    let title =
        text::html_title(body, mask).map_or_else(String::new, |title| format!(" (\"{title}\")"));
    Some(format!(
        "the answer is a page for a browser{title}, not the manager's JSON"
    ))
}
