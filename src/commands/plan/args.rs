//! The flags of `plan`.

use std::path::PathBuf;

use crate::config::ProfileUse;

/// Show how the keys differ from the keys that a file declares.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File that declares the keys ("-" is stdin)
    #[arg(short, long, value_name = "FILE", required_unless_present = "schema")]
    pub(super) file: Option<PathBuf>,

    /// Check only the file: connect to no manager and run no command
    #[arg(long)]
    pub(super) offline: bool,

    /// Print the JSON Schema of the file, for editors
    #[arg(long, conflicts_with_all = ["file", "offline"])]
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
}
