//! The destinations of a key's secret, and the check that no two keys share one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::model::{DeclaredPlace, PlaceKind, Readback};
use super::placeholders::{Placeholders, Unfilled};
use super::problems::Problems;
use super::table::{Given, KeyFields};
use crate::config::file::{resolve_command, resolve_path};
use crate::delivery::variable_name;
use crate::process::external_command::ExternalCommand;
use crate::storage::open_folder::folder_of;

/// The default name of the variable in a dotenv file.
const DEFAULT_VARIABLE: &str = "SWP_API_KEY";
/// The default of `deliver-timeout`.
const DELIVER_TIMEOUT: Duration = Duration::from_secs(60);

/// The destinations of one key on one manager.
pub(super) struct KeyPlaces {
    pub(super) places: Vec<DeclaredPlace>,
    pub(super) deliver_timeout: Duration,
    pub(super) readback: Option<Readback>,
}

/// Fills in the destinations of one key on one manager.
pub(super) struct PlaceReader<'a, 'p, 't> {
    pub(super) placeholders: Placeholders<'a>,
    pub(super) folder: &'a Path,
    pub(super) problems: &'p mut Problems<'t>,
}

impl PlaceReader<'_, '_, '_> {
    /// Returns the destinations of these fields, and enters them in `taken`.
    pub(super) fn read(&mut self, fields: &KeyFields, taken: &mut TakenPlaces) -> KeyPlaces {
        let mut places = Vec::new();
        for (text, offset) in each(fields.out_file.as_ref()) {
            let path = self.path("out-file", text, offset);
            places.extend(path.and_then(|(text, path)| {
                let kind = PlaceKind::File(path);
                self.enter("out-file", DeclaredPlace { text, kind }, offset, taken)
            }));
        }
        let variable = self.variable(fields.env_name.as_ref());
        for (text, offset) in each(fields.dotenv.as_ref()) {
            let path = self.path("dotenv", text, offset);
            places.extend(path.and_then(|(text, path)| {
                let variable = variable.clone();
                let kind = PlaceKind::Dotenv { path, variable };
                self.enter("dotenv", DeclaredPlace { text, kind }, offset, taken)
            }));
        }
        for (text, offset) in each(fields.deliver_cmd.as_ref()) {
            let command = self.command("deliver-cmd", text, offset);
            places.extend(command.and_then(|(text, command)| {
                let kind = PlaceKind::Command(command);
                self.enter("deliver-cmd", DeclaredPlace { text, kind }, offset, taken)
            }));
        }
        KeyPlaces {
            places,
            deliver_timeout: value(fields.deliver_timeout.as_ref()).unwrap_or(DELIVER_TIMEOUT),
            readback: self.readback(fields),
        }
    }

    fn readback(&mut self, fields: &KeyFields) -> Option<Readback> {
        let (field, given) = match (&fields.read_cmd, &fields.check_cmd) {
            (Some(given), None) => ("read-cmd", given),
            (None, Some(given)) => ("check-cmd", given),
            _ => return None,
        };
        let (_, command) = self.command(field, given.value.as_ref()?, given.offset)?;
        Some(match field {
            "read-cmd" => Readback::Read(command),
            _ => Readback::Check(command),
        })
    }

    fn variable(&mut self, given: Option<&Given<String>>) -> String {
        let Some((given, text)) = given.and_then(|given| Some((given, given.value.as_ref()?)))
        else {
            return DEFAULT_VARIABLE.to_owned();
        };
        match self.placeholders.fill(text) {
            Ok(name) => match variable_name(&name) {
                Ok(name) => return name,
                Err(reason) => self.problems.invalid(given.offset, "env-name", reason),
            },
            Err(unfilled) => self.unfilled("env-name", given.offset, unfilled),
        }
        DEFAULT_VARIABLE.to_owned()
    }

    /// Returns a path with its placeholders filled in, and the same path relative to the folder of the manifest.
    fn path(&mut self, field: &str, text: &str, offset: usize) -> Option<(String, PathBuf)> {
        let filled = match self.placeholders.fill_path(text) {
            Ok(filled) => filled.into_owned(),
            Err(unfilled) => {
                self.unfilled(field, offset, unfilled);
                return None;
            }
        };
        match resolve_path(&filled, self.folder) {
            Ok(path) => Some((filled, path.into())),
            Err(reason) => {
                self.problems.invalid(offset, field, &reason);
                None
            }
        }
    }

    /// Returns a command with its placeholders filled in, and the same command with its program resolved. The command is split into words
    /// first, so a name cannot add words.
    fn command(&mut self, field: &str, text: &str, offset: usize) -> Option<(String, String)> {
        let mut command = ExternalCommand::parse(text).ok()?;
        for word in std::iter::once(&mut command.program).chain(&mut command.arguments) {
            match self.placeholders.fill(word) {
                Ok(filled) => *word = filled.into_owned(),
                Err(unfilled) => {
                    self.unfilled(field, offset, unfilled);
                    return None;
                }
            }
        }
        let filled = command.text();
        match resolve_command(&filled, self.folder) {
            Ok(resolved) => Some((filled, resolved)),
            Err(reason) => {
                self.problems.invalid(offset, field, &reason);
                None
            }
        }
    }

    /// Returns the description with its placeholders filled in.
    pub(super) fn description(&mut self, given: &Given<String>) -> Option<String> {
        let text = given.value.as_ref()?;
        match self.placeholders.fill(text) {
            Ok(filled) => Some(filled.into_owned()),
            Err(unfilled) => {
                self.unfilled("description", given.offset, unfilled);
                None
            }
        }
    }

    fn unfilled(&mut self, field: &str, offset: usize, unfilled: Unfilled) {
        let (what, hint) = unfilled.words();
        self.problems
            .add(offset, format!("`{field}`: {what}"), hint);
    }

    /// Reports a destination that is already in use.
    fn enter(
        &mut self,
        field: &str,
        place: DeclaredPlace,
        offset: usize,
        taken: &mut TakenPlaces,
    ) -> Option<DeclaredPlace> {
        let line = self.problems.line(offset);
        let key = self.placeholders.name;
        let owner = PlaceOwner {
            key: key.to_owned(),
            line,
        };
        let Some(other) = taken.enter(&place.kind, owner) else {
            return Some(place);
        };
        let what = match place.kind {
            PlaceKind::Command(_) => "runs the same command as",
            _ => "writes to the same file as",
        };
        let other = match (other.key == key, other.line == line) {
            (true, true) => format!("another destination of the key `{key}`"),
            (false, true) => format!("the key `{}`", other.key),
            (_, false) => format!("the key `{}` (line {})", other.key, other.line),
        };
        let hint = match place.kind {
            PlaceKind::Dotenv { .. } => {
                "set a different `env-name` for each key, or use `{name}` and, on several managers, `{profile}` to make the files different"
            }
            _ => "use `{name}` and, on several managers, `{profile}` to make them different",
        };
        let problem = format!("`{field}`: it {what} {other}");
        self.problems.add(offset, problem, hint);
        None
    }
}

