//! How a key's state, times and role are displayed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::times::detailed;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::manager::{ApiKey, Cause, ManagerError, SignedIn};

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    /// The key is locked. If wrong secrets caused the lock, the value is the time when the lock ends. `None` means that an administrator
    /// has locked the key.
    Locked(Option<i64>),
    Expired,
    /// The key works and will expire at this time.
    Expires(i64),
    /// It is unknown whether the key works.
    Unknown,
}

impl State {
    /// Returns the state of a key. `now` is the manager's time. A key that is both locked and expired is shown as locked.
    pub(crate) fn of(key: &ApiKey, now: DateTime<Utc>) -> Self {
        let now = now.timestamp_millis();
        let locked_until = key.unlock_time().filter(|time| *time > now);
        match (key.active(), locked_until, key.expiry_date()) {
            (Some(false), ..) => Self::Locked(None),
            (_, Some(until), _) => Self::Locked(Some(until)),
            (_, _, Some(end)) if end <= now => Self::Expired,
            (_, _, Some(end)) => Self::Expires(end),
            (Some(true), None, None) => Self::Active,
            (None, None, None) => Self::Unknown,
        }
    }

    /// Returns the state as one word. The word contains no time, because the output has separate fields for times.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active | Self::Expires(_) => "active",
            Self::Locked(_) => "locked",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the time when the lock of the key ends. `None` if the key is not locked, or if an administrator locked it.
    pub(crate) fn locked_until(self) -> Option<i64> {
        match self {
            Self::Locked(until) => until,
            _ => None,
        }
    }
}

/// Returns the formatted time, or the text `absent` if there is no time.
pub(crate) fn time_or(time: Option<i64>, absent: &str) -> String {
    time.map_or_else(|| absent.to_owned(), format_time)
}

/// Returns the name of a key for messages, such as "the key `ci` (ID 7)", or "the key with ID 7" if the name is unknown.
pub(crate) fn describe(key: &ApiKey) -> String {
    match key.name() {
        Some(name) => format!("the key `{name}` (ID {})", key.id),
        None => format!("the key with ID {}", key.id),
    }
}

/// Checks that the key is neither locked nor expired. A new secret of a locked or expired key would not work, and would replace an old secret that
/// can work again.
///
/// # Errors
/// Returns a conflict error.
pub(crate) fn require_usable(key: &ApiKey, access: Access<'_>) -> Result<(), Error> {
    let id = key.id;
    let (problem, hint) = match State::of(key, access.signed_in.time()) {
        State::Locked(_) => (
            "is locked".to_owned(),
            format!(
                "run `swp-keys unlock-key {id}` first, or run `swp-keys rotate-key {id}` to replace the key"
            ),
        ),
        State::Expired => (
            format!("expired at {}", time_or(key.expiry_date(), "")),
            format!("run `swp-keys update-key {id} --expires 90d` first"),
        ),
        _ => return Ok(()),
    };
    let message = format!(
        "{} {problem}, so a new secret would not work; the key was not changed",
        describe(key)
    );
    Err(Error::new(ErrorKind::Conflict, message).hint(hint).key(id))
}

/// Returns true if this error does not show whether a key works. The manager may return the same status code for a missing permission and
/// for a wrong secret (docs/manager-api.md, "Checking a key").
pub(crate) fn proves_nothing(error: &ManagerError) -> bool {
    matches!(error.cause(), Cause::Forbidden | Cause::NotFound)
}

/// Prints a note that the API key works, but that its role does not permit viewing the key.
pub(crate) fn note_hidden_key(context: &Context) {
    context.output.note(
        "the API key works, but it has no permission to view API keys, so the name, role and expiry of the key are unknown",
    );
}

/// Returns the name of a role, or `None` if the role cannot be read.
pub(crate) async fn role_name(signed_in: &SignedIn, id: Option<i64>) -> Option<String> {
    match signed_in.role(id?).await {
        Ok(role) => Some(role.name),
        Err(error) => {
            log::info!("{error}");
            None
        }
    }
}

/// Returns the known fields of a key for text output, as pairs of a label and a value.
pub(crate) fn key_facts(
    key: Option<&ApiKey>,
    role: Option<&str>,
    access: Access<'_>,
) -> Vec<[String; 2]> {
    let Some(key) = key else {
        return Vec::new();
    };
    let (now, layout) = (access.signed_in.time(), access.context.output.destination());
    let time = |time, absent| detailed(time, absent, now, layout);
    let state = State::of(key, now);
    let fields = key.fields();
    let tenant = fields.get("tenantGUID").and_then(Value::as_str);
    [
        ("Key", Some(key_with_id(key))),
        ("Role", key.role_id().map(|id| role_with_id(role, id))),
        ("State", Some(state.word().to_owned())),
        (
            "Unlocks",
            state.locked_until().map(|until| time(Some(until), "")),
        ),
        ("Expires", Some(time(key.expiry_date(), "never"))),
        ("Last sign-in", Some(time(key.last_sign_in(), "never"))),
        ("Tenant GUID", tenant.map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some([name.to_owned(), value?]))
    .collect()
}

fn key_with_id(key: &ApiKey) -> String {
    match key.name() {
        Some(name) => format!("{name} (ID {})", key.id),
        None => format!("ID {}", key.id),
    }
}

/// Returns the role's name, if it is known, and its ID.
pub(crate) fn role_with_id(role: Option<&str>, id: i64) -> String {
    match role {
        Some(name) => format!("{name} (ID {id})"),
        None => format!("ID {id}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(fields: &Value) -> (&'static str, Option<i64>) {
        let mut object = json!({"ID": 7});
        for (name, value) in fields.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
        let key =
            serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"));
        let now = DateTime::from_timestamp_millis(1_000_000_000_000).unwrap_or_default();
        let state = State::of(&key, now);
        (state.word(), state.locked_until())
    }

    #[test]
    fn each_key_has_one_state() {
        let now = 1_000_000_000_000_i64;
        for (fields, word) in [
            (json!({"active": true}), "active"),
            (json!({}), "unknown"),
            (json!({"active": false}), "locked"),
            (json!({"active": false, "expiryDate": now - 1}), "locked"),
            (json!({"active": true, "unlockTime": now}), "active"),
            (json!({"active": true, "expiryDate": now}), "expired"),
            (json!({"active": true, "expiryDate": 0}), "active"),
            (json!({"expiryDate": now + 1}), "active"),
            (json!({"active": true, "expiryDate": now + 1}), "active"),
        ] {
            assert_eq!(state(&fields), (word, None), "{fields}");
        }
        let guessed = json!({"active": true, "unlockTime": now + 60_000});
        assert_eq!(state(&guessed), ("locked", Some(now + 60_000)));
    }
}
