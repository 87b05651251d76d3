//! The notes about the key that a run has created, changed or given a new secret.
//!
//! The notes are printed at the end of the run, after the secret was delivered and the journal record of the run was deleted. A stderr that
//! is closed or blocked can therefore not disturb the delivery.

use std::io::{IsTerminal as _, stdout};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::delivery::Destination;
use crate::expiry::{format_date, format_time, time_left};
use crate::manager::ApiKey;
use crate::mint::Delivered;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What a run did to a key.
enum KeyAction {
    /// Created the key.
    Created,
    /// Created a new secret for the key.
    Rekeyed,
    /// Changed the fields of the key.
    Changed,
}

/// The expiry of a key, or `Unknown` if the manager does not report it.
#[derive(Clone, Copy)]
enum KnownExpiry {
    Unknown,
    Never,
    At(i64),
}

/// The report about one key.
pub(crate) struct KeyReport {
    action: KeyAction,
    id: i64,
    name: Option<String>,
    role_id: Option<i64>,
    role: Option<String>,
    expiry: KnownExpiry,
    /// The manager's time when the report was made.
    now: DateTime<Utc>,
    destinations: Vec<Destination>,
    warns_of_short_life: bool,
    suggests_expiry: bool,
    names_stdout: bool,
}

impl KeyReport {
    /// Returns the report about a key whose new secret was delivered. `now` is the manager's time.
    pub(crate) fn delivered(
        delivered: &Delivered,
        destinations: Vec<Destination>,
        now: DateTime<Utc>,
    ) -> Self {
        let fields = &delivered.fields;
        let is_brief = !fields.contains_key("active") && !fields.contains_key("created");
        let expiry = match delivered.expiry_date {
            Some(at) => KnownExpiry::At(at),
            None if is_brief => KnownExpiry::Unknown,
            None => KnownExpiry::Never,
        };
        Self {
            expiry,
            destinations,
            ..Self::new(KeyAction::Rekeyed, delivered.id, fields, now)
        }
    }

    /// Returns the report about a changed key. `now` is the manager's time.
    pub(crate) fn changed(key: &ApiKey, now: DateTime<Utc>) -> Self {
        let expiry = match key.expiry_date() {
            Some(at) => KnownExpiry::At(at),
            None if key.is_brief() => KnownExpiry::Unknown,
            None => KnownExpiry::Never,
        };
        Self {
            expiry,
            ..Self::new(KeyAction::Changed, key.id, &key.fields(), now)
        }
    }

    fn new(action: KeyAction, id: i64, fields: &Map<String, Value>, now: DateTime<Utc>) -> Self {
        let name = fields.get("keyName").and_then(Value::as_str);
        Self {
            action,
            id,
            name: name.map(str::to_owned),
            role_id: fields.get("roleID").and_then(Value::as_i64),
            role: None,
            expiry: KnownExpiry::Unknown,
            now,
            destinations: Vec::new(),
            warns_of_short_life: false,
            suggests_expiry: false,
            names_stdout: false,
        }
    }

    /// Returns the key's ID.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Sets the key's name if the manager did not return one. `name` comes from the journal record of the run.
    pub(crate) fn recorded_name(mut self, name: &str) -> Self {
        self.name.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Marks the key as created by this run. `name` and `role_id` are the requested values. They are used if the manager did not return
    /// them.
    pub(crate) fn created(mut self, name: &str, role_id: i64) -> Self {
        self.action = KeyAction::Created;
        self.role_id.get_or_insert(role_id);
        self.recorded_name(name)
    }

    /// Sets the name of the role, if it is known.
    pub(crate) fn role(self, role: Option<String>) -> Self {
        Self { role, ..self }
    }

    /// Adds a warning if the key expires in less than an hour and `expires`, the value of `--expires`, ends with the unit `m`. The user may have meant
    /// months.
    pub(crate) fn warn_of_short_life(self, expires: Option<&str>) -> Self {
        Self {
            warns_of_short_life: expires.is_some_and(|text| text.trim_end().ends_with('m')),
            ..self
        }
    }

    /// Adds a note if the key never expires.
    pub(crate) fn suggest_expiry(self, suggest: bool) -> Self {
        Self {
            suggests_expiry: suggest,
            ..self
        }
    }

    /// Adds a note if the secret was printed to stdout. `recover` prints this note, because the interrupted run may have had a different destination.
    pub(crate) fn name_stdout(self) -> Self {
        Self {
            names_stdout: true,
            ..self
        }
    }

    /// Prints the report as notes.
    pub(crate) fn print(&self, context: &Context) {
        let output = &context.output;
        output.note(&self.summary());
        if let Some(note) = self.places() {
            output.note(&note);
        }
        let is_shown = |place: &Destination| matches!(place, Destination::Stdout);
        if self.destinations.iter().any(is_shown) && stdout().is_terminal() {
            output.note("the secret is shown only once; store it now");
        }
        match self.expiry {
            KnownExpiry::At(at) if self.warns_of_short_life && self.left(at) < HOUR => {
                output.warn(&format!(
                    "the key expires {}; in `--expires`, `m` means minutes and `mo` means months",
                    time_left(self.left(at))
                ));
            }
            KnownExpiry::Never if self.suggests_expiry => output.note(&format!(
                "the key does not expire; run `swp-keys update-key {} --expires 90d` to set an expiry",
                self.id
            )),
            _ => {}
        }
    }

    fn left(&self, at: i64) -> i64 {
        at.saturating_sub(self.now.timestamp_millis())
    }

    fn summary(&self) -> String {
        let key = match &self.name {
            Some(name) => format!("`{name}` (ID {})", self.id),
            None => format!("with ID {}", self.id),
        };
        let mut text = match self.action {
            KeyAction::Created => format!("created key {key}"),
            KeyAction::Rekeyed => format!("created a new secret for key {key}"),
            KeyAction::Changed => format!("changed key {key}"),
        };
        match (&self.role, self.role_id) {
            (Some(role), _) => text.push_str(&format!(", role {role}")),
            (None, Some(id)) => text.push_str(&format!(", role ID {id}")),
            (None, None) => {}
        }
        match self.expiry {
            KnownExpiry::Unknown => {}
            KnownExpiry::Never => text.push_str(", never expires"),
            KnownExpiry::At(at) if self.left(at) <= 0 => {
                text.push_str(&format!(", expired at {}", format_time(at)));
            }
            KnownExpiry::At(at) => {
                let left = self.left(at);
                let time = match left < 2 * DAY {
                    true => format_time(at),
                    false => format_date(at),
                };
                text.push_str(&format!(", expires {time} ({})", time_left(left)));
            }
        }
        text
    }

    /// Returns the part of a message that says where the secret was written. Returns `None` if stdout is the only destination and does not need to be
    /// named.
    fn places(&self) -> Option<String> {
        let all = self.destinations.as_slice();
        let is_plain = matches!(all, [Destination::Stdout]) && !self.names_stdout;
        if all.is_empty() || is_plain {
            return None;
        }
        let list = |are_commands: bool| {
            let is_listed =
                |place: &&Destination| matches!(place, Destination::Command(_)) == are_commands;
            let places = all.iter().filter(is_listed).map(Destination::describe);
            places.collect::<Vec<_>>().join(" and ")
        };
        let (places, commands) = (list(false), list(true));
        Some(match (places.as_str(), commands.as_str()) {
            ("", commands) => format!("secret passed to {commands}"),
            (places, "") => format!("secret written to {places}"),
            (places, commands) => format!("secret written to {places}, and passed to {commands}"),
        })
    }
}
