//! Compares the fields of a key with the requested values.

use serde_json::{Map, Value, json};

use crate::expiry::format_time;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY};
use crate::mint::is_requested_expiry;

/// The fields that a change can set, by their names in the manager's API.
const FIELDS: [&str; 7] = [
    "keyName",
    "description",
    "roleID",
    "locale",
    "timeZone",
    "expiryDate",
    "active",
];

/// The result of comparing a field with the requested value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// The field has the requested value. An expiry may differ by less than a second, because a manager may store whole seconds.
    AsAsked,
    /// The field has a different value or no value.
    Different,
    /// The manager's response does not contain the field.
    NotShown,
}

/// A requested field, and the result of comparing it with the key's field.
#[derive(Debug, PartialEq)]
pub(crate) struct Compared {
    /// The name of the field in the manager's API.
    pub(crate) field: &'static str,
    /// The requested value. For an expiry, null means never.
    pub(crate) asked: Value,
    /// The value of the key's field. Null means that the field is not set, or that the manager's response does not contain it.
    pub(crate) is: Value,
    /// The result of the comparison.
    pub(crate) result: Match,
}

/// Returns the names and values of the fields that a change sets, in a fixed order. An expiry of 0 (never) becomes null.
pub(crate) fn asked_fields(change: &KeyChange) -> Vec<(&'static str, Value)> {
    let Value::Object(mut fields) = json!(change) else {
        return Vec::new();
    };
    if change.expiry_date == Some(NO_EXPIRY) {
        fields.insert("expiryDate".to_owned(), Value::Null);
    }
    let value = |name: &&'static str| Some((*name, fields.get(*name)?.clone()));
    FIELDS.iter().filter_map(value).collect()
}

/// For each field that a change sets, compares the new value with the key's current value.
pub(crate) fn compare(change: &KeyChange, key: &ApiKey) -> Vec<Compared> {
    let is = shown_fields(key);
    let asked = asked_fields(change).into_iter();
    let compared = asked.map(|(field, asked)| {
        let is = is.get(field).cloned().unwrap_or_default();
        let result = match_of(field, &asked, &is, key);
        Compared {
            field,
            asked,
            is,
            result,
        }
    });
    compared.collect()
}

/// Removes the fields in which the key already has the requested value, so that the request to the manager contains only differences.
pub(crate) fn without_equal(change: KeyChange, key: &ApiKey) -> KeyChange {
    let compared = compare(&change, key);
    // A brief key object omits some fields. The current value of an omitted field is unknown, so the request sets the field.
    let differs =
        |one: &&Compared| one.asked != one.is || one.result == Match::NotShown && key.is_brief();
    let changed: Vec<_> = (compared.iter().filter(differs))
        .map(|one| one.field)
        .collect();
    let has = |field: &str| changed.contains(&field);
    KeyChange {
        key_name: change.key_name.filter(|_| has("keyName")),
        description: change.description.filter(|_| has("description")),
        role_id: change.role_id.filter(|_| has("roleID")),
        active: change.active.filter(|_| has("active")),
        expiry_date: change.expiry_date.filter(|_| has("expiryDate")),
        locale: change.locale.filter(|_| has("locale")),
        time_zone: change.time_zone.filter(|_| has("timeZone")),
    }
}

fn match_of(field: &str, asked: &Value, is: &Value, key: &ApiKey) -> Match {
    let is_expiry = field == "expiryDate";
    // If the manager reports the expiry 0, it is unknown whether the key never expires or has expired in 1970.
    let unclear = key.is_brief() || is_expiry && key.expires_at_zero();
    match (asked, is) {
        (_, Value::Null) if unclear => Match::NotShown,
        (asked, is) if asked == is => Match::AsAsked,
        (asked, is) if is_expiry && is_same_expiry(asked, is) => Match::AsAsked,
        _ => Match::Different,
    }
}

fn is_same_expiry(asked: &Value, is: &Value) -> bool {
    match (asked.as_i64(), is.as_i64()) {
        (Some(asked), Some(is)) => is_requested_expiry(is, asked),
        _ => false,
    }
}

