//! The API keys, indexed by ID, name and secret.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::clock::Millis;
use super::name_index::NameIndex;
use crate::sandbox::search::field::{Field, Searchable};

/// One API key as the manager stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The ID of the API key. The manager never assigns it to a different API key.
    pub id: i64,
    /// The name (`keyName`). It may be missing, because the published API document does not require it.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// `en-US` or `ja-JP`.
    pub locale: String,
    /// The IANA name of the time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The ID of the role.
    pub role_id: i64,
    /// True if the key can authenticate requests. False if the key is locked.
    pub active: bool,
    /// The time when the key was created, in milliseconds since the Unix epoch.
    pub created: i64,
    /// The time when the key last authenticated a request. `None` if the key has never authenticated a request.
    pub last_sign_in: Option<i64>,
    /// The end of the automatic lock, which follows too many wrong secrets. `None` if the key is not locked automatically.
    pub unlock_time: Option<i64>,
    /// The number of wrong secrets since the last correct secret.
    pub unsuccessful_sign_in_attempts: u32,
    /// The time when the key expires. `None` if the key does not expire.
    pub expiry_date: Option<i64>,
    /// The secret, which the manager returns only once.
    pub secret: String,
}

impl ApiKey {
    /// Returns an API key with default values. The locale and the time zone are those of the vendor's sample API key
    /// (`docs/manager-api.md`, "Key fields").
    pub(crate) fn fresh(id: i64, role_id: i64, now: Millis, secret: String) -> ApiKey {
        ApiKey {
            id,
            name: None,
            description: None,
            locale: "en-US".to_owned(),
            time_zone: "America/New_York".to_owned(),
            role_id,
            active: true,
            created: now,
            last_sign_in: None,
            unlock_time: None,
            unsuccessful_sign_in_attempts: 0,
            expiry_date: None,
            secret,
        }
    }

    /// Returns the fields with their names in the manager's API, without the ID and the secret. A field without a value is left out instead of
    /// being null (`docs/manager-api.md`, "Key fields").
    pub(crate) fn fields(&self) -> Map<String, Value> {
        const NAMES: [&str; 11] = [
            "keyName",
            "description",
            "locale",
            "roleID",
            "timeZone",
            "active",
            "created",
            "lastSignIn",
            "unlockTime",
            "unsuccessfulSignInAttempts",
            "expiryDate",
        ];
        let mut fields = Map::new();
        let values = NAMES.iter().map(|name| (*name, self.value(name)));
        fields.extend(values.filter_map(|(name, value)| Some((name.to_owned(), value?))));
        fields
    }

    /// Returns the part of the secret before the first colon. This prefix is an ID, a GUID or `tmc...`. A wrong secret is counted for the API key
    /// with the same prefix.
    fn prefix(&self) -> &str {
        prefix(&self.secret)
    }
}

fn prefix(secret: &str) -> &str {
    secret.split(':').next().unwrap_or(secret)
}

impl Searchable for ApiKey {
    const NAME: &'static str = "keyName";

    fn id(&self) -> i64 {
        self.id
    }

    fn kind(field: &str) -> Option<Field> {
        match field {
            "keyName" | "description" | "timeZone" => Some(Field::Text),
            "locale" => Some(Field::Choice),
            "roleID" | "unsuccessfulSignInAttempts" => Some(Field::Number),
            "active" | "serviceAccount" => Some(Field::Boolean),
            "created" | "lastSignIn" | "unlockTime" | "expiryDate" => Some(Field::Date),
            "ID" => Some(Field::Id),
            _ => None,
        }
    }

