//! The flags of `apply`.

use std::path::PathBuf;

use crate::fleet::{ApplyOptions, FleetFlags};

/// Create, change and rotate keys as a file declares them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File that declares the keys ("-" is stdin)
    #[arg(short, long, value_name = "FILE")]
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) flags: FleetFlags,

    /// Apply only the plan with this number, which `plan` prints (no prompt)
    #[arg(long, value_name = "NUMBER")]
    pub(super) plan: Option<String>,

    /// Apply without a prompt
    #[arg(short, long)]
    pub(super) yes: bool,

    /// Use each secret once to check that it works, and each new secret before it is delivered
    #[arg(long, conflicts_with = "no_look")]
    pub(super) verify: bool,

    /// Maximum number of calls to each manager in a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    calls_per_minute: Option<u16>,
}

impl Args {
    /// Returns how the plan is applied.
    pub(super) fn options(&self) -> ApplyOptions {
        ApplyOptions {
            no_look: self.flags.no_look,
            verify: self.verify,
            prune_used: self.flags.prune().used,
            calls_per_minute: self.calls_per_minute.map(usize::from),
        }
    }

    /// Returns the command that does the rest of the work.
    pub(super) fn command(&self) -> String {
        format!("swp-keys apply -f {}", self.file.display())
    }
}
