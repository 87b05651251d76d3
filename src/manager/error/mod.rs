//! What went wrong with the manager: one function, [`classify`], turns statuses, bodies and broken connections into causes.
//!
//! The statuses of most refusals are undocumented (manager-api.md, sections 3 and 10), so the manager's own words are always
//! shown, and each decision here says why it is right whichever status a manager sends.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::http::page::WebPage;
use super::http::proxy_failure::ProxyAttempt;
use super::http::redaction::Redactor;
use super::http::status_error::ErrorBody;
use super::http::{connection_error, status_error};
use crate::error::{Error, ErrorKind};

/// Why a call failed, as far as a decision hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The sign-in was refused.
    SignInRefused(SignInRefusal),
    /// The account has as many sessions as the manager allows. That is not a wrong password, and may pass.
    TooManySessions,
    /// The session or key of a call was not accepted.
    Unauthorized,
    /// Signed in, but the right is missing.
    Forbidden,
    /// There is no such object.
    NotFound,
    /// Too many calls; this one was not executed.
    RateLimited {
        /// The manager's Retry-After.
        retry_after: Option<Duration>,
    },
    /// The request cannot be sent as it is; nothing was.
    Unusable,
    /// The certificate is not trusted; nothing was sent.
    Untrusted,
    /// Nobody listens there; nothing was sent.
    ConnectionRefused,
    /// No connection came about for another reason; nothing was sent.
    Unreachable,
    /// The proxy does not let the connection pass, as it is asked for; nothing was sent.
    ProxyRefused,
    /// The connection broke.
    Reset,
    /// No whole answer in time.
    TimedOut,
    /// 502, 503 or 504: the manager is starting, or something in between got no answer.
    Unavailable {
        /// The sender's Retry-After.
        retry_after: Option<Duration>,
    },
    /// The answer points to another place.
    Redirected {
        /// It points a session to a page of the same manager, the sign-in page: the session has ended.
        session_ended: bool,
    },
    /// The answer is not what the contract says.
    Unreadable,
    /// The manager refused it with this status.
    Rejected(u16),
}

/// Why a sign-in was refused, as far as the manager's words show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignInRefusal {
    /// The account is locked.
    Locked,
    /// The code of the second factor is missing or wrong.
    Code,
    /// The password is too old.
    PasswordExpired,
    /// The user name or the password is wrong.
    Credentials,
    /// The words show none of these, or there are none.
    #[serde(other)]
    Unclear,
}

impl Cause {
    /// Whether the manager certainly did not do what was asked.
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
            // A 4xx says that the request was not accepted. A 500 may have come after the work was done, and so may everything
            // that is sent by something in between.
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
            // Which status refuses a name that is taken is unknown (manager-api.md, section 11, no. 7); 409 can mean nothing else.
            Self::Rejected(409) => ErrorKind::Conflict,
            Self::Redirected { .. } | Self::Unreadable | Self::Rejected(_) => ErrorKind::Unexpected,
        }
    }
}

/// Why a call failed: the cause, and the words for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ManagerError {
    cause: Cause,
    message: String,
    hint: Option<String>,
    http: Option<u16>,
    /// It is the manager's own word, not that of something in between.
    certain: bool,
    /// The response is a web page.
    page: bool,
    /// The manager's words are that the name is taken, whichever status they came with.
    name_taken: bool,
}

