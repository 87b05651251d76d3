//! A manifest and the keys on a manager, for the tests of a plan.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::fleet::manifest;
use crate::fleet::manifest::{DeclaredKey, Manifest};
use crate::fleet::plan::making::make;
use crate::fleet::plan::model::{PlannedAction, PlannedKey, PlannedRole};
use crate::fleet::plan::number::{ManagerPlan, number};
use crate::fleet::plan::situation::{Prune, RoleKey, RoleUse, RunState, Situation};
use crate::fleet::presence::{Presence, SecretState};
use crate::manager::ApiKey;

pub(super) const NOW: i64 = 1_795_000_000_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const DAY: i64 = 24 * 60 * MINUTE;

/// A manifest, the keys on the manager, and what else is known.
pub(super) struct Case {
    pub(super) manifest: Manifest,
    pub(super) keys: Vec<ApiKey>,
    pub(super) runs: HashMap<String, RunState>,
    pub(super) secrets: HashMap<String, Vec<SecretState>>,
    pub(super) roles: HashMap<RoleUse, Result<PlannedRole, String>>,
    pub(super) prune: Prune,
    pub(super) reports_last_use: bool,
    pub(super) signer: Option<i64>,
}

/// The result for one key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) id: Option<i64>,
    pub(super) action: PlannedAction,
    pub(super) text: String,
    pub(super) fields: Vec<&'static str>,
}

impl Case {
    /// A fleet with the key `ci`, and these lines in its table.
    pub(super) fn new(lines: &str, keys: &[Value]) -> Self {
        let has = |field: &str| lines.lines().any(|line| line.starts_with(field));
        let mut text = format!("fleet = \"ops\"\n[keys.ci]\nout-file = \"x\"\n{lines}\n");
        if !has("role") {
            text.push_str("role = \"Auditor\"\n");
        }
        if !has("expires") {
            text.push_str("expires = \"90d\"\n");
        }
        Self::of(&text, keys)
    }

    pub(super) fn of(text: &str, keys: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join("keys.toml");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        let read = manifest::read(&path, None, true).unwrap_or_else(|error| panic!("{error}"));
        let manifest = read.content.unwrap_or_else(|problems| {
            let problems = problems.iter().map(|problem| problem.what.clone());
            panic!("{:?}", problems.collect::<Vec<_>>())
        });
        let keys = keys.iter().map(|key| {
            serde_json::from_str(&key.to_string()).unwrap_or_else(|error| panic!("{error}"))
        });
        let roles = [("Auditor", 2), ("Reader", 7)]
            .into_iter()
            .map(|(name, id)| {
                let label = name.to_owned();
                (
                    (RoleKey::Name(name.to_owned()), false),
                    Ok(PlannedRole { id, label }),
                )
            });
        Self {
            manifest,
            keys: keys.collect(),
            runs: HashMap::new(),
            secrets: HashMap::new(),
            roles: roles.collect(),
            prune: Prune::default(),
            reports_last_use: true,
            signer: None,
        }
    }

    pub(super) fn with_secret(mut self, presence: Presence) -> Self {
        let state = SecretState::new("x".to_owned(), presence, false);
        self.secrets.insert("ci".to_owned(), vec![state]);
        self
    }

    pub(super) fn run<T>(&self, of: impl Fn(&[PlannedKey<'_>], &str, &[String]) -> T) -> T {
        let declared: Vec<&DeclaredKey> = self.manifest.keys.iter().collect();
        let plan = make(&Situation {
            fleet: "ops",
            declared: &declared,
            listed: &self.keys,
            roles: &self.roles,
            runs: &self.runs,
            secrets: &self.secrets,
            reports_last_use: self.reports_last_use,
            signer: self.signer,
            now: DateTime::from_timestamp_millis(NOW).unwrap_or_default(),
            prune: self.prune,
        });
        let manager = ManagerPlan {
            manager: "https://m",
            tenant: None,
            plan: &plan,
        };
        let number = number("ops", &[manager]);
        of(&plan.keys, &number, &plan.notes)
    }

    pub(super) fn planned(&self) -> Vec<Planned> {
        self.run(|keys, _, _| keys.iter().map(planned).collect())
    }

    pub(super) fn only(&self) -> Planned {
        let mut planned = self.planned();
        assert_eq!(planned.len(), 1, "{planned:?}");
        planned.remove(0)
    }

    #[track_caller]
    pub(super) fn is(&self, action: PlannedAction, parts: &[&str]) -> Planned {
        let only = self.only();
        assert_eq!(only.action, action, "{only:?}");
        for part in parts {
            assert!(only.text.contains(part), "{part}: {only:?}");
        }
        only
    }

    pub(super) fn number(&self) -> String {
        self.run(|_, number, _| number.to_owned())
    }
}

fn planned(key: &PlannedKey<'_>) -> Planned {
    let texts = std::iter::once(&key.reason)
        .chain(&key.problems)
        .chain(&key.notes);
    Planned {
        name: key.name().to_owned(),
        id: key.key.map(|key| key.id),
        action: key.action,
        text: texts.map(String::as_str).collect::<Vec<_>>().join("\n"),
        fields: key.changes.iter().map(|change| change.field).collect(),
    }
}

/// A key of the fleet that was created this long ago and is as declared.
pub(super) fn ours(id: i64, name: &str, age: i64) -> Value {
    let created = NOW - age;
    json!({
        "ID": id, "keyName": name, "roleID": 2, "active": true, "created": created, "expiryDate": created + 90 * DAY,
        "description": format!("[swp-keys {id:08x} ops]"),
    })
}

pub(super) fn with(mut key: Value, field: &str, value: impl Into<Value>) -> Value {
    key[field] = value.into();
    key
}

pub(super) fn marked(key: Value, marker: &str) -> Value {
    with(key, "description", marker)
}
