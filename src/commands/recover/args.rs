//! The flags of `recover`.

use crate::delivery::SinkArgs;

/// Finish or undo what an interrupted run left.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The operations to deal with, as `--list` names them [default: all of this manager and tenant]
    #[arg(value_parser = parse_operation)]
    pub(super) operation: Vec<String>,

    /// Print what was left, and do nothing; needs no manager
    #[arg(long)]
    pub(super) list: bool,

    /// Give the key a new secret and deliver that (the default, but for a key that `exec` left)
    #[arg(long, conflicts_with_all = ["delete", "list"])]
    pub(super) rekey: bool,

    /// Delete the key (the default for one that `exec` left)
    #[arg(long, conflicts_with = "list")]
    pub(super) delete: bool,

    /// Drop the record and touch nothing on the manager, after you looked there yourself
    #[arg(long, conflicts_with_all = ["rekey", "delete", "list"])]
    pub(super) forget: bool,

    /// Do not ask
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
