//! `recover`: finish or undo what an interrupted run left. Running it again does no harm.

mod key;
mod rotation;
mod selection;

use std::time::Duration;

use serde_json::json;

use super::Outcome;
use super::create_key::{output_failed_after_delivery, print_key};
use crate::context::{Context, PendingKind, PendingWork};
use crate::delivery::SinkArgs;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{self, Entry, Record, Stage, Work};
use crate::manager::SignedIn;
use crate::mint::{self, PreparedSinks, Transaction};
use crate::terminal::output::Format;
use crate::terminal::prompt::Prompt;
pub(super) use key::{find_abandoned_key, still_settling};
use selection::{chosen, list, several};

/// Finish or undo what an interrupted run left.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The operations to deal with, as `--list` names them [default: all of this manager and tenant]
    #[arg(value_parser = operation)]
    operation: Vec<String>,

    /// Print what was left, and do nothing; needs no manager
    #[arg(long)]
    list: bool,

    /// Give the key a new secret and deliver that (the default, but for a key that `exec` left)
    #[arg(long, conflicts_with_all = ["delete", "list"])]
    rekey: bool,

    /// Delete the key (the default for one that `exec` left)
    #[arg(long, conflicts_with = "list")]
    delete: bool,

    /// Drop the record and touch nothing on the manager, after you looked there yourself
    #[arg(long, conflicts_with_all = ["rekey", "delete", "list"])]
    forget: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}

/// Anything else may be a secret in the wrong place, and is not looked for, as an error would name it.
fn operation(text: &str) -> Result<String, &'static str> {
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err("an operation is named by hexadecimal digits, as `--list` prints them")
    }
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    if args.list {
        return list(context);
    }
    args.sinks.check()?;
    let records = chosen(args, context)?;
    if records.is_empty() {
        selection::all_readable()?;
        context.output.note("nothing was left to recover");
        return Ok(Outcome::Done);
    }
    let secrets = records
        .iter()
        .filter(|record| selection::needs_a_secret(args, record));
    check_stdout(args, secrets.count(), context)?;
    if !args.yes && context.prompt() == Prompt::Nobody {
        return Err(Error::usage(
            format!(
                "{} to recover, and there is nobody to ask",
                several(records.len())
            ),
            "say `--yes`; `swp-keys recover --list` prints what was left",
        ));
    }
    if args.forget {
        return forget(args, &records, context).await;
    }
    let failures = context
        .signed_in_to_recover(async |signed_in| {
            let mut failures = Vec::new();
            for record in &records {
                if let Err(error) = one(args, record, signed_in, context).await {
                    failures.push(error);
                }
            }
            Ok(failures)
        })
        .await?;
    summed_up(failures, records.len(), context)
}

/// One failure is itself; several are told one by one, and summed up.
fn summed_up(mut failures: Vec<Error>, all: usize, context: &Context) -> Result<Outcome, Error> {
    if failures.len() <= 1 {
        return failures.pop().map_or(Ok(Outcome::Done), Err);
    }
    for failure in &failures {
        // What is left is worth a word with `--quiet` too.
        context.output.insist(&failure.to_string());
    }
    Err(Error::new(
        ErrorKind::Partial,
        format!(
            "{} of {} could not be recovered",
            failures.len(),
            several(all)
        ),
    )
    .hint("`swp-keys recover --list` prints what is left"))
}

/// stdout carries one document, so it takes one secret, or JSON lines.
fn check_stdout(args: &Args, count: usize, context: &Context) -> Result<(), Error> {
    let one_place = !args.sinks.to_stdout() || context.output.format() != Format::Jsonl;
    if args.delete || args.forget || count <= 1 || !one_place {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "{} to recover, and one place for their secrets",
            several(count)
        ),
        "name one operation (`swp-keys recover --list` prints them), use `-o jsonl`, or say `--delete`",
    ))
}

