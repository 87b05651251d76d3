//! `login`: keep a session for later commands, or prove that an API key works. No password is ever kept.

use serde_json::json;

use super::Outcome;
use crate::context::Context;
use crate::error::Error;
use crate::kept_session::KeptSession;
use crate::manager::{Cause, Credentials};
use crate::mint::{Tried, try_key};
use crate::output::{Format, json_text};
use crate::settings::{SecretSource, Source, Sourced};
use crate::sign_in;

/// Keep a session for later commands.
#[derive(clap::Args)]
#[command(after_help = "With an API key (--api-key-file), nothing is kept: the key is only tried.")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    if context.output.format() == Format::Env {
        return Err(Error::usage(
            "`-o env` is for one value, and this prints none",
            "use text or json",
        ));
    }
    match &context.settings.api_key {
        Some(key)
            if matches!(key.source, Source::Flag(_)) || context.settings.password.is_none() =>
        {
            prove_key(context, key).await
        }
        _ => keep_session(context).await,
    }
}

async fn keep_session(context: &Context) -> Result<Outcome, Error> {
    let address = context.settings.address()?.to_string();
    let tenant = context
        .settings
        .tenant
        .as_ref()
        .map(|tenant| tenant.value.clone());
    let (signed_in, username) = sign_in::with_password(context).await?;
    context.say_unfinished();
    let session = signed_in
        .session()
        .ok_or_else(|| Error::unexpected("a sign-in with a password gave no session"))?;
    let former =
        KeptSession::find(&address, tenant.as_deref(), Some(&username)).unwrap_or_default();
    let kept = KeptSession::new(address.clone(), tenant.clone(), username.clone(), session);
    if let Err(error) = kept.keep() {
        // What cannot be kept is not left on the manager either.
        context.sign_out(&signed_in).await;
        return Err(error);
    }
    if let Some(former) = former {
        let former = signed_in.with(Credentials::Session(former.session()));
        context.sign_out(&former).await;
    }
    context.output.note(&format!(
        "signed in to {address} as {username}; later commands use this session until it ends or `swp-keys logout`"
    ));
    say(
        context,
        &json!({"manager": address, "tenant": tenant, "username": username, "kept": "session"}),
    )
}

/// A key that may not look at itself is asked for something that needs no right on keys (manager-api.md, section 6.4).
async fn prove_key(context: &Context, key: &Sourced<SecretSource>) -> Result<Outcome, Error> {
    let credentials = sign_in::api_key(context, key).await?;
    let signed_in = sign_in::up(context).await?.with(credentials);
    let tried = context
        .interrupt
        .or(async { Ok(try_key(&signed_in).await) })
        .await?;
    let proven = matches!(tried, Tried::Works(_));
    match tried {
        Tried::Works(_) => context.output.note("the API key works; nothing is kept of it"),
        Tried::Unproven(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => context.output.warn(
            "the manager answers this API key, but lets it read nothing that would prove that it works; nothing is kept of it",
        ),
        Tried::Refused(error) | Tried::Unproven(error) => return Err(error.into()),
    }
    let address = context.settings.address()?.to_string();
    say(
        context,
        &json!({"manager": address, "kept": null, "proven": proven}),
    )
}

fn say(context: &Context, meta: &serde_json::Value) -> Result<Outcome, Error> {
    match context.output.format() {
        Format::Text | Format::Env => {}
        Format::Json => context
            .output
            .data(&(json_text(&json!({"meta": meta}), true) + "\n"))?,
        Format::Jsonl => context
            .output
            .data(&(json_text(&json!({"meta": meta}), false) + "\n"))?,
    }
    Ok(Outcome::Done)
}
