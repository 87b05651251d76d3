//! Adds the defaults to the tables of the keys, and makes a declared key for each manager of a key.

use std::collections::HashMap;
use std::path::Path;

use chrono::DateTime;

use super::model::{
    DeclaredKey, DeclaredPlace, DeclaredRole, KnownProfiles, RotationRule, TargetName,
};
use super::placeholders::Placeholders;
use super::places::{PlaceReader, TakenPlaces, value};
use super::problems::Problems;
use super::table::{DeclaredTable, Given, KeyFields};
use super::values;
use crate::expiry::Expiry;
use crate::keys::lookup::is_ambiguous;
use crate::mint::{original_name, without_marks};

/// The maximum number of declared keys.
const MOST_KEYS: usize = 20_000;
/// How long the old key works after a rotation, if `overlap` is not set.
const OVERLAP: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// What all keys of a manifest have in common.
pub(super) struct Expansion<'a> {
    pub(super) defaults: &'a KeyFields,
    /// The folder for relative paths.
    pub(super) folder: &'a Path,
    pub(super) profiles: Option<&'a KnownProfiles>,
    pub(super) has_bridge: bool,
}

impl Expansion<'_> {
    /// Returns the declared keys, and reports all problems that a single field does not show.
    pub(super) fn declared(
        &self,
        tables: &[DeclaredTable],
        problems: &mut Problems<'_>,
    ) -> Vec<DeclaredKey> {
        let uses_on = tables.iter().any(|table| self.on(table).is_some());
        let (mut taken, mut names) = (TakenPlaces::default(), DeclaredNames::default());
        let mut keys = Vec::new();
        for table in tables {
            let base = self.base(table, problems);
            for target in self.targets(table, uses_on, problems) {
                let key = self.on_target(table, &base, target, &mut taken, problems);
                names.add(&key, table, problems);
                keys.push(key);
            }
        }
        names.check_former(problems);
        if keys.len() > MOST_KEYS {
            let what = format!(
                "the manifest declares {} keys, and the maximum is {MOST_KEYS}",
                keys.len()
            );
            problems.add(0, what, "divide the keys into several fleets");
        }
        keys
    }

    fn on<'t>(&'t self, table: &'t DeclaredTable) -> Option<&'t Given<Vec<TargetName>>> {
        table.fields.on.as_ref().or(self.defaults.on.as_ref())
    }

    /// Returns the managers of a key. `None` is the manager that flags, variables or the default profile select.
    fn targets(
        &self,
        table: &DeclaredTable,
        uses_on: bool,
        problems: &mut Problems<'_>,
    ) -> Vec<Option<TargetName>> {
        let Some(on) = self.on(table) else {
            if uses_on {
                let hint = "set `on` for this key or in `[defaults]`";
                problems.add(
                    table.offset,
                    "`on` is missing, but other keys have it",
                    hint,
                );
            }
            return vec![None];
        };
        for target in on.value.iter().flatten() {
            self.check_target(target, on.offset, problems);
        }
        on.value.iter().flatten().cloned().map(Some).collect()
    }

    fn check_target(&self, target: &TargetName, offset: usize, problems: &mut Problems<'_>) {
        if let Some(profiles) = self.profiles
            && !profiles.names.contains(&target.profile)
        {
            let what = format!("`on` names a profile that is not in {}", profiles.file);
            let hint = match profiles.names.is_empty() {
                true => "add the profile as a `[profiles.NAME]` table".to_owned(),
                false => format!("use one of: {}", profiles.names.join(", ")),
            };
            problems.add(offset, what, hint);
        }
        if target.tenant.is_some() && !self.has_bridge {
            problems.add(
                offset,
                "`on` names a tenant, but `[bridge]` is missing",
                "add `[bridge]` with the `role-id` of the key that manages the keys of a tenant for a few minutes",
            );
        }
    }

    /// Returns the key without the fields that depend on the manager.
    fn base(&self, table: &DeclaredTable, problems: &mut Problems<'_>) -> DeclaredKey {
        let (own, defaults) = (&table.fields, self.defaults);
        let time_zone = value(own.time_zone.as_ref().or(defaults.time_zone.as_ref()));
        let (expires, expires_text) = self.expires(table, time_zone.as_deref(), problems);
        let (rotation, overlap) = self.rotation(table, expires, problems);
        let full_access = (own.allow_full_access.as_ref()).or(defaults.allow_full_access.as_ref());
        DeclaredKey {
            line: problems.line(table.offset),
            target: None,
            name: name(table, problems),
            role: self.role(table, problems),
            allow_full_access: value(full_access).unwrap_or_default(),
            description: None,
            locale: value(own.locale.as_ref().or(defaults.locale.as_ref())),
            time_zone,
            expires,
            expires_text,
            locked: value(own.locked.as_ref().or(defaults.locked.as_ref())),
            rotation,
            overlap,
            places: Vec::new(),
            deliver_timeout: OVERLAP,
            readback: None,
            on_missing: value(own.on_missing.as_ref().or(defaults.on_missing.as_ref()))
                .unwrap_or_default(),
            adopt: value(own.adopt.as_ref().or(defaults.adopt.as_ref())).unwrap_or_default(),
            was: value(own.was.as_ref()),
            former_places: Vec::new(),
        }
    }

    /// Returns the role. If it is missing, a role that does not exist takes its place, and the manifest is rejected.
    fn role(&self, table: &DeclaredTable, problems: &mut Problems<'_>) -> DeclaredRole {
        let fields = match table.fields.sets_role() {
            true => &table.fields,
            false => self.defaults,
        };
        match (&fields.role, &fields.role_id) {
            (Some(_), Some(id)) => {
                let hint = "remove one of them";
                let what = "`role` and `role-id` cannot be in the same table";
                problems.add(id.offset, what, hint);
            }
            (None, None) => {
                let hint = "set `role` or `role-id`; `swp-keys list-roles` lists the roles";
                problems.add(table.offset, "`role` is missing", hint);
            }
            _ => {}
        }
        match value(fields.role.as_ref()) {
            Some(name) => DeclaredRole::Name(name),
            None => DeclaredRole::Id(value(fields.role_id.as_ref()).unwrap_or_default()),
        }
    }

    fn expires(
        &self,
        table: &DeclaredTable,
        zone: Option<&str>,
        problems: &mut Problems<'_>,
    ) -> (Expiry, String) {
        let given = (table.fields.expires.as_ref()).or(self.defaults.expires.as_ref());
        let Some(given) = given else {
            let hint = "set it to a duration such as \"90d\", a date, or \"never\"";
            problems.add(table.offset, "`expires` is missing", hint);
            return (Expiry::Never, String::new());
        };
        let text = given.value.clone().unwrap_or_default();
        match values::expiry(&text, zone) {
            Ok(expiry) => (expiry, text),
            // The invalid value was reported when it was read.
            Err(_) => (Expiry::Never, text),
        }
    }

    fn rotation(
        &self,
        table: &DeclaredTable,
        expires: Expiry,
        problems: &mut Problems<'_>,
    ) -> (Option<RotationRule>, std::time::Duration) {
        let fields = match table.fields.sets_rotation() {
            true => &table.fields,
            false => self.defaults,
        };
        let overlap = value(fields.overlap.as_ref()).unwrap_or(OVERLAP);
        let rotate = fields.rotate.as_ref();
        let Some((age, text)) = value(rotate).flatten() else {
            return (None, overlap);
        };
        let start = DateTime::UNIX_EPOCH;
        let length = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
        let needed = (age.milliseconds(start)).map(|age| age.saturating_add(length));
        if expires.is_relative() && needed > expires.milliseconds(start) {
            let offset = rotate.map_or(table.offset, |rotate| rotate.offset);
            problems.add(
                offset,
                "`rotate` and `overlap` together are longer than `expires`, so the key could expire before its rotation",
                "make `expires` longer, or `rotate` shorter",
            );
        }
        (Some(RotationRule { age, text }), overlap)
    }

    fn on_target(
        &self,
        table: &DeclaredTable,
        base: &DeclaredKey,
        target: Option<TargetName>,
        taken: &mut TakenPlaces,
        problems: &mut Problems<'_>,
    ) -> DeclaredKey {
        let fields = match table.fields.sets_places() {
            true => &table.fields,
            false => self.defaults,
        };
        check_places(fields, table.offset, problems);
        let mut reader = PlaceReader {
            placeholders: Placeholders {
                name: &base.name,
                target: target.as_ref(),
            },
            folder: self.folder,
            problems,
        };
        let places = reader.read(fields, taken);
        let given = (table.fields.description.as_ref()).or(self.defaults.description.as_ref());
        let description = given.and_then(|given| reader.description(given));
        if let (Some(given), Some(text)) = (given, &description)
            && without_marks(text) != *text
        {
            problems.add(
                given.offset,
                "`description` contains a marker `[swp-keys ...]`",
                "remove the marker; this program adds it to the description of each key",
            );
        }
        let former_places = (base.was.as_deref())
            .map(|was| self.former_places(was, fields, target.as_ref()))
            .unwrap_or_default();
        DeclaredKey {
            target,
            description,
            former_places,
            places: places.places,
            deliver_timeout: places.deliver_timeout,
            readback: places.readback,
            ..base.clone()
        }
    }
}

