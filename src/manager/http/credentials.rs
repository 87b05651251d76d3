//! The credentials of a call: a session or an API key. Only this module puts credentials into headers, and it marks these headers as sensitive.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::call::SignerKind;
use crate::secret::{Secret, joined};

/// The header that contains the API key. It is the same for managers that the vendor hosts (docs/manager-api.md, "Authentication").
const API_SECRET_KEY: HeaderName = HeaderName::from_static("api-secret-key");
/// The header for the request ID of a session.
const REQUEST_ID: HeaderName = HeaderName::from_static("rid");
/// The name of the cookie that contains the session ID.
pub(crate) const SESSION_COOKIE: &str = "sID";

/// A session: the cookies and the request ID from the response to the sign-in. Every call needs the cookies and the request ID.
#[derive(Clone)]
pub(crate) struct Session {
    /// The names and values of the cookies: `sID`, and the cookies that a load balancer uses to select the same node again.
    pub cookies: Vec<(String, Secret)>,
    /// The request ID: `RID` in the response, `rID` in requests. Empty if the response to the sign-in could not be read. A session without a request
    /// ID can only be used for the sign-out.
    pub request_id: Secret,
}

impl Session {
    /// Returns the possible session IDs, the most probable one first. If the value of the cookie `sID` is in quotes, returns the value without the
    /// quotes and then the value with the quotes. The quotes are probably not part of the session ID, because many servers add quotes when they set a
    /// cookie.
    #[must_use]
    pub(crate) fn ids(&self) -> Vec<Secret> {
        let cookies = self.cookies.iter();
        let values = cookies.filter(|(name, _)| name == SESSION_COOKIE);
        let mut ids = Vec::new();
        for (_, value) in values {
            ids.extend(value.unquoted());
            ids.push(value.clone());
        }
        ids
    }

    /// Returns true if every part of the session can be sent in a header.
    #[must_use]
    pub(crate) fn is_sendable(&self) -> bool {
        let mut headers = HeaderMap::new();
        Credentials::Session(self.clone())
            .add_to(&mut headers)
            .is_some()
    }
}

/// The header for an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `api-secret-key: SECRET`.
    ApiSecretKey,
    /// `Authorization: ApiKey SECRET`.
    CloudOne,
}

impl KeyHeader {
    /// Returns the header for an API key with this secret. The secret of a Cloud One key begins with `tmc`, or consists of 27 alphanumeric
    /// characters, a colon and 66 alphanumeric characters. Any other secret is treated as the secret of a manager's key.
    #[must_use]
    pub(crate) fn for_key(secret: &Secret) -> Self {
        let secret = secret.expose();
        if secret.starts_with("tmc") || is_account_key(secret) {
            Self::CloudOne
        } else {
            Self::ApiSecretKey
        }
    }
}

/// Returns true if the secret has the older form of Cloud One keys: 27 alphanumeric characters, a colon, and 66 alphanumeric characters. The secret
/// of a manager's key never has this form. A manager's secret ends with `=`, or begins with a short number or a GUID.
fn is_account_key(secret: &str) -> bool {
    let is_part = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (secret.split_once(':')).is_some_and(|(id, secret)| is_part(id, 27) && is_part(secret, 66))
}

/// The credentials of a call.
pub(crate) enum Credentials {
    /// A session.
    Session(Session),
    /// An API key.
    ApiKey {
        /// The secret.
        secret: Secret,
        /// The header that carries the secret.
        header: KeyHeader,
    },
}

