//! Asks the user to confirm a plan.

use super::args::Args;
use crate::context::Context;
use crate::error::Error;
use crate::fleet::FleetReport;

/// Shows the plan on the terminal, and asks the user to confirm it. Without a terminal, a plan is applied unless it stops a secret from working.
///
/// # Errors
/// Returns a usage error if the user does not confirm the plan, or if there is no terminal to ask for a plan that stops a secret from working. In the
/// second case, the plan was printed to stdout, so that the user can read what `--yes` would confirm.
pub(super) async fn confirm(
    args: &Args,
    report: &FleetReport<'_>,
    verbose: bool,
    context: &Context,
) -> Result<(), Error> {
    if args.yes || args.plan.is_some() || !report.changes_something() {
        return Ok(());
    }
    let number = report.number();
    let prompt = context.prompt();
    if !prompt.is_available() {
        if !report.stops_a_secret() {
            return Ok(());
        }
        report.print(verbose, &context.output)?;
        return Err(Error::usage(
            format!(
                "could not confirm that keys are deleted, locked or reset: {}",
                prompt.obstacle()
            ),
            format!(
                "check the plan, then use `--plan {number}` to apply exactly this plan, or `--yes`"
            ),
        ));
    }
    let question = format!("{}Apply this plan?", report.text(&number, false));
    match prompt
        .confirm(&question, "use `--yes`", &context.signals)
        .await?
    {
        true => Ok(()),
        false => Err(Error::usage(
            "the user did not confirm the plan; nothing was changed",
            "run the command again and answer `y`, or use `--yes`",
        )),
    }
}
