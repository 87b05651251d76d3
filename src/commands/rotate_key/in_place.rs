//! Gives a key a new secret: any key with `--in-place`, the key that signs the requests with `--current`. The old secret stops working
//! at once.

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

/// Runs `rotate-key KEY --in-place`.
pub(super) async fn in_place(
    args: &Args,
    key_argument: &str,
    context: &Context,
) -> Result<(), Error> {
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    context
        .signed_in(async |signed_in| {
            let key = lookup::resolve(key_argument, signed_in, context).await?;
            let id = key.id;
            let rekey = InPlaceRekey::of(args, key, false, context)?;
            let result = rekey.carry_out(prepared, signed_in, context).await;
            result.map_err(|error| match signed_in.signer_id() {
                Some(signer) if signer == id => signer_hint(error, id),
                _ => error,
            })
        })
        .await
}

/// Runs `rotate-key --current`.
pub(super) async fn current(args: &Args, context: &Context) -> Result<(), Error> {
    // This is checked before a sign-in that would be useless.
    if matches!(
        AuthMethod::select(context)?,
        AuthMethod::Password | AuthMethod::Saved(_)
    ) {
        return Err(requires_api_key());
    }
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    context
        .signed_in(async |signed_in| {
            if signed_in.session().is_some() {
                return Err(requires_api_key());
            }
            let request = async { Ok(signed_in.current_api_key().await) };
            let key = match context.signals.cancel(request).await? {
                Ok(key) => key,
                Err(error) if *error.cause() == Cause::Forbidden => {
                    let hint = "run `swp-keys rotate-key KEY --in-place` with a key or user that may view API keys; this key may not, or is expired or locked";
                    return Err(Error::from(error).hint(hint));
                }
                Err(error) => return Err(error.into()),
            };
            let id = key.id;
            let rekey = InPlaceRekey::of(args, key, true, context)?;
            let result = rekey.carry_out(prepared, signed_in, context).await;
            result.map_err(|error| signer_hint(error, id))
        })
        .await
}

fn requires_api_key() -> Error {
    Error::usage(
        "`--current` requires an API key, and this run signs in with a session",
        "give the key with `--api-key-file` or SWP_API_KEY, or run `swp-keys rotate-key KEY --in-place`",
    )
}

/// Adds a hint to the error of a run whose own key may have a new secret: then neither this run nor `recover` can sign in with the old
/// secret.
fn signer_hint(error: Error, id: i64) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    error.hint(format!(
        "check whether the key still works: if it does, run `swp-keys recover` with it; if not, run `swp-keys recover --forget` and have \
         an administrator run `swp-keys rotate-key {id} --in-place`"
    ))
}

/// A key that gets a new secret.
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
                format!("a rotation of the key with the ID {} was interrupted", key.id),
            )
            .hint("run `swp-keys recover` to finish the rotation, or `swp-keys recover --delete` to undo it")
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
            let sinks = prepared.places().join(", ");
            context.output.note(&format!(
                "would give the key `{name}` (ID {id}) a new secret and write it to {sinks}; nothing was changed"
            ));
            meta["dryRun"] = true.into();
            return match context.output.format() {
                Format::Json | Format::Jsonl => print_key(&self.key.fields(), meta, context),
                _ => Ok(()),
            };
        }
        let record = self.record(&prepared, signed_in, context)?;
        context.output.warn(&format!(
            "the old secret of the key `{name}` (ID {id}) stops working now"
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
