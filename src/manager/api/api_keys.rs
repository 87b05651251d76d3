//! The calls that read, create, change and delete API keys (docs/manager-api.md, "Key operations").

use reqwest::Method;
use serde::Serialize;

use super::api_key::ApiKey;
use super::search::{Criterion, Pages, Searchable as _};
use crate::manager::client::SignedIn;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::request::ApiRequest;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::json::AnyObject;
use crate::process::signals::Signals;

/// A key to create. The role is required, because the rights of a key without a role are unknown (docs/manager-api.md, "Role of a new
/// key").
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApiKey {
    /// The name.
    pub key_name: String,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The ID of the role.
    #[serde(rename = "roleID")]
    pub role_id: i64,
    /// The locale: `en-US` or `ja-JP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone as an IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The expiry, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<i64>,
}

/// A change to a key. A field that is `None` is not sent, so the manager does not change it (docs/manager-api.md, "Key fields").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyChange {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_name: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The ID of the role.
    #[serde(rename = "roleID", skip_serializing_if = "Option::is_none")]
    pub(crate) role_id: Option<i64>,
    /// True if the key is active. `false` locks the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    /// The expiry, in milliseconds since the Unix epoch. [`NO_EXPIRY`] probably removes the expiry, but the caller must check the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiry_date: Option<i64>,
    /// The locale: `en-US` or `ja-JP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locale: Option<String>,
    /// The time zone as an IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
}

/// The value that probably removes the expiry of a key: "0 stands for null in numeric and date properties" (docs/manager-api.md, "Key fields"). It is
/// not known for certain that 0 removes an expiry (docs/manager-api.md, "Unknowns", no. 26).
pub(crate) const NO_EXPIRY: i64 = 0;

/// The conditions of a search for keys. Each result meets all conditions that are set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyFilter<'a> {
    /// A pattern for the name: `%` matches any text, and `_` matches one character.
    pub(crate) name: Option<&'a str>,
    /// The ID of the role.
    pub(crate) role_id: Option<i64>,
    /// Only keys whose expiry is between these two times match.
    pub(crate) expires: Option<(i64, i64)>,
    /// Only keys that were created at or before this time match.
    pub(crate) created_until: Option<i64>,
}

