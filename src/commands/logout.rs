//! `logout`: deletes the credential that `login` saved. A session is also ended on the manager.

use crate::auth::connect::sign_out;
use crate::auth::saved::{CredentialQuery, SavedCredential, SavedSecret};
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::manager::Credentials;
use crate::target::Target;

/// Delete the saved credential; a session is also ended on the manager.
#[derive(clap::Args)]
#[command(
    after_help = "A saved API key is deleted only from this machine and stays valid. To delete it on the manager, use `swp-keys delete-key`."
)]
pub(crate) struct Args {}

pub(crate) async fn run(
    _args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let target = Target::find(settings, context).await?;
    let address = &target.address;
    let Some(saved) =
        SavedCredential::find(&CredentialQuery::new(&target, context).however_loose())?
    else {
        context
            .output
            .note(&format!("no credential is saved for {address}"));
        return Ok(Outcome::Done);
    };
    let subject = format!("{} at {address}", saved.secret);
    let note = match &saved.secret {
        SavedSecret::Session { session, .. } => {
            let session = Credentials::Session(session.clone());
            let signed_in = target.manager(context)?.with(session);
            let ended = sign_out(&target, &signed_in, context).await;
            if ended {
                format!("{subject} was ended and is no longer saved")
            } else {
                format!(
                    "{subject} is no longer saved, but could not be ended on the manager; it stays valid until it expires"
                )
            }
        }
        SavedSecret::Key { .. } => {
            let lives_on = saved.remaining_key().unwrap_or_default();
            format!("{subject} is no longer saved; {lives_on}")
        }
    };
    saved.delete()?;
    context.output.note(&note);
    Ok(Outcome::Done)
}
