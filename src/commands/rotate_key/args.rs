//! The flags of `rotate-key`.

use crate::delivery::SinkArgs;

/// Replace a key; the old one expires after an overlap.
///
/// The new key has the same name, role, description, locale, time zone and lifetime as the old key. The old key is renamed. When the new
/// secret has been delivered, the old key gets an expiry. If a run is interrupted, repeat the same command to continue it.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-key").required(true))]
pub(crate) struct Args {
    /// The key: its ID (N or id:N) or its unique name (TEXT or name:TEXT)
    #[arg(value_name = "KEY", group = "which-key")]
    pub(super) key: Option<String>,

    /// Replace the secret of the API key that authenticates this run; the old secret stops working at once
    #[arg(long, group = "which-key")]
    pub(super) current: bool,

    /// How long the old key stays valid after the new secret is delivered; 1mo is a calendar month [default: 24h]
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["in_place", "current"])]
    pub(super) overlap: Option<String>,

    /// Replace the secret of KEY instead of creating a new key; the old secret stops working at once
    #[arg(long, conflicts_with = "current")]
    pub(super) in_place: bool,

    /// Expiry of the new key: a duration such as 14d, 12w or 36h (units: m minutes, h, d, w, mo months, y), a date, an RFC 3339 time, or never [default: the lifetime of the old key]
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["in_place", "current"])]
    pub(super) expires: Option<String>,

    /// Do not warn if the role grants every right
    #[arg(long, conflicts_with_all = ["in_place", "current"])]
    pub(super) allow_full_access: bool,

    /// Check the key and the destinations of the secret, but change nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Make one request with the new secret before reporting success
    #[arg(long)]
    pub(super) verify: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}