async fn one(
    args: &Args,
    record: &Record,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let Some(entry) = Entry::take_over(&record.operation)? else {
        context.output.note(&format!(
            "the run `{}` is settled, or another process deals with it",
            record.operation
        ));
        return Ok(());
    };
    if entry.record.is_over() {
        context.output.note(&format!(
            "nothing is left to be done about the key `{}`; the record is dropped",
            record.key_name
        ));
        return settle(entry);
    }
    selection::refuse_in_use(args, &entry.record)?;
    if entry.record.predecessor.is_some() {
        return rotation::one(args, entry, signed_in, context).await;
    }
    if args.delete && entry.record.work == Work::Rekey {
        return Err(was_there_before(&entry.record));
    }
    let wait = still_settling(&entry, context);
    if wait > Duration::from_secs(2) {
        context.output.note(&format!(
            "what was asked for the key `{}` may still be under way; waiting for it, {} s at the most",
            record.key_name,
            wait.as_secs()
        ));
    }
    let looking = async {
        find_abandoned_key(&entry, signed_in, context)
            .await
            .map_err(|error| unproven(error, record))
    };
    let found = context.signals.cancel(looking).await?;
    if found.is_none() || entry.record.work == Work::Rekey {
        mint::same_signer(&entry.record, signed_in)?;
    }
    let Some(id) = found else {
        context.output.note(&format!(
            "the key `{}` is not there; its record is dropped",
            record.key_name
        ));
        return settle(entry);
    };
    // A key that was to live as long as its run has outlived it.
    let delete = args.delete
        || entry.record.temporary && !args.rekey
        || lost_name_race(&entry.record, id, signed_in, context).await?;
    if !args.yes {
        confirm(record, id, delete, context).await?;
    }
    if delete {
        context.set_unsettled(Some(PendingWork {
            what: format!("the key `{}` may be there still", record.key_name),
            key_id: Some(id),
            work: PendingKind::Secret { recorded: true },
        }));
        let deleted = mint::delete_abandoned(context, signed_in, &entry.record, id).await;
        context.set_unsettled(None);
        deleted?;
        context.output.note(&format!(
            "the key `{}` (ID {id}) is deleted",
            record.key_name
        ));
        return settle(entry);
    }
    wait_for_inflight_request(&entry, context).await?;
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let meta = json!({
        "manager": record.manager,
        "created": record.work == Work::Create,
        "operation": record.operation,
        "sinks": prepared.places(),
        "recovered": true,
    });
    let mint = Transaction {
        context,
        signed_in,
        prepared,
        meta: &meta,
        verify: false,
        recovering: true,
    };
    let (delivered, recorded) = mint.finish(id, entry).await?;
    recorded.settle(context);
    context.output.note(&format!(
        "the key `{}` (ID {id}) has a new secret",
        record.key_name
    ));
    if args.sinks.to_stdout() {
        Ok(())
    } else {
        print_key(&delivered.fields, meta, context).map_err(output_failed_after_delivery)
    }
}

/// A request for a secret that its run left behind may still be worked on, and would kill a secret that is made before it.
pub(super) async fn wait_for_inflight_request(
    entry: &Entry,
    context: &Context,
) -> Result<(), Error> {
    let passed = async {
        tokio::time::sleep(still_settling(entry, context)).await;
        Ok(())
    };
    context.signals.cancel(passed).await
}

/// What cannot be proven cannot be finished here: a person looks at the manager's keys, and says that it is done.
async fn forget(args: &Args, records: &[Record], context: &Context) -> Result<Outcome, Error> {
    for record in records {
        let question = format!(
            "Forget what was left of the key `{}`?",
            crate::terminal::output::safe(&record.key_name)
        );
        if !args.yes
            && !context
                .prompt()
                .confirm(&question, "say `--yes`", &context.signals)
                .await?
        {
            continue;
        }
        if let Some(entry) = Entry::take_over(&record.operation)? {
            settle(entry)?;
            context.output.note(&format!(
                "the record about the key `{}` is dropped",
                record.key_name
            ));
        }
    }
    Ok(Outcome::Done)
}

fn settle(entry: Entry) -> Result<(), Error> {
    entry.settle().map_err(|error| {
        Error::unexpected(format!(
            "the record in {} could not be removed: {error}",
            journal::place()
        ))
    })
}

/// A run that was to give a key a new secret made no key: there is nothing of its own to delete, and its old secret may be in use.
fn was_there_before(record: &Record) -> Error {
    let error = Error::usage(
        format!(
            "the key `{}` was there before the run that was cut off, so it is not deleted for it",
            record.key_name
        ),
        "say `--rekey` to give it a new secret; its old one may be dead",
    );
    match record.key_id {
        Some(id) => error.key(id),
        None => error,
    }
}

fn unproven(error: Error, record: &Record) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    error.hint(format!(
        "look at the manager's keys yourself; then say `swp-keys recover {} --forget`",
        record.operation
    ))
}

/// Whether another key of the name was first: then this one would have gone, had its run lived (`mint.rs`, "One name, many runs").
pub(super) async fn lost_name_race(
    record: &Record,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<bool, Error> {
    // A run delivers after it has seen that its key stays.
    let stays = record.progress.stage == Stage::Delivering;
    if !record.unique || record.work == Work::Rekey || stays {
        return Ok(false);
    }
    // The manager may keep the name in a form of its own.
    let looking = async {
        let key = signed_in.api_key(id).await?;
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        let name = match mint::is_like(&record.key_name, &name) {
            true => name,
            false => record.key_name.clone(),
        };
        let found = signed_in.api_keys_named(&name).await?;
        Ok((name, found))
    };
    let (name, found) = context.signals.cancel(looking).await?;
    let first = found.iter().any(|key| {
        key.name() == Some(&name)
            && key.id < id
            && !record.existing_ids.contains(&key.id)
            && !mint::is_ours(record, key)
    });
    if first {
        context.output.note(&format!(
            "another key named `{}` was first, so the one with the ID {id} is deleted",
            record.key_name
        ));
    }
    Ok(first)
}

async fn confirm(record: &Record, id: i64, delete: bool, context: &Context) -> Result<(), Error> {
    let what = if delete {
        "Delete"
    } else {
        "Make a new secret for"
    };
    let name = crate::terminal::output::safe(&record.key_name);
    let in_use = match record.progress.stage {
        Stage::Delivering => ", and its secret may have been delivered",
        _ => "",
    };
    let question = format!(
        "{what} the key `{name}` (ID {id}, left by a run of {}{in_use})?",
        format_time(record.started)
    );
    if context
        .prompt()
        .confirm(&question, "say `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("the key `{}` is left as it is", record.key_name),
    )
    .hint("its record stays, until `swp-keys recover` is answered with yes"))
}
