//! The flags that all commands for fleets have in common.

use super::plan::Prune;

/// Which keys of a fleet are planned, and how.
#[derive(clap::Args)]
pub(crate) struct FleetFlags {
    /// Plan only the keys with these names, or on the managers with these profiles
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "prune")]
    pub(crate) only: Vec<String>,

    /// Do not check the destinations of the secrets, and run no `read-cmd`
    #[arg(long)]
    pub(crate) no_look: bool,

    /// Delete the keys of the fleet that the file does not declare
    #[arg(long)]
    prune: bool,

    /// Maximum number of keys to delete [default: half of the keys of the fleet, and at most 25]
    #[arg(long, value_name = "N", requires = "prune")]
    prune_at_most: Option<usize>,

    /// Delete also keys that were used or created in the last 7 days, or whose last use is unknown
    #[arg(long, requires = "prune")]
    prune_used: bool,
}

impl FleetFlags {
    /// Returns whether undeclared keys are deleted.
    pub(crate) fn prune(&self) -> Prune {
        Prune {
            wanted: self.prune,
            at_most: self.prune_at_most,
            used: self.prune_used,
        }
    }
}
