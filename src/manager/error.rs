//! The error of a call to the manager: its cause, and whether the call may have had an effect.
//!
//! This module only defines the types. `http/classify.rs` decides which failure has which cause.

use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The cause of a failed call. Failures that this program handles in the same way have the same variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The manager rejected the sign-in.
    SignInRefused(SignInRefusal),
    /// The account has reached the manager's session limit. The password was correct, and a later sign-in may succeed.
    TooManySessions,
    /// The manager rejected the session or the API key.
    Unauthorized,
    /// The session or the API key lacks the permission for the call.
    Forbidden,
    /// The object does not exist.
    NotFound,
    /// The rate limit was exceeded. The call was not executed.
    RateLimited {
        /// The time to wait, from the header `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The request could not be built, so nothing was sent.
    Unusable,
    /// The certificate is not trusted. Nothing was sent.
    Untrusted,
    /// The connection was refused. Nothing was sent.
    ConnectionRefused,
    /// The connection failed for a reason other than a refusal. Nothing was sent.
    Unreachable,
    /// The proxy refused the connection. Nothing was sent.
    ProxyRefused,
    /// The connection broke.
    Reset,
    /// No complete response arrived within the time limit.
    TimedOut,
    /// The status is 502, 503 or 504: the manager is starting, or a gateway got no response from it.
    Unavailable {
        /// The time to wait, from the header `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The response is a redirect.
    Redirected {
        /// True if a call with a session was redirected to the same manager. The manager redirects to its sign-in page if the session has ended.
        session_ended: bool,
    },
    /// The response does not match the API.
    Unreadable,
    /// The manager rejected the call with this status.
    Rejected(u16),
}

/// The reason for a rejected sign-in, according to the manager's message.
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
    /// The reason is unknown, because the response contains no message that this program recognises.
    #[serde(other)]
    Unclear,
}

impl Cause {
    /// Returns true if the cause proves that the manager did not execute the call. The caller must check that the response came from the manager
    /// itself, because a response of a gateway proves nothing.
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
            // A 4xx status means that the manager rejected the request. With any other status, the manager may have executed the call.
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
            // If the manager sends a 409, the name of the key is already in use. It is unknown whether a manager may send a different status for this
            // error (docs/manager-api.md, "Unknowns", no. 7).
            Self::Rejected(409) => ErrorKind::Conflict,
            Self::Redirected { .. } | Self::Unreadable | Self::Rejected(_) => ErrorKind::Unexpected,
        }
    }
}

/// The error of a failed call: the cause, the message and the hint. Its fields are boxed, so that a `Result` is small.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct ManagerError(Box<ManagerErrorFields>);

#[derive(Debug, Clone)]
struct ManagerErrorFields {
    cause: Cause,
    message: String,
    hint: Option<String>,
    http: Option<u16>,
    /// True if the manager itself sent the response, or if there is no response. Every error response of the manager is a JSON object. If the body is
    /// not a JSON object, a gateway may have sent it, and the field is false.
    from_manager: bool,
    is_page: bool,
    /// True if the manager's message says that the name of the key is already in use. The status of the response does not matter.
    name_taken: bool,
}

impl ManagerError {
    pub(super) fn new(cause: Cause, message: String, hint: Option<String>) -> Self {
        Self(Box::new(ManagerErrorFields {
            cause,
            message,
            hint,
            http: None,
            from_manager: true,
            is_page: false,
            name_taken: false,
        }))
    }

    /// Returns the cause.
    #[must_use]
    pub(crate) fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// Returns the HTTP status of the response. `None` if there was no response.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        self.0.http
    }

    /// Returns true if the manager definitely did not execute the call. An error response whose body is not a JSON object proves nothing, because a
    /// gateway may have sent it after the manager executed the call.
    pub(crate) fn had_no_effect(&self) -> bool {
        // The manager and gateways check rate limits before a call is executed. So a call that exceeded a rate limit had no effect, even if a gateway
        // sent the response.
        let limited = matches!(self.0.cause, Cause::RateLimited { .. });
        (self.0.from_manager || limited) && self.0.cause.had_no_effect()
    }

    /// Returns true if the manager definitely did not process the request: the request was not sent, or it was rejected because of a rate limit.
    pub(crate) fn was_not_processed(&self) -> bool {
        matches!(self.0.cause, Cause::RateLimited { .. })
            || self.0.http.is_none() && self.had_no_effect()
    }

    /// Returns true if the HTTP status of the response means that the call was rejected. It does not matter whether the manager or a gateway sent the
    /// response.
    pub(crate) fn has_refusal_status(&self) -> bool {
        self.0.http.is_some() && self.0.cause.had_no_effect()
    }

    /// Returns true if the response came from the manager's API and not from a gateway. If this function returns true, no second request is needed to
    /// confirm the response.
    pub(crate) fn is_from_manager(&self) -> bool {
        self.0.from_manager && self.0.http.is_some()
    }

    /// Returns true if the response is a web page instead of a response of the manager's API.
    pub(super) fn is_page(&self) -> bool {
        self.0.is_page
    }

    /// Returns the hint, or an empty string if there is no hint.
    #[must_use]
    pub(crate) fn hint(&self) -> &str {
        self.0.hint.as_deref().unwrap_or_default()
    }

    /// Replaces the hint.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Replaces the message and the hint, and changes the cause to [`Cause::Unavailable`]. Used if the manager did not become ready in time.
    pub(super) fn unavailable(mut self, message: String, hint: &str) -> Self {
        self.0.cause = Cause::Unavailable { retry_after: None };
        self.0.message = message;
        self.0.hint = Some(hint.to_owned());
        self
    }

    /// Replaces the message with the result of `change`.
    pub(super) fn with_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.0.message = change(&self.0.message);
        self
    }

    /// Marks this error as caused by a name that is already in use.
    pub(super) fn with_name_taken(mut self) -> Self {
        self.0.name_taken = true;
        self
    }

    /// Stores the HTTP status of the response in the error.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.http = Some(status.as_u16());
        self
    }

    /// Stores whether the response came from the manager's API, and whether it is a web page.
    pub(super) fn with_origin(mut self, from_manager: bool, is_page: bool) -> Self {
        self.0.from_manager = from_manager;
        self.0.is_page = is_page;
        self
    }

    #[cfg(test)]
    pub(super) fn for_tests(cause: Cause) -> Self {
        Self::new(cause, String::new(), None)
    }
}

impl From<ManagerError> for Error {
    fn from(error: ManagerError) -> Self {
        let error = *error.0;
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
    fn only_a_definite_rejection_had_no_effect() {
        assert!(Cause::Rejected(409).had_no_effect());
        assert!(!Cause::Rejected(500).had_no_effect());
        assert!(!Cause::Unavailable { retry_after: None }.had_no_effect());
        for session_ended in [false, true] {
            assert!(!Cause::Redirected { session_ended }.had_no_effect());
        }
        assert!(Cause::ConnectionRefused.had_no_effect());
    }
}
