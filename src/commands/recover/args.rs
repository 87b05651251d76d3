//! The flags of `recover`.

use std::cell::Cell;

use crate::delivery::SinkArgs;

/// Finish or undo interrupted runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// IDs of the operations to finish or undo, as shown by --list [default: all of this manager and tenant]
    #[arg(value_parser = parse_operation)]
    pub(super) operation: Vec<String>,

    /// List the interrupted operations without contacting the manager, and change nothing
    #[arg(long)]
    pub(super) list: bool,

    /// Create a new secret for the key and deliver it (the default, except for keys that exec created)
    #[arg(long, conflicts_with_all = ["delete", "list"])]
    pub(super) rekey: bool,

    /// Delete the key (the default for keys that exec created)
    #[arg(long, conflicts_with = "list")]
    pub(super) delete: bool,

    /// Remove the record without contacting the manager; check the key in the manager's console first
    #[arg(long, conflicts_with_all = ["rekey", "delete", "list"])]
    pub(super) forget: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,

    /// True if this run may write secrets to stdout. In this case, stdout contains only JSON documents with secrets.
    #[arg(skip)]
    pub(super) prints_secrets: Cell<bool>,
}

impl Args {
    /// Returns true if the command prints a table.
    pub(crate) fn prints_table(&self) -> bool {
        self.list
    }
}

/// Parses an operation ID. The error does not contain the argument, because a user may have typed a secret in its place.
///
/// # Errors
/// Returns the text of the error for clap.
fn parse_operation(text: &str) -> Result<String, &'static str> {
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err("expected an operation ID of hexadecimal digits, as printed by `--list`")
    }
}
