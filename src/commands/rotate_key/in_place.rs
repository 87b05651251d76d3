//! A new secret for the key itself: `--in-place` for any, `--current` for the one that signs the requests. The old secret is dead at
//! once.

use serde_json::Value;

use super::args::Args;
use super::resume::AbandonedRotation;
use crate::auth::sign_in::AuthMethod;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::Record;
use crate::keys::document::{output_failed_after_delivery, print_key, secret_meta};
use crate::keys::lookup;
use crate::manager::{ApiKey, Cause, SignedIn};
use crate::mint::{PreparedSinks, Transaction, run_operation};
use crate::random;
use crate::terminal::output::Format;

/// `--in-place`.
pub(super) async fn in_place(args: &Args, wanted: &str, context: &Context) -> Result<(), Error> {
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    context
        .signed_in(async |signed_in| {
            let key = lookup::resolve(wanted, signed_in, context).await?;
            let id = key.id;
            let renewal = InPlaceRekey::of(args, key, false, context)?;
            let done = renewal.carry_out(prepared, signed_in, context).await;
            done.map_err(|error| match signed_in.signer_id() {
                Some(signer) if signer == id => may_be_dead(error, id),
                _ => error,
            })
        })
        .await
}

/// `--current`.
pub(super) async fn current(args: &Args, context: &Context) -> Result<(), Error> {
    // Seen before anybody signs in for nothing.
    if matches!(
        AuthMethod::select(context)?,
        AuthMethod::Password | AuthMethod::Saved(_)
    ) {
        return Err(needs_a_key());
    }
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    context
        .signed_in(async |signed_in| {
            if signed_in.session().is_some() {
                return Err(needs_a_key());
            }
            let looking = async { Ok(signed_in.current_api_key().await) };
            let key = match context.signals.cancel(looking).await? {
                Ok(key) => key,
                Err(error) if *error.cause() == Cause::Forbidden => {
                    let hint = "its role may not view keys, or the key is expired or locked; run `swp-keys rotate-key KEY --in-place` with a key or user that may view keys";
                    return Err(Error::from(error).hint(hint));
                }
                Err(error) => return Err(error.into()),
            };
            let id = key.id;
            let renewal = InPlaceRekey::of(args, key, true, context)?;
            let done = renewal.carry_out(prepared, signed_in, context).await;
            done.map_err(|error| may_be_dead(error, id))
        })
        .await
}

fn needs_a_key() -> Error {
    Error::usage(
        "`--current` is about the API key that signs the requests, and this run signs in with a session",
        "give the key with `--api-key-file` or SWP_API_KEY, or name a key: `swp-keys rotate-key KEY --in-place`",
    )
}

/// Whoever lost the answer cannot sign any more, nor can `recover` with the same secret.
fn may_be_dead(error: Error, id: i64) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    error.hint(format!(
        "check whether the key still signs; if it does, run `swp-keys recover` with it; if it does not, run `swp-keys recover --forget`, and \
         have an administrator give it a new secret with `swp-keys rotate-key {id} --in-place`"
    ))
}

/// A key that is to have a new secret.
struct InPlaceRekey<'a> {
    args: &'a Args,
    key: ApiKey,
    name: String,
    current: bool,
    operation: String,
}

impl<'a> InPlaceRekey<'a> {
    fn of(args: &'a Args, key: ApiKey, current: bool, context: &Context) -> Result<Self, Error> {
        if AbandonedRotation::of_key(&key, context)?.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("a rotation of the key with the ID {} was cut off", key.id),
            )
            .hint("run it again without `--in-place`, or `swp-keys recover`, which finishes it (`--delete` undoes it)")
            .key(key.id));
        }
        Ok(Self {
            args,
            name: key.name().unwrap_or_default().to_owned(),
            key,
            current,
            operation: random::hex(4),
        })
    }

    async fn carry_out(
        &self,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let mut meta = self.meta(&prepared, context)?;
        let (id, name) = (self.key.id, &self.name);
        if self.args.dry_run {
            let place = prepared.places().join(", ");
            context.output.note(&format!(
                "would give the key `{name}` (ID {id}) a new secret, and write that to {place}; nothing was changed"
            ));
            meta["dryRun"] = true.into();
            return match context.output.format() {
                Format::Json | Format::Jsonl => print_key(&self.key.fields(), meta, context),
                _ => Ok(()),
            };
        }
        let record = self.record(&prepared, signed_in, context)?;
        context.output.warn(&format!(
            "the old secret of the key `{name}` (ID {id}) dies now, wherever it is in use"
        ));
        let mint = Transaction::new(context, signed_in, prepared, &meta).verify(self.args.verify);
        let (delivered, flush) = mint.rekey(&self.key, record).await?;
        flush.done().await;
        if self.args.sinks.to_stdout() {
            return Ok(());
        }
        print_key(&delivered.fields, meta, context).map_err(output_failed_after_delivery)
    }

    fn record(
        &self,
        prepared: &PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Record, Error> {
        let operation = run_operation(&self.operation, prepared.places(), signed_in, context)?;
        Ok(Record {
            current: self.current,
            ..Record::rekey(operation, &self.name, self.key.id)
        })
    }

    fn meta(&self, prepared: &PreparedSinks, context: &Context) -> Result<Value, Error> {
        secret_meta(context, false, &self.operation, &prepared.places())
    }
}
