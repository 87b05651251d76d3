//! Starts the sandbox, and runs it until a signal arrives or the command exits.

use super::args::Args;
use super::child;
use super::environment::Environment;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::sandbox::Sandbox;
use crate::terminal::output::env_line;

/// Runs the sandbox, and CMD if it is set. While CMD runs, signals are forwarded to CMD, and the sandbox stops only when CMD exits.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let settings = super::settings::settings(args, &settings, context).await?;
    let sandbox = Sandbox::start(settings.clone()).map_err(|error| {
        Error::usage(
            format!("could not start the sandbox: {error:#}"),
            "see `swp-keys sandbox --help` for the flags",
        )
    })?;
    for fault in &args.fault {
        sandbox.inject(fault.clone());
    }
    sandbox.add_roles(args.many_roles);
    sandbox.add_keys(args.many_keys);
    let environment = Environment::create(&sandbox, &settings)?;
    match args.command.split_first() {
        None => serve(&environment, context).await,
        Some((program, arguments)) => {
            context.output.note(&format!(
                "the sandbox runs at {} until `{program}` exits",
                sandbox.url()
            ));
            child::run(program, arguments, &environment, &context.signals)
                .await
                .map(Outcome::Child)
        }
    }
}

async fn serve(environment: &Environment, context: &Context) -> Result<Outcome, Error> {
    let lines = environment
        .variables()
        .iter()
        .map(|(name, value)| format!("export {}", env_line(name, value)));
    context.output.data(&lines.collect::<String>())?;
    context.output.note(
        "the sandbox runs until you press Ctrl-C; to use it, run the lines above in a second shell",
    );
    context.signals.first_signal().await;
    Ok(Outcome::Done)
}
