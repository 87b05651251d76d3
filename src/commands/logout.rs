//! `logout`: forget what `login` kept, and end it on the manager where it is a session.

use crate::auth::saved::{CredentialQuery, SavedCredential, What};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::manager::Credentials;

/// End the kept session on the manager and forget it, or forget the kept API key.
#[derive(clap::Args)]
#[command(after_help = "A kept API key is only forgotten: `swp-keys delete-key` ends it.")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    let address = context.settings.address()?;
    let Some(kept) =
        SavedCredential::find(&CredentialQuery::by(&context.settings)?.however_loose())?
    else {
        context
            .output
            .note(&format!("nothing is kept for {address}"));
        return Ok(Outcome::Done);
    };
    let whose = format!("{} at {address}", kept.what);
    let note = match &kept.what {
        What::Session { session, .. } => {
            let session = Credentials::Session(session.clone());
            let ended = context.sign_out(&context.manager()?.with(session)).await;
            if ended {
                format!("{whose} is ended and forgotten")
            } else {
                format!(
                    "{whose} is forgotten; the manager did not end it, so it lives there until its time is over"
                )
            }
        }
        What::Key { .. } => {
            let lives_on = kept.lives_on().unwrap_or_default();
            format!("{whose} is forgotten; {lives_on}")
        }
    };
    kept.forget()?;
    context.output.note(&note);
    Ok(Outcome::Done)
}
