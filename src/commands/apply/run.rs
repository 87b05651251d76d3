//! Runs `apply`.

use super::args::Args;
use super::work::ApplyWork;
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::fleet::{SignInQueue, lock, managers, read_manifest, targets};

/// Makes the keys on the managers as the manifest declares them.
///
/// # Errors
/// Returns a usage error if the manifest has problems. After the results were printed, returns an error if a key was not changed as planned.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let (manifest, _) = read_manifest(&args.file, &settings, context)?;
    let verbose = settings.verbose;
    let mut managers = managers(&manifest, &args.flags.only, settings)?;
    // The lock is held until the end of the run.
    let _lock = lock(&manifest.fleet, context)?;
    let targets = targets(&mut managers, context).await?;
    let mut work = ApplyWork {
        args,
        fleet: &manifest.fleet,
        managers,
        targets: &targets,
        verbose,
        context,
    };
    let queue = SignInQueue {
        targets: &targets,
        context,
    };
    queue.run(&mut work).await?;
    Ok(Outcome::Done)
}
