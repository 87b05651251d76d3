//! Starts the sandbox, and runs it until a signal arrives or the command exits.

use std::io::{self, IsTerminal as _};

use super::args::Args;
use super::child;
use super::environment::Environment;
use super::files;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::sandbox::Sandbox;
use crate::terminal::output::env_line;

/// Runs the sandbox, and CMD if it is set, and then writes `--keys-at-end`. While CMD runs, signals are forwarded to CMD, and the sandbox stops only when CMD exits.
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
    if let Some(path) = &args.keys {
        files::add_keys(path, &sandbox)?;
    }
    sandbox.add_keys(args.many_keys);
    if let Some(path) = &args.keys_at_end {
        files::check_writable(path)?;
    }
    let environment = Environment::create(&sandbox, &settings)?;
    let ended = match args.command.split_first() {
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
    };
    if let Some(path) = &args.keys_at_end {
        files::write_keys(path, &sandbox)?;
    }
    ended
}

async fn serve(environment: &Environment, context: &Context) -> Result<Outcome, Error> {
    let lines = environment
        .variables()
        .iter()
        .map(|(name, value)| format!("export {}", env_line(name, value)));
    let lines = lines.collect::<String>();
    match io::stdout().is_terminal() {
        true => context.output.data(&framed(&lines))?,
        false => context.output.data(&lines)?,
    }
    context.output.note(
        "the sandbox runs until you press Ctrl-C; to use it, run the lines above in a second shell",
    );
    context.signals.first_signal().await;
    Ok(Outcome::Done)
}

/// Adds a dashed line above and below `lines`, so that a user finds `lines` easily in a terminal. The dashed lines are shell comments, so a user can
/// paste them into a shell without harm.
fn framed(lines: &str) -> String {
    let title = "# ---- Sandbox: paste these lines into a second shell ";
    let (top, bottom) = (format!("{title:-<78}"), format!("{:-<78}", "# "));
    format!("{top}\n{lines}{bottom}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rules_are_comments_of_the_same_width() {
        let text = framed("export A=1\n");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "export A=1");
        for rule in [lines[0], lines[2]] {
            assert!(rule.starts_with("# ") && rule.len() == 78, "{rule}");
        }
    }
}
