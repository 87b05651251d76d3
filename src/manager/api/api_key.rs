//! An API key as the manager describes it (manager-api.md, section 6.1).

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::search::Searchable;
use crate::manager::json::{
    BoundedList, Lenient, LenientInteger, Object, ObjectBuilder, ObjectId, RequiredField,
};
use crate::secret::Secret;

/// A key weighs a few hundred bytes, and what somebody wrote into its description.
const MOST: usize = 64 * 1024;

/// A key. Unset fields are absent (6.1), so only the ID must be there; what is not needed is kept.
pub(crate) struct ApiKey {
    /// Its ID.
    pub id: i64,
    known: KnownFields,
    /// The secret, in the answer to a create or to a new secret alone.
    secret: Option<Secret>,
    /// Everything but the secret, as it came.
    object: Object,
}

/// What is looked at. A field of another type than the contract's is as good as none.
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
    last_sign_in: LenientInteger,
    unlock_time: LenientInteger,
    expiry_date: LenientInteger,
    locale: Lenient<String>,
    time_zone: Lenient<String>,
}

impl ApiKey {
    /// Its name.
    #[must_use]
    pub(crate) fn name(&self) -> Option<&str> {
        self.known.key_name.0.as_deref()
    }

    /// What it is for, in somebody's words.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.known.description.0.as_deref()
    }

    /// The ID of its role.
    #[must_use]
    pub(crate) fn role_id(&self) -> Option<i64> {
        self.known.role_id.0
    }

    /// Whether it may sign in; none where the manager does not say.
    #[must_use]
    pub(crate) fn active(&self) -> Option<bool> {
        self.known.active.0
    }

    /// When it was made.
    #[must_use]
    pub(crate) fn created(&self) -> Option<i64> {
        time(&self.known.created)
    }

    /// When it last signed a call; none where it never did.
    #[must_use]
    pub(crate) fn last_sign_in(&self) -> Option<i64> {
        time(&self.known.last_sign_in)
    }

    /// When the lock ends that wrong secrets brought about.
    #[must_use]
    pub(crate) fn unlock_time(&self) -> Option<i64> {
        time(&self.known.unlock_time)
    }

    /// When it ends, in milliseconds since 1970; none where it never does.
    #[must_use]
    pub(crate) fn expiry_date(&self) -> Option<i64> {
        time(&self.known.expiry_date)
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
        self.known.expiry_date.0 == Some(0)
    }

    /// `en-US` or `ja-JP`.
    #[must_use]
    pub(crate) fn locale(&self) -> Option<&str> {
        self.known.locale.0.as_deref()
    }

    /// An IANA name.
    #[must_use]
    pub(crate) fn time_zone(&self) -> Option<&str> {
        self.known.time_zone.0.as_deref()
    }

    /// The secret as it came.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Takes the secret out, which leaves the key without it.
    pub(crate) fn take_secret(&mut self) -> Option<Secret> {
        // Opaque and printable (manager-api.md, section 2.1): what holds a line break would be two values to whoever reads it.
        let fit =
            |secret: &Secret| !secret.is_empty() && !secret.expose().chars().any(char::is_control);
        self.secret.take().filter(fit)
    }

    /// How much room it takes, about: the names and the words are in it twice.
    #[must_use]
    pub(crate) fn weight(&self) -> usize {
        2 * self.object.text().len() + 512
    }

    /// The manager's object, without the secret, and its ID first.
    #[must_use]
    pub(crate) fn fields(&self) -> Map<String, Value> {
        // It was read to its end when it came.
        serde_json::from_str(self.object.text()).unwrap_or_default()
    }
}

/// Milliseconds since 1970. 0 stands for null (manager-api.md, section 6.1), and nothing here is so old.
fn time(field: &LenientInteger) -> Option<i64> {
    field.0.filter(|time| *time != 0)
}

/// Everything but the secret, its ID first.
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
        formatter.write_str("a key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ApiKey, A::Error> {
        let (mut id, mut secret) = (None, None);
        let (mut object, mut id_text) = (ObjectBuilder::up_to(MOST), None);
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

/// The answer of a search.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeys {
    /// Never left out: an answer without it is no answer, and would be taken for "there is no such key".
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
    // A key weighs a few hundred bytes.
    const PAGE: u32 = 1000;
    const WHAT: &'static str = "searching keys";
    type Results = ApiKeys;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        self.weight()
    }
}
