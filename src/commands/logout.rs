//! `logout`: deletes the credential that `login` saved. A session is also ended on the manager.

use serde_json::{Value, json};

use crate::auth::connect::sign_out;
use crate::auth::saved::{CredentialQuery, SavedCredential, SavedSecret};
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::manager::{Address, Credentials};
use crate::target::Target;
use crate::terminal::output::{Format, json_text};

/// Delete the saved credential, and end a saved session on the manager.
#[derive(clap::Args)]
#[command(
    after_help = "If no manager is set and only one credential is saved, that credential is deleted. A saved API key is deleted only from this machine and stays valid. To delete it on the manager, use `swp-keys delete-key`."
)]
pub(crate) struct Args {}

pub(crate) async fn run(
    _args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let (target, saved) = find(settings, context).await?;
    let address = &target.address;
    let Some(saved) = saved else {
        context
            .output
            .note(&format!("no credential is saved for {address}"));
        let tenant = target.tenant_name();
        let fields = json!({"manager": address.to_string(), "tenant": tenant, "removed": null, "changed": false});
        return print(context, &fields);
    };
    let subject = format!("{} at {address}", saved.secret);
    let (manager, tenant) = (&saved.manager, &saved.tenant);
    let (note, fields) = match &saved.secret {
        SavedSecret::Session { username, session } => {
            let session = Credentials::Session(session.clone());
            let signed_in = target.manager(context)?.with(session);
            let ended = sign_out(&target, &signed_in, context).await;
            let note = if ended {
                format!("{subject} was ended and is no longer saved")
            } else {
                format!(
                    "{subject} is no longer saved, but could not be ended on the manager; it stays valid until it expires"
                )
            };
            let fields = json!({
                "manager": manager, "tenant": tenant, "username": username, "removed": "session", "ended": ended, "changed": true,
            });
            (note, fields)
        }
        SavedSecret::Key { profile, id, .. } => {
            let lives_on = saved.remaining_key().unwrap_or_default();
            let fields = json!({
                "manager": manager, "tenant": tenant, "profile": profile, "removed": "api-key", "keyID": id, "changed": true,
            });
            (format!("{subject} is no longer saved; {lives_on}"), fields)
        }
    };
    saved.delete()?;
    context.output.note(&note);
    print(context, &fields)
}

/// Returns the manager and its saved credential. If the settings select neither a manager nor an account, and only one credential is saved, selects
/// that credential.
async fn find(
    settings: Settings,
    context: &Context,
) -> Result<(Target, Option<SavedCredential>), Error> {
    let selects_none = settings.manager.is_none()
        && settings.tenant.is_none()
        && settings.username.is_none()
        && settings.file.profile.is_none();
    if selects_none
        && let Some(only) = SavedCredential::only()?
        && let Ok(address) = Address::parse(&only.manager)
    {
        return Ok((Target::at(address, settings), Some(only)));
    }
    let target = Target::find(settings, context).await?;
    let query = CredentialQuery::new(&target, context).however_loose();
    let saved = SavedCredential::find(&query)?;
    Ok((target, saved))
}

/// Prints the deleted credential as JSON. In text output, the note already names the credential.
fn print(context: &Context, meta: &Value) -> Result<Outcome, Error> {
    let format = context.output.format();
    if format.is_json() {
        let document = json_text(&json!({"meta": meta}), format == Format::Json);
        context.output.data(&(document + "\n"))?;
    }
    Ok(Outcome::Done)
}
