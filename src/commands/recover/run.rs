//! A run of `recover`, record by record.

use super::args::Args;
use super::selection::{chosen, list, several};
use super::{key, rotation, selection};
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::journal::{Entry, Record};
use crate::manager::SignedIn;
use crate::mint::resume::settle;
use crate::terminal::output::Format;
use crate::terminal::prompt::Prompt;

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
    if !args.yes && context.prompt() == Prompt::Unavailable {
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
        return rotation::recover(args, entry, signed_in, context).await;
    }
    key::recover(args, entry, signed_in, context).await
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
