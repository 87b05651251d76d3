//! Runs `recover`.

use super::args::Args;
use super::result::print_result;
use super::selection::{count_runs, list, selected};
use super::{key, rotation, selection};
use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind, Signal};
use crate::journal::{Entry, Record};
use crate::keys::confirmation::confirm_delivery;
use crate::mint::resume::settle;
use crate::target::Target;
use crate::terminal::output::Format;

/// Recovers each selected run.
///
/// # Errors
/// If one run could not be recovered, returns the error of that run. If several runs could not be recovered, returns a partial failure.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    if args.list {
        return list(context);
    }
    args.sinks.check()?;
    let target = Target::find(settings, context).await?;
    let records = selected(args, &target, context)?;
    if records.is_empty() {
        selection::all_readable()?;
        context.output.note("there is nothing to recover");
        return Ok(Outcome::Done);
    }
    let secrets = records
        .iter()
        .filter(|record| selection::needs_a_secret(args, record));
    let secrets = secrets.count();
    selection::refuse_without_destinations(args, &records)?;
    check_stdout(args, secrets, context)?;
    let delivers = secrets > 0 && !args.delete && !args.forget;
    args.prints_secrets.set(delivers && args.sinks.to_stdout());
    if !args.yes && !context.prompt().is_available() {
        return Err(Error::usage(
            format!(
                "could not confirm the recovery of {}: {}",
                count_runs(records.len()),
                context.prompt().obstacle()
            ),
            "run `swp-keys recover --list` to check the unfinished runs, then use `--yes`",
        ));
    }
    if args.forget {
        return forget(args, &records, context).await;
    }
    let method = AuthMethod::select(&target, context)?;
    let failures = session::signed_in_to_recover(&method, &target, context, async |access| {
        let mut failures = Vec::new();
        let step = (context.progress).begin_items("recovering runs", Some(records.len()));
        for (done, record) in records.iter().enumerate() {
            step.set_done(done);
            if let Some(signal) = context.signals.received() {
                return Err(interrupted(signal, &failures, records.len() - done));
            }
            // `recover_one` prints its report as soon as it has removed the journal record, because a later failure or a second signal could prevent
            // a report at the end.
            if let Err(error) = recover_one(args, record, access).await {
                failures.push(error);
            }
        }
        Ok(failures)
    })
    .await?;
    summarize(failures, records.len(), context)
}

/// Returns the error for a recovery that a signal interrupted. `remaining` is the number of unfinished runs whose recovery was not started.
fn interrupted(signal: Signal, failures: &[Error], remaining: usize) -> Error {
    let count = count_runs(failures.len() + remaining);
    let mut message = format!("interrupted; could not recover {count}");
    // The message already begins with `interrupted`, so errors that report the interruption are not appended to it.
    for error in failures.iter().filter(|error| !is_interruption(error)) {
        message.push_str(&format!("; {error}"));
    }
    Error::new(ErrorKind::Interrupted(signal), message)
        .hint("run `swp-keys recover --list` to list the unfinished runs")
}

fn is_interruption(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted(_))
}

/// If one run could not be recovered, returns its error. If several could not, prints the error of each and returns a partial failure.
fn summarize(mut failures: Vec<Error>, total: usize, context: &Context) -> Result<Outcome, Error> {
    if failures.len() <= 1 {
        return failures.pop().map_or(Ok(Outcome::Done), Err);
    }
    if let (Some(signal), true) = (
        context.signals.received(),
        failures.iter().any(is_interruption),
    ) {
        return Err(interrupted(signal, &failures, 0));
    }
    for failure in &failures {
        // The errors are printed even with `--quiet`, because the returned error does not contain them.
        context.output.insist(&failure.to_string());
    }
    Err(Error::new(
        ErrorKind::Partial,
        format!(
            "could not recover {} of {}",
            failures.len(),
            count_runs(total)
        ),
    )
    .hint("run `swp-keys recover --list` to list the unfinished runs"))
}

/// Rejects the recovery of several secrets, except to stdout in the format `jsonl`. Any other output can contain only one secret.
///
/// # Errors
/// Returns a usage error that states how many runs need a secret.
fn check_stdout(args: &Args, count: usize, context: &Context) -> Result<(), Error> {
    let single_document = !args.sinks.to_stdout() || context.output.format() != Format::Jsonl;
    if args.delete || args.forget || count <= 1 || !single_document {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "did not recover {}, because stdout can contain only one secret in this format",
            count_runs(count)
        ),
        "pass the ID of one operation from `swp-keys recover --list`, or use `-o jsonl` or `--delete`",
    ))
}

/// Recovers one run.
async fn recover_one(args: &Args, record: &Record, access: Access<'_>) -> Result<(), Error> {
    let Some(entry) = Entry::take_over(&record.operation)? else {
        access.context.output.note(&format!(
            "the run `{}` is finished, or another process is working on it",
            record.operation
        ));
        return print_result(args, record, record.key_id, "skipped", access.context);
    };
    if entry.record.is_over() {
        if let (Some(_), Some(id)) = (&entry.record.fleet, entry.record.key_id)
            && let Some(key) = access.signed_in.find_api_key(id).await?
        {
            confirm_delivery(&key, access).await?;
        }
        access.context.output.note(&format!(
            "the run for the key `{}` was already complete; removed its record",
            record.key_name
        ));
        settle(entry)?;
        return print_result(args, record, record.key_id, "complete", access.context);
    }
    selection::refuse_in_use(args, &entry.record, access.context)?;
    if entry.record.predecessor.is_some() {
        return rotation::recover(args, entry, access).await;
    }
    key::recover(args, entry, access).await
}

/// Removes records without contacting the manager. The user must have checked the keys in the manager's console.
async fn forget(args: &Args, records: &[Record], context: &Context) -> Result<Outcome, Error> {
    let mut declined = Vec::new();
    for record in records {
        let question = format!(
            "Remove the record of the interrupted run for the key `{}`?",
            crate::terminal::output::safe(&record.key_name)
        );
        if !args.yes
            && !context
                .prompt()
                .confirm_one_of_several(&question, "use `--yes`", &context.signals)
                .await?
        {
            let what = format!(
                "the record of the interrupted run for the key `{}` was not removed",
                record.key_name
            );
            let again = format!(
                "run `swp-keys recover {} --forget` again and answer `y`, or use `--yes`",
                record.operation
            );
            declined.push(Error::usage(what, again));
            continue;
        }
        if let Some(entry) = Entry::take_over(&record.operation)? {
            settle(entry)?;
            context.output.note(&format!(
                "removed the record of the interrupted run for the key `{}`",
                record.key_name
            ));
            print_result(args, record, record.key_id, "forgotten", context)?;
        }
    }
    summarize(declined, records.len(), context)
}
