//! The error of a call to the manager: why it failed, and what the caller may conclude from that.
//!
//! These are types only. `http/classify.rs` decides which failure has which cause.

use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// Why a call failed, as far as a decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The manager refused the sign-in.
    SignInRefused(SignInRefusal),
    /// The account has reached the manager's limit of sessions. The password was not wrong, and the state may pass.
    TooManySessions,
    /// The manager did not accept the session or the API key.
    Unauthorized,
    /// The session or the API key lacks the right.
    Forbidden,
    /// The object does not exist.
    NotFound,
    /// The rate limit was exceeded. The call was not executed.
    RateLimited {
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The request cannot be sent. Nothing was sent.
    Unusable,
    /// The certificate is not trusted. Nothing was sent.
    Untrusted,
    /// The connection was refused. Nothing was sent.
    ConnectionRefused,
    /// The connection failed for another reason. Nothing was sent.
    Unreachable,
    /// The proxy refused the connection. Nothing was sent.
    ProxyRefused,
    /// The connection broke.
    Reset,
    /// The response was not complete in time.
    TimedOut,
    /// 502, 503 or 504: the manager is starting, or a gateway got no response from it.
    Unavailable {
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The response is a redirect.
    Redirected {
        /// The call was signed by a session, and the redirect leads to another page of the same manager, its sign-in page. That means
        /// that the session has ended.
        session_ended: bool,
    },
    /// The response does not match the API.
    Unreadable,
    /// The manager refused the call with this status.
    Rejected(u16),
}

/// Why a sign-in was refused, as far as the manager's message shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignInRefusal {
    /// The account is locked.
    Locked,
    /// The MFA code is missing or wrong.
    Code,
    /// The password has expired.
    PasswordExpired,
    /// The user name or the password is wrong.
    Credentials,
    /// There is no message, or it shows none of these reasons.
    #[serde(other)]
    Unclear,
}

impl Cause {
    /// Whether the manager certainly did not carry out the call, provided that the response is the manager's own.
    #[must_use]
    fn had_no_effect(&self) -> bool {
        match self {
            Self::SignInRefused(_)
            | Self::TooManySessions
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::RateLimited { .. }
            | Self::Unusable
            | Self::Untrusted
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::ProxyRefused => true,
            // A 4xx means that the request was not accepted. A 500, and every response of a gateway, may come after the call was
            // carried out.
            Self::Rejected(status) => (400..500).contains(status),
            Self::Reset
            | Self::TimedOut
            | Self::Unavailable { .. }
            | Self::Redirected { .. }
            | Self::Unreadable => false,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::SignInRefused(_)
            | Self::Unauthorized
            | Self::Redirected {
                session_ended: true,
            } => ErrorKind::SignIn,
            Self::TooManySessions => ErrorKind::TooManySessions,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Unusable => ErrorKind::Usage,
            Self::Untrusted => ErrorKind::Trust,
            Self::ConnectionRefused
            | Self::Unreachable
            | Self::ProxyRefused
            | Self::Reset
            | Self::TimedOut
            | Self::Unavailable { .. } => ErrorKind::Unreachable,
            // Which status refuses a name that is taken is unknown (docs/manager-api.md, "Unknowns", no. 7). A 409 has no other
            // meaning here.
            Self::Rejected(409) => ErrorKind::Conflict,
            Self::Redirected { .. } | Self::Unreadable | Self::Rejected(_) => ErrorKind::Unexpected,
        }
    }
}

/// Why a call failed: the cause, the message and the hint.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ManagerError {
    cause: Cause,
    message: String,
    hint: Option<String>,
    http: Option<u16>,
    /// The response has the form of the manager's API, or there is no response. Otherwise a gateway may have sent it.
    from_manager: bool,
    is_page: bool,
    /// The manager's message is that the name is taken, whatever the status.
    name_taken: bool,
}

impl ManagerError {
    pub(super) fn new(cause: Cause, message: String, hint: Option<String>) -> Self {
        Self {
            cause,
            message,
            hint,
            http: None,
            from_manager: true,
            is_page: false,
            name_taken: false,
        }
    }

    /// The cause, as far as a decision depends on it.
    #[must_use]
    pub(crate) fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The status of the response. `None` if there was no response.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        self.http
    }

    /// Whether the manager certainly did not carry out the call. A refusal that does not have the form of the manager's API does not
    /// prove that: a gateway may have sent it after the call was carried out.
    pub(crate) fn had_no_effect(&self) -> bool {
        // A rate limit is checked before the call, even if a gateway does it.
        let limited = matches!(self.cause, Cause::RateLimited { .. });
        (self.from_manager || limited) && self.cause.had_no_effect()
    }

    /// Whether no copy of the request was processed: it was not sent, or a rate limit stopped it.
    pub(crate) fn was_not_processed(&self) -> bool {
        matches!(self.cause, Cause::RateLimited { .. })
            || self.http.is_none() && self.had_no_effect()
    }

    /// Whether the status of the response is a refusal, even if a gateway sent it.
    pub(crate) fn has_refusal_status(&self) -> bool {
        self.http.is_some() && self.cause.had_no_effect()
    }

    /// Whether there was a response in the form of the manager's API, which is therefore final.
    pub(crate) fn is_from_manager(&self) -> bool {
        self.from_manager && self.http.is_some()
    }

    /// Whether the response is a web page instead of a response of the manager's API.
    pub(super) fn is_page(&self) -> bool {
        self.is_page
    }

    /// The hint. Empty if there is none.
    #[must_use]
    pub(crate) fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_default()
    }

    /// The same error with another hint, for a caller that knows a better one.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error as the last one before the time to wait for the manager ran out.
    pub(super) fn unavailable(self, message: String, hint: &str) -> Self {
        Self {
            cause: Cause::Unavailable { retry_after: None },
            message,
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    /// The same error with `change` applied to its message.
    pub(super) fn with_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.message = change(&self.message);
        self
    }

    /// The same error for a name that is taken.
    pub(super) fn with_name_taken(mut self) -> Self {
        self.name_taken = true;
        self
    }

    /// The same error with the status of its response.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.http = Some(status.as_u16());
        self
    }

    /// The same error with the origin of its response.
    pub(super) fn with_origin(mut self, from_manager: bool, is_page: bool) -> Self {
        self.from_manager = from_manager;
        self.is_page = is_page;
        self
    }

    #[cfg(test)]
    pub(super) fn for_tests(cause: Cause) -> Self {
        Self::new(cause, String::new(), None)
    }
}

impl From<ManagerError> for Error {
    fn from(error: ManagerError) -> Self {
        let kind = match error.name_taken {
            true => ErrorKind::Conflict,
            false => error.cause.kind(),
        };
        let plain = Self::new(kind, error.message).http(error.http);
        match error.hint {
            Some(hint) => plain.hint(hint),
            None => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_refusal_had_no_effect() {
        assert!(Cause::Rejected(409).had_no_effect());
        assert!(!Cause::Rejected(500).had_no_effect());
        assert!(!Cause::Unavailable { retry_after: None }.had_no_effect());
        for session_ended in [false, true] {
            assert!(!Cause::Redirected { session_ended }.had_no_effect());
        }
        assert!(Cause::ConnectionRefused.had_no_effect());
    }
}
