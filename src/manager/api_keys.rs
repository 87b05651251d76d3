//! API keys (manager-api.md, section 6).

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SignedIn;
use super::error::ManagerError;
use super::retry::Repeat;
use super::search::{Criterion, Searchable};
use super::transport::Request;
use crate::secret::Secret;

/// The body of a create: only what was given. A key always gets a role, since what one without a role may do is unknown (6.3).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApiKey {
    /// Its name.
    pub key_name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it may do.
    #[serde(rename = "roleID")]
    pub role_id: i64,
    /// `en-US` or `ja-JP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// An IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When it ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<i64>,
}

/// A key as the manager describes it. Unset fields are absent (6.1), so only the ID must be there; what is not needed is kept.
#[derive(Deserialize)]
pub(crate) struct ApiKey {
    /// Its ID.
    #[serde(rename = "ID")]
    pub id: i64,
    /// The secret, in the answer to a create alone.
    #[serde(rename = "secretKey", default)]
    secret: Option<Secret>,
    /// Everything else, as it came.
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl ApiKey {
    /// Its name.
    #[must_use]
    pub(crate) fn name(&self) -> Option<&str> {
        self.other.get("keyName").and_then(Value::as_str)
    }

    /// What it is for, in somebody's words.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.other.get("description").and_then(Value::as_str)
    }

    /// The ID of its role.
    #[must_use]
    pub(crate) fn role_id(&self) -> Option<i64> {
        self.other.get("roleID").and_then(Value::as_i64)
    }

    /// When it ends, in milliseconds since 1970; none where it never does.
    #[must_use]
    pub(crate) fn expiry_date(&self) -> Option<i64> {
        self.other.get("expiryDate").and_then(Value::as_i64)
    }

    /// Takes the secret out, which leaves the key without it.
    pub(crate) fn take_secret(&mut self) -> Option<Secret> {
        // Opaque and printable (manager-api.md, section 2.1): what holds a line break would be two values to whoever reads it.
        let fit =
            |secret: &Secret| !secret.is_empty() && !secret.expose().chars().any(char::is_control);
        self.secret.take().filter(fit)
    }

    /// The manager's object, without the secret.
    #[must_use]
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("ID".to_owned(), self.id.into());
        fields.extend(self.other.clone());
        fields
    }
}

/// The answer of a search.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKeys {
    /// Never left out: an answer without it is no answer, and would be taken for "there is no such key".
    api_keys: Vec<ApiKey>,
}

impl IntoIterator for ApiKeys {
    type Item = ApiKey;
    type IntoIter = std::vec::IntoIter<ApiKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.api_keys.into_iter()
    }
}

impl Searchable for ApiKey {
    const PATH: &'static str = "/api/apikeys/search";
    // A key weighs a few hundred bytes.
    const PAGE: u32 = 5000;
    const WHAT: &'static str = "searching keys";
    type Page = ApiKeys;

    fn id(&self) -> i64 {
        self.id
    }
}

impl SignedIn {
    /// The keys that the manager takes for ones of this name; compare the names again.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn api_keys_named(&self, name: &str) -> Result<Vec<ApiKey>, ManagerError> {
        self.search(Some(Criterion::equals("keyName", name))).await
    }

    /// Creates a key. Only `mint.rs` calls this. It is never sent again, unless nothing was executed.
    ///
    /// # Errors
    /// Of the manager; the key may exist all the same, see [`ManagerError::nothing_was_done`].
    pub(crate) async fn create_api_key(&self, key: &NewApiKey) -> Result<ApiKey, ManagerError> {
        let request = Request::new(
            "creating the key",
            Method::POST,
            "/api/apikeys",
            Repeat::Change,
        )
        .signed(&self.credentials)
        .json(key);
        let created: ApiKey = self.transport.send(request).await?.json()?;
        self.transport.mask.learn(&created.secret);
        Ok(created)
    }

    /// Describes a key.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn api_key(&self, id: i64) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = Request::new("looking at the key", Method::GET, &path, Repeat::Read)
            .signed(&self.credentials);
        self.transport.send(request).await?.json()
    }

    /// Gives a key a new secret; the old one is dead at once. Only `mint.rs` calls this, and it decides whether to send it again.
    ///
    /// # Errors
    /// Of the manager; the old secret may be dead all the same, see [`ManagerError::nothing_was_done`].
    pub(crate) async fn reset_secret(&self, id: i64) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}/secretkey");
        let request = Request::new("making a new secret", Method::POST, &path, Repeat::Change)
            .signed(&self.credentials);
        let key: ApiKey = self.transport.send(request).await?.json()?;
        self.transport.mask.learn(&key.secret);
        Ok(key)
    }

    /// Deletes a key. Repeating it does no harm, so it is treated like a read.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn delete_api_key(&self, id: i64) -> Result<(), ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = Request::new("deleting the key", Method::DELETE, &path, Repeat::Read)
            .signed(&self.credentials);
        self.transport.send(request).await?.is_the_managers()
    }

    /// Whether the manager accepts what signs this call, for a key whose role may not look at keys as well.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn current_api_key(&self) -> Result<ApiKey, ManagerError> {
        let request = Request::new(
            "asking whose key this is",
            Method::GET,
            "/api/apikeys/current",
            Repeat::Read,
        )
        .signed(&self.credentials);
        self.transport.send(request).await?.json()
    }

    /// Reads something that needs no right on keys, roles or users: proof that the manager accepts what signs this call, for a key
    /// whose role may not look at keys (manager-api.md, section 6.4).
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn read_something(&self) -> Result<(), ManagerError> {
        let request = Request::new(
            "trying the key",
            Method::POST,
            "/api/policies/search",
            Repeat::Read,
        )
        .signed(&self.credentials)
        .json(&serde_json::json!({"maxItems": 1}));
        self.transport
            .send(request)
            .await?
            .json::<Map<String, Value>>()
            .map(|_| ())
    }
}
