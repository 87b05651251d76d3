//! The flags of `doctor`.

/// Check the settings, the connection and, with --sign-in, the sign-in.
#[derive(clap::Args)]
#[command(
    after_help = "Each line contains a result (ok, warning, failed, skipped), the name of the check and a message. If you can fix the problem, a hint follows. Without --sign-in, no password, key or session is read or sent. The command changes nothing and never trusts an unknown \
                  certificate. Exit code 13 means that a check failed."
)]
pub(crate) struct Args {
    /// Also sign in, and check the right to create keys and the visible roles
    #[arg(long)]
    pub(super) sign_in: bool,
}
