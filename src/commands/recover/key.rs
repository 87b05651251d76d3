//! The key of a run that was cut off, unless that was a rotation: found, then deleted or given a new secret.

use serde_json::json;

use super::args::Args;
use super::confirmation::{confirm, unproven};
use crate::context::Context;
use crate::error::Error;
use crate::journal::{Entry, Record, Work};
use crate::keys::document::{meta, output_failed_after_delivery, print_key};
use crate::manager::SignedIn;
use crate::mint::resume::{
    announce_wait, find_abandoned_key, lost_name_race, same_signer, settle,
    wait_for_inflight_request,
};
use crate::mint::{self, PreparedSinks, Transaction};
use crate::process::pending::PendingWork;

/// Finishes or undoes the work on one key.
pub(super) async fn recover(
    args: &Args,
    entry: Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let record = entry.record.clone();
    if args.delete && record.work == Work::Rekey {
        return Err(was_there_before(&record));
    }
    announce_wait(&entry, context);
    let looking = async {
        find_abandoned_key(&entry, signed_in, context)
            .await
            .map_err(|error| unproven(error, &record))
    };
    let found = context.signals.cancel(looking).await?;
    if found.is_none() || record.work == Work::Rekey {
        same_signer(&record, signed_in)?;
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
        || record.temporary && !args.rekey
        || lost_name_race(&record, id, signed_in, context).await?;
    if !args.yes {
        confirm(&record, id, delete, context).await?;
    }
    if delete {
        return self::delete(entry, id, signed_in, context).await;
    }
    rekey(args, entry, id, signed_in, context).await
}

async fn delete(
    entry: Entry,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let name = &entry.record.key_name;
    let pending = context.pending.add(PendingWork::secret(
        format!("the key `{name}` may be there still"),
        Some(id),
        mint::pending_hint(true),
    ));
    let deleted = mint::delete_abandoned(context, signed_in, &entry.record, id).await;
    drop(pending);
    deleted?;
    context
        .output
        .note(&format!("the key `{name}` (ID {id}) is deleted"));
    settle(entry)
}

async fn rekey(
    args: &Args,
    entry: Entry,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let record = entry.record.clone();
    wait_for_inflight_request(&entry, context).await?;
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let fields = json!({
        "created": record.work == Work::Create,
        "operation": record.operation,
        "sinks": prepared.places(),
        "recovered": true,
    });
    let meta = meta(context, fields)?;
    let mint = Transaction::new(context, signed_in, prepared, &meta).recovering();
    let (delivered, recorded) = mint.resume(id, entry).await?;
    recorded.settle(context).done().await;
    context.output.note(&format!(
        "the key `{}` (ID {id}) has a new secret",
        record.key_name
    ));
    if args.sinks.to_stdout() {
        return Ok(());
    }
    print_key(&delivered.fields, meta, context).map_err(output_failed_after_delivery)
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
