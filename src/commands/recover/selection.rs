//! What was left: the records on disk, chosen or listed.

use serde_json::json;

use super::args::Args;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::notice::secret_in_use;
use crate::journal::{self, JournalEntry, Record, Stage, Work};
use crate::storage::permissions::untrusted_or;
use crate::terminal::output::{Format, json_text};

pub(super) fn several(count: usize) -> String {
    if count == 1 {
        "one unfinished run".to_owned()
    } else {
        format!("{count} unfinished runs")
    }
}

/// The records of this manager and tenant; those of others are named, since they need another sign-in.
pub(super) fn chosen(args: &Args, context: &Context) -> Result<Vec<Record>, Error> {
    let manager = context.settings.address()?.to_string();
    let tenant = context
        .settings
        .tenant
        .as_ref()
        .map(|tenant| tenant.value.clone());
    let (mut here, mut elsewhere) = (Vec::new(), 0);
    for record in all(context)? {
        if record.manager != manager || record.tenant != tenant {
            elsewhere += 1;
        } else if args.operation.is_empty() || args.operation.contains(&record.operation) {
            here.push(record);
        }
    }
    if elsewhere > 0 {
        context.output.note(&format!(
            "{} at other managers or tenants; `swp-keys recover --list` prints them",
            several(elsewhere)
        ));
    }
    let unknown = args
        .operation
        .iter()
        .find(|wanted| here.iter().all(|record| record.operation != **wanted));
    match unknown {
        Some(operation) => Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no unfinished run `{operation}` of this manager and tenant"),
        )
        .hint("`swp-keys recover --list` prints what was left")),
        None => Ok(here),
    }
}

/// Whether a new secret would be made for it.
pub(super) fn needs_a_secret(args: &Args, record: &Record) -> bool {
    let stays = !record.is_delivered() && !record.temporary;
    !record.is_over() && (stays || record.temporary && args.rekey)
}

/// A secret that may be in use is not ended, nor its key deleted, unless its operation is named or somebody answers the question about it.
///
/// # Errors
/// Returns an error that names the operation.
pub(super) fn refuse_in_use(args: &Args, record: &Record) -> Result<(), Error> {
    // A key that was to live as long as its run is deleted unless it is said otherwise.
    let in_use = record.progress.stage == Stage::Delivering && !record.temporary;
    if !in_use || !args.yes || args.operation.contains(&record.operation) {
        return Ok(());
    }
    let message = format!(
        "the run `{}` was cut off while it delivered a secret of the key `{}`, which may be in use",
        record.operation, record.key_name
    );
    let error = Error::new(ErrorKind::Attention, message).hint(secret_in_use(record));
    Err(match record.key_id {
        Some(id) => error.key(id),
        None => error,
    })
}

/// What cannot be read may be the record of a key that nobody has the secret of.
pub(super) fn all_readable() -> Result<(), Error> {
    let found = journal::unfinished().unwrap_or_default();
    let unreadable = |found: &JournalEntry| matches!(found, JournalEntry::Unreadable(..));
    if !found.iter().any(unreadable) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Attention,
        format!("a file in {} cannot be read as a record", journal::place()),
    )
    .hint("look at the file and at the manager's keys yourself, then remove the file"))
}

fn all(context: &Context) -> Result<Vec<Record>, Error> {
    let found = journal::unfinished().map_err(|error| {
        untrusted_or(&error, || {
            Error::unexpected(format!(
                "the records in {} ({}) cannot be read: {error}",
                journal::place(),
                crate::storage::locations::state_variable()
            ))
        })
    })?;
    let mut records = Vec::new();
    for found in found {
        match found {
            JournalEntry::Record(record) => records.push(record),
            JournalEntry::InProgress(_) => {}
            JournalEntry::Unreadable(name, reason) => context.output.warn(&format!(
                "{}/{name} holds no record of a run: {reason}; look at it and remove it",
                journal::place()
            )),
        }
    }
    Ok(records)
}

/// `--list`.
pub(super) fn list(context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let records = all(context)?;
    let document = match context.output.format() {
        Format::Json => json_text(&json!({"unfinished": records}), true) + "\n",
        Format::Jsonl => records
            .iter()
            .map(|record| json_text(record, false) + "\n")
            .collect(),
        Format::Text | Format::Env => table(&records),
    };
    context.output.data(&document)?;
    Ok(Outcome::Done)
}

fn table(records: &[Record]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let rows = records.iter().map(|record| {
        let work = match record.work {
            Work::Rekey => "rekey",
            Work::Create if record.predecessor.is_some() => "rotate",
            Work::Create if record.temporary => "exec",
            Work::Create => "create",
        };
        let stage = match record.progress.stage {
            _ if record.is_over() => "settled",
            Stage::Delivering => "delivering",
            _ if record.is_delivered() => "delivered",
            _ => "begun",
        };
        [
            record.operation.clone(),
            work.to_owned(),
            stage.to_owned(),
            format_time(record.started),
            record.key_name.clone(),
            record.manager.clone(),
            record.tenant.clone().unwrap_or_default(),
        ]
    });
    crate::terminal::output::table(
        [
            "OPERATION",
            "WORK",
            "STAGE",
            "STARTED",
            "KEY",
            "MANAGER",
            "TENANT",
        ],
        rows,
    )
}
