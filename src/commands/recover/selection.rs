//! Selects and lists the records of unfinished runs.

use serde_json::{Value, json};

use super::args::Args;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::notice::{APPLY_AGAIN, operations_of_fleet, secret_in_use};
use crate::journal::{self, JournalEntry, Record, Stage, Work};
use crate::storage::permissions::untrusted_or;
use crate::target::Target;
use crate::terminal::output::{Cell, Column, Format, Table, TableLayout, json_text};
use crate::terminal::prompt::Prompt;
use crate::text::rfc3339;

/// Returns the number of unfinished runs for a message, such as `2 unfinished runs`.
pub(super) fn count_runs(count: usize) -> String {
    if count == 1 {
        "one unfinished run".to_owned()
    } else {
        format!("{count} unfinished runs")
    }
}

/// Returns the journal records of this manager and tenant. If the command line contains operation IDs, returns only the records with these IDs.
/// Prints a note if there are records of other managers or tenants.
///
/// # Errors
/// Returns a not-found error if this manager and tenant have no record with one of the operation IDs.
pub(super) fn selected(
    args: &Args,
    target: &Target,
    context: &Context,
) -> Result<Vec<Record>, Error> {
    let manager = target.address.to_string();
    let (mut here, mut elsewhere) = (Vec::new(), 0);
    for record in all(context)? {
        if record.manager != manager || record.tenant.as_deref() != target.tenant_name() {
            elsewhere += 1;
        } else if args.operation.is_empty() || args.operation.contains(&record.operation) {
            here.push(record);
        }
    }
    if elsewhere > 0 {
        context.output.note(&format!(
            "{} of other managers or tenants; run `swp-keys recover --list` to list them",
            count_runs(elsewhere)
        ));
    }
    let unknown = args
        .operation
        .iter()
        .find(|operation| here.iter().all(|record| record.operation != **operation));
    match unknown {
        Some(operation) => Err(Error::new(
            ErrorKind::NotFound,
            format!("no unfinished run `{operation}` found for this manager and tenant"),
        )
        .hint("run `swp-keys recover --list` to list the unfinished runs")),
        None => Ok(here),
    }
}

/// Returns true if `recover` creates a new secret for the key of this record.
pub(super) fn needs_a_secret(args: &Args, record: &Record) -> bool {
    let keeps_key = !record.is_delivered() && !record.temporary;
    !record.is_over() && (keeps_key || record.temporary && args.rekey)
}

/// Checks whether the interrupted run's secret may be in use. If so, `--yes` alone does not permit the recovery: the command line must also name the
/// operation. Without `--yes`, the user is asked for confirmation later.
///
/// # Errors
/// If the recovery is not permitted, returns an attention error that names the operation.
pub(super) fn refuse_in_use(args: &Args, record: &Record, context: &Context) -> Result<(), Error> {
    // A temporary key is a key that `exec` created for a command. The command has ended, so the key's secret is not in use.
    let in_use = record.progress.stage == Stage::Delivering && !record.temporary;
    if !in_use || !args.yes || args.operation.contains(&record.operation) {
        return Ok(());
    }
    let message = format!(
        "the run `{}` was interrupted while delivering the secret of the key `{}`, so the secret may be in use",
        record.operation, record.key_name
    );
    let error =
        Error::new(ErrorKind::Attention, message).hint(secret_in_use(record, context.yes_flag()));
    Err(match record.key_id {
        Some(id) => error.key(id),
        None => error,
    })
}

/// Checks that the destinations are set if a key of a fleet needs a new secret. Stdout is never a destination of a fleet, so a secret on stdout
/// would leave the destinations of the manifest without it.
///
/// # Errors
/// Returns a usage error that names the fleet.
pub(super) fn refuse_without_destinations(args: &Args, records: &[Record]) -> Result<(), Error> {
    if args.delete || args.forget || !args.sinks.are_none() {
        return Ok(());
    }
    let needs_one = |record: &&Record| record.fleet.is_some() && needs_a_secret(args, record);
    let Some(fleet) = (records.iter().find(needs_one)).and_then(|record| record.fleet.as_deref())
    else {
        return Ok(());
    };
    let of_fleet = |record: &&Record| record.fleet.as_deref() == Some(fleet);
    let count = (records.iter().filter(needs_one)).filter(of_fleet).count();
    Err(Error::usage(
        format!(
            "{}, and only its manifest has the destinations of the secrets",
            operations_of_fleet(count, fleet)
        ),
        format!(
            "{APPLY_AGAIN}, or pass the ID of one operation and a destination such as `--out-file FILE`"
        ),
    ))
}

