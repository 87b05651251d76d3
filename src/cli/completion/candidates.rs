//! Completes roles and API keys with names from the manager. Completion needs a saved credential or a configured API key. If neither exists, there
//! are no candidates.

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use clap::FromArgMatches as _;
use clap_complete::engine::CompletionCandidate;

use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::sign_in::sign_in;
use crate::cli::command_line::parser;
use crate::config::global_args::{GlobalArgs, Sources};
use crate::config::{ProfileUse, SecretSource, Settings};
use crate::context::Context;
use crate::keys::lookup::{ID, NAME, by_its_id, by_its_name};
use crate::manager::{ApiKey, Cause, KeyFilter, ManagerError, RoleSummary, SignedIn};
use crate::process::descriptors::{self, TrialThread};
use crate::storage::state_dir::Folder;
use crate::target::Target;
use crate::terminal::output::{Color, Format, Output, is_plain};

/// The time limit for all requests of one completion together. It is short, because the user is waiting.
const BUDGET: Duration = Duration::from_millis(900);
/// After the manager rejects an API key, completion does not send the key for this time. The manager locks an API key after repeated failures
/// (docs/manager-api.md, "Checking a key"), and a shell may request completion very often.
const REFUSAL_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum number of candidates. A longer list would not help the user.
const MOST: usize = 1000;

/// Returns the names of the manager's roles.
pub(crate) fn roles(before: &[OsString]) -> Vec<CompletionCandidate> {
    ask(before, async |signed_in| {
        let roles: Vec<RoleSummary> = signed_in.roles().await?;
        Ok(roles.into_iter().map(|role| role.name).collect())
    })
}

/// Returns candidates for an API key in the form that the user started to type: `id:N`, `name:TEXT`, or the name alone. A key name that could be read
/// as an ID is always offered as `name:TEXT`.
pub(crate) fn keys(before: &[OsString], current: &str) -> Vec<CompletionCandidate> {
    ask(before, async |signed_in| {
        let keys: Vec<ApiKey> = signed_in
            .api_keys(&KeyFilter::default())
            .next()
            .await?
            .unwrap_or_default();
        let written = |key: &ApiKey| {
            if current.starts_with(ID) {
                return Some(by_its_id(key.id));
            }
            let name = key.name().filter(|name| !name.is_empty())?;
            Some(if current.starts_with(NAME) {
                format!("{NAME}{name}")
            } else {
                by_its_name(name)
            })
        };
        Ok(keys.iter().filter_map(written).collect())
    })
}

fn ask(
    before: &[OsString],
    names: impl AsyncFnOnce(&SignedIn) -> Result<Vec<String>, ManagerError>,
) -> Vec<CompletionCandidate> {
    let Some((target, context)) = target(before) else {
        return Vec::new();
    };
    if descriptors::require(descriptors::FOR_A_RUN).is_err()
        || TrialThread::start().finish().is_err()
    {
        return Vec::new();
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return Vec::new();
    };
    let found = runtime.block_on(async {
        let found = tokio::time::timeout(BUDGET, found(&target, &context, names));
        found.await.ok().flatten().unwrap_or_default()
    });
    // The runtime is shut down without waiting for its threads, because a DNS lookup or a read of an endless file may still be running.
    runtime.shutdown_background();
    found
        .into_iter()
        // A name that starts with a dash is not offered, because it would be parsed as a flag.
        .filter(|name| !name.is_empty() && !name.starts_with('-') && is_safe(name))
        .take(MOST)
        .map(CompletionCandidate::new)
        .collect()
}

/// Returns true if the name contains no character that is unsafe in a terminal. A newline is allowed, because every shell has a quoted form for it.
pub(super) fn is_safe(name: &str) -> bool {
    name.split('\n').all(is_plain)
}

/// Returns the manager that the typed words select, and a context for requests to it. Returns `None` if no manager is selected, or if the
/// verification of its certificate is disabled.
fn target(before: &[OsString]) -> Option<(Target, Context)> {
    let matches = parser().ignore_errors(true);
    let matches = matches.try_get_matches_from(before).ok()?;
    let global = GlobalArgs::from_arg_matches(&matches).ok()?;
    let mut settings =
        Settings::resolve(global, &Sources::of(&matches), ProfileUse::Required).ok()?;
    // Completion must not send a credential to an unverified server, and must not pin the public key of an unknown manager, because it cannot print a
    // warning.
    if settings.insecure.is_some() {
        return None;
    }
    settings.tls_accept_new = false;
    settings.no_input = true;
    settings.wait = None;
    settings.retries = 0;
    settings.timeout = BUDGET;
    settings.connect_timeout = BUDGET;
    let output = Output::new(Format::Text, true, Color::Never);
    let context = Context::new(&settings, output);
    Some((Target::new(settings).ok()?, context))
}

async fn found(
    target: &Target,
    context: &Context,
    names: impl AsyncFnOnce(&SignedIn) -> Result<Vec<String>, ManagerError>,
) -> Option<Vec<String>> {
    let way = AuthMethod::select(target, context).ok()?;
    match &way {
        // Completion does not use a password. It does not get an API key from a command, because the command may prompt. It does not read an API key
        // from stdin, because stdin belongs to the shell.
        AuthMethod::Password => return None,
        AuthMethod::ApiKey(key)
            if matches!(key.value, SecretSource::Command(_) | SecretSource::Stdin) =>
        {
            return None;
        }
        AuthMethod::ApiKey(_) | AuthMethod::Saved(_) => {}
    }
    let signed_in = sign_in(&way, target, &LoginInput::default(), context)
        .await
        .ok()?;
    let refusals = Folder::of_state("completion")?;
    let fingerprint = signed_in.signer_fingerprint("completion");
    if fingerprint
        .as_ref()
        .is_some_and(|fingerprint| was_refused_recently(&refusals, fingerprint))
    {
        return None;
    }
    match names(&signed_in).await {
        Ok(names) => Some(names),
        Err(error) => {
            let refused = matches!(error.cause(), Cause::Unauthorized | Cause::Forbidden);
            if let Some(fingerprint) = fingerprint.filter(|_| refused) {
                // The manager rejected the API key. If this fact cannot be recorded, the error is ignored, because completion prints no messages.
                let _ = refusals.write(&fingerprint, b"refused\n");
            }
            None
        }
    }
}

/// Returns true if the manager recently rejected the API key with this fingerprint.
fn was_refused_recently(refusals: &Folder, fingerprint: &str) -> bool {
    let written =
        std::fs::metadata(refusals.path().join(fingerprint)).and_then(|data| data.modified());
    written.is_ok_and(|time| {
        SystemTime::now()
            .duration_since(time)
            .is_ok_and(|age| age < REFUSAL_PAUSE)
    })
}
