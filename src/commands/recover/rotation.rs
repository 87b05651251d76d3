//! What is left of a rotation: finished, or undone with `--delete`, so that one key of the name works and none is forgotten.

use serde_json::json;

use super::args::Args;
use super::confirmation::{confirm, unproven};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{Entry, Predecessor};
use crate::keys::document::{meta, output_failed_after_delivery, print_key};
use crate::manager::SignedIn;
use crate::mint::resume::{
    find_abandoned_key, lost_name_race, same_signer, settle, wait_for_inflight_request,
};
use crate::mint::{self, PreparedSinks, Retired, RunRecord, Transaction};
use crate::process::pending::PendingWork;

pub(super) async fn recover(
    args: &Args,
    entry: Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let record = entry.record.clone();
    let Some(old) = &record.predecessor else {
        return Ok(());
    };
    // The old key is named by its ID, which is another's in another tenant.
    same_signer(&record, signed_in)?;
    let looking = async {
        let found = find_abandoned_key(&entry, signed_in, context).await;
        found.map_err(|error| unproven(error, &record))
    };
    let Some(id) = context.signals.cancel(looking).await? else {
        mint::restore_name(context, signed_in, &record).await?;
        context.output.note(&format!(
            "no key took the place of `{}` (ID {}), which stays as it is; the record is dropped",
            record.key_name, old.id
        ));
        return settle(entry);
    };
    if record.is_delivered() {
        return end_the_old_one(args, entry, old, id, signed_in, context).await;
    }
    let delete = args.delete || lost_name_race(&record, id, signed_in, context).await?;
    if !args.yes {
        confirm(&record, id, delete, context).await?;
    }
    if delete {
        return undo(entry, id, signed_in, context).await;
    }
    finish(args, entry, id, signed_in, context).await
}

/// The successor is delivered, and in use perhaps: it stays, and the old one retires.
async fn end_the_old_one(
    args: &Args,
    entry: Entry,
    old: &Predecessor,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let name = entry.record.key_name.clone();
    if args.delete {
        return Err(Error::usage(
            format!("the secret of the key `{name}` (ID {id}) was delivered, so it is not deleted for what is left to be done"),
            format!("leave `--delete` out, and the end of the old key (ID {}) is set", old.id),
        )
        .key(id));
    }
    if !args.yes {
        let question = format!(
            "Set the end of the old key `{}` (ID {})?",
            crate::terminal::output::safe(&name),
            old.id
        );
        let prompt = context.prompt();
        if !prompt
            .confirm(&question, "say `--yes`", &context.signals)
            .await?
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the old key (ID {}) is left as it is", old.id),
            )
            .hint("its record stays, until `swp-keys recover` is answered with yes"));
        }
    }
    let end = mint::expire_predecessor(context, signed_in, RunRecord::written(entry), id).await?;
    tell(&end, old, context);
    Ok(())
}

async fn undo(entry: Entry, id: i64, signed_in: &SignedIn, context: &Context) -> Result<(), Error> {
    let name = &entry.record.key_name;
    let pending = context.pending.add(PendingWork::secret(
        format!("the key `{name}` may be there still"),
        Some(id),
        mint::pending_hint(true),
    ));
    let undone = async {
        mint::delete_abandoned(context, signed_in, &entry.record, id).await?;
        mint::restore_name(context, signed_in, &entry.record).await
    };
    let undone = undone.await;
    drop(pending);
    undone?;
    context.output.note(&format!(
        "the key `{name}` (ID {id}) is deleted, and the one that it was to take the place of stays"
    ));
    settle(entry)
}

async fn finish(
    args: &Args,
    entry: Entry,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let record = entry.record.clone();
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    // A request for a secret that its run left behind may still be worked on, and would kill a secret that is made before it.
    wait_for_inflight_request(&entry, context).await?;
    let fields = json!({
        "created": true,
        "operation": record.operation,
        "sinks": prepared.places(),
        "predecessor": {"ID": record.predecessor.as_ref().map(|old| old.id)},
        "recovered": true,
    });
    let meta = meta(context, fields)?;
    let mint = Transaction::new(context, signed_in, prepared, &meta).recovering();
    let (delivered, recorded) = mint.resume(id, entry).await?;
    context.output.note(&format!(
        "the key `{}` (ID {id}) has a new secret",
        record.key_name
    ));
    let end = mint::expire_predecessor(context, signed_in, recorded, id).await?;
    if let Some(old) = &record.predecessor {
        tell(&end, old, context);
    }
    if args.sinks.to_stdout() {
        return Ok(());
    }
    print_key(&delivered.fields, meta, context).map_err(output_failed_after_delivery)
}

fn tell(end: &Retired, old: &Predecessor, context: &Context) {
    context.output.note(&match end {
        Retired::Ends(end) => format!(
            "the old key (ID {}) works until {}",
            old.id,
            format_time(*end)
        ),
        Retired::Gone => format!("the old key (ID {}) is gone already", old.id),
    });
}
