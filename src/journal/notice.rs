//! Creates the warnings about operations that earlier runs left unfinished.

use std::collections::BTreeMap;

use super::{JournalEntry, Record, Stage, place, unfinished};
use crate::expiry::format_time;
use crate::storage::permissions::UntrustedPath;

/// The next step for the unfinished operations of a fleet. `apply` knows their destinations from the manifest.
pub(crate) const APPLY_AGAIN: &str =
    "run `swp-keys apply` with the same manifest again to finish the work";

/// Returns a warning for each record of an earlier run on this manager and tenant, and for each file that is not a valid record. The records of a
/// fleet have one warning in common. A record of a fleet whose work is done has none, because the next `apply` removes it. `yes` is appended to
/// each command in the warnings. `yes` is ` --yes` if this run cannot prompt, or empty if this run can prompt. `except` is the ID of the
/// operation that this run continues.
pub(crate) fn unfinished_work(
    manager: &str,
    tenant: Option<&str>,
    yes: &str,
    except: Option<&str>,
) -> Vec<String> {
    let entries = match unfinished() {
        Ok(entries) => entries,
        // The error is reported here only if other users can change the journal. Any other error is reported later, when this run cannot write its
        // own record.
        Err(error) => {
            return UntrustedPath::cause_of(&error)
                .map(|untrusted| format!("could not read the records of earlier runs: {untrusted}"))
                .into_iter()
                .collect();
        }
    };
    let mut of_fleets: BTreeMap<String, usize> = BTreeMap::new();
    let warning = |entry| match entry {
        JournalEntry::Record(record)
            if record.manager == manager
                && record.tenant.as_deref() == tenant
                && except != Some(record.operation.as_str()) =>
        {
            let Some(fleet) = &record.fleet else {
                return Some(interrupted_run(&record, yes));
            };
            if !record.is_over() {
                *of_fleets.entry(fleet.clone()).or_default() += 1;
            }
            None
        }
        JournalEntry::Record(_) | JournalEntry::InProgress(_) => None,
        JournalEntry::Unreadable(name, reason) => Some(format!(
            "{}/{name} is not a valid record of a run: {reason}",
            place()
        )),
    };
    let mut warnings: Vec<String> = entries.into_iter().filter_map(warning).collect();
    let of_fleets = of_fleets.into_iter();
    warnings.extend(of_fleets.map(|(fleet, count)| {
        let operations = operations_of_fleet(count, &fleet);
        format!("{operations}; {APPLY_AGAIN}")
    }));
    warnings
}

/// Returns the text that this number of operations of a fleet is not finished.
pub(crate) fn operations_of_fleet(count: usize, fleet: &str) -> String {
    match count {
        1 => format!("1 operation of the fleet `{fleet}` is not finished"),
        count => format!("{count} operations of the fleet `{fleet}` are not finished"),
    }
}

fn interrupted_run(record: &Record, yes: &str) -> String {
    let (began, name) = (format_time(record.started), &record.key_name);
    if record.is_over() {
        return format!(
            "the run that started at {began} finished its work on the key `{name}`, but could not remove its record; run `swp-keys recover` to remove the record"
        );
    }
    if record.progress.stage == Stage::Delivering {
        return format!(
            "the run that started at {began} was interrupted while it was delivering a secret for the key `{name}`; {}",
            secret_in_use(record, yes)
        );
    }
    if record.is_delivered() {
        let (left, work) = match record.temporary {
            true => ("deleted the temporary key", "delete the key"),
            false => ("set the expiry of the old key", "set the expiry"),
        };
        return format!(
            "the run that started at {began} delivered the secret of the key `{name}`, but was interrupted before it {left}; run `swp-keys recover` to {work}"
        );
    }
    format!(
        "the run that started at {began} was interrupted while it was creating the key `{name}` or a secret for it; run `swp-keys recover` to finish the operation or roll it back"
    )
}

/// Returns the next step for the user if the interrupted run may have delivered the secret. The secret may be in use, so `recover` replaces it only
/// with `--rekey`. `yes` is appended to each command in the text. It is ` --yes` if this run cannot prompt, and an empty string if this run can
/// prompt.
pub(crate) fn secret_in_use(record: &Record, yes: &str) -> String {
    let operation = &record.operation;
    // Without a terminal, `recover` requires a destination if the interrupted run did not write the secret to stdout.
    let to = match yes.is_empty() || record.delivers_to_stdout() {
        true => "",
        false => " --out-file FILE",
    };
    format!(
        "check whether the key's secret is in use; if it is, run `swp-keys recover {operation} --forget{yes}`; if it is not, run \
         `swp-keys recover {operation} --rekey{yes}{to}`, which creates a new secret"
    )
}
