//! `lock-key`: locks a key, so that it cannot sign in. Nothing else about the key changes.

use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::print_changed;
use crate::keys::lookup;
use crate::keys::own_key::Signer;
use crate::keys::state::describe;
use crate::keys::update;

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
            let key = update::set_active(&key, false, signed_in, context).await?;
            Ok((key, true))
        })
        .await?;
    let already = if changed { "" } else { " already" };
    context
        .output
        .note(&format!("{} is locked{already}", describe(&key)));
    print_changed(&key, changed, context)
}