/// Returns the fields of a key. A full key object without a description counts as a key with an empty description. In a brief key object, a missing
/// description is unknown.
fn shown_fields(key: &ApiKey) -> Map<String, Value> {
    let description = match (key.description(), key.is_brief()) {
        (None, false) => Some(""),
        (description, _) => description,
    };
    let fields = json!({
        "keyName": key.name(),
        "description": description,
        "roleID": key.role_id(),
        "locale": key.locale(),
        "timeZone": key.time_zone(),
        "expiryDate": key.expiry_date(),
        "active": key.active(),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Compared {
    /// Returns the name that messages use for the field.
    pub(crate) fn label(&self) -> &'static str {
        match self.field {
            "keyName" => "name",
            "roleID" => "role ID",
            "timeZone" => "time zone",
            "expiryDate" => "expiry",
            "active" => "lock",
            other => other,
        }
    }

    /// Describes the difference, such as "the role ID 2 instead of 3".
    pub(crate) fn difference(&self) -> String {
        let (label, asked) = (self.label(), self.shown(&self.asked));
        match self.is {
            Value::Null if self.field != "expiryDate" => format!("no {label} instead of {asked}"),
            _ => format!("the {label} {} instead of {asked}", self.shown(&self.is)),
        }
    }

    fn shown(&self, value: &Value) -> String {
        match (self.field, value) {
            ("expiryDate", value) => value
                .as_i64()
                .map_or_else(|| "never".to_owned(), format_time),
            ("active", Value::Bool(active)) => if *active { "off" } else { "on" }.to_owned(),
            (_, Value::String(text)) => format!("`{text}`"),
            (_, other) => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &Value) -> ApiKey {
        let mut object = json!({"ID": 7});
        for (name, value) in fields.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
        serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn expiring(at: i64) -> KeyChange {
        KeyChange {
            expiry_date: Some(at),
            ..KeyChange::default()
        }
    }

    fn results(change: &KeyChange, key: &ApiKey) -> Vec<(&'static str, Match)> {
        let compared = compare(change, key).into_iter();
        compared.map(|one| (one.field, one.result)).collect()
    }

    #[test]
    fn a_field_with_the_requested_value_is_not_a_difference() {
        let change = KeyChange {
            key_name: Some("ci".to_owned()),
            description: Some(String::new()),
            role_id: Some(2),
            active: Some(false),
            ..expiring(5_000)
        };
        let after = key(
            &json!({"keyName": "ci", "roleID": 2, "active": false, "expiryDate": 5_999, "locale": "en-US"}),
        );
        let found = results(&change, &after);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|(_, result)| *result == Match::AsAsked));
        assert_eq!(without_equal(change, &after), expiring(5_000));
    }

    #[test]
    fn a_different_value_is_a_difference_and_a_missing_field_is_not() {
        let change = KeyChange {
            role_id: Some(2),
            description: Some("for CI".to_owned()),
            ..expiring(NO_EXPIRY)
        };
        let full = key(&json!({"active": true, "roleID": 2, "expiryDate": 0}));
        let found = compare(&change, &full);
        assert_eq!(
            found[0].difference(),
            "the description `` instead of `for CI`"
        );
        assert_eq!(found[1].result, Match::AsAsked);
        assert_eq!(found[2].result, Match::NotShown, "0 may be never or 1970");
        let brief = results(&change, &key(&json!({"keyName": "ci"})));
        assert_eq!(
            brief,
            [
                ("description", Match::NotShown),
                ("roleID", Match::NotShown),
                ("expiryDate", Match::NotShown)
            ]
        );
        let expires = key(&json!({"active": true, "expiryDate": 86_400_000}));
        let found = compare(&expiring(NO_EXPIRY), &expires);
        assert_eq!(
            found[0].difference(),
            "the expiry 1970-01-02 00:00 UTC instead of never"
        );
    }

    #[test]
    fn only_different_fields_are_sent() {
        let change = KeyChange {
            key_name: Some("ci".to_owned()),
            locale: Some("ja-JP".to_owned()),
            ..expiring(NO_EXPIRY)
        };
        let full = key(&json!({"keyName": "ci", "active": true, "locale": "en-US"}));
        let locale = KeyChange {
            locale: Some("ja-JP".to_owned()),
            ..KeyChange::default()
        };
        assert_eq!(without_equal(change.clone(), &full), locale);
        let brief = key(&json!({"keyName": "ci"}));
        let unknown = KeyChange {
            key_name: None,
            ..change.clone()
        };
        assert_eq!(without_equal(change, &brief), unknown);
    }
}
