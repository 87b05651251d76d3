//! Creates a new secret for an existing key: for the key KEY with `--in-place`, or for the key that authenticates this run with `--current`. The old
//! secret stops working at once.

use serde_json::{Map, Value};

use super::args::Args;
use super::resume::AbandonedRotation;
use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::Record;
use crate::keys::document::{print_delivered, print_key, secret_meta};
use crate::keys::fleet_note::note_new_secret;
use crate::keys::key_meta::{self, json_role_name};
use crate::keys::key_report::KeyReport;
use crate::keys::lookup;
use crate::keys::state::require_usable;
use crate::manager::{ApiKey, Cause};
use crate::mint::{PreparedSinks, Transaction};
use crate::random;
use crate::target::Target;

/// Runs `rotate-key KEY --in-place`.
pub(super) async fn in_place(
    args: &Args,
    key_argument: &str,
    settings: Settings,
    context: &Context,
) -> Result<(), Error> {
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let target = Target::find(settings, context).await?;
    let method = AuthMethod::select(&target, context)?;
    let input = LoginInput::default();
    let rekeyed = session::signed_in_with(&method, &input, &target, context, async |access| {
        let key = lookup::resolve(key_argument, access).await?;
        let id = key.id;
        let rekey = InPlaceRekey::of(args, key, false, access)?;
        let result = rekey.carry_out(prepared, access).await;
        result.map_err(|error| match access.signed_in.signer_id() {
            Some(signer) if signer == id => signer_hint(error, id, access.context),
            _ => error,
        })
    })
    .await?;
    print(rekeyed.as_ref(), &method, context);
    Ok(())
}

/// Prints the report about the key, and warns if `login` saved the old secret.
fn print(report: Option<&KeyReport>, method: &AuthMethod, context: &Context) {
    if let Some(report) = report {
        report.print(context);
        method.warn_if_replaced(report.id(), context);
    }
}

/// Runs `rotate-key --current`.
pub(super) async fn current(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<(), Error> {
    let target = Target::find(settings, context).await?;
    // `--current` requires an API key. The run checks this before the sign-in, so that it does not sign in with a password in vain.
    let method = AuthMethod::select(&target, context)?;
    if !matches!(method, AuthMethod::ApiKey(_)) && !method.is_saved_key() {
        return Err(requires_api_key());
    }
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let input = LoginInput::default();
    let rekeyed = session::signed_in_with(&method, &input, &target, context, async |access| {
            if access.signed_in.session().is_some() {
                return Err(requires_api_key());
            }
            let request = async { Ok(access.signed_in.current_api_key().await) };
            let key = match context.signals.cancel(request).await? {
                Ok(key) => key,
                Err(error) if *error.cause() == Cause::Forbidden => {
                    let hint = "the API key of this run is expired or locked, or has no permission to view API keys; sign in with a password, or with a different API key that has this permission, and run `swp-keys rotate-key KEY --in-place`, where KEY is the ID or name of the API key that needs a new secret";
                    return Err(Error::from(error).hint(hint));
                }
                Err(error) => return Err(error.into()),
            };
            let id = key.id;
            let rekey = InPlaceRekey::of(args, key, true, access)?;
            let result = rekey.carry_out(prepared, access).await;
            result.map_err(|error| signer_hint(error, id, access.context))
        })
        .await?;
    print(rekeyed.as_ref(), &method, context);
    Ok(())
}

fn requires_api_key() -> Error {
    Error::usage(
        "`--current` requires an API key, but this run uses a session",
        "use `--api-key-file` or SWP_API_KEY to pass the API key that needs a new secret; or run `swp-keys rotate-key KEY --in-place`, where KEY is the ID or name of this API key",
    )
}

/// Adds a hint if it is unknown whether the secret of this run's own API key was replaced. If the secret was replaced, `recover` cannot authenticate
/// with the old secret.
fn signer_hint(error: Error, id: i64, context: &Context) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    let yes = context.yes_flag();
    error.hint(format!(
        "if the key still works, run `swp-keys recover` with this key; if not, run `swp-keys recover --forget{yes}` and have \
         an administrator run `swp-keys rotate-key {id} --in-place`"
    ))
}

/// A key that will get a new secret.
struct InPlaceRekey<'a> {
    args: &'a Args,
    key: ApiKey,
    name: String,
    current: bool,
    operation: String,
}

impl<'a> InPlaceRekey<'a> {
    fn of(args: &'a Args, key: ApiKey, current: bool, access: Access<'_>) -> Result<Self, Error> {
        if AbandonedRotation::of_key(&key, access.target)?.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("a rotation of the key with ID {} was interrupted", key.id),
            )
            .hint("run `swp-keys recover` to finish the rotation, or `swp-keys recover --delete` to undo it")
            .key(key.id));
        }
        note_new_secret(&key, &access.context.output);
        Ok(Self {
            args,
            name: key.name().unwrap_or_default().to_owned(),
            key,
            current,
            operation: random::hex(4),
        })
    }

    /// Creates the new secret. Returns the report about the key, or `None` after a dry run.
    async fn carry_out(
        &self,
        prepared: PreparedSinks,
        access: Access<'_>,
    ) -> Result<Option<KeyReport>, Error> {
        let meta = secret_meta(access.target, false, &self.operation, &prepared.places());
        let (id, name) = (self.key.id, &self.name);
        // The key that authenticates this run is neither locked nor expired.
        if !self.current {
            require_usable(&self.key, access)?;
        }
        let role = json_role_name(access, self.key.role_id()).await?;
        let meta_of = |fields: &Map<String, Value>| {
            key_meta::complete(&meta, fields, role.as_deref(), access.signed_in.time())
        };
        if self.args.dry_run {
            let sinks = prepared.places().join(", ");
            access.context.output.note(&format!(
                "dry run: would create a new secret for the key `{name}` (ID {id}) and write it to {sinks}; nothing was changed on the manager"
            ));
            if access.context.output.format().is_json() {
                let mut meta = meta_of(&self.key.fields());
                meta["dryRun"] = true.into();
                print_key(&self.key.fields(), meta, access.context)?;
            }
            return Ok(None);
        }
        let destinations = prepared.destinations();
        let record = self.record(&prepared, access);
        access.context.output.warn(&format!(
            "the old secret of the key `{name}` (ID {id}) stops working now"
        ));
        let mint = Transaction::new(access, prepared, meta_of).verify(self.args.verify);
        let delivered = mint.rekey(&self.key, record).await?;
        if !self.args.sinks.to_stdout() {
            print_delivered(&delivered, access.context)?;
        }
        let now = access.signed_in.time();
        let report = KeyReport::delivered(&delivered, destinations, now);
        Ok(Some(report))
    }

    fn record(&self, prepared: &PreparedSinks, access: Access<'_>) -> Record {
        let operation = access.operation(&self.operation, prepared.places());
        Record {
            current: self.current,
            ..Record::rekey(operation, &self.name, self.key.id)
        }
    }
}