impl Credentials {
    /// Adds the credentials to the headers. Returns `None` if a part of the credentials cannot be sent in a header, for example because it contains a
    /// line break. If the result is `None`, the caller must not send the request.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) -> Option<()> {
        match self {
            Self::Session(session) => {
                let mut parts = Vec::with_capacity(4 * session.cookies.len());
                for (name, value) in &session.cookies {
                    let separator = if parts.is_empty() { "" } else { "; " };
                    parts.extend([separator, name, "=", value.expose()]);
                }
                let cookies = joined(&parts);
                headers.insert(COOKIE, sensitive(&cookies)?);
                if !session.request_id.is_empty() {
                    headers.insert(REQUEST_ID, sensitive(session.request_id.expose())?);
                }
            }
            Self::ApiKey {
                secret,
                header: KeyHeader::ApiSecretKey,
            } => {
                headers.insert(API_SECRET_KEY, sensitive(secret.expose())?);
            }
            Self::ApiKey {
                secret,
                header: KeyHeader::CloudOne,
            } => {
                let value = joined(&["ApiKey ", secret.expose()]);
                headers.insert(AUTHORIZATION, sensitive(&value)?);
            }
        }
        Some(())
    }

    /// Returns the kind of the credentials.
    pub(crate) fn signer(&self) -> SignerKind {
        match self {
            Self::Session(_) => SignerKind::Session,
            Self::ApiKey {
                header: KeyHeader::ApiSecretKey,
                ..
            } => SignerKind::ApiKey,
            Self::ApiKey {
                header: KeyHeader::CloudOne,
                ..
            } => SignerKind::CloudOneKey,
        }
    }

    /// Returns all secrets of the credentials, so that they can be redacted from responses.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Session(session) => (session.cookies.iter())
                .map(|(_, value)| value)
                .chain([&session.request_id])
                .collect(),
            Self::ApiKey { secret, .. } => vec![secret],
        }
    }
}

/// Returns a header value that logs and `Debug` do not show.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(credentials: &Credentials) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        credentials.add_to(&mut headers).map(|()| headers)
    }

    fn session(request_id: &str) -> Credentials {
        Credentials::Session(Session {
            cookies: vec![
                ("AWSALB".to_owned(), Secret::new("node7".to_owned())),
                ("sID".to_owned(), Secret::new("D5EE".to_owned())),
            ],
            request_id: Secret::new(request_id.to_owned()),
        })
    }

    #[test]
    fn a_session_is_sent_in_two_headers_and_not_shown_by_debug() {
        let headers = headers(&session("77DF")).unwrap_or_default();
        assert_eq!(headers[COOKIE], "AWSALB=node7; sID=D5EE");
        assert_eq!(headers[REQUEST_ID], "77DF");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{headers:?}").contains("D5EE"));
    }

    #[test]
    fn a_line_break_cannot_be_sent() {
        assert!(headers(&session("77DF\r\nHost: evil")).is_none());
    }

    #[test]
    fn a_key_is_sent_in_the_header_for_its_kind() {
        let key = |text: &str| {
            let secret = Secret::new(text.to_owned());
            let header = KeyHeader::for_key(&secret);
            headers(&Credentials::ApiKey { secret, header }).unwrap_or_default()
        };
        assert_eq!(key("8:QUJD+/=")[API_SECRET_KEY], "8:QUJD+/=");
        assert_eq!(key("tmc12:abc")[AUTHORIZATION], "ApiKey tmc12:abc");
        assert!(!key("tmc12:abc").contains_key(API_SECRET_KEY));
        let id = "1tB".repeat(9);
        for (id, secret, cloud_one) in [
            (id.clone(), "aB3".repeat(22), true),
            (id.clone(), "aB3".repeat(22) + "a", false),
            (id.clone() + "a", "aB3".repeat(22), false),
            (id.clone(), "aB3".repeat(21) + "aB=", false),
            (id.replace('t', "-"), "aB3".repeat(22), false),
        ] {
            let sent = key(&format!("{id}:{secret}"));
            assert_eq!(sent.contains_key(AUTHORIZATION), cloud_one, "{id}:{secret}");
            assert_eq!(
                sent.contains_key(API_SECRET_KEY),
                !cloud_one,
                "{id}:{secret}"
            );
        }
    }
}
