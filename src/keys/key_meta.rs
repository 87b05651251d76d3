//! The fields that JSON output adds to a key, below `meta`: its state, the name of its role, and its times in the form of RFC 3339.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::state::{State, role_name};
use crate::auth::session::Access;
use crate::error::Error;
use crate::manager::ApiKey;
use crate::mint::is_retiring;
use crate::text::rfc3339;

/// The fields that JSON output adds to a key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyMeta<'a> {
    state: &'static str,
    /// The name of the key's role. `None` if this run has not read the role.
    role: Option<&'a str>,
    /// True if a rotation has replaced the key.
    retiring: bool,
    created_at: Option<String>,
    last_sign_in_at: Option<String>,
    expires_at: Option<String>,
    unlocks_at: Option<String>,
}

impl<'a> KeyMeta<'a> {
    /// Returns the fields that JSON output adds to `key`. `now` is the manager's time.
    pub(crate) fn of(key: &ApiKey, role: Option<&'a str>, now: DateTime<Utc>) -> Self {
        Self {
            state: State::of(key, now).word(),
            role,
            retiring: is_retiring(key),
            created_at: key.created().and_then(rfc3339),
            last_sign_in_at: key.last_sign_in().and_then(rfc3339),
            expires_at: key.expiry_date().and_then(rfc3339),
            unlocks_at: key.unlock_time().and_then(rfc3339),
        }
    }

    /// Adds these fields to a `meta` object.
    pub(crate) fn add_to(&self, meta: &mut Value) {
        if let (Value::Object(meta), Value::Object(fields)) = (meta, json!(self)) {
            meta.extend(fields);
        }
    }
}

/// Returns a copy of `meta` with the fields of [`KeyMeta`] for one key. `fields` is the JSON object of the key, as the manager returned it.
/// After a dry run there is no key, so `fields` is the create request.
pub(crate) fn complete(
    meta: &Value,
    fields: &Map<String, Value>,
    role: Option<&str>,
    now: DateTime<Utc>,
) -> Value {
    let mut meta = meta.clone();
    match serde_json::from_str::<ApiKey>(&json!(fields).to_string()) {
        Ok(key) => KeyMeta::of(&key, role, now).add_to(&mut meta),
        Err(_) => {
            meta["role"] = role.into();
            meta["expiresAt"] = time_of(fields.get("expiryDate").unwrap_or(&Value::Null));
        }
    }
    meta
}

/// Returns a time in the form of RFC 3339. Null if the value is not a time.
pub(crate) fn time_of(milliseconds: &Value) -> Value {
    let time = milliseconds.as_i64().filter(|time| *time != 0);
    time.and_then(rfc3339).into()
}

/// Reads the name of a role for JSON output. Returns `None` if the output is not JSON, or if the role cannot be read.
///
/// # Errors
/// Returns an error if a signal interrupts the request.
pub(crate) async fn json_role_name(
    access: Access<'_>,
    id: Option<i64>,
) -> Result<Option<String>, Error> {
    if !access.context.output.format().is_json() {
        return Ok(None);
    }
    let reading = async { Ok(role_name(access.signed_in, id).await) };
    access.context.signals.cancel(reading).await
}
