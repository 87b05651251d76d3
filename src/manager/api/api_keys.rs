//! API keys (manager-api.md, section 6).

use reqwest::Method;
use serde::Serialize;

use super::api_key::ApiKey;
use super::search::{Criterion, Pages, Searchable as _};
use crate::manager::SignedIn;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::ApiRequest;
use crate::manager::json::AnyObject;

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

/// What is to be changed about a key: only the fields that are set are sent, since whatever else is sent is changed too
/// (manager-api.md, section 6.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyChange {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// What it may do.
    #[serde(rename = "roleID", skip_serializing_if = "Option::is_none")]
    pub(crate) role_id: Option<i64>,
    /// False locks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    /// When it ends, in milliseconds since 1970. [`NO_EXPIRY`] presumably makes it end never; compare what the manager made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiry_date: Option<i64>,
    /// `en-US` or `ja-JP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locale: Option<String>,
    /// An IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
}

/// "0 stands for null in numeric and date properties" (manager-api.md, section 6.1); whether that clears an expiry is unknown
/// (section 11, no. 26).
pub(crate) const NO_EXPIRY: i64 = 0;

/// Which keys are wanted, as far as a search can say it: all that is set must hold.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyFilter<'a> {
    /// A pattern for the name, in which `%` stands for any text and `_` for one character.
    pub(crate) name: Option<&'a str>,
    /// The role.
    pub(crate) role_id: Option<i64>,
    /// From when to when it may end.
    pub(crate) ends: Option<(i64, i64)>,
    /// When it was made at the latest.
    pub(crate) created_until: Option<i64>,
}

