//! The flags of `rotate-key`.

use crate::delivery::SinkArgs;

/// Put a new key in the place of an old one, which retires by itself.
///
/// The new key has the role, description, locale, time zone and life span of the old one, and takes its name. When its secret is
/// delivered, the end of the old one is set on the manager, which then needs no second visit. Cut off in the middle, the same command
/// goes on where it was.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-key").required(true))]
pub(crate) struct Args {
    /// The key: its ID (N or id:N), or a name that it alone has (TEXT or name:TEXT)
    #[arg(value_name = "KEY", group = "which-key")]
    pub(super) key: Option<String>,

    /// Give the key that signs the requests a new secret; its old one is dead at once
    #[arg(long, group = "which-key")]
    pub(super) current: bool,

    /// How long the old key works on, once the secret of the new one is delivered [default: 24h]
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["in_place", "current"])]
    pub(super) overlap: Option<String>,

    /// Make no new key: give this one a new secret; its old one is dead at once
    #[arg(long, conflicts_with = "current")]
    pub(super) in_place: bool,

    /// When the new key ends: 14d, 12w, 36h, a date, an RFC 3339 time, or never [default: its life is as long as the old key's]
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["in_place", "current"])]
    pub(super) expires: Option<String>,

    /// A role with every right is meant: do not warn of it, and do not look at the role
    #[arg(long, conflicts_with_all = ["in_place", "current"])]
    pub(super) allow_full_access: bool,

    /// Look at the key and at the place for the secret, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Use the new secret once before reporting success
    #[arg(long)]
    pub(super) verify: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}
