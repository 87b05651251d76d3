//! `list-roles`: lists the roles.

use crate::auth::session;
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::keys::roles;
use crate::target::Target;

/// List the roles.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(
    _args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let target = Target::find(settings, context).await?;
    let found = session::signed_in(&target, context, async |access| {
        let listing = async {
            let listed = access.signed_in.roles().await;
            listed.map_err(|error| roles::explain(access.signed_in, error))
        };
        context.signals.cancel(listing).await
    })
    .await?;
    roles::print(&found, &target, context)?;
    Ok(Outcome::Done)
}
