//! Recovers an interrupted run that was not a rotation: deletes the run's key, or creates a new secret for the key.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::confirmation::confirm;
use super::result::{RECOVERED, print_result};
use super::selection::refuse_other_destination;
use crate::auth::session::Access;
use crate::error::Error;
use crate::journal::{Entry, Record, Work};
use crate::keys::confirmation::confirm_delivery;
use crate::keys::document::{meta, print_delivered};
use crate::keys::key_meta::{self, json_role_name};
use crate::keys::key_report::KeyReport;
use crate::mint::resume::{
    find_abandoned_key, lost_name_race, same_signer, settle, unproven, wait_for_inflight_request,
};
use crate::mint::{self, PreparedSinks, Transaction};
use crate::process::pending::PendingWork;

/// Finishes or undoes the interrupted work on one key.
///
/// # Errors
/// Returns an error if the search for the key fails, or if the key cannot be deleted or cannot get a new secret. After an error, the journal record
/// still exists, so the recovery can be repeated.
pub(super) async fn recover(args: &Args, entry: Entry, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    if args.delete && record.work == Work::Rekey {
        return Err(existed_before(&record));
    }
    let search = async {
        find_abandoned_key(&entry, access)
            .await
            .map_err(|error| unproven(error, &record, access.context))
    };
    let found = access.context.signals.cancel(search).await?;
    if found.is_none() || record.work == Work::Rekey {
        same_signer(&record, access)?;
    }
    let Some(id) = found else {
        access.context.output.note(&format!(
            "the key `{}` does not exist; removed the record of the run",
            record.key_name
        ));
        settle(entry)?;
        return print_result(args, &record, None, "no key", access.context);
    };
    // A key that `exec` created is deleted by default, because the command that used the key has ended.
    let delete = args.delete
        || record.temporary && !args.rekey
        || lost_name_race(&record, id, access).await?;
    if !args.yes {
        confirm(&record, id, delete, access.context).await?;
    }
    if delete {
        return self::delete(args, entry, id, access).await;
    }
    rekey(args, entry, id, access).await
}

async fn delete(args: &Args, entry: Entry, id: i64, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    let name = &record.key_name;
    let pending = access.context.pending.add(PendingWork::secret(
        format!("the key `{name}` may still exist"),
        Some(id),
        mint::pending_hint(true),
    ));
    let deleted = mint::delete_abandoned(access, &entry.record, id).await;
    drop(pending);
    deleted?;
    access
        .context
        .output
        .note(&format!("deleted the key `{name}` (ID {id})"));
    settle(entry)?;
    print_result(args, &record, Some(id), "deleted", access.context)
}

async fn rekey(args: &Args, entry: Entry, id: i64, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    refuse_other_destination(args, &record, access.context)?;
    wait_for_inflight_request(&entry, access.target, access.context).await?;
    let prepared = PreparedSinks::ready(&args.sinks, access.context).await?;
    let fields = json!({
        "created": record.work == Work::Create,
        "operation": record.operation,
        "sinks": prepared.places(),
        "recovered": true,
        "result": RECOVERED,
    });
    let meta = meta(access.target, fields);
    let role = json_role_name(access, record.role_id).await?;
    let meta_of = |fields: &Map<String, Value>| {
        key_meta::complete(&meta, fields, role.as_deref(), access.signed_in.time())
    };
    let destinations = prepared.destinations();
    let mint = Transaction::new(access, prepared, meta_of).recovering();
    let (delivered, recorded) = mint.resume(id, entry).await?;
    if record.fleet.is_some() {
        // If this fails, the record stays on disk, so that the delivery is confirmed later.
        confirm_delivery(&access.signed_in.api_key(id).await?, access).await?;
    }
    recorded.settle(access.context);
    let printed = match args.sinks.to_stdout() {
        true => Ok(()),
        false => print_delivered(&delivered, access.context),
    };
    let now = access.signed_in.time();
    KeyReport::delivered(&delivered, destinations, now)
        .recorded_name(&record.key_name)
        .name_stdout()
        .print(access.context);
    printed
}

/// Returns the error for `--delete` if the key existed before the interrupted run. `recover` does not delete such a key, because its old secret may
/// be in use.
fn existed_before(record: &Record) -> Error {
    let error = Error::usage(
        format!(
            "the key `{}` existed before the interrupted run, so it was not deleted",
            record.key_name
        ),
        "use `--rekey` to create a new secret for the key (its old secret may no longer work)",
    );
    match record.key_id {
        Some(id) => error.key(id),
        None => error,
    }
}
