//! The names of roles and keys, from the manager: only where something that signs in is at hand, and silent in every other case.

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use clap::FromArgMatches as _;
use clap_complete::engine::CompletionCandidate;

use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::sign_in::sign_in;
use crate::cli::command_line::parser;
use crate::config::global_args::{GlobalArgs, Sources};
use crate::config::{SecretSource, Settings};
use crate::context::Context;
use crate::keys::lookup::{ID, NAME, by_its_id, by_its_name};
use crate::manager::{ApiKey, Cause, KeyFilter, ManagerError, RoleSummary, SignedIn};
use crate::process::descriptors;
use crate::storage::state_dir::Folder;
use crate::target::Target;
use crate::terminal::output::{Color, Format, Output, is_plain};

/// For everything: a person waits.
const BUDGET: Duration = Duration::from_millis(900);
/// A key that was refused is not tried again for so long: keys count failures and lock (docs/manager-api.md, "Checking a key"), and a shell asks
/// at each press of a key.
const REST: Duration = Duration::from_secs(24 * 60 * 60);
/// More cannot be looked through.
const MOST: usize = 1000;

/// The roles.
pub(crate) fn roles(before: &[OsString]) -> Vec<CompletionCandidate> {
    ask(before, async |signed_in| {
        let roles: Vec<RoleSummary> = signed_in.roles().await?;
        Ok(roles.into_iter().map(|role| role.name).collect())
    })
}

/// The keys, in the form of KEY that was begun: `id:N`, `name:TEXT`, or the name alone if that means the key.
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
        || descriptors::require_thread().is_err()
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
    // The look-up of a host, or a file that does not come to an end, is not waited for.
    runtime.shutdown_background();
    found
        .into_iter()
        // What begins with a dash would be a flag, and not the value of one.
        .filter(|name| !name.is_empty() && !name.starts_with('-') && is_plain(name))
        .take(MOST)
        .map(CompletionCandidate::new)
        .collect()
}

/// What was typed so far, as far as it says where the manager is and what signs in there.
fn target(before: &[OsString]) -> Option<(Target, Context)> {
    let matches = parser().ignore_errors(true);
    let matches = matches.try_get_matches_from(before).ok()?;
    let global = GlobalArgs::from_arg_matches(&matches).ok()?;
    let mut settings = Settings::resolve(global, &Sources::of(&matches), true).ok()?;
    // Whoever answers would get the key, and that is never silent; nor is taking somebody for the manager who was not met before.
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
        // Neither a password, nor a command that may ask a person, nor the shell's own stdin.
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
    let print = signed_in.signer_fingerprint("completion");
    if print.as_ref().is_some_and(|print| rests(&refusals, print)) {
        return None;
    }
    match names(&signed_in).await {
        Ok(names) => Some(names),
        Err(error) => {
            let refused = matches!(error.cause(), Cause::Unauthorized | Cause::Forbidden);
            if let Some(print) = print.filter(|_| refused) {
                // Where it cannot be written, there is nobody to tell.
                let _ = refusals.write(&print, b"refused\n");
            }
            None
        }
    }
}

/// Whether this key was refused a short while ago.
fn rests(refusals: &Folder, print: &str) -> bool {
    let written = std::fs::metadata(refusals.path().join(print)).and_then(|data| data.modified());
    written.is_ok_and(|time| {
        SystemTime::now()
            .duration_since(time)
            .is_ok_and(|age| age < REST)
    })
}
