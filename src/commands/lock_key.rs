//! `lock-key`: locks a key. The manager rejects a locked key until it is unlocked.

use crate::auth::session;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::print_changed;
use crate::keys::lookup;
use crate::keys::own_key::Signer;
use crate::keys::state::describe;
use crate::keys::update;
use crate::target::Target;

/// Lock a key. The manager rejects a locked key until it is unlocked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N) or its unique name (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,

    /// Lock the key even if this run authenticates with it
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    let target = Target::new(settings)?;
    let (key, changed) = session::signed_in(&target, context, async |access| {
        let key = lookup::resolve(&args.key, access).await?;
        if key.active() == Some(false) {
            return Ok((key, false));
        }
        if !args.force {
            Signer::ask(access).await?.refuse_own_key(&key, "locked")?;
        }
        let key = update::set_active(&key, false, access).await?;
        Ok((key, true))
    })
    .await?;
    let already = if changed { "" } else { " already" };
    context
        .output
        .note(&format!("{} is locked{already}", describe(&key)));
    print_changed(&key, changed, &target, context)
}