/// Returns the values of a list with their position.
fn each(given: Option<&Given<Vec<String>>>) -> impl Iterator<Item = (&String, usize)> {
    let lists = given.and_then(|given| Some((given.value.as_ref()?, given.offset)));
    lists
        .into_iter()
        .flat_map(|(list, offset)| list.iter().map(move |text| (text, offset)))
}

/// Returns the value of a field if the field is set and valid.
pub(super) fn value<T: Clone>(given: Option<&Given<T>>) -> Option<T> {
    given.and_then(|given| given.value.clone())
}

/// The key that has a destination, and the line of the field.
#[derive(Clone)]
struct PlaceOwner {
    key: String,
    line: usize,
}

/// The destinations of all keys, with their owners.
#[derive(Default)]
pub(super) struct TakenPlaces {
    /// A file has an entry for each variable. `None` is a file that contains only a secret.
    files: HashMap<PathBuf, HashMap<Option<String>, PlaceOwner>>,
    commands: HashMap<String, PlaceOwner>,
    /// The canonical forms of the folders.
    folders: HashMap<PathBuf, PathBuf>,
}

impl TakenPlaces {
    /// Adds a destination. If it is in use, returns its owner.
    fn enter(&mut self, kind: &PlaceKind, owner: PlaceOwner) -> Option<PlaceOwner> {
        let (path, variable) = match kind {
            PlaceKind::File(path) => (path, None),
            PlaceKind::Dotenv { path, variable } => (path, Some(variable.clone())),
            PlaceKind::Command(command) => {
                let other = self.commands.get(command).cloned();
                self.commands.entry(command.clone()).or_insert(owner);
                return other;
            }
        };
        let identity = self.identity(path);
        let variables = self.files.entry(identity).or_default();
        let other = match &variable {
            Some(_) => variables.get(&variable).or_else(|| variables.get(&None)),
            None => variables.values().min_by_key(|owner| owner.line),
        };
        let other = other.cloned();
        variables.entry(variable).or_insert(owner);
        other
    }

    /// Returns the path with the canonical form of its folder, so that different spellings of a path are equal.
    fn identity(&mut self, path: &Path) -> PathBuf {
        let folder = folder_of(path);
        if !self.folders.contains_key(folder) {
            let canonical = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            self.folders.insert(folder.to_owned(), canonical);
        }
        let canonical = self.folders.get(folder);
        match (canonical, path.file_name()) {
            (Some(canonical), Some(name)) => canonical.join(name),
            _ => path.to_owned(),
        }
    }
}
