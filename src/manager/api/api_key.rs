//! The manager's JSON representation of an API key (docs/manager-api.md, "Key fields").

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::search::Searchable;
use crate::manager::json::{
    BoundedList, Lenient, LenientInteger, Object, ObjectBuilder, ObjectId, RequiredField,
};
use crate::secret::Secret;

/// The maximum size of the JSON of an API key. Without a description, the JSON has only a few hundred bytes.
const MAX_BYTES: usize = 64 * 1024;

/// An API key. The manager omits fields that are not set, so only the ID is required. Unknown fields are preserved.
pub(crate) struct ApiKey {
    /// The ID.
    pub id: i64,
    known: KnownFields,
    /// The secret. Only the responses to creating a key and to resetting its secret contain it.
    secret: Option<Secret>,
    /// The JSON text of the key without the secret.
    object: Object,
}

/// The fields that this program uses. A field of an unexpected type is treated as absent.
#[derive(serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct KnownFields {
    key_name: Lenient<String>,
    description: Lenient<String>,
    #[serde(rename = "roleID")]
    role_id: LenientInteger,
    active: Lenient<bool>,
    created: LenientInteger,
    last_sign_in: LastUse,
    unlock_time: LenientInteger,
    expiry_date: LenientInteger,
    locale: Lenient<String>,
    time_zone: Lenient<String>,
}

/// What a response shows of the last call that used a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LastUse {
    /// The time of the call.
    At(i64),
    /// No call has used the key: the response contains null or 0.
    Never,
    /// The response does not contain the field. The manager omits it for a key that was never used (docs/manager-api.md, "Key fields"). An incomplete
    /// response may omit it for any key.
    #[default]
    NotShown,
}

impl<'de> Deserialize<'de> for LastUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let LenientInteger(time) = serde_json::from_str(text).map_err(D::Error::custom)?;
        Ok(match time {
            Some(0) => Self::Never,
            Some(time) => Self::At(time),
            None if text == "null" => Self::Never,
            None => Self::NotShown,
        })
    }
}

impl ApiKey {
    /// Returns the name.
    #[must_use]
    pub(crate) fn name(&self) -> Option<&str> {
        self.known.key_name.0.as_deref()
    }

    /// Returns the description.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.known.description.0.as_deref()
    }

    /// Returns the ID of the role.
    #[must_use]
    pub(crate) fn role_id(&self) -> Option<i64> {
        self.known.role_id.0
    }

    /// Returns true if the key is active. `None` if the response does not contain the field.
    #[must_use]
    pub(crate) fn active(&self) -> Option<bool> {
        self.known.active.0
    }

    /// Returns the time when the key was created.
    #[must_use]
    pub(crate) fn created(&self) -> Option<i64> {
        time(&self.known.created)
    }

    /// Returns the time of the last call that used the key. `None` if no call has used it, or if the response does not contain the time.
    #[must_use]
    pub(crate) fn last_sign_in(&self) -> Option<i64> {
        match self.known.last_sign_in {
            LastUse::At(time) => Some(time),
            LastUse::Never | LastUse::NotShown => None,
        }
    }

    /// Returns what the response shows of the last call that used the key.
    #[must_use]
    pub(crate) fn last_use(&self) -> LastUse {
        self.known.last_sign_in
    }

    /// If the manager has locked the key because of wrong secrets, returns the time when this lock ends.
    #[must_use]
    pub(crate) fn unlock_time(&self) -> Option<i64> {
        time(&self.known.unlock_time)
    }

    /// Returns the expiry, in milliseconds since the Unix epoch. `None` if the key does not expire.
    #[must_use]
    pub(crate) fn expiry_date(&self) -> Option<i64> {
        time(&self.known.expiry_date)
    }

    /// Returns why the manager rejects even the correct secret of the key. `None` if the key is neither locked nor expired. `now` is the manager's
    /// time.
    #[must_use]
    pub(crate) fn why_unusable(&self, now: DateTime<Utc>) -> Option<&'static str> {
        let now = now.timestamp_millis();
        let is_locked = self.active() == Some(false) || self.unlock_time() > Some(now);
        let has_expired = self.expiry_date().is_some_and(|expiry| expiry <= now);
        match (is_locked, has_expired) {
            (true, _) => Some("the key is locked"),
            (false, true) => Some("the key has expired"),
            (false, false) => None,
        }
    }

    /// Returns true if the response is incomplete: it lacks fields that every key has. If a field is absent from a complete response, the key has no
    /// value for it (docs/manager-api.md, "Key fields"). If a field is absent from an incomplete response, the key may still have a value for it.
    #[must_use]
    pub(crate) fn is_brief(&self) -> bool {
        self.active().is_none() && self.created().is_none()
    }

    /// Returns true if the expiry is 0. The meaning of 0 is unknown: the key may never expire, or it may have expired in 1970.
    #[must_use]
    pub(crate) fn expires_at_zero(&self) -> bool {
        self.known.expiry_date.0 == Some(0)
    }

    /// Returns the locale: `en-US` or `ja-JP`.
    #[must_use]
    pub(crate) fn locale(&self) -> Option<&str> {
        self.known.locale.0.as_deref()
    }

    /// Returns the time zone as an IANA name.
    #[must_use]
    pub(crate) fn time_zone(&self) -> Option<&str> {
        self.known.time_zone.0.as_deref()
    }

    /// Returns the secret, which may contain unprintable characters.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Removes and returns the secret. `None` if there is no secret, or if it is not printable.
    pub(crate) fn take_secret(&mut self) -> Option<Secret> {
        // Every valid secret is printable (docs/manager-api.md, "Secret shapes"). A secret with a line break must not be returned, because a program
        // that reads the output line by line would read two values.
        let fit =
            |secret: &Secret| !secret.is_empty() && !secret.expose().chars().any(char::is_control);
        self.secret.take().filter(fit)
    }

    /// Returns the approximate size in memory. Every string is stored twice: as a field, and in the JSON text.
    #[must_use]
    pub(crate) fn weight(&self) -> usize {
        2 * self.object.text().len() + 512
    }

    /// Returns the manager's JSON object without the secret. The ID is the first field.
    #[must_use]
    pub(crate) fn fields(&self) -> Map<String, Value> {
        // The text is valid JSON, because it was parsed when the object was built. So parsing cannot fail.
        serde_json::from_str(self.object.text()).unwrap_or_default()
    }
}

