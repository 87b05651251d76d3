//! `list-roles`: lists the roles.

use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::keys::roles;

/// List the roles.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let found = context
        .signed_in(async |signed_in| {
            let listing = async {
                let listed = signed_in.roles().await;
                listed.map_err(|error| roles::explain(signed_in, error))
            };
            context.signals.cancel(listing).await
        })
        .await?;
    roles::print(&found, context)?;
    Ok(Outcome::Done)
}
