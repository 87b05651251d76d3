//! `lock-key`: a key that is locked cannot sign in; nothing else about it changes.

use serde_json::json;

use super::Outcome;
use super::create_key::print_key;
use crate::context::Context;
use crate::error::Error;
use crate::keys::lookup;
use crate::keys::own_key::Signer;
use crate::keys::update;
use crate::keys::update::named;
use crate::manager::{ApiKey, KeyChange, SignedIn};

/// Lock a key: it cannot sign in until it is unlocked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N), or a name that it alone has (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,

    /// Lock it even if it is the key that signs this run
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    let (key, changed) = context
        .signed_in(async |signed_in| {
            let key = lookup::resolve(&args.key, signed_in, context).await?;
            if key.active() == Some(false) {
                return Ok((key, false));
            }
            if !args.force {
                Signer::ask(signed_in, context)
                    .await?
                    .refuse_own_key(&key, "locked")?;
            }
            let key = set_active(&key, false, signed_in, context).await?;
            Ok((key, true))
        })
        .await?;
    let already = if changed { "" } else { " already" };
    context
        .output
        .note(&format!("{} is locked{already}", named(&key)));
    print(&key, changed, context)
}

pub(super) async fn set_active(
    key: &ApiKey,
    active: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<ApiKey, Error> {
    let change = KeyChange {
        active: Some(active),
        ..KeyChange::default()
    };
    update::carry_out(key, &change, signed_in, context).await
}

/// The key as it is now, and whether that is this run's doing.
pub(super) fn print(key: &ApiKey, changed: bool, context: &Context) -> Result<Outcome, Error> {
    let meta = json!({
        "manager": context.settings.address()?.to_string(),
        "changed": changed,
    });
    print_key(&key.fields(), meta, context)?;
    Ok(Outcome::Done)
}
