//! `logout`: deletes the credential that `login` saved. A session is also ended on the manager.

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
    let Some(saved) =
        SavedCredential::find(&CredentialQuery::by(&context.settings)?.however_loose())?
    else {
        context
            .output
            .note(&format!("nothing is saved for {address}"));
        return Ok(Outcome::Done);
    };
    let subject = format!("{} at {address}", saved.what);
    let note = match &saved.what {
        What::Session { session, .. } => {
            let session = Credentials::Session(session.clone());
            let ended = context.sign_out(&context.manager()?.with(session)).await;
            if ended {
                format!("{subject} is ended and no longer saved")
            } else {
                format!(
                    "{subject} is no longer saved; the manager did not end it, so it stays valid until it expires"
                )
            }
        }
        What::Key { .. } => {
            let lives_on = saved.lives_on().unwrap_or_default();
            format!("{subject} is no longer saved; {lives_on}")
        }
    };
    saved.forget()?;
    context.output.note(&note);
    Ok(Outcome::Done)
}
