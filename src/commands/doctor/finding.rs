//! The finding of one check.

use crate::error::Error;

/// The names of the checks, in their order.
pub(super) mod names {
    pub(in super::super) const SETTINGS_FILE: &str = "settings-file";
    pub(in super::super) const SETTINGS: &str = "settings";
    pub(in super::super) const STATE_FOLDER: &str = "state-folder";
    pub(in super::super) const ADDRESS: &str = "address";
    pub(in super::super) const NAME_RESOLUTION: &str = "name-resolution";
    pub(in super::super) const TCP: &str = "tcp";
    pub(in super::super) const PROXY: &str = "proxy";
    pub(in super::super) const TLS: &str = "tls";
    pub(in super::super) const CLOCK: &str = "clock";
    pub(in super::super) const MANAGER: &str = "manager";
    pub(in super::super) const SIGN_IN: &str = "sign-in";
    pub(in super::super) const KEY_RIGHTS: &str = "key-rights";
    pub(in super::super) const ROLES: &str = "roles";
    pub(in super::super) const UNFINISHED_RUNS: &str = "unfinished-runs";
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckStatus {
    /// The check found no problem.
    Ok,
    /// swp-keys works, but the user should fix a problem.
    Warning,
    /// swp-keys does not work until the user fixes a problem.
    Failed,
    /// The check did not run.
    Skipped,
}

impl CheckStatus {
    /// Returns the status as a word of the output, such as `ok` or `failed`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The status, message and hint of one check.
pub(super) struct Finding {
    pub(super) status: CheckStatus,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    /// Returns the finding of a check that found no problem.
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Ok,
            message: message.into(),
            hint: None,
        }
    }

    /// Returns the finding for a problem that does not prevent swp-keys from working.
    pub(super) fn warning(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Warning,
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// Returns the finding of a check that did not run.
    pub(super) fn skipped(message: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            status: CheckStatus::Skipped,
            message: message.into(),
            hint: hint.map(str::to_owned),
        }
    }
}

impl From<&Error> for Finding {
    fn from(error: &Error) -> Self {
        Self {
            status: CheckStatus::Failed,
            message: error.to_string(),
            hint: error.next_step().map(str::to_owned),
        }
    }
}
