//! The errors that the lockout guard returns to prevent a sign-in.

use chrono::DateTime;

use super::record::{self, WINDOW};
use crate::error::{Error, ErrorKind};
use crate::manager::SignInRefusal;

/// The error if the lockout guard has paused sign-ins.
pub(crate) struct Paused {
    pub(super) refusals: usize,
    pub(super) username: String,
    pub(super) manager: String,
    pub(super) last: i64,
    pub(super) why: Option<SignInRefusal>,
}

/// The error for an MFA code that was already sent. Contains the time at which this code was sent, in milliseconds since the Unix epoch.
pub(crate) struct CodeAlreadyUsed(pub(super) i64);

impl std::fmt::Display for Paused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            refusals,
            username,
            manager,
            ..
        } = self;
        let last = shown(self.last);
        write!(
            formatter,
            "{refusals} sign-ins as `{username}` at {manager} were rejected, the last at {last}"
        )?;
        match self.why {
            Some(why) => write!(formatter, ": {}", record::words(why)),
            None => Ok(()),
        }
    }
}

impl From<Box<Paused>> for Error {
    fn from(paused: Box<Paused>) -> Self {
        let until = paused.last.saturating_add(WINDOW);
        let message = format!(
            "{paused}; nothing was sent, because each rejected sign-in counts towards the account lockout"
        );
        let fix = match paused.why {
            Some(SignInRefusal::Locked) => "ask an administrator to unlock the account",
            Some(SignInRefusal::PasswordExpired) => "set a new password in the manager's console",
            _ => "fix the user name, password or code",
        };
        let hint = format!(
            "{fix}, then try again after {}, or add `--force-login` to try now",
            shown(until)
        );
        Self::new(ErrorKind::SignInPaused, message)
            .hint(hint)
            .retry_at(until)
    }
}

impl CodeAlreadyUsed {
    /// Returns the time at which the MFA code was sent, as text.
    pub(crate) fn when(&self) -> String {
        shown(self.0)
    }
}

/// Returns the error for an MFA code that was already sent. `code` says where the MFA code is from. The
/// message begins with `code`, such as "the MFA code from `--mfa-code`".
pub(crate) fn code_already_used(code: &str, spent: &CodeAlreadyUsed) -> Error {
    Error::new(
        ErrorKind::SignIn,
        format!(
            "{code} was already sent at {}; nothing was sent, because a code works only once and a second use may count towards the \
             account lockout",
            spent.when()
        ),
    )
    .hint(
        "wait up to 30 seconds and pass the next code, or add `--force-login` to send this code anyway; after one `swp-keys login`, later commands need no code",
    )
}

fn shown(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms since the Unix epoch"),
        |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