/// Returns a time in milliseconds since the Unix epoch. `None` for 0, because 0 stands for null (docs/manager-api.md, "Key fields").
fn time(field: &LenientInteger) -> Option<i64> {
    field.0.filter(|time| *time != 0)
}

/// Serializes the manager's JSON object without the secret. The ID is the first field.
impl Serialize for ApiKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ApiKeyVisitor)
    }
}

struct ApiKeyVisitor;

impl<'de> Visitor<'de> for ApiKeyVisitor {
    type Value = ApiKey;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an API key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ApiKey, A::Error> {
        let (mut id, mut secret) = (None, None);
        let (mut object, mut id_text) = (ObjectBuilder::with_limit(MAX_BYTES), None);
        while let Some(field) = fields.next_key::<String>()? {
            match field.as_str() {
                "ID" => {
                    let text = fields
                        .next_value::<RequiredField<ObjectId>>()?
                        .into(&mut id, "ID")?;
                    id_text = Some(text);
                }
                "secretKey" => {
                    if secret.replace(fields.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("secretKey"));
                    }
                }
                _ => object.add(&field, fields.next_value::<&RawValue>()?)?,
            }
        }
        let (Some(ObjectId(id)), Some(id_text)) = (id, id_text) else {
            return Err(A::Error::missing_field("ID"));
        };
        let object = object.finish_after("ID", id_text)?;
        Ok(ApiKey {
            id,
            known: serde_json::from_str(object.text()).map_err(A::Error::custom)?,
            secret: secret.flatten(),
            object,
        })
    }
}

/// The response to a search.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeys {
    /// The keys. The field is required, because otherwise a response without the field would look like an empty result.
    api_keys: BoundedList<ApiKey>,
}

impl IntoIterator for ApiKeys {
    type Item = ApiKey;
    type IntoIter = std::vec::IntoIter<ApiKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.api_keys.0.into_iter()
    }
}

impl Searchable for ApiKey {
    const PATH: &'static str = "/api/apikeys/search";
    // A key has a few hundred bytes, so a page of 1000 keys is much smaller than the maximum size of a response.
    const PAGE: u32 = 1000;
    const ACTION: &'static str = "search keys";
    type Results = ApiKeys;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        self.weight()
    }
}
