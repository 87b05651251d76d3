//! Finishes an interrupted rotation, or undoes it with `--delete`.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::confirmation::confirm;
use super::result::{RECOVERED, print_result};
use super::selection::refuse_other_destination;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{Entry, Predecessor};
use crate::keys::confirmation::confirm_recorded;
use crate::keys::document::{meta, print_delivered};
use crate::keys::key_meta::{self, json_role_name};
use crate::keys::key_report::KeyReport;
use crate::mint::resume::{
    find_abandoned_key, lost_name_race, same_signer, settle, unproven, wait_for_inflight_request,
};
use crate::mint::{self, PreparedSinks, Retired, RunRecord, Transaction};
use crate::process::pending::PendingWork;

/// Finishes or undoes an interrupted rotation.
///
/// # Errors
/// Returns an error if the search for the new key or a later step fails. After an error, the journal record still exists, so the recovery can be
/// repeated.
pub(super) async fn recover(args: &Args, entry: Entry, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    let Some(old) = &record.predecessor else {
        return Ok(());
    };
    // This run must use the same tenant as the interrupted run. In another tenant, the key ID in the journal record could belong to a different key.
    same_signer(&record, access)?;
    let search = async {
        let found = find_abandoned_key(&entry, access).await;
        found.map_err(|error| unproven(error, &record, access.context))
    };
    let Some(id) = access.context.signals.cancel(search).await? else {
        mint::restore_name(access, &record).await?;
        access.context.output.note(&format!(
            "the key `{}` (ID {}) has no successor and was not changed; removed the record of the rotation",
            record.key_name, old.id
        ));
        settle(entry)?;
        return print_result(args, &record, None, "no successor", access.context);
    };
    if record.is_delivered() {
        return expire_old_key(args, entry, old, id, access).await;
    }
    let delete = args.delete || lost_name_race(&record, id, access).await?;
    if !args.yes {
        confirm(&record, id, delete, access.context).await?;
    }
    if delete {
        return undo(args, entry, id, access).await;
    }
    finish(args, entry, id, access).await
}

/// Finishes a rotation by setting the expiry of the old key. The new secret has already been delivered.
///
/// # Errors
/// Returns an error if `--delete` is set, because the new secret may be in use.
async fn expire_old_key(
    args: &Args,
    entry: Entry,
    old: &Predecessor,
    id: i64,
    access: Access<'_>,
) -> Result<(), Error> {
    let name = entry.record.key_name.clone();
    if args.delete {
        return Err(Error::usage(
            format!(
                "did not delete the key `{name}` (ID {id}), because its secret was delivered and may be in use"
            ),
            format!(
                "omit `--delete` to set the expiry of the old key (ID {})",
                old.id
            ),
        )
        .key(id));
    }
    if !args.yes {
        let question = format!(
            "Set the expiry of the old key `{}` (ID {})?",
            crate::terminal::output::safe(&name),
            old.id
        );
        let prompt = access.context.prompt();
        if !prompt
            .confirm_one_of_several(&question, "use `--yes`", &access.context.signals)
            .await?
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the old key (ID {}) was not changed", old.id),
            )
            .hint(format!(
                "run `swp-keys recover {}` again and answer `y`, or use `--yes`",
                entry.record.operation
            )));
        }
    }
    let record = entry.record.clone();
    confirm_recorded(&record, id, access).await?;
    let retired = mint::expire_predecessor(access, RunRecord::written(entry), id).await?;
    report_retired(&retired, old, access.context);
    print_result(args, &record, Some(id), "finished", access.context)
}

async fn undo(args: &Args, entry: Entry, id: i64, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    let name = &record.key_name;
    let pending = access.context.pending.add(PendingWork::secret(
        format!("the key `{name}` may still exist"),
        Some(id),
        mint::pending_hint(true),
    ));
    let work = async {
        mint::delete_abandoned(access, &entry.record, id).await?;
        mint::restore_name(access, &entry.record).await
    };
    let result = work.await;
    drop(pending);
    result?;
    access.context.output.note(&format!(
        "deleted the successor `{name}` (ID {id}); the old key was not deleted"
    ));
    settle(entry)?;
    print_result(args, &record, Some(id), "deleted", access.context)
}

async fn finish(args: &Args, entry: Entry, id: i64, access: Access<'_>) -> Result<(), Error> {
    let record = entry.record.clone();
    refuse_other_destination(args, &record, access.context)?;
    let prepared = PreparedSinks::ready(&args.sinks, access.context).await?;
    // The manager may still be processing a request for a new secret that the interrupted run sent. That request would invalidate the secret that
    // this run creates, so this run waits first.
    wait_for_inflight_request(&entry, access.target, access.context).await?;
    let fields = json!({
        "created": true,
        "operation": record.operation,
        "sinks": prepared.places(),
        "predecessor": {"ID": record.predecessor.as_ref().map(|old| old.id)},
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
    confirm_recorded(&record, id, access).await?;
    let retired = mint::expire_predecessor(access, recorded, id).await?;
    let printed = match args.sinks.to_stdout() {
        true => Ok(()),
        false => print_delivered(&delivered, access.context),
    };
    let now = access.signed_in.time();
    KeyReport::delivered(&delivered, destinations, now)
        .recorded_name(&record.key_name)
        .name_stdout()
        .print(access.context);
    if let Some(old) = &record.predecessor {
        report_retired(&retired, old, access.context);
    }
    printed
}

/// Prints the expiry of the old key.
fn report_retired(retired: &Retired, old: &Predecessor, context: &Context) {
    context.output.note(&match retired {
        Retired::Expires(expiry, name) => format!(
            "the old key `{name}` (ID {}) works until {}",
            old.id,
            format_time(*expiry)
        ),
        Retired::Gone => format!("the old key (ID {}) no longer exists", old.id),
        Retired::Released(id) => {
            format!(
                "the old key (ID {id}) no longer belongs to the fleet, so its expiry was not set"
            )
        }
    });
}
