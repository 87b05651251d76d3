//! Fleets: the manifest `keys.toml`, its schema, and `plan`.

mod altered_markers;
mod apply;
#[cfg(unix)]
mod apply_faults;
#[cfg(unix)]
mod apply_kills;
#[cfg(unix)]
mod apply_records;
mod apply_rotation;
#[cfg(unix)]
mod apply_runs;
#[cfg(unix)]
mod changed_meanwhile;
#[cfg(unix)]
mod command_lines;
#[cfg(unix)]
mod drift;
mod duplicates;
mod export;
#[cfg(unix)]
mod finish;
#[cfg(unix)]
mod hand_changes;
#[cfg(unix)]
mod kept_secrets;
#[cfg(target_os = "linux")]
mod leaks;
mod managers;
mod manifest;
mod manifest_errors;
mod manifest_keys;
#[cfg(unix)]
mod own_uses;
mod ownership;
mod plan;
mod plan_secrets;
mod schema;
#[cfg(unix)]
mod superseded;
#[cfg(unix)]
mod unfinished_records;
mod verify;
#[cfg(unix)]
mod without_records;

use crate::support::{Home, RunResult};

/// Writes a manifest into the home folder and checks it without a manager.
fn offline(home: &Home, text: &str) -> RunResult {
    home.write("keys.toml", text);
    home.run(["plan", "-f", "keys.toml", "--offline"])
}

/// A manifest with one valid key, and these lines in the table of the key.
fn with_key_lines(lines: &str) -> String {
    format!("fleet = \"ops\"\n[keys.ci]\n{lines}\n")
}

/// The fields that every key needs.
const NEEDED: &str = "role = \"Auditor\"\nexpires = \"90d\"\nout-file = \"ci.key\"\n";
