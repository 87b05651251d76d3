//! Warnings about the unfinished work of earlier runs.

use super::{JournalEntry, Record, Stage, place, unfinished};
use crate::expiry::format_time;
use crate::storage::permissions::UntrustedPath;

/// One warning for each record of an earlier run on this manager and tenant, and for each file that is not a valid record.
pub(crate) fn unfinished_work(manager: &str, tenant: Option<&str>) -> Vec<String> {
    let entries = match unfinished() {
        Ok(entries) => entries,
        // A folder that cannot be read is reported when a record cannot be written to it.
        Err(error) => {
            return UntrustedPath::cause_of(&error)
                .map(|untrusted| format!("what earlier runs left is not looked at: {untrusted}"))
                .into_iter()
                .collect();
        }
    };
    let warning = |entry| match entry {
        JournalEntry::Record(record)
            if record.manager == manager && record.tenant.as_deref() == tenant =>
        {
            Some(interrupted_run(&record))
        }
        JournalEntry::Record(_) | JournalEntry::InProgress(_) => None,
        JournalEntry::Unreadable(name, reason) => Some(format!(
            "{}/{name} holds no record of a run: {reason}",
            place()
        )),
    };
    entries.into_iter().filter_map(warning).collect()
}

fn interrupted_run(record: &Record) -> String {
    let (began, name) = (format_time(record.started), &record.key_name);
    if record.is_over() {
        return format!(
            "a run of {began} is done with the key `{name}`, and its record is still there; `swp-keys recover` drops it"
        );
    }
    if record.progress.stage == Stage::Delivering {
        return format!(
            "a run of {began} was cut off while it delivered a secret of the key `{name}`; {}",
            secret_in_use(record)
        );
    }
    format!(
        "a run of {began} that was to make the key `{name}` was cut off; `swp-keys recover` finishes or undoes it"
    )
}

/// The next step if the secret of a key may be in use. `recover` does not replace such a secret unless the user asks for it.
pub(crate) fn secret_in_use(record: &Record) -> String {
    let operation = &record.operation;
    format!(
        "check whether the secret of the key is in use; if it is, run `swp-keys recover {operation} --forget`, and if not, \
         `swp-keys recover {operation} --rekey`, which makes a new one"
    )
}
