//! Parses the text of a manifest, and collects its problems.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::expansion::Expansion;
use super::model::{KnownProfiles, Manifest};
use super::problems::Problems;
use super::table::{DeclaredTable, KeyFields, TableKind};
use super::values;
use crate::config::file::Diagnostic;

const TOP_FIELDS: [&str; 4] = ["fleet", "defaults", "keys", "bridge"];
const BRIDGE_FIELDS: [&str; 3] = ["role-id", "allow-full-access", "life"];

/// Parses a manifest. `folder` is the folder for relative paths. If `profiles` is `None`, the profiles in `on` are not checked.
///
/// # Errors
/// Returns all problems, in the order of the file.
pub(super) fn parse(
    bytes: &[u8],
    folder: &Path,
    profiles: Option<&KnownProfiles>,
) -> Result<Manifest, Vec<Diagnostic>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let mut problems = Problems::new(&good);
            problems.add(
                good.len(),
                "the file is not UTF-8",
                "save the file as UTF-8",
            );
            return Err(problems.sorted());
        }
    };
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut problems = Problems::new(text);
    let manifest = read_document(table.get_ref(), folder, profiles, &mut problems);
    problems.add_broken(&broken);
    match problems.sorted() {
        found if found.is_empty() => Ok(manifest),
        found => Err(found),
    }
}

fn read_document(
    table: &DeTable<'_>,
    folder: &Path,
    profiles: Option<&KnownProfiles>,
    problems: &mut Problems<'_>,
) -> Manifest {
    let (mut fleet, mut keys) = (None, Vec::new());
    let mut defaults = KeyFields::default();
    for (key, value) in table {
        let offset = value.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("fleet", value) => match values::fleet(value) {
                Ok(name) => fleet = Some(name),
                Err(reason) => problems.invalid(offset, "fleet", &reason),
            },
            ("defaults", DeValue::Table(table)) => {
                defaults = KeyFields::read(table, TableKind::Defaults, problems);
            }
            ("bridge", DeValue::Table(table)) => {
                check_bridge(table, key.span().start, problems);
            }
            ("keys", DeValue::Table(table)) => keys = read_keys(table, problems),
            ("defaults" | "bridge" | "keys", _) => {
                problems.invalid(offset, key.get_ref(), "expected a table");
            }
            _ => problems.unknown(key, &TOP_FIELDS, "at the top of the file"),
        }
    }
    if !table.contains_key("fleet") {
        let hint =
            "add `fleet = \"NAME\"` above the first table; the name marks the keys of this file";
        problems.add(0, "`fleet` is missing", hint);
    }
    let expansion = Expansion {
        defaults: &defaults,
        folder,
        profiles,
        has_bridge: table.contains_key("bridge"),
    };
    Manifest {
        fleet: fleet.unwrap_or_default(),
        keys: expansion.declared(&keys, problems),
    }
}

fn read_keys(table: &DeTable<'_>, problems: &mut Problems<'_>) -> Vec<DeclaredTable> {
    let mut keys = Vec::with_capacity(table.len());
    for (key, value) in table {
        let DeValue::Table(table) = value.get_ref() else {
            let hint = "write it as `[keys.NAME]` or as `NAME = { ... }` under `[keys]`";
            problems.add(value.span().start, "a key must be a table", hint);
            continue;
        };
        keys.push(DeclaredTable {
            name: key.get_ref().to_string(),
            offset: key.span().start,
            fields: KeyFields::read(table, TableKind::Key, problems),
        });
    }
    // The parser sorts tables by their names.
    keys.sort_by_cached_key(|key| key.offset);
    keys
}

/// Checks `[bridge]`, which says with which key the keys of a tenant are managed.
fn check_bridge(table: &DeTable<'_>, offset: usize, problems: &mut Problems<'_>) {
    let mut full_access = false;
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let result = match name {
            "role-id" => values::id(value.get_ref()).map(drop),
            "allow-full-access" => {
                values::switch(value.get_ref()).map(|allowed| full_access = allowed)
            }
            "life" => values::bridge_life(value.get_ref()),
            _ => {
                problems.unknown(key, &BRIDGE_FIELDS, "in `[bridge]`");
                continue;
            }
        };
        if let Err(reason) = result {
            problems.invalid(value.span().start, name, &reason);
        }
    }
    if !full_access && !table.contains_key("role-id") {
        problems.add(
            offset,
            "`[bridge]` sets neither `role-id` nor `allow-full-access = true`",
            "set the role of the key that manages the keys of a tenant for a few minutes",
        );
    }
}