impl Expansion<'_> {
    /// Returns the destinations for the former name of a key. Problems of the fields were reported for the present name.
    fn former_places(
        &self,
        was: &str,
        fields: &KeyFields,
        target: Option<&TargetName>,
    ) -> Vec<DeclaredPlace> {
        let placeholders = Placeholders { name: was, target };
        let mut reader = PlaceReader {
            placeholders,
            folder: self.folder,
            problems: &mut Problems::new(""),
        };
        reader.read(fields, &mut TakenPlaces::default()).places
    }
}

/// Returns the name of a key, and reports a name that other commands or a rotation would misread.
fn name(table: &DeclaredTable, problems: &mut Problems<'_>) -> String {
    let given = table.fields.name.as_ref();
    let offset = given.map_or(table.offset, |given| given.offset);
    let name = match given {
        Some(given) => given.value.clone().unwrap_or_default(),
        None => table.name.clone(),
    };
    if given.is_some_and(|given| given.value.is_none()) {
        return name;
    }
    if name.trim() != name || name.is_empty() {
        let what = "the name of the key is empty, or starts or ends with a space";
        let hint = "remove the spaces, because the manager may remove them";
        problems.add(offset, what, hint);
    } else if original_name(&name) != name {
        let what = "the name of the key has the form `NAME (retiring TIME)`";
        let hint = "choose a different name, because a rotation gives such names to old keys";
        problems.add(offset, what, hint);
    } else if is_ambiguous(&name) {
        let what = "the name of the key contains only digits, or starts with `id:` or `name:`";
        let hint =
            "choose a different name, because commands would read this name as the ID of a key";
        problems.add(offset, what, hint);
    }
    name
}