    fn value(&self, field: &str) -> Option<Value> {
        match field {
            "keyName" => self.name.as_ref().map(|name| json!(name)),
            "description" => self.description.as_ref().map(|text| json!(text)),
            "timeZone" => Some(json!(self.time_zone)),
            "locale" => Some(json!(self.locale)),
            "roleID" => Some(json!(self.role_id)),
            "unsuccessfulSignInAttempts" => Some(json!(self.unsuccessful_sign_in_attempts)),
            "active" => Some(json!(self.active)),
            "serviceAccount" => Some(json!(false)),
            "created" => Some(json!(self.created)),
            "lastSignIn" => self.last_sign_in.map(|time| json!(time)),
            "unlockTime" => self.unlock_time.map(|time| json!(time)),
            "expiryDate" => self.expiry_date.map(|time| json!(time)),
            "ID" => Some(json!(self.id)),
            _ => None,
        }
    }
}

/// All keys.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_id: BTreeMap<i64, ApiKey>,
    names: NameIndex,
    by_secret: HashMap<String, i64>,
    by_prefix: HashMap<String, i64>,
    last_id: i64,
}

impl Keys {
    /// Returns the ID that the next new API key gets.
    pub(crate) fn next_id(&self) -> i64 {
        self.last_id + 1
    }

    pub(crate) fn insert(&mut self, key: ApiKey) {
        self.last_id = self.last_id.max(key.id);
        if let Some(name) = &key.name {
            self.names.insert(name, key.id);
        }
        self.by_prefix.insert(key.prefix().to_owned(), key.id);
        self.by_secret.insert(key.secret.clone(), key.id);
        self.by_id.insert(key.id, key);
    }

    pub(crate) fn remove(&mut self, id: i64) -> Option<ApiKey> {
        let key = self.by_id.remove(&id)?;
        if let Some(name) = &key.name {
            self.names.remove(name, id);
        }
        self.by_prefix.remove(key.prefix());
        self.by_secret.remove(&key.secret);
        Some(key)
    }

    pub(crate) fn get(&self, id: i64) -> Option<&ApiKey> {
        self.by_id.get(&id)
    }

    /// Returns a mutable reference to an API key. The caller must not change the ID, the name or the secret, because the indexes would not
    /// be updated.
    pub(crate) fn get_mut(&mut self, id: i64) -> Option<&mut ApiKey> {
        self.by_id.get_mut(&id)
    }

    /// Calls `edit` to change an API key, and updates the indexes. Changes to the ID are ignored.
    pub(crate) fn edit<T>(&mut self, id: i64, edit: impl FnOnce(&mut ApiKey) -> T) -> Option<T> {
        let mut key = self.remove(id)?;
        let result = edit(&mut key);
        key.id = id;
        self.insert(key);
        Some(result)
    }

    /// Returns the API key with exactly this secret.
    pub(crate) fn with_secret(&self, secret: &str) -> Option<&ApiKey> {
        self.get(*self.by_secret.get(secret)?)
    }

    /// Returns the API key for which a wrong secret is counted. It is the API key whose secret has the same prefix.
    pub(crate) fn with_prefix_of(&self, secret: &str) -> Option<&ApiKey> {
        self.get(*self.by_prefix.get(prefix(secret))?)
    }

    /// Returns true if an API key has this name. The key with the ID `except` is not considered.
    pub(crate) fn name_taken(&self, name: &str, except: Option<i64>) -> bool {
        self.named(name)
            .any(|key| key.name.as_deref() == Some(name) && Some(key.id) != except)
    }

    /// Returns the API keys with this name, ordered by ID. Upper and lower case count as equal.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &ApiKey> {
        self.names.with(name).filter_map(|id| self.get(id))
    }

    pub(crate) fn uses_role(&self, role_id: i64) -> bool {
        self.by_id.values().any(|key| key.role_id == role_id)
    }

    /// Returns all API keys, ordered by ID.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ApiKey> {
        self.by_id.values()
    }

    /// Returns the API keys with an ID greater than `id`, ordered by ID. A client uses this order to request one page of keys after
    /// another.
    pub(crate) fn after(&self, id: i64) -> impl Iterator<Item = &ApiKey> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.by_id
            .range((Excluded(id), Unbounded))
            .map(|(_, key)| key)
    }
}
