//! Compares a key with the declared fields.
//!
//! A field that the manager does not report is not compared.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::model::{FieldChange, PlannedRole};
use crate::expiry::{Expiry, format_date, format_time};
use crate::fleet::manifest::DeclaredKey;
use crate::manager::ApiKey;
use crate::mint::without_marks;
use crate::text::shorten;

/// The difference below which two expiries are equal, in milliseconds. The manager may round times, and a key is created some time after its
/// expiry was calculated.
const SAME_EXPIRY: u64 = 60_000;
/// The maximum length of a text in the plan.
const SHOWN: usize = 40;

/// The differences between a key and its declaration.
pub(super) struct KeyDifferences {
    pub(super) changes: Vec<FieldChange>,
    /// The declared fields that the manager does not report.
    pub(super) hidden: Vec<&'static str>,
}

/// Compares a key with its declaration.
pub(super) fn compare(
    declared: &DeclaredKey,
    key: &ApiKey,
    role: &PlannedRole,
    label: impl Fn(i64) -> Option<String>,
) -> KeyDifferences {
    let mut found = KeyDifferences {
        changes: Vec::new(),
        hidden: Vec::new(),
    };
    found.text("keyName", key.name(), Some(&declared.name));
    match key.role_id() {
        Some(id) if id == role.id => {}
        Some(id) => {
            let shown = match label(id) {
                Some(from) => [from, role.label.clone()],
                // Both sides show the ID if a name is not known.
                None => [format!("ID {id}"), role_with_id(role)],
            };
            found.add("roleID", id.into(), role.id.into(), shown);
        }
        None => found.hidden.push("roleID"),
    }
    found.description(declared, key);
    found.text("locale", key.locale(), declared.locale.as_deref());
    found.text("timeZone", key.time_zone(), declared.time_zone.as_deref());
    found.expiry(declared, key);
    if let Some(locked) = declared.locked {
        match key.active() {
            Some(active) if active != locked => {}
            Some(active) => {
                let shown = [active, !locked].map(|active| match active {
                    true => "unlocked".to_owned(),
                    false => "locked".to_owned(),
                });
                found.add("active", active.into(), (!locked).into(), shown);
            }
            None => found.hidden.push("active"),
        }
    }
    found
}

/// Returns a role with its ID, and with its name if it is known.
fn role_with_id(role: &PlannedRole) -> String {
    match role.label.starts_with("role ID ") {
        true => format!("ID {}", role.id),
        false => format!("ID {} ({})", role.id, role.label),
    }
}

impl KeyDifferences {
    fn add(&mut self, field: &'static str, from: Value, to: Value, shown: [String; 2]) {
        self.changes.push(FieldChange {
            field,
            from,
            to,
            shown,
        });
    }

    fn text(&mut self, field: &'static str, is: Option<&str>, declared: Option<&str>) {
        match (is, declared) {
            (_, None) => {}
            (Some(is), Some(declared)) if is == declared => {}
            (Some(is), Some(declared)) => {
                let shown = [is, declared].map(|text| shorten(text, SHOWN).into_owned());
                self.add(field, is.into(), declared.into(), shown);
            }
            (None, Some(_)) => self.hidden.push(field),
        }
    }

    /// Compares the descriptions without markers, line ends and outer spaces.
    fn description(&mut self, declared: &DeclaredKey, key: &ApiKey) {
        let Some(declared) = &declared.description else {
            return;
        };
        if key.description().is_none() && key.is_brief() {
            self.hidden.push("description");
            return;
        }
        let plain = |text: &str| without_marks(&text.replace("\r\n", "\n")).trim().to_owned();
        let texts = [
            plain(key.description().unwrap_or_default()),
            plain(declared),
        ];
        let [is, declared] = &texts;
        if is != declared {
            let shown = [is, declared].map(|text| match text.is_empty() {
                true => "none".to_owned(),
                false => format!("`{}`", shorten(text, SHOWN)),
            });
            self.add("description", json!(is), json!(declared), shown);
        }
    }

    fn expiry(&mut self, declared: &DeclaredKey, key: &ApiKey) {
        match compare_expiry(declared.expires, key) {
            ExpiryMatch::Same => {}
            ExpiryMatch::NotShown(field) => self.hidden.push(field),
            ExpiryMatch::Different(expected) => {
                let is = key.expiry_date();
                let words = |format: fn(i64) -> String| {
                    [is, expected].map(|time| time.map_or("never".to_owned(), format))
                };
                let mut shown = words(format_date);
                if shown[0] == shown[1] {
                    shown = words(format_time);
                }
                self.add("expiryDate", json!(is), json!(expected), shown);
            }
        }
    }
}

/// The result of comparing the expiry of a key with the declared expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpiryMatch {
    Same,
    /// The manager does not report this field.
    NotShown(&'static str),
    /// The declared expiry, or `None` for never.
    Different(Option<i64>),
}

/// Compares the expiry of a key with a declared expiry. A duration counts from the creation of the key, so each run gets the same result.
pub(crate) fn compare_expiry(declared: Expiry, key: &ApiKey) -> ExpiryMatch {
    let is = key.expiry_date();
    if is.is_none() && key.is_brief() {
        return ExpiryMatch::NotShown("expiryDate");
    }
    // An expiry of 0 probably means never.
    if key.expires_at_zero() && declared != Expiry::Never {
        return ExpiryMatch::NotShown("expiryDate");
    }
    let Some(expected) = expected_expiry(declared, key) else {
        return ExpiryMatch::NotShown("created");
    };
    let same = match (is, expected) {
        (Some(is), Some(expected)) => is.abs_diff(expected) <= SAME_EXPIRY,
        (is, expected) => is == expected,
    };
    match same {
        true => ExpiryMatch::Same,
        false => ExpiryMatch::Different(expected),
    }
}

/// Returns the declared expiry of an existing key: `Some(None)` is never. Returns `None` if the expiry counts from the creation of the key,
/// and the manager does not report that time.
pub(super) fn expected_expiry(declared: Expiry, key: &ApiKey) -> Option<Option<i64>> {
    match declared.is_relative() {
        true => {
            let created = DateTime::from_timestamp_millis(key.created()?)?;
            Some(declared.milliseconds(created))
        }
        false => Some(declared.milliseconds(DateTime::<Utc>::UNIX_EPOCH)),
    }
}
