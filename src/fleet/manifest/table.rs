//! The fields of one table: `[defaults]` or the table of a key.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::model::{Adopt, OnMissing, TargetName};
use super::problems::Problems;
use super::values;
use super::values::ReadValue;
use crate::expiry::Expiry;

/// The fields that only the table of a key has.
pub(super) const OWN_FIELDS: [&str; 2] = ["name", "was"];

/// The fields that a key and `[defaults]` have.
pub(super) const SHARED_FIELDS: [&str; 20] = [
    "on",
    "role",
    "role-id",
    "allow-full-access",
    "description",
    "locale",
    "time-zone",
    "expires",
    "rotate",
    "overlap",
    "locked",
    "out-file",
    "dotenv",
    "deliver-cmd",
    "env-name",
    "deliver-timeout",
    "read-cmd",
    "check-cmd",
    "on-missing",
    "adopt",
];

/// A field that the table contains. The value is `None` if it is invalid, which was reported.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: Option<T>,
    /// The position of the value in the file, in bytes.
    pub(super) offset: usize,
}

/// The fields of a table.
#[derive(Debug, Default)]
pub(super) struct KeyFields {
    pub(super) name: Option<Given<String>>,
    pub(super) was: Option<Given<String>>,
    pub(super) on: Option<Given<Vec<TargetName>>>,
    pub(super) role: Option<Given<String>>,
    pub(super) role_id: Option<Given<i64>>,
    pub(super) allow_full_access: Option<Given<bool>>,
    pub(super) description: Option<Given<String>>,
    pub(super) locale: Option<Given<String>>,
    pub(super) time_zone: Option<Given<String>>,
    pub(super) expires: Option<Given<String>>,
    pub(super) rotate: Option<Given<Option<(Expiry, String)>>>,
    pub(super) overlap: Option<Given<Duration>>,
    pub(super) locked: Option<Given<bool>>,
    pub(super) out_file: Option<Given<Vec<String>>>,
    pub(super) dotenv: Option<Given<Vec<String>>>,
    pub(super) deliver_cmd: Option<Given<Vec<String>>>,
    pub(super) env_name: Option<Given<String>>,
    pub(super) deliver_timeout: Option<Given<Duration>>,
    pub(super) read_cmd: Option<Given<String>>,
    pub(super) check_cmd: Option<Given<String>>,
    pub(super) on_missing: Option<Given<OnMissing>>,
    pub(super) adopt: Option<Given<Adopt>>,
}

/// The table of a key, before the defaults are added.
pub(super) struct DeclaredTable {
    pub(super) name: String,
    /// The position of the name of the table.
    pub(super) offset: usize,
    pub(super) fields: KeyFields,
}

/// Which table is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TableKind {
    Defaults,
    Key,
}

impl KeyFields {
    /// Reads a table, and reports all its problems.
    pub(super) fn read(table: &DeTable<'_>, kind: TableKind, problems: &mut Problems<'_>) -> Self {
        let mut fields = Self::default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let known = match kind {
                TableKind::Key => fields.set(name, value, problems),
                TableKind::Defaults => {
                    !OWN_FIELDS.contains(&name) && fields.set(name, value, problems)
                }
            };
            if !known {
                unknown(key, kind, problems);
            }
        }
        fields
    }

    /// Sets a field. Returns false if there is no field with this name.
    fn set(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Problems<'_>,
    ) -> bool {
        let mut source = FieldSource {
            name,
            value,
            problems,
        };
        match name {
            "name" => self.name = source.read(values::any_text),
            "was" => self.was = source.read(values::text),
            "on" => self.on = source.read(values::targets),
            "role" => self.role = source.read(values::text),
            "role-id" => self.role_id = source.read(values::id),
            "allow-full-access" => self.allow_full_access = source.read(values::switch),
            "description" => self.description = source.read(values::any_text),
            "locale" => self.locale = source.read(values::locale),
            "time-zone" => self.time_zone = source.read(values::zone),
            "expires" => self.expires = source.read(values::expires),
            "rotate" => self.rotate = source.read(values::rotation),
            "overlap" => self.overlap = source.read(values::overlap),
            "locked" => self.locked = source.read(values::switch),
            "out-file" => self.out_file = source.read(values::texts),
            "dotenv" => self.dotenv = source.read(values::texts),
            "deliver-cmd" => self.deliver_cmd = source.read(values::commands),
            "env-name" => self.env_name = source.read(values::text),
            "deliver-timeout" => self.deliver_timeout = source.read(values::deliver_timeout),
            "read-cmd" => self.read_cmd = source.read(values::command),
            "check-cmd" => self.check_cmd = source.read(values::command),
            "on-missing" => self.on_missing = source.read(values::on_missing),
            "adopt" => self.adopt = source.read(values::adopt),
            _ => return false,
        }
        true
    }

    /// Returns true if the table sets the role. The two fields of the role are inherited together.
    pub(super) fn sets_role(&self) -> bool {
        self.role.is_some() || self.role_id.is_some()
    }

    /// Returns true if the table sets the rotation. Its two fields are inherited together.
    pub(super) fn sets_rotation(&self) -> bool {
        self.rotate.is_some() || self.overlap.is_some()
    }

    /// Returns true if the table names a destination, or says how one is used. All of these fields are inherited together.
    pub(super) fn sets_places(&self) -> bool {
        let lists = [&self.out_file, &self.dotenv, &self.deliver_cmd];
        let texts = [&self.env_name, &self.read_cmd, &self.check_cmd];
        lists.iter().any(|list| list.is_some())
            || texts.iter().any(|text| text.is_some())
            || self.deliver_timeout.is_some()
    }
}

/// A field in the file.
struct FieldSource<'a, 'p, 't> {
    name: &'a str,
    value: &'a Spanned<DeValue<'a>>,
    problems: &'p mut Problems<'t>,
}

impl FieldSource<'_, '_, '_> {
    fn read<T>(&mut self, read: fn(&DeValue<'_>) -> ReadValue<T>) -> Option<Given<T>> {
        let offset = self.value.span().start;
        let value = match read(self.value.get_ref()) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problems.invalid(offset, self.name, &reason);
                None
            }
        };
        Some(Given { value, offset })
    }
}

fn unknown(key: &Spanned<DeString<'_>>, kind: TableKind, problems: &mut Problems<'_>) {
    let name = key.get_ref().as_ref();
    if ["github-output", "github-env"].contains(&name) {
        problems.add(
            key.span().start,
            format!("`{name}` is not allowed in a manifest, because it lasts for one job only"),
            "use `swp-keys create` or `swp-keys exec` in the job",
        );
        return;
    }
    match kind {
        TableKind::Key => {
            let fields = [&OWN_FIELDS[..], &SHARED_FIELDS].concat();
            problems.unknown(key, &fields, "in a key");
        }
        TableKind::Defaults if OWN_FIELDS.contains(&name) => problems.add(
            key.span().start,
            format!("`{name}` is not allowed in `[defaults]`"),
            "set it in the table of one key",
        ),
        TableKind::Defaults => problems.unknown(key, &SHARED_FIELDS, "in `[defaults]`"),
    }
}