impl SignedIn {
    /// Returns the keys that the manager finds for the name `name`. The caller must compare the names exactly, because the manager may also find
    /// similar names.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn api_keys_named(&self, name: &str) -> Result<Vec<ApiKey>, ManagerError> {
        self.search(Some(Criterion::equals("keyName", name))).await
    }

    /// Returns the keys whose names match a pattern: `%` matches any text, and `_` matches one character. The caller must check that each name
    /// matches, because a manager may ignore the pattern.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn api_keys_like(&self, pattern: &str) -> Result<Vec<ApiKey>, ManagerError> {
        self.search(Some(Criterion::like("keyName", pattern))).await
    }

    /// Returns the keys that match the filter, page by page, sorted by ID. The caller must check that each key matches, because a manager may ignore
    /// the filter.
    pub(crate) fn api_keys<'a>(&'a self, filter: &KeyFilter<'a>) -> Pages<'a, ApiKey> {
        let until = |field_name, first_date_value, last_date_value| Criterion::Between {
            field_name,
            first_date_value,
            last_date_value,
        };
        let criteria = [
            filter.name.map(|name| Criterion::like("keyName", name)),
            filter.role_id.map(|id| Criterion::number("roleID", id)),
            (filter.expires).map(|(first, last)| until("expiryDate", Some(first), last)),
            (filter.created_until).map(|last| until("created", None, last)),
        ];
        self.pages(criteria.into_iter().flatten())
    }

    /// Returns the keys whose ID is greater than `id`, or all keys if `id` is `None`. The keys come page by page, sorted by ID. The caller must check
    /// each ID, because a manager may ignore the condition.
    pub(crate) fn api_keys_above(&self, id: Option<i64>) -> Pages<'_, ApiKey> {
        self.pages(id.map(Criterion::above))
    }

    /// Makes sure that the manager's time is known. If no response has contained the time yet, sends a small read request.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn sync_clock(&self) -> Result<(), ManagerError> {
        if self.clock_skew().is_some() {
            return Ok(());
        }
        let request = ApiRequest::new(
            ApiKey::ACTION,
            Method::POST,
            ApiKey::PATH,
            RetryPolicy::Read,
        )
        .json(&serde_json::json!({"maxItems": 1}))
        .listing();
        self.send(request).await.map(|_| ())
    }

    /// Creates a key. Only the module `mint` calls this function. The request is repeated only if the manager definitely did not execute it, and only
    /// until a signal arrives.
    ///
    /// # Errors
    /// Returns the error of the call. The key may exist even after an error: see [`ManagerError::had_no_effect`].
    pub(crate) async fn create_api_key(
        &self,
        key: &NewApiKey,
        signals: &Signals,
    ) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "create the key",
            Method::POST,
            "/api/apikeys",
            RetryPolicy::Change,
        )
        .pause_until(Some(signals))
        .json(key);
        let created: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(created.secret());
        Ok(created)
    }

    /// Returns a key.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn api_key(&self, id: i64) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = ApiRequest::new("read the key", Method::GET, &path, RetryPolicy::Read);
        self.send(request).await?.json()
    }

    /// Returns the key with this ID. `None` if it does not exist. A 404 that a gateway may have sent is confirmed with a search.
    ///
    /// # Errors
    /// Returns the error of the call. After an error, it is unknown whether the key exists.
    pub(crate) async fn find_api_key(&self, id: i64) -> Result<Option<ApiKey>, ManagerError> {
        match self.api_key(id).await {
            Ok(key) if key.id == id => return Ok(Some(key)),
            Err(error) if *error.cause() != Cause::NotFound => return Err(error),
            Err(error) if error.is_from_manager() => return Ok(None),
            // Either the status is 404, but a gateway may have sent it. Or the response describes a different key. So a search decides whether the
            // key exists.
            _ => {}
        }
        let found: Vec<ApiKey> = self.search(Some(Criterion::id(id))).await?;
        Ok(found.into_iter().find(|key| key.id == id))
    }

    /// Returns true if a key with this ID exists.
    ///
    /// # Errors
    /// Returns the error of the call. After an error, it is unknown whether the key exists.
    pub(crate) async fn key_exists(&self, id: i64) -> Result<bool, ManagerError> {
        Ok(self.find_api_key(id).await?.is_some())
    }

    /// Resets the secret of a key. The old secret stops working immediately. Only the module `mint` calls this function. `mint` also decides whether
    /// to repeat the call after an error. If `signals` is set, a signal ends a pause before the call is repeated.
    ///
    /// # Errors
    /// Returns the error of the call. The old secret may have stopped working even after an error: see [`ManagerError::had_no_effect`].
    pub(crate) async fn reset_secret(
        &self,
        id: i64,
        signals: Option<&Signals>,
    ) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}/secretkey");
        let request = ApiRequest::new(
            "reset the secret of the key",
            Method::POST,
            &path,
            RetryPolicy::Change,
        )
        .pause_until(signals);
        let key: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(key.secret());
        Ok(key)
    }

    /// Resets the secret of the API key that authenticates this run. The old secret stops working immediately. Only the module `mint` calls this
    /// function. If `signals` is set, a signal ends a pause before the call is repeated.
    ///
    /// # Errors
    /// Returns the error of the call. The old secret may have stopped working even after an error: see [`ManagerError::had_no_effect`].
    pub(crate) async fn reset_own_secret(
        &self,
        signals: Option<&Signals>,
    ) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "reset the secret of the key",
            Method::POST,
            "/api/apikeys/current/secretkey",
            RetryPolicy::Change,
        )
        .pause_until(signals);
        let key: ApiKey = self.send(request).await?.json()?;
        self.transport.redactor.add(key.secret());
        Ok(key)
    }

    /// Changes the fields that are set in `change`, and returns the changed key. The call is repeated if the connection breaks, because repeating it
    /// has the same effect. The repeated call may overwrite a change that another process made between the two calls.
    ///
    /// # Errors
    /// Returns the error of the call. The key may have been changed even after an error: see [`ManagerError::had_no_effect`].
    pub(crate) async fn modify_api_key(
        &self,
        id: i64,
        change: &KeyChange,
    ) -> Result<ApiKey, ManagerError> {
        self.modify(id, change, RetryPolicy::Idempotent).await
    }

    /// Changes a key. Does not repeat the request after its response was lost.
    pub(crate) async fn modify_api_key_once(
        &self,
        id: i64,
        change: &KeyChange,
    ) -> Result<ApiKey, ManagerError> {
        self.modify(id, change, RetryPolicy::Change).await
    }

    async fn modify(
        &self,
        id: i64,
        change: &KeyChange,
        retry: RetryPolicy,
    ) -> Result<ApiKey, ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let action = "change the key";
        let request = ApiRequest::new(action, Method::POST, &path, retry).json(change);
        self.send(request).await?.json()
    }

    /// Deletes a key. The call is repeated if the connection breaks, so the manager may receive it more than once.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn delete_api_key(&self, id: i64) -> Result<(), ManagerError> {
        let path = format!("/api/apikeys/{id}");
        let request = ApiRequest::new(
            "delete the key",
            Method::DELETE,
            &path,
            RetryPolicy::Idempotent,
        );
        self.send(request).await?.require_api_response()
    }

    /// Returns the API key that authenticates this run. The call does not require the permission to view keys.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn current_api_key(&self) -> Result<ApiKey, ManagerError> {
        let request = ApiRequest::new(
            "read the current API key",
            Method::GET,
            "/api/apikeys/current",
            RetryPolicy::Read,
        );
        self.send(request).await?.json()
    }

    /// Checks that the manager accepts the credentials. The check is a read that needs no permission for keys, roles or users (docs/manager-api.md,
    /// "Checking a key").
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn check_access(&self) -> Result<(), ManagerError> {
        let response = self.send(self.access_check("check the key")).await?;
        response.json::<AnyObject>().map(|_| ())
    }
}
