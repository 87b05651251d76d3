//! What signs a call: a session, or an API key. It is put on as headers that are marked sensitive, here and nowhere else.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use crate::manager::error::SignerKind;
use crate::secret::{Secret, joined};

/// The key's header on Deep Security Manager and on legacy accounts (manager-api.md, section 2).
const API_SECRET_KEY: HeaderName = HeaderName::from_static("api-secret-key");
/// The header that carries the request ID of a session.
const REQUEST_ID: HeaderName = HeaderName::from_static("rid");
/// The session's cookie.
pub(crate) const SESSION_COOKIE: &str = "sID";

/// A session on one manager: the cookies of the sign-in's answer, and its request ID. Both are needed on every call.
#[derive(Clone)]
pub(crate) struct Session {
    /// Names and values: `sID`, and whatever a load balancer in between needs to find the same manager again.
    pub cookies: Vec<(String, Secret)>,
    /// `RID` of the answer, `rID` of the requests. Empty if the answer could not be read; such a session is only ended.
    pub request_id: Secret,
}

impl Session {
    /// What may be the session's ID: the value of the cookie `sID` without the quotes around it, which most servers add and remove
    /// themselves, and with them.
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

    /// Whether every part of it can be put into a header.
    #[must_use]
    pub(crate) fn is_sendable(&self) -> bool {
        let mut headers = HeaderMap::new();
        Credentials::Session(self.clone())
            .put_on(&mut headers)
            .is_some()
    }
}

/// The header an API key goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `api-secret-key: SECRET`.
    ApiSecretKey,
    /// `Authorization: ApiKey SECRET`.
    CloudOne,
}

impl KeyHeader {
    /// Keys of Cloud One accounts begin with `tmc`, or are 27 and 66 letters and digits with a colon between them; every other known
    /// shape is a manager's.
    #[must_use]
    pub(crate) fn for_key(secret: &Secret) -> Self {
        let secret = secret.expose();
        if secret.starts_with("tmc") || is_of_an_account(secret) {
            Self::CloudOne
        } else {
            Self::ApiSecretKey
        }
    }
}

/// The keys that Cloud One accounts made before their keys began with `tmc`. A manager's end in base64 with a `=`, or begin with a
/// number or a GUID.
fn is_of_an_account(secret: &str) -> bool {
    let is_part = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (secret.split_once(':')).is_some_and(|(id, secret)| is_part(id, 27) && is_part(secret, 66))
}

/// What signs a call.
pub(crate) enum Credentials {
    /// A session.
    Session(Session),
    /// An existing API key.
    ApiKey {
        /// Its secret.
        secret: Secret,
        /// The header it goes into.
        header: KeyHeader,
    },
}

impl Credentials {
    /// Puts the headers on; `None` where a part cannot stand in a header (a line break, say), and then none may be sent.
    pub(crate) fn put_on(&self, headers: &mut HeaderMap) -> Option<()> {
        match self {
            Self::Session(session) => {
                let mut parts = Vec::with_capacity(4 * session.cookies.len());
                for (name, value) in &session.cookies {
                    let between = if parts.is_empty() { "" } else { "; " };
                    parts.extend([between, name, "=", value.expose()]);
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

    /// Every secret in it, to redactor where one comes back in a message.
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

/// A header value that no log and no `Debug` shows.
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
        credentials.put_on(&mut headers).map(|()| headers)
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
    fn a_session_goes_into_cookie_and_rid_and_is_never_shown() {
        let headers = headers(&session("77DF")).unwrap_or_default();
        assert_eq!(headers[COOKIE], "AWSALB=node7; sID=D5EE");
        assert_eq!(headers[REQUEST_ID], "77DF");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{headers:?}").contains("D5EE"));
    }

    #[test]
    fn a_line_break_never_reaches_a_header() {
        assert!(headers(&session("77DF\r\nHost: evil")).is_none());
    }

    #[test]
    fn a_key_goes_into_the_header_of_its_kind() {
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
