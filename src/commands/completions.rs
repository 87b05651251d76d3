//! `completions`: prints a shell script. When the user presses Tab, the script runs this program, and `cli/completion` returns the candidates.

use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;

/// Print a shell completion script.
#[derive(clap::Args)]
#[command(
    after_help = "bash: add `source <(swp-keys completions bash)` to ~/.bashrc. zsh: add `source <(swp-keys completions zsh)` to ~/.zshrc, \
                  after compinit. fish: run `swp-keys completions fish > ~/.config/fish/completions/swp-keys.fish`. Roles and keys are \
                  completed if `login` has saved a credential or an API key is set. Completion never prompts for a password."
)]
pub(crate) struct Args {
    /// Shell to print the script for
    shell: Shell,
}

/// The shells for which there is a completion script.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

/// Prints the completion script of a shell.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.data(match args.shell {
        Shell::Bash => include_str!("completions/swp-keys.bash"),
        Shell::Zsh => include_str!("completions/swp-keys.zsh"),
        Shell::Fish => include_str!("completions/swp-keys.fish"),
        Shell::Powershell => include_str!("completions/swp-keys.ps1"),
        Shell::Elvish => include_str!("completions/swp-keys.elv"),
    })?;
    Ok(Outcome::Done)
}