/// Reports destinations that are missing, and fields without an effect.
fn check_places(fields: &KeyFields, offset: usize, problems: &mut Problems<'_>) {
    if fields.out_file.is_none() && fields.dotenv.is_none() && fields.deliver_cmd.is_none() {
        let hint = "set `out-file`, `dotenv` or `deliver-cmd`; a key that sets one of these fields inherits none of them";
        problems.add(offset, "the secret has no destination", hint);
        return;
    }
    if let (Some(_), Some(check)) = (&fields.read_cmd, &fields.check_cmd) {
        let what = "`read-cmd` and `check-cmd` cannot be in the same table";
        problems.add(check.offset, what, "remove one of them");
    }
    let mut without = |field: &str, offset: Option<usize>, other: &str, is_set: bool| {
        if let (Some(offset), false) = (offset, is_set) {
            let what = format!("`{field}` has no effect without `{other}`");
            let hint = format!("remove `{field}`, or set `{other}`");
            problems.add(offset, what, hint);
        }
    };
    let delivers = fields.deliver_cmd.is_some();
    let offset = |given: &Option<Given<String>>| given.as_ref().map(|given| given.offset);
    without(
        "read-cmd",
        offset(&fields.read_cmd),
        "deliver-cmd",
        delivers,
    );
    without(
        "check-cmd",
        offset(&fields.check_cmd),
        "deliver-cmd",
        delivers,
    );
    let timeout = fields.deliver_timeout.as_ref().map(|given| given.offset);
    without("deliver-timeout", timeout, "deliver-cmd", delivers);
    let dotenv = fields.dotenv.is_some();
    without("env-name", offset(&fields.env_name), "dotenv", dotenv);
}

/// The names of the declared keys. On one manager, each name is declared once.
#[derive(Default)]
struct DeclaredNames {
    /// For each manager and lower-case name, the name and its line.
    names: HashMap<(Option<TargetName>, String), (String, usize)>,
    /// For each manager and former name, the positions of `was`.
    former: HashMap<(Option<TargetName>, String), Vec<usize>>,
}

impl DeclaredNames {
    fn add(&mut self, key: &DeclaredKey, table: &DeclaredTable, problems: &mut Problems<'_>) {
        let place = (key.target.clone(), key.name.to_lowercase());
        match self.names.get(&place) {
            Some((other, line)) if *other == key.name => {
                let what = format!("the key in line {line} has the same name on the same manager");
                let hint = "remove one of the keys, or set `name` or `on` to a different value";
                problems.add(table.offset, what, hint);
            }
            Some((_, line)) => {
                let what = format!("the name differs only in case from the name in line {line}");
                let hint =
                    "choose a different name, because the manager may treat these names as equal";
                problems.add(table.offset, what, hint);
            }
            None => {
                self.names.insert(place, (key.name.clone(), key.line));
            }
        }
        if let (Some(was), Some(given)) = (&key.was, &table.fields.was) {
            let place = (key.target.clone(), was.clone());
            self.former.entry(place).or_default().push(given.offset);
        }
    }

    /// Reports each `was` that names a declared key, or that several keys have.
    fn check_former(&self, problems: &mut Problems<'_>) {
        for ((target, was), offsets) in &self.former {
            let declared = self.names.get(&(target.clone(), was.to_lowercase()));
            for offset in offsets {
                if declared.is_some_and(|(name, _)| name == was) {
                    let hint = "remove `was`, or rename the declared key";
                    problems.add(*offset, "`was` names a key that this file declares", hint);
                } else if offsets.len() > 1 {
                    let hint = "remove all of them except one";
                    problems.add(*offset, "several keys have the same `was`", hint);
                }
            }
        }
    }
}
