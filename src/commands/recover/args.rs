//! The flags of `recover`.

use crate::delivery::SinkArgs;

/// Finish or undo interrupted runs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Operations to finish or undo, as shown by --list [default: all of this manager and tenant]
    #[arg(value_parser = parse_operation)]
    pub(super) operation: Vec<String>,

    /// List the interrupted operations and change nothing; does not contact the manager
    #[arg(long)]
    pub(super) list: bool,

    /// Reset the secret of the key and deliver it (the default, except for keys of exec)
    #[arg(long, conflicts_with_all = ["delete", "list"])]
    pub(super) rekey: bool,

    /// Delete the key (the default for keys of exec)
    #[arg(long, conflicts_with = "list")]
    pub(super) delete: bool,

    /// Drop the record without contacting the manager; check the key there yourself first
    #[arg(long, conflicts_with_all = ["rekey", "delete", "list"])]
    pub(super) forget: bool,

    /// Do not ask for confirmation for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}

/// Parses an operation ID. Any other text may be a misplaced secret, so it is rejected here, without being repeated in an error.
///
/// # Errors
/// Returns the reason as text.
fn parse_operation(text: &str) -> Result<String, &'static str> {
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err("expected hexadecimal digits, as printed by `--list`")
    }
}
