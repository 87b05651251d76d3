//! `login`: keep a session or an API key for later commands. No password is ever kept.

use serde_json::{Value, json};

use crate::auth::key_check::{Tried, try_key};
use crate::auth::saved::{CredentialQuery, SavedCredential, What, shadowed};
use crate::auth::sign_in;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, Credentials, SignedIn};
use crate::terminal::output::{Format, json_text};

/// Keep a session or an API key for later commands.
#[derive(clap::Args)]
#[command(
    after_help = "With an API key (--api-key-file, or SWP_API_KEY and no password), the key is tried and kept, in a file that only you \
                  can read. What was kept before for the same manager is replaced: a session is ended, a key lives on."
)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    if context.output.format() == Format::Env {
        return Err(Error::usage(
            "`-o env` is for one value, and this prints none",
            "use text or json",
        ));
    }
    match key_that_is_meant(context) {
        Some(key) => keep_key(context, key).await,
        None => keep_session(context).await,
    }
}

/// A key beats a password that is further away. Both in the environment: a session is what login is for.
fn key_that_is_meant(context: &Context) -> Option<&Sourced<SecretSource>> {
    let settings = &context.settings;
    let key = settings.api_key.as_ref()?;
    let code = (settings.mfa.as_ref()).filter(|code| code.source.is_flag());
    let other = [settings.password.as_ref(), code];
    let mut others = other.into_iter().flatten();
    others
        .all(|other| key.source.rank() < other.source.rank())
        .then_some(key)
}

async fn keep_session(context: &Context) -> Result<Outcome, Error> {
    let wanted = CredentialQuery::by(&context.settings)?.however_loose();
    SavedCredential::place_is_trusted()?;
    let (signed_in, username) = sign_in::with_password(context, &|| ()).await?;
    context.say_unfinished();
    let session = signed_in
        .session()
        .ok_or_else(|| Error::unexpected("a sign-in with a password gave no session"))?;
    let wanted = wanted.of_user(&username);
    let kept = wanted.session(&username, session);
    let former = SavedCredential::all(&wanted).unwrap_or_default();
    if let Err(error) = kept.keep() {
        // What cannot be kept is not left on the manager either.
        context.sign_out(&signed_in).await;
        return Err(error);
    }
    replace(former, &kept, signed_in, context).await?;
    context.output.note(&format!(
        "signed in to {} as {username}; later commands use this session until it ends or `swp-keys logout`",
        kept.manager
    ));
    say_shadowed(&kept, context);
    let (manager, tenant) = (&kept.manager, &kept.tenant);
    say(
        context,
        &json!({"manager": manager, "tenant": tenant, "username": username, "kept": "session"}),
    )
}

/// Keeps a key that has proven to work. One that nothing is known of is not kept: it would take the place of something good.
async fn keep_key(context: &Context, key: &Sourced<SecretSource>) -> Result<Outcome, Error> {
    let wanted = CredentialQuery::by(&context.settings)?.however_loose();
    SavedCredential::place_is_trusted()?;
    let (secret, header) = sign_in::key_and_header(context, key).await?;
    let credentials = Credentials::ApiKey {
        secret: secret.clone(),
        header,
    };
    let signed_in = sign_in::connect(context).await?.with(credentials);
    let tried = context
        .signals
        .cancel(async { Ok(try_key(&signed_in).await) })
        .await?;
    let id = match tried {
        Tried::Works(key) => key.map(|key| key.id),
        Tried::Unproven(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => {
            return Err(unproven(&error.into()));
        }
        Tried::Refused(error) | Tried::Unproven(error) => return Err(error.into()),
    };
    let kept = wanted.key(id, secret, header);
    let former = SavedCredential::all(&wanted).unwrap_or_default();
    kept.keep()?;
    replace(former, &kept, signed_in, context).await?;
    context.output.note(&format!(
        "the API key works; later commands at {} use it until `swp-keys logout`",
        kept.manager
    ));
    say_shadowed(&kept, context);
    let profile = (context.settings.file.profile.as_ref()).map(|profile| &profile.value.name);
    say(
        context,
        &json!({
            "manager": kept.manager, "tenant": kept.tenant, "profile": profile, "kept": "api-key", "keyID": id,
        }),
    )
}

/// A role may not let a key look at itself, so a 403 proves nothing either way (docs/manager-api.md, "Checking a key").
fn unproven(error: &Error) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!(
            "the manager lets this API key read nothing that would prove that it works, so it is not kept: {error}"
        ),
    )
    .http(error.http_status())
    .hint("give it with `--api-key-file` or SWP_API_KEY to the commands that are to use it")
}

/// Ends and forgets what was kept before in the same place.
async fn replace(
    former: Vec<SavedCredential>,
    kept: &SavedCredential,
    mut signed_in: SignedIn,
    context: &Context,
) -> Result<(), Error> {
    for former in former {
        if !kept.has_place_of(&former) {
            former.forget()?;
        }
        match &former.what {
            What::Session { session, .. } => {
                signed_in = signed_in.with(Credentials::Session(session.clone()));
                context.sign_out(&signed_in).await;
            }
            What::Key { secret, .. } if !kept.is_key(secret) => {
                let lives_on = former.lives_on().unwrap_or_default();
                (context.output).note(&format!("{} is forgotten; {lives_on}", former.what));
            }
            What::Key { .. } => {}
        }
    }
    Ok(())
}

/// A key in the environment is used before what is kept.
fn say_shadowed(kept: &SavedCredential, context: &Context) {
    if let Some(key) = &context.settings.api_key
        && key.source.is_variable()
    {
        context.output.warn(&shadowed(&key.source, &kept.what));
    }
}

fn say(context: &Context, meta: &Value) -> Result<Outcome, Error> {
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
