//! `unlock-key`: unlocks keys that an administrator has locked, or that the manager has locked after failed sign-ins.

use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::locking;
use crate::keys::locking::LockChange;

/// Unlock keys.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The keys: IDs (N or id:N) or unique names (TEXT or name:TEXT)
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    locking::run(&args.keys, LockChange::Unlock, settings, context).await
}
