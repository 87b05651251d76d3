//! `login`: saves a session or an API key for later commands. A password is never saved.

use serde_json::{Value, json};

use crate::auth::connect::{connect, sign_out};
use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::read_key;
use crate::auth::login_input::LoginInput;
use crate::auth::password::sign_in_as;
use crate::auth::saved::{CredentialQuery, SavedCredential, SavedSecret, shadowed};
use crate::auth::session::warn_unfinished;
use crate::config::Settings;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, Credentials, SignedIn};
use crate::target::Target;
use crate::terminal::output::{Format, json_text};

/// Save a session or an API key for later commands.
#[derive(clap::Args)]
#[command(
    after_help = "If an API key is set (--api-key-file, or SWP_API_KEY if no password is set), the key is checked and saved in a file that only \
                  you can read. A credential saved earlier for the same manager is replaced. A replaced session is ended. A replaced API key \
                  stays valid on the manager."
)]
pub(crate) struct Args {}

pub(crate) async fn run(
    _args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    if context.output.format() == Format::Env {
        return Err(Error::usage(
            "this command does not print a single value, so `-o env` cannot be used",
            "use text, json or jsonl",
        ));
    }
    let later = LaterCommands::of(&settings);
    let target = Target::find(settings, context).await?;
    match selected_key(&target) {
        Some(key) => save_key(key, &target, later, context).await,
        None => save_session(&target, later, context).await,
    }
}

/// Whether later commands find the address of this manager in the settings.
#[derive(Clone, Copy)]
enum LaterCommands {
    /// A variable or a profile contains the address.
    KnowAddress,
    /// The address was typed for this run.
    NeedAddress,
}

impl LaterCommands {
    fn of(settings: &Settings) -> Self {
        match &settings.manager {
            Some(manager) if !manager.source.is_flag() => Self::KnowAddress,
            _ => Self::NeedAddress,
        }
    }

    /// Returns the commands that use the saved credential, as the subject of a sentence.
    fn subject(self, manager: &str) -> String {
        match self {
            Self::KnowAddress => "later commands".to_owned(),
            Self::NeedAddress => format!("later commands with `--url {manager}` or SWP_URL"),
        }
    }
}

/// Returns the API key to save, or `None` to save a session.
///
/// The precedence of the sources is: flag, environment, profile. The API key is saved if no password is set, or if the key's source takes precedence
/// over the password's source. If their sources are of the same kind, a session is saved. If a flag sets an MFA code, a session is always saved.
fn selected_key(target: &Target) -> Option<&Sourced<SecretSource>> {
    let key = target.api_key.as_ref()?;
    let code = (target.mfa.as_ref()).filter(|code| code.source.is_flag());
    let mut others = [target.password.as_ref(), code].into_iter().flatten();
    others
        .all(|other| key.source.rank() < other.source.rank())
        .then_some(key)
}

async fn save_session(
    target: &Target,
    later: LaterCommands,
    context: &Context,
) -> Result<Outcome, Error> {
    let query = CredentialQuery::new(target, context).however_loose();
    SavedCredential::require_trusted_folder()?;
    let (signed_in, username) = sign_in_as(None, target, &LoginInput::default(), context).await?;
    warn_unfinished(target, context, None);
    let session = signed_in.session().ok_or_else(|| {
        Error::unexpected("the manager accepted the password but returned no session")
    })?;
    let query = query.of_user(&username);
    let saved = query.session(&username, session);
    let previous = SavedCredential::all(&query).unwrap_or_default();
    if let Err(error) = saved.save() {
        // The session could not be saved, so no later command can use it. It is ended on the manager.
        sign_out(target, &signed_in, context).await;
        return Err(error);
    }
    replace(previous, &saved, signed_in, target, context).await?;
    context.output.note(&format!(
        "signed in to {} as {username}; {} use this session until it expires or you run `swp-keys logout`",
        saved.manager,
        later.subject(&saved.manager)
    ));
    warn_shadowed(&saved, target, context);
    let (manager, tenant) = (&saved.manager, &saved.tenant);
    print(
        context,
        &json!({"manager": manager, "tenant": tenant, "username": username, "kept": "session", "changed": true}),
    )
}