/// Checks that a run without a terminal does not print a secret to stdout that the interrupted run would have delivered to other destinations. The log
/// of a CI job or a mail of cron would contain the secret.
///
/// # Errors
/// Returns a usage error that contains the recorded destinations.
pub(super) fn refuse_other_destination(
    args: &Args,
    record: &Record,
    context: &Context,
) -> Result<(), Error> {
    let is_expected = !args.sinks.are_none() || record.delivers_to_stdout();
    if is_expected || context.prompt() == Prompt::Terminal {
        return Ok(());
    }
    let message = format!(
        "the interrupted run for the key `{}` would have written the secret to {}, but this run would print a new secret to stdout",
        record.key_name,
        record.sinks.join(" and ")
    );
    let hint = "pass the destination, such as `--out-file FILE` or `--deliver-cmd COMMAND`, or use `--out-file -` to print the secret to stdout";
    Err(Error::usage(message, hint))
}

/// Checks that all journal records can be read. A record that cannot be read may belong to a key whose secret is lost.
///
/// # Errors
/// Returns an error of the kind [`ErrorKind::Attention`] if a file is not a valid record.
pub(super) fn all_readable() -> Result<(), Error> {
    let entries = journal::unfinished().unwrap_or_default();
    let unreadable = |entry: &JournalEntry| matches!(entry, JournalEntry::Unreadable(..));
    if !entries.iter().any(unreadable) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Attention,
        format!("a file in {} is not a valid record", journal::place()),
    )
    .hint("read the file to find the key, check the key in the manager's console, then delete the file"))
}

fn all(context: &Context) -> Result<Vec<Record>, Error> {
    let entries = journal::unfinished().map_err(|error| {
        untrusted_or(&error, || {
            Error::unexpected(format!(
                "could not read the records in {} ({}): {error}",
                journal::place(),
                crate::storage::locations::state_variable()
            ))
        })
    })?;
    let mut records = Vec::new();
    for entry in entries {
        match entry {
            JournalEntry::Record(record) => records.push(record),
            JournalEntry::InProgress(_) => {}
            JournalEntry::Unreadable(name, reason) => context.output.warn(&format!(
                "{}/{name} is not a valid record: {reason}; check the file, then delete it",
                journal::place()
            )),
        }
    }
    Ok(records)
}

/// Prints the records of unfinished runs for `--list`.
pub(super) fn list(context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let records = all(context)?;
    let document = match context.output.format() {
        Format::Json => {
            let records: Vec<Value> = records.iter().map(as_json).collect();
            json_text(&json!({"unfinished": records}), true) + "\n"
        }
        Format::Jsonl => (records.iter())
            .map(|record| json_text(&as_json(record), false) + "\n")
            .collect(),
        Format::Text | Format::Env | Format::Tsv => return print_table(&records, context),
    };
    context.output.data(&document)?;
    Ok(Outcome::Done)
}

/// Returns the record as JSON. A field with the start time in RFC 3339 format is added.
fn as_json(record: &Record) -> Value {
    let mut object = json!(record);
    object["startedAt"] = rfc3339(record.started).into();
    object
}

fn print_table(records: &[Record], context: &Context) -> Result<Outcome, Error> {
    let layout = context.output.destination();
    let is_terminal = matches!(layout, TableLayout::Terminal { .. });
    if records.is_empty() && context.output.format() == Format::Text {
        if is_terminal {
            context.output.note("no unfinished runs");
        }
        return Ok(Outcome::Done);
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
    let mut header = vec![
        "OPERATION",
        "WORK",
        "STAGE",
        "STARTED",
        "KEY",
        "MANAGER",
        "TENANT",
    ];
    // On a terminal, the last column is shown only if it is not empty.
    if is_terminal && records.iter().all(|record| record.tenant.is_none()) {
        header.pop();
    }
    let count = header.len();
    let mut table = Table::new(header.into_iter().map(Column::whole));
    for row in rows {
        table.push(row.into_iter().take(count).map(Cell::from).collect());
    }
    context.output.table(&table)?;
    Ok(Outcome::Done)
}
