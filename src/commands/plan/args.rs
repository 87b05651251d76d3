//! The flags of `plan`.

use std::path::PathBuf;

use crate::config::ProfileUse;
use crate::fleet::plan::Prune;

/// Show how the keys differ from the keys that a file declares.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File that declares the keys ("-" is stdin)
    #[arg(short, long, value_name = "FILE", required_unless_present = "schema")]
    pub(super) file: Option<PathBuf>,

    /// Exit with code 13 if a key is not as declared
    #[arg(long)]
    pub(super) exit_code: bool,

    /// Plan only the keys with these names
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "prune")]
    pub(super) only: Vec<String>,

    /// Do not check the destinations of the secrets, and run no `read-cmd`
    #[arg(long)]
    pub(super) no_look: bool,

    /// Plan to delete the keys of the fleet that the file does not declare
    #[arg(long)]
    prune: bool,

    /// Maximum number of keys to delete [default: half of the keys of the fleet, and at most 25]
    #[arg(long, value_name = "N", requires = "prune")]
    prune_at_most: Option<usize>,

    /// Delete also keys that were used or created in the last 7 days
    #[arg(long, requires = "prune")]
    prune_used: bool,

    /// Check only the file: connect to no manager and run no command
    #[arg(long)]
    pub(super) offline: bool,

    /// Print the JSON Schema of the file, for editors
    #[arg(long, conflicts_with_all = ["file", "offline", "prune", "only", "exit_code", "no_look"])]
    pub(super) schema: bool,
}

impl Args {
    /// Returns how the command uses the settings file. Without a manager, no profile is needed.
    pub(crate) fn profile_use(&self) -> ProfileUse {
        match self.offline || self.schema {
            true => ProfileUse::Ignored,
            false => ProfileUse::Required,
        }
    }

    pub(super) fn prune(&self) -> Prune {
        Prune {
            wanted: self.prune,
            at_most: self.prune_at_most,
            used: self.prune_used,
        }
    }
}
