//! The table of keys: its columns, its rows and their order.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::roles::RoleNames;
use super::state::State;
use super::times::{SOON, exact, relative};
use crate::manager::ApiKey;
use crate::mint::is_retiring;
use crate::terminal::output::{Cell, Column, Table, Tint};

/// A column of the table of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyColumn {
    /// The key's ID.
    Id,
    /// The key's name.
    Name,
    /// The name of the key's role, or its ID if the name is unknown.
    Role,
    /// Whether the key can be used: active, retiring (replaced by a rotation), locked, expired or unknown.
    State,
    /// When the key expires.
    Expires,
    /// When the key was created.
    Created,
    /// When the key was last used.
    LastSignIn,
    /// The key's description. It is shown only if it is selected.
    Description,
}

/// The columns that are shown by default.
pub(crate) const DEFAULT_COLUMNS: [KeyColumn; 7] = [
    KeyColumn::Id,
    KeyColumn::Name,
    KeyColumn::Role,
    KeyColumn::State,
    KeyColumn::Expires,
    KeyColumn::Created,
    KeyColumn::LastSignIn,
];

/// Creates tables of keys and sorts keys. Keys are sorted by the values that the table shows.
pub(crate) struct KeyTable<'a> {
    /// The names of the roles.
    pub(crate) roles: &'a RoleNames,
    /// The manager's time.
    pub(crate) now: DateTime<Utc>,
}

impl KeyTable<'_> {
    /// Returns the table with the default columns. Some columns are omitted on a narrow terminal.
    pub(crate) fn with_default_columns(&self, keys: &[ApiKey]) -> Table {
        let mut table = Table::new(DEFAULT_COLUMNS.map(|column| match column {
            KeyColumn::LastSignIn => column.layout().droppable(1),
            KeyColumn::Created => column.layout().droppable(2),
            KeyColumn::Role => column.layout().droppable(3),
            _ => column.layout(),
        }));
        self.fill(&mut table, &DEFAULT_COLUMNS, keys);
        table
    }

    /// Returns the table with exactly these columns.
    pub(crate) fn with_columns(&self, columns: &[KeyColumn], keys: &[ApiKey]) -> Table {
        let mut table = Table::new(columns.iter().map(|column| column.layout()));
        self.fill(&mut table, columns, keys);
        table
    }

    /// Sorts keys by a column. In a column of times, keys without a time come last. Keys with the same value keep their order.
    pub(crate) fn sort(&self, keys: &mut [ApiKey], column: KeyColumn, reverse: bool) {
        let time: Option<fn(&ApiKey) -> Option<i64>> = match column {
            KeyColumn::Expires => Some(ApiKey::expiry_date),
            KeyColumn::Created => Some(ApiKey::created),
            KeyColumn::LastSignIn => Some(ApiKey::last_sign_in),
            _ => None,
        };
        keys.sort_by(|one, other| {
            let times = time.map(|time| (time(one), time(other)));
            match times {
                Some((Some(one), Some(other))) if reverse => other.cmp(&one),
                Some((Some(one), Some(other))) => one.cmp(&other),
                Some((one, other)) => other.is_some().cmp(&one.is_some()),
                None if reverse => self.compare(other, one, column),
                None => self.compare(one, other, column),
            }
        });
    }

    /// Returns a summary, such as `12 keys, 3 expire within 14 days`. `count` is the first part, such as `12 keys`.
    pub(crate) fn summary(&self, keys: &[ApiKey], count: &str) -> String {
        let expiring = keys.iter().filter(|key| self.expires_soon(key)).count();
        let verb = if expiring == 1 { "expires" } else { "expire" };
        let mut line = count.to_owned();
        if expiring > 0 {
            line += &format!(", {expiring} {verb} within 14 days");
        }
        line
    }

    fn fill(&self, table: &mut Table, columns: &[KeyColumn], keys: &[ApiKey]) {
        for key in keys {
            table.push(
                columns
                    .iter()
                    .map(|column| self.cell(key, *column))
                    .collect(),
            );
        }
    }

    fn cell(&self, key: &ApiKey, column: KeyColumn) -> Cell {
        let text = |text: Option<&str>| Cell::from(text.unwrap_or("-").to_owned());
        let time = |time: Option<i64>, absent: &str| match time {
            Some(time) => Cell::with_exact(relative(time, self.now), exact(time)),
            None => Cell::from(absent.to_owned()),
        };
        match column {
            KeyColumn::Id => Cell::from(key.id.to_string()),
            KeyColumn::Name => text(key.name()),
            KeyColumn::Role => Cell::from(self.role(key)),
            KeyColumn::State => Cell::from(self.state(key).to_owned()).tinted(self.tint(key)),
            KeyColumn::Expires => time(key.expiry_date(), "never").tinted(self.tint(key)),
            KeyColumn::Created => time(key.created(), "-"),
            KeyColumn::LastSignIn => time(key.last_sign_in(), "never"),
            KeyColumn::Description => text(key.description()),
        }
    }

    /// Returns the key's state, or `retiring` if a rotation has replaced the key and the key still works.
    fn state(&self, key: &ApiKey) -> &'static str {
        match State::of(key, self.now).word() {
            "active" if is_retiring(key) => "retiring",
            word => word,
        }
    }

    fn role(&self, key: &ApiKey) -> String {
        match (self.roles.get(key.role_id()), key.role_id()) {
            (Some(name), _) => name.to_owned(),
            (None, Some(id)) => format!("ID {id}"),
            (None, None) => "-".to_owned(),
        }
    }

    fn tint(&self, key: &ApiKey) -> Option<Tint> {
        match State::of(key, self.now) {
            State::Locked(_) | State::Expired => Some(Tint::Red),
            State::Expires(_) if self.expires_soon(key) => Some(Tint::Yellow),
            _ => None,
        }
    }

    fn expires_soon(&self, key: &ApiKey) -> bool {
        let now = self.now.timestamp_millis();
        (key.expiry_date()).is_some_and(|expiry| expiry > now && expiry - now <= SOON)
    }

    /// Compares two keys by a column that does not contain a time. Upper and lower case are distinguished only if the two texts are
    /// otherwise equal.
    fn compare(&self, one: &ApiKey, other: &ApiKey, column: KeyColumn) -> Ordering {
        let text = |key: &ApiKey| match column {
            KeyColumn::Role => self.role(key),
            KeyColumn::State => self.state(key).to_owned(),
            KeyColumn::Description => key.description().unwrap_or_default().to_owned(),
            _ => key.name().unwrap_or_default().to_owned(),
        };
        if column == KeyColumn::Id {
            return one.id.cmp(&other.id);
        }
        let (one, other) = (text(one), text(other));
        (one.to_lowercase(), one).cmp(&(other.to_lowercase(), other))
    }
}

impl KeyColumn {
    fn layout(self) -> Column {
        match self {
            Self::Id => Column::whole("ID"),
            Self::Name => Column::cut("NAME", 18).keeping_end(),
            Self::Role => Column::cut("ROLE", 7),
            Self::State => Column::whole("STATE"),
            Self::Expires => Column::whole("EXPIRES"),
            Self::Created => Column::whole("CREATED"),
            Self::LastSignIn => Column::whole("LAST SIGN-IN"),
            Self::Description => Column::cut("DESCRIPTION", 11),
        }
    }
}