/// Checks that an API key works, and saves it. If the check fails, the key is not saved, so that it does not replace a saved key that works.
async fn save_key(
    key: &Sourced<SecretSource>,
    target: &Target,
    later: LaterCommands,
    context: &Context,
) -> Result<Outcome, Error> {
    let query = CredentialQuery::new(target, context).however_loose();
    SavedCredential::require_trusted_folder()?;
    let (secret, header) = read_key(target, key, context).await?;
    let credentials = Credentials::ApiKey {
        secret: secret.clone(),
        header,
    };
    let signed_in = connect(target, context).await?.with(credentials);
    let result = context
        .signals
        .cancel(async { Ok(try_key(&signed_in).await) })
        .await?;
    let id = match result {
        Tried::Works(key) => key.map(|key| key.id),
        Tried::Unproven(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => {
            return Err(unproven(&error.into()));
        }
        Tried::Refused(error) | Tried::Unproven(error) => return Err(error.into()),
    };
    let saved = query.key(id, secret, header);
    let previous = SavedCredential::all(&query).unwrap_or_default();
    saved.save()?;
    replace(previous, &saved, signed_in, target, context).await?;
    context.output.note(&format!(
        "the API key of {} works; {} use it until you run `swp-keys logout`",
        saved.manager,
        later.subject(&saved.manager)
    ));
    warn_shadowed(&saved, target, context);
    let profile = target.profile.as_ref();
    print(
        context,
        &json!({
            "manager": saved.manager, "tenant": saved.tenant, "profile": profile, "kept": "api-key", "keyID": id, "changed": true,
        }),
    )
}

/// Returns the error for an API key that could not be checked. If the manager returned 403, it is unknown whether the API key works, because a role
/// may forbid its keys to view API keys (docs/manager-api.md, "Checking a key").
fn unproven(error: &Error) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!("could not check the API key, so it was not saved: {error}"),
    )
    .http(error.http_status())
    .hint("pass the key to each command with `--api-key-file` or SWP_API_KEY")
}

/// Deletes the credentials that earlier runs saved for the same manager. If a deleted credential is a session, also ends the session on the manager.
async fn replace(
    previous: Vec<SavedCredential>,
    saved: &SavedCredential,
    mut signed_in: SignedIn,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    for old in previous {
        if !saved.has_place_of(&old) {
            old.delete()?;
        }
        match &old.secret {
            SavedSecret::Session { session, .. } => {
                signed_in = signed_in.with(Credentials::Session(session.clone()));
                sign_out(target, &signed_in, context).await;
            }
            SavedSecret::Key { secret, .. } if !saved.is_key(secret) => {
                let lives_on = old.remaining_key().unwrap_or_default();
                (context.output).note(&format!("{} is no longer saved; {lives_on}", old.secret));
            }
            SavedSecret::Key { .. } => {}
        }
    }
    Ok(())
}

/// Warns if an API key in the environment has precedence over the saved credential.
fn warn_shadowed(saved: &SavedCredential, target: &Target, context: &Context) {
    if let Some(key) = &target.api_key
        && key.source.is_variable()
    {
        context.output.warn(&shadowed(&key.source, &saved.secret));
    }
}

fn print(context: &Context, meta: &Value) -> Result<Outcome, Error> {
    match context.output.format() {
        Format::Text | Format::Env | Format::Tsv => {}
        Format::Json => context
            .output
            .data(&(json_text(&json!({"meta": meta}), true) + "\n"))?,
        Format::Jsonl => context
            .output
            .data(&(json_text(&json!({"meta": meta}), false) + "\n"))?,
    }
    Ok(Outcome::Done)
}
