//! Describes the keys of the manager and the records of the machines for failure reports.

use std::fs;

use serde_json::Value;
use swp_keys::sandbox::ApiKey;

use super::audit::Problems;
use super::machines::Testbed;

/// Returns all records, read directly from their files.
pub(super) fn records(testbed: &Testbed, problems: &mut Problems) -> Vec<(usize, String, Value)> {
    let mut records = Vec::new();
    for (number, machine) in testbed.machines.iter().enumerate() {
        for entry in fs::read_dir(machine.records())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A run that is killed while it writes a record leaves a temporary file. It has sent no create then.
            if name.starts_with('.') {
                continue;
            }
            let content = fs::read(entry.path()).unwrap_or_default();
            match serde_json::from_slice(&content) {
                Ok(record) => records.push((number, name, record)),
                Err(error) => problems.push(format!("the record {name} cannot be read: {error}")),
            }
        }
    }
    records
}

pub(super) fn describe(key: &ApiKey) -> String {
    format!(
        "the key {} `{}` ({})",
        key.id,
        key.name.as_deref().unwrap_or_default(),
        key.description.as_deref().unwrap_or_default()
    )
}

/// Describes the keys, the records and the requests for a failure report.
pub(super) fn summary(testbed: &Testbed) -> String {
    let keys: Vec<_> = (testbed.sandbox.api_keys().iter())
        .map(|key| format!("  {} = {}\n", describe(key), key.secret))
        .collect();
    let records: Vec<_> = (records(testbed, &mut Vec::new()).iter())
        .map(|(machine, name, record)| format!("  machine {machine}, {name}: {record}\n"))
        .collect();
    let requests: Vec<_> = (testbed.sandbox.requests().iter())
        .map(|request| {
            format!(
                "  {} {} -> {:?}\n",
                request.connection,
                request.route(),
                request.status
            )
        })
        .collect();
    format!(
        "the manager's keys:\n{}the records:\n{}what the manager saw:\n{}",
        keys.concat(),
        records.concat(),
        requests.concat()
    )
}
