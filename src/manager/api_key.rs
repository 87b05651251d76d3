//! A key as the manager describes it (manager-api.md, section 6.1).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::secret::Secret;

/// A key as the manager describes it. Unset fields are absent (6.1), so only the ID must be there; what is not needed is kept.
#[derive(Deserialize)]
pub(crate) struct ApiKey {
    /// Its ID.
    #[serde(rename = "ID")]
    pub id: i64,
    /// The secret, in the answer to a create alone.
    #[serde(rename = "secretKey", default)]
    pub(super) secret: Option<Secret>,
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

    /// Whether it may sign in; none where the manager does not say.
    #[must_use]
    pub(crate) fn active(&self) -> Option<bool> {
        self.other.get("active").and_then(Value::as_bool)
    }

    /// When it was made.
    #[must_use]
    pub(crate) fn created(&self) -> Option<i64> {
        self.time("created")
    }

    /// When it last signed a call; none where it never did.
    #[must_use]
    pub(crate) fn last_sign_in(&self) -> Option<i64> {
        self.time("lastSignIn")
    }

    /// When the lock ends that wrong secrets brought about.
    #[must_use]
    pub(crate) fn unlock_time(&self) -> Option<i64> {
        self.time("unlockTime")
    }

    /// `en-US` or `ja-JP`.
    #[must_use]
    pub(crate) fn locale(&self) -> Option<&str> {
        self.other.get("locale").and_then(Value::as_str)
    }

    /// An IANA name.
    #[must_use]
    pub(crate) fn time_zone(&self) -> Option<&str> {
        self.other.get("timeZone").and_then(Value::as_str)
    }

    /// Milliseconds since 1970. 0 stands for null (manager-api.md, section 6.1), and nothing here is so old.
    fn time(&self, field: &str) -> Option<i64> {
        let time = self.other.get(field).and_then(Value::as_i64);
        time.filter(|time| *time != 0)
    }

    /// When it ends, in milliseconds since 1970; none where it never does.
    #[must_use]
    pub(crate) fn expiry_date(&self) -> Option<i64> {
        self.time("expiryDate")
    }

    /// Whether the manager tells next to nothing. Fields that are not set are absent (manager-api.md, section 6.1), but where these two
    /// are, the absence of another says nothing.
    #[must_use]
    pub(crate) fn is_brief(&self) -> bool {
        self.active().is_none() && self.created().is_none()
    }

    /// Whether the manager tells an end of 0. That may stand for none, or be the beginning of 1970.
    #[must_use]
    pub(crate) fn ends_at_zero(&self) -> bool {
        self.other.get("expiryDate").and_then(Value::as_i64) == Some(0)
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
