//! Runs the checks of `doctor` in order.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::Args;
use super::checkup::Checkup;
use super::finding::names::{ADDRESS, SETTINGS, SETTINGS_FILE, STATE_FOLDER, UNFINISHED_RUNS};
use super::{connection, local, manager, report, rights};
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::keys::document::meta;
use crate::target::Target;

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let mut checkup = Checkup::default();
    let file = local::settings_file(&settings);
    if file.is_err() {
        checkup.block_after(SETTINGS_FILE);
    }
    checkup.add_result(SETTINGS_FILE, file)?;
    checkup.add(SETTINGS, local::settings(&settings));
    checkup.add_result(STATE_FOLDER, local::state_folder())?;
    let address = async { local::address(&settings).map(|finding| (finding, ())) };
    checkup.step(ADDRESS, address).await?;
    let wait = settings.wait;
    let target = target(settings);
    if let (Some(wait), Some(target), false) = (wait, &target, checkup.is_blocked()) {
        wait_for(target, wait, args.sign_in, context).await?;
    }
    let meta = check_manager(args, target.as_ref(), &mut checkup, context).await?;
    checkup.add_result(UNFINISHED_RUNS, local::unfinished_runs())?;
    report::print(&mut checkup, meta, context)?;
    Ok(Outcome::Done)
}

/// Returns the manager to check, or `None` if its address is missing or invalid. Ignores `--tls-accept-new`, because no check may trust an unknown
/// certificate. Ignores `--wait`, because [`wait_for`] waits before the checks begin.
fn target(settings: Settings) -> Option<Target> {
    let settings = Settings {
        wait: None,
        tls_accept_new: false,
        ..settings
    };
    Target::new(settings).ok()
}

/// Waits until the manager is ready, but at most for the duration of `--wait`. It is not an error if the manager is still not ready, because the
/// checks report the reason.
///
/// # Errors
/// Returns an error only if a signal interrupts the wait.
async fn wait_for(
    target: &Target,
    wait: Duration,
    sends_secrets: bool,
    context: &Context,
) -> Result<(), Error> {
    let has_credentials = (target.proxy().ok())
        .and_then(|choice| choice.proxy)
        .is_some_and(|proxy| proxy.has_credentials());
    if has_credentials && !sends_secrets {
        return Ok(());
    }
    let Ok(manager) = target.manager(context) else {
        return Ok(());
    };
    let waiting = async {
        if let Err(error) = manager.wait_until_ready(wait).await {
            log::info!("{error}");
        }
        Ok(())
    };
    context.signals.cancel(waiting).await
}

/// Runs the checks that need the manager's address. Returns the `meta` object of JSON output.
async fn check_manager(
    args: &Args,
    target: Option<&Target>,
    checkup: &mut Checkup,
    context: &Context,
) -> Result<Value, Error> {
    let Some(target) = target else {
        connection::skip(checkup);
        manager::skip(checkup);
        rights::omit(checkup);
        return Ok(json!({"manager": null, "managerVersion": null}));
    };
    connection::check(target, args.sign_in, checkup, context).await?;
    let mut version = manager::check(target, checkup, context).await?;
    if args.sign_in {
        // The sign-in may ask for a password, so the findings so far are printed first.
        report::print_new(checkup, context)?;
        version = rights::check(target, checkup, context).await?.or(version);
    } else {
        rights::omit(checkup);
    }
    let tenant = target.tenant_name();
    Ok(meta(
        target,
        json!({"tenant": tenant, "managerVersion": version, "signedIn": args.sign_in}),
    ))
}
