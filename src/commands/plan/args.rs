//! The flags of `plan`.

use std::path::PathBuf;

use crate::config::ProfileUse;
use crate::fleet::FleetFlags;
use crate::mint::is_fleet_name;

/// Show how the keys differ from the keys that a file declares.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File that declares the keys ("-" is stdin)
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["schema", "from_manager"])]
    pub(super) file: Option<PathBuf>,

    /// Exit with code 13 if a key is not as declared
    #[arg(long)]
    pub(super) exit_code: bool,

    #[command(flatten)]
    pub(super) flags: FleetFlags,

    /// Use each secret once to check that it works (one call for each key)
    #[arg(long, conflicts_with = "no_look")]
    pub(super) verify: bool,

    /// Check only the file: connect to no manager and run no command
    #[arg(long)]
    pub(super) offline: bool,

    /// Print the JSON Schema of the file, for editors
    #[arg(long, conflicts_with_all = ["file", "offline", "prune", "only", "exit_code", "no_look", "verify"])]
    pub(super) schema: bool,

    /// Print a file that declares the keys on the manager for a new fleet with this name
    #[arg(long, value_name = "FLEET", value_parser = fleet_name, conflicts_with_all = ["file", "offline", "schema", "prune", "only", "exit_code", "no_look", "verify"])]
    pub(super) from_manager: Option<String>,
}

/// Checks the name of a fleet.
fn fleet_name(name: &str) -> Result<String, String> {
    match is_fleet_name(name) {
        true => Ok(name.to_owned()),
        false => Err(
            "expected 1 to 24 of the characters a-z, 0-9 and -, beginning with a letter".to_owned(),
        ),
    }
}

impl Args {
    /// Returns how the command uses the settings file. Without a manager, no profile is needed.
    pub(crate) fn profile_use(&self) -> ProfileUse {
        match self.offline || self.schema {
            true => ProfileUse::Ignored,
            false => ProfileUse::Required,
        }
    }
}
