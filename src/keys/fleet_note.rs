//! Notes about keys that belong to a fleet, for commands that change a single key.

use crate::manager::ApiKey;
use crate::mint::{FleetMark, original_name};
use crate::terminal::output::Output;

/// Prints a note if a key whose secret is replaced belongs to a fleet, because the destinations of the fleet do not get the new secret.
pub(crate) fn note_new_secret(key: &ApiKey, output: &Output) {
    note(
        key,
        "the destinations in its file still have the old secret; store the new secret there, or set `on-missing = \"rekey\"` and run `swp-keys apply -f FILE --verify`",
        output,
    );
}

/// Prints a note if a key that gets a new name belongs to a fleet, because the file of the fleet still has the old name.
pub(crate) fn note_new_name(key: &ApiKey, name: &str, output: &Output) {
    if original_name(name) != name {
        // The name marks the old key of a rotation. The file has the name of its successor.
        return;
    }
    let old = key.name().unwrap_or_default();
    let step = format!(
        "rename it in the file of the fleet too; without that, `swp-keys apply` creates a new key named `{old}` and does not find `{name}`"
    );
    note(key, &step, output);
}

fn note(key: &ApiKey, step: &str, output: &Output) {
    if let Some(mark) = FleetMark::of(key.description().unwrap_or_default()) {
        let fleet = mark.fleet;
        output.note(&format!(
            "the key with ID {} belongs to the fleet `{fleet}`; {step}",
            key.id
        ));
    }
}
