//! The format of a saved credential on disk.

use serde::{Deserialize, Serialize};

use super::credential::{SavedCredential, SavedSecret};
use crate::manager::{KeyHeader, Session};
use crate::secret::Secret;

/// The fields of the file of a saved credential. One flat struct is used for both sessions and API keys. An enum would leave secrets in memory,
/// because serde deserializes a tagged enum through a buffer that is not zeroed.
#[derive(Deserialize)]
pub(crate) struct Read {
    manager: String,
    tenant: Option<String>,
    username: Option<String>,
    cookies: Option<Vec<(String, Secret)>>,
    request_id: Option<Secret>,
    profile: Option<String>,
    key_id: Option<i64>,
    api_key: Option<Secret>,
    header: Option<String>,
}

/// The fields to write to the file of a saved credential. No other type serializes a secret.
#[derive(Serialize, Default)]
pub(crate) struct Written<'a> {
    manager: &'a str,
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<Vec<(&'a str, &'a str)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'a str>,
}

const API_SECRET_KEY: &str = "api-secret-key";
const CLOUD_ONE: &str = "cloud-one";

impl Read {
    /// Returns the saved credential, or `None` if the fields describe neither a session nor an API key.
    pub(crate) fn credential(self) -> Option<SavedCredential> {
        let secret = match (self.username, self.cookies, self.request_id, self.api_key) {
            (Some(username), Some(cookies), Some(request_id), None) => SavedSecret::Session {
                username,
                session: Session {
                    cookies,
                    request_id,
                },
            },
            (None, None, None, Some(secret)) => SavedSecret::Key {
                profile: self.profile,
                id: self.key_id,
                secret,
                header: match self.header.as_deref() {
                    Some(API_SECRET_KEY) => KeyHeader::ApiSecretKey,
                    Some(CLOUD_ONE) => KeyHeader::CloudOne,
                    _ => return None,
                },
            },
            _ => return None,
        };
        Some(SavedCredential {
            manager: self.manager,
            tenant: self.tenant,
            secret,
        })
    }
}

impl<'a> Written<'a> {
    /// Returns the fields to write for a credential.
    pub(crate) fn of(kept: &'a SavedCredential) -> Self {
        let written = Self {
            manager: &kept.manager,
            tenant: kept.tenant.as_deref(),
            ..Self::default()
        };
        match &kept.secret {
            SavedSecret::Session { username, session } => Self {
                username: Some(username),
                cookies: Some(
                    (session.cookies.iter())
                        .map(|(name, value)| (name.as_str(), value.expose()))
                        .collect(),
                ),
                request_id: Some(session.request_id.expose()),
                ..written
            },
            SavedSecret::Key {
                profile,
                id,
                secret,
                header,
            } => Self {
                profile: profile.as_deref(),
                key_id: *id,
                api_key: Some(secret.expose()),
                header: Some(match header {
                    KeyHeader::ApiSecretKey => API_SECRET_KEY,
                    KeyHeader::CloudOne => CLOUD_ONE,
                }),
                ..written
            },
        }
    }
}
