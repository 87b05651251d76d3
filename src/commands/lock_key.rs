//! `lock-key`: locks keys. The manager rejects a locked key until it is unlocked.

use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::locking;
use crate::keys::locking::LockChange;

/// Lock keys. The manager rejects a locked key until it is unlocked.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The keys: IDs (N or id:N) or unique names (TEXT or name:TEXT)
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    /// Lock the keys even if this run authenticates with one of them (that key is locked last)
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let change = LockChange::Lock { force: args.force };
    locking::run(&args.keys, change, settings, context).await
}
