//! The rules of the architecture. Each returns the places that break it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Crate, ModulePath};

const MAX_FILE: usize = 400;
const MAX_FUNCTION: usize = 60;
const MAX_PARAMETERS: usize = 6;

/// The layers of the crate from top to bottom. Each is a set of rooms: the top-level modules of `src/`.
pub(super) struct Layers(Vec<Vec<String>>);

impl Layers {
    /// Reads the picture in the documentation of `src/lib.rs`: the first block of text, with one layer on each line.
    pub(super) fn parse(library: &str) -> Layers {
        let lines = library.lines().map_while(|line| line.strip_prefix("//!"));
        let picture = (lines.map(str::trim))
            .skip_while(|line| *line != "```text")
            .skip(1)
            .take_while(|line| *line != "```");
        Layers(
            picture
                .map(|line| line.split(',').map(|room| room.trim().to_owned()).collect())
                .collect(),
        )
    }

    fn of(&self, room: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|layer| layer.iter().any(|one| one == room))
    }

    /// The rooms of the picture.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }
}

fn room(module: &ModulePath) -> &str {
    module.first().map_or("lib", String::as_str)
}

/// Every import of one file by another, without files that only declare and re-export.
fn arrows(sources: &Crate) -> Vec<(&ModulePath, ModulePath)> {
    let files = sources.files.values().filter(|file| !file.only_declares);
    files
        .flat_map(|file| {
            let imports = sources.imports(&file.module).into_iter();
            imports.map(|target| (&file.module, target))
        })
        .collect()
}

fn describe(sources: &Crate, from: &ModulePath, to: &ModulePath) -> String {
    format!(
        "{} imports {}",
        sources.files[from].name, sources.files[to].name
    )
}

/// Rooms that the picture lacks, and rooms of the picture that do not exist.
pub(super) fn unknown_rooms(sources: &Crate, layers: &Layers) -> Vec<String> {
    let rooms: BTreeSet<&str> = sources
        .files
        .keys()
        .map(room)
        .filter(|room| *room != "sandbox")
        .collect();
    let pictured: BTreeSet<&str> = layers.rooms().map(String::as_str).collect();
    rooms
        .symmetric_difference(&pictured)
        .map(|room| (*room).to_owned())
        .collect()
}

/// Imports that point up.
pub(super) fn upward_imports(sources: &Crate, layers: &Layers) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in arrows(sources) {
        let (above, below) = (layers.of(room(from)), layers.of(room(&to)));
        if let (Some(from_layer), Some(to_layer)) = (above, below)
            && from_layer > to_layer
        {
            found.push(describe(sources, from, &to));
        }
    }
    found
}

/// Circles of files, and circles of rooms.
pub(super) fn circles(sources: &Crate) -> Vec<String> {
    let arrows = arrows(sources);
    let mut of_files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut of_rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in &arrows {
        let name = |module: &ModulePath| sources.files[module].name.clone();
        if !sources.files[to].only_declares {
            of_files.entry(name(from)).or_default().insert(name(to));
        }
        if room(from) != room(to) {
            of_rooms
                .entry(room(from).to_owned())
                .or_default()
                .insert(room(to).to_owned());
        }
    }
    [circles_in(&of_files), circles_in(&of_rooms)].concat()
}

/// The groups of nodes that reach each other.
fn circles_in(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reachable = |from: &String| {
        let mut visited = BTreeSet::new();
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for next in graph.get(node).into_iter().flatten() {
                if visited.insert(next) {
                    open.push(next);
                }
            }
        }
        visited
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|node| (node, reachable(node))).collect();
    let mut circles = BTreeSet::new();
    for (node, others) in &reached {
        if others.contains(*node) {
            let circle: Vec<&str> = (others.iter())
                .filter(|other| reached.get(*other).is_some_and(|back| back.contains(*node)))
                .map(|other| other.as_str())
                .collect();
            circles.insert(format!("circle of {}: {}", circle.len(), circle.join(", ")));
        }
    }
    circles.into_iter().collect()
}

/// Commands that import other commands.
pub(super) fn imports_between_commands(sources: &Crate) -> Vec<String> {
    let command = |module: &ModulePath| match module.as_slice() {
        [room, command, ..] if room == "commands" => Some(command.clone()),
        _ => None,
    };
    let mut found = Vec::new();
    for (from, to) in arrows(sources) {
        if let (Some(one), Some(other)) = (command(from), command(&to))
            && one != other
        {
            found.push(describe(sources, from, &to));
        }
    }
    found
}

/// Imports of the sandbox by anything but its command, and imports of the rest by the sandbox.
pub(super) fn imports_of_the_sandbox(sources: &Crate) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in arrows(sources) {
        let inside = [room(from), room(&to)].map(|room| room == "sandbox");
        let is_its_command = from.starts_with(&["commands".to_owned(), "sandbox".to_owned()]);
        if inside[0] != inside[1] && !is_its_command {
            found.push(describe(sources, from, &to));
        }
    }
    found
}

/// Files, functions and parameter lists that are too long.
pub(super) fn oversized(sources: &Crate) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources.files.values() {
        if file.lines > MAX_FILE {
            found.push(format!("{} has {} lines", file.name, file.lines));
        }
        for function in &file.functions {
            let place = format!("{}: `{}`", file.name, function.name);
            if function.lines > MAX_FUNCTION {
                found.push(format!("{place} has {} lines", function.lines));
            }
            if function.parameters > MAX_PARAMETERS {
                found.push(format!("{place} has {} parameters", function.parameters));
            }
        }
    }
    found
}

/// Type names that are defined in more than one file outside the sandbox.
pub(super) fn repeated_type_names(sources: &Crate) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let files = sources
        .files
        .values()
        .filter(|file| room(&file.module) != "sandbox");
    for file in files {
        for name in file.types.iter().filter(|name| *name != "Args") {
            places.entry(name).or_default().push(&file.name);
        }
    }
    (places.into_iter().filter(|(_, files)| files.len() > 1))
        .map(|(name, files)| format!("`{name}` is defined in {}", files.join(", ")))
        .collect()
}

/// Files whose `mod.rs` contains more than declarations and re-exports.
pub(super) fn modules_with_content(sources: &Crate) -> Vec<String> {
    (sources.files.values())
        .filter(|file| file.name.ends_with("/mod.rs") && !file.only_declares)
        .map(|file| file.name.clone())
        .collect()
}
