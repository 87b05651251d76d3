//! `logout`: end the kept session on the manager, and forget it.

use super::Outcome;
use crate::context::Context;
use crate::error::Error;
use crate::kept_session::KeptSession;
use crate::manager::Credentials;

/// End the kept session on the manager, and forget it.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    let settings = &context.settings;
    let address = settings.address()?.to_string();
    let tenant = settings.tenant.as_ref().map(|tenant| tenant.value.as_str());
    let username = settings
        .username
        .as_ref()
        .map(|username| username.value.as_str());
    let Some(kept) = KeptSession::find(&address, tenant, username)? else {
        context
            .output
            .note(&format!("no session is kept for {address}"));
        return Ok(Outcome::Done);
    };
    let signed_in = context
        .manager()?
        .with(Credentials::Session(kept.session()));
    let ended = context.sign_out(&signed_in).await;
    kept.forget()?;
    let whose = format!("the session of {} at {address}", kept.username);
    context.output.note(&if ended {
        format!("{whose} is ended and forgotten")
    } else {
        format!("{whose} is forgotten; the manager did not end it, so it lives there until its time is over")
    });
    Ok(Outcome::Done)
}
