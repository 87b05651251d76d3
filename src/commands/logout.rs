//! `logout`: deletes the credential that `login` saved. A session is also ended on the manager.

use serde_json::{Value, json};

use crate::auth::connect::sign_out;
use crate::auth::saved::{CredentialQuery, SavedCredential, SavedSecret};
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::manager::Credentials;
use crate::target::Target;
use crate::terminal::output::{Format, json_text};

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

/// Prints the deleted credential as JSON. In text output, the note already names the credential.
fn print(context: &Context, meta: &Value) -> Result<Outcome, Error> {
    let format = context.output.format();
    if format.is_json() {
        let document = json_text(&json!({"meta": meta}), format == Format::Json);
        context.output.data(&(document + "\n"))?;
    }
    Ok(Outcome::Done)
}