impl SignedIn {
    /// The keys that the manager takes for ones of this name; compare the names again.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn api_keys_named(&self, name: &str) -> Result<Vec<ApiKey>, ManagerError> {
        self.search(Some(Criterion::equals("keyName", name))).await
    }

    /// The keys whose names match a pattern, in which `%` stands for any text and `_` for one character; compare the names again.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn api_keys_like(&self, pattern: &str) -> Result<Vec<ApiKey>, ManagerError> {
        self.search(Some(Criterion::like("keyName", pattern))).await
    }

    /// The keys that the manager takes for ones that pass, page by page, in the order of IDs; look at them again.
    pub(crate) fn api_keys<'a>(&'a self, wanted: &KeyFilter<'a>) -> Pages<'a, ApiKey> {
        let until = |field_name, first_date_value, last_date_value| Criterion::Between {
            field_name,
            first_date_value,
            last_date_value,
        };
        let criteria = [
            wanted.name.map(|name| Criterion::like("keyName", name)),
            wanted.role_id.map(|id| Criterion::number("roleID", id)),
            (wanted.ends).map(|(first, last)| until("expiryDate", Some(first), last)),
            (wanted.created_until).map(|last| until("created", None, last)),
        ];
        self.pages(criteria.into_iter().flatten())
    }

    /// The keys with higher IDs than this, or all, page by page, in the order of IDs; look at their IDs again.
    pub(crate) fn api_keys_above(&self, id: Option<i64>) -> Pages<'_, ApiKey> {
        self.pages(id.map(Criterion::above))
    }

    /// Makes the manager's clock known, where no answer has told it yet.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn sync_clock(&self) -> Result<(), ManagerError> {
        if self.clock_skew().is_some() {
            return Ok(());
        }
        let request = ApiRequest::new(ApiKey::WHAT, Method::POST, ApiKey::PATH, RetryPolicy::Read)
            .signed(&self.credentials)
            .json(&serde_json::json!({"maxItems": 1}))
            .listing();
        self.send(request).await.map(|_| ())
    }

    /// Creates a key. Only `mint.rs` calls this. It is never sent again, unless nothing was executed.
    ///
    /// # Errors
    /// Of the manager; the key may exist all the same, see [`ManagerError::had_no_effect`].
    pub(crate) async fn create_api_key(&self, key: &NewApiKey) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "creating the key",
            Method::POST,
            "/api/apikeys",
            RetryPolicy::Change,
        )
        .signed(&self.credentials)
        .json(key);
        let created: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(created.secret());
        Ok(created)
    }

    /// Describes a key.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn api_key(&self, id: i64) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = ApiRequest::new("looking at the key", Method::GET, &path, RetryPolicy::Read)
            .signed(&self.credentials);
        self.send(request).await?.json()
    }

    /// The key with this ID; none if there is no such key. A 404 that is not in the manager's own form may come from something in between,
    /// so a search must agree with it.
    ///
    /// # Errors
    /// Of the manager; then it is not known.
    pub(crate) async fn find_api_key(&self, id: i64) -> Result<Option<ApiKey>, ManagerError> {
        match self.api_key(id).await {
            Ok(key) if key.id == id => return Ok(Some(key)),
            Err(error) if *error.cause() != Cause::NotFound => return Err(error),
            Err(error) if error.is_from_manager() => return Ok(None),
            // Or the answer is about another key.
            _ => {}
        }
        let found: Vec<ApiKey> = self.search(Some(Criterion::id(id))).await?;
        Ok(found.into_iter().find(|key| key.id == id))
    }

    /// Whether there is a key with this ID.
    ///
    /// # Errors
    /// Of the manager; then it is not known.
    pub(crate) async fn key_exists(&self, id: i64) -> Result<bool, ManagerError> {
        Ok(self.find_api_key(id).await?.is_some())
    }

    /// Gives a key a new secret; the old one is dead at once. Only `mint.rs` calls this, and it decides whether to send it again.
    ///
    /// # Errors
    /// Of the manager; the old secret may be dead all the same, see [`ManagerError::had_no_effect`].
    pub(crate) async fn reset_secret(&self, id: i64) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}/secretkey");
        let request = ApiRequest::new(
            "making a new secret",
            Method::POST,
            &path,
            RetryPolicy::Change,
        )
        .signed(&self.credentials);
        let key: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(key.secret());
        Ok(key)
    }

    /// Gives the key that signs this call a new secret; the old one is dead at once. Only `mint.rs` calls this.
    ///
    /// # Errors
    /// Of the manager; the old secret may be dead all the same, see [`ManagerError::had_no_effect`].
    pub(crate) async fn reset_own_secret(&self) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "making a new secret",
            Method::POST,
            "/api/apikeys/current/secretkey",
            RetryPolicy::Change,
        )
        .signed(&self.credentials);
        let key: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(key.secret());
        Ok(key)
    }

    /// Changes what is set in `change`, and returns the key as it is then. Sent twice it ends where it does once, so it is repeated
    /// where the connection breaks; a change that somebody else makes in between to the same field would be lost, and is by a change
    /// that comes later anyway.
    ///
    /// # Errors
    /// Of the manager; the key may be changed all the same, see [`ManagerError::had_no_effect`].
    pub(crate) async fn modify_api_key(
        &self,
        id: i64,
        change: &KeyChange,
    ) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = ApiRequest::new(
            "changing the key",
            Method::POST,
            &path,
            RetryPolicy::Idempotent,
        )
        .signed(&self.credentials)
        .json(change);
        self.send(request).await?.json()
    }

    /// Deletes a key. It may be sent twice.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn delete_api_key(&self, id: i64) -> Result<(), ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = ApiRequest::new(
            "deleting the key",
            Method::DELETE,
            &path,
            RetryPolicy::Idempotent,
        )
        .signed(&self.credentials);
        self.send(request).await?.is_the_managers()
    }

    /// Whether the manager accepts what signs this call, for a key whose role may not look at keys as well.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn current_api_key(&self) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "asking whose key this is",
            Method::GET,
            "/api/apikeys/current",
            RetryPolicy::Read,
        )
        .signed(&self.credentials);
        self.send(request).await?.json()
    }

    /// Reads something that needs no right on keys, roles or users: proof that the manager accepts what signs this call, for a key
    /// whose role may not look at keys (manager-api.md, section 6.4).
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn check_access(&self) -> Result<(), ManagerError> {
        let answer = self.send(self.access_check("trying the key")).await?;
        answer.json::<AnyObject>().map(|_| ())
    }
}