impl ManagerError {
    /// Why, as far as a decision hangs on it.
    #[must_use]
    pub(crate) fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The status of its answer, where there was one.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        self.http
    }

    /// Whether the manager certainly did not do what was asked. A refusal that does not bear the form of the manager's own may come
    /// from something in between, after the work was done.
    pub(crate) fn had_no_effect(&self) -> bool {
        // A rate limit is kept before the work, by whomever.
        let limited = matches!(self.cause, Cause::RateLimited { .. });
        (self.certain || limited) && self.cause.had_no_effect()
    }

    /// Whether the request did not leave, or was kept from being worked on by a limit: not even a second copy of it was worked on.
    pub(crate) fn was_not_processed(&self) -> bool {
        matches!(self.cause, Cause::RateLimited { .. })
            || self.http.is_none() && self.had_no_effect()
    }

    /// Whether its status is that of a refusal, whoever sent it.
    pub(crate) fn has_refusal_status(&self) -> bool {
        self.http.is_some() && self.cause.had_no_effect()
    }

    /// Whether this is an answer in the manager's own form, and so its last word on the matter.
    pub(crate) fn is_from_manager(&self) -> bool {
        self.certain && self.http.is_some()
    }

    /// Whether the response is a web page and not one of the manager's API.
    pub(super) fn is_page(&self) -> bool {
        self.page
    }

    /// The same failure, seen until the time to wait for the manager ran out.
    pub(super) fn unavailable(self, message: String, hint: &str) -> Self {
        Self {
            cause: Cause::Unavailable { retry_after: None },
            message,
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    /// The same failure without any secret that came back in it.
    pub(super) fn redacted(mut self, redactor: &Redactor) -> Self {
        self.message = redactor.redact(&self.message);
        self
    }

    /// The next step, if there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_default()
    }

    /// The same failure with another next step, for a caller who knows a better one.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn new(cause: Cause, message: String, hint: Option<String>) -> Self {
        Self {
            cause,
            message,
            hint,
            http: None,
            certain: true,
            page: false,
            name_taken: false,
        }
    }

    /// The same failure, and the manager's words are that the name is taken.
    pub(super) fn with_name_taken(mut self) -> Self {
        self.name_taken = true;
        self
    }

    pub(super) fn http(mut self, status: StatusCode) -> Self {
        self.http = Some(status.as_u16());
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

/// Who signed the call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignerKind {
    /// Nothing: the call is a probe.
    None,
    /// The call is the sign-in itself.
    Password,
    /// A session.
    Session,
    /// An API key.
    ApiKey,
    /// A key of Cloud One.
    CloudOneKey,
}

impl SignerKind {
    /// Whether it is a key of either kind.
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::ApiKey | Self::CloudOneKey)
    }
}

/// The call that failed.
#[derive(Clone, Copy)]
pub(super) struct CallContext<'a> {
    /// What it was for, as in "signing in".
    pub(super) what: &'a str,
    pub(super) address: &'a Address,
    pub(super) signer: SignerKind,
}

/// How it failed.
pub(super) enum FailedCall<'a> {
    /// No answer, or not a whole one.
    Transport {
        error: &'a reqwest::Error,
        through: Option<ProxyAttempt<'a>>,
    },
    /// An answer that is no success; `said` is the manager's own message, if it had one, and `page` a web page in its place.
    ApiResponse {
        status: StatusCode,
        headers: &'a HeaderMap,
        said: Option<String>,
        page: Option<WebPage>,
        by_the_manager: bool,
    },
    /// A success that cannot be read.
    Unreadable {
        status: StatusCode,
        reason: String,
        hint: Option<String>,
    },
}

/// The one place that decides what a failure is.
pub(super) fn classify(call: CallContext<'_>, failure: FailedCall<'_>) -> ManagerError {
    match failure {
        FailedCall::Transport { error, through } => connection_error::broken(call, error, through),
        FailedCall::ApiResponse {
            status,
            headers,
            said,
            page,
            by_the_manager,
        } => {
            let body = ErrorBody {
                said: said.as_deref(),
                page: page.as_ref(),
            };
            let mut error = status_error::of(call, status, headers, body);
            error.certain = by_the_manager;
            error.page = page.is_some();
            error
        }
        FailedCall::Unreadable {
            status,
            reason,
            hint,
        } => ManagerError::new(Cause::Unreadable, format!("{}: {reason}", call.what), hint)
            .http(status),
    }
}

#[cfg(test)]
mod tests;
