//! A connection to the manager: [`Manager`] without credentials, or [`SignedIn`] with credentials.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use reqwest::Method;
use ring::hmac;
use tokio::sync::oneshot;

use super::error::{Cause, ManagerError};
use super::http::budget::CallBudget;
use super::http::credentials::{Credentials, Session};
use super::http::renewal::{RenewalReply, SessionRenewal};
use super::http::request::ApiRequest;
use super::http::response::ApiResponse;
use super::http::retry::RetryPolicy;
use super::http::transport::{ConnectionOptions, Transport};
use crate::secret::Secret;

/// A connection to a manager, without credentials.
pub(crate) struct Manager {
    pub(super) transport: Transport,
}

/// A connection to a manager, with the credentials for its calls.
pub(crate) struct SignedIn {
    pub(super) transport: Transport,
    credentials: Credentials,
    /// Requests a new session if the saved session has ended. If `None`, an ended session is not replaced.
    renewal: Option<SessionRenewal>,
    /// The new session.
    renewed: OnceCell<Credentials>,
}

impl Manager {
    /// Prepares a connection to a manager. Nothing is sent yet.
    ///
    /// # Errors
    /// Returns an error if the proxy or the trusted certificates cannot be used.
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, ManagerError> {
        Transport::new(options).map(|transport| Self { transport })
    }

    /// Returns a connection that sends these credentials with every call.
    #[must_use]
    pub(crate) fn with(self, credentials: Credentials) -> SignedIn {
        SignedIn {
            transport: self.transport,
            credentials,
            renewal: None,
            renewed: OnceCell::new(),
        }
    }
}

impl Manager {
    /// Returns how far the manager's clock is ahead of this machine's clock. `None` if no response has contained a date yet.
    #[must_use]
    pub(crate) fn clock_skew(&self) -> Option<chrono::Duration> {
        self.transport.skew()
    }

    /// Returns the manager's version. `None` if no response has contained it yet.
    #[must_use]
    pub(crate) fn version(&self) -> Option<String> {
        self.transport.version()
    }
}

impl SignedIn {
    /// Replaces the credentials for all further calls. The connection stays the same.
    #[must_use]
    pub(crate) fn with(self, credentials: Credentials) -> Self {
        Self {
            transport: self.transport,
            credentials,
            renewal: None,
            renewed: OnceCell::new(),
        }
    }

    /// Sets the channel for requesting a new session. The channel is used when the current session has ended.
    #[must_use]
    pub(crate) fn renewable(mut self, renewal: SessionRenewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// Returns true if a new session has replaced the session with which the run started.
    #[must_use]
    pub(crate) fn is_renewed(&self) -> bool {
        self.renewed.get().is_some()
    }

    /// Returns the credentials that calls currently use.
    pub(crate) fn credentials(&self) -> &Credentials {
        self.renewed.get().unwrap_or(&self.credentials)
    }

    /// Returns the current time according to the manager's clock. If no response has contained a date yet, returns this machine's time.
    #[must_use]
    pub(crate) fn time(&self) -> DateTime<Utc> {
        self.transport.manager_time()
    }

    /// Returns how far the manager's clock is ahead of this machine's clock. `None` before the first response.
    #[must_use]
    pub(crate) fn clock_skew(&self) -> Option<chrono::Duration> {
        self.transport.skew()
    }

    /// Returns the manager's version. `None` if no response has contained it yet.
    #[must_use]
    pub(crate) fn version(&self) -> Option<String> {
        self.transport.version()
    }

    /// Returns an identifier of the API key that authenticates the calls: the first 64 bits of an HMAC of the secret, with `operation` as the HMAC
    /// key. `None` if a session authenticates the calls.
    ///
    /// For the same `operation`, equal identifiers mean the same API key. The secret is random, so its HMAC does not reveal it.
    #[must_use]
    pub(crate) fn signer_fingerprint(&self, operation: &str) -> Option<String> {
        let Credentials::ApiKey { secret, .. } = &self.credentials else {
            return None;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, operation.as_bytes());
        let tag = hmac::sign(&key, secret.expose().as_bytes());
        Some(
            tag.as_ref()[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// Returns the ID of the API key that authenticates the calls. `None` if the secret does not begin with the ID. Secrets such as `8:...` have been
    /// observed, but this form is not documented (docs/manager-api.md, "Secret shapes").
    #[must_use]
    pub(crate) fn signer_id(&self) -> Option<i64> {
        match &self.credentials {
            Credentials::ApiKey { secret, .. } => named_key(secret),
            Credentials::Session(_) => None,
        }
    }

    /// Returns the calls that count towards the manager's rate limit.
    pub(crate) fn budget(&self) -> &CallBudget {
        &self.transport.budget
    }

    /// Returns the session that authenticates the calls. `None` if an API key authenticates them.
    #[must_use]
    pub(crate) fn session(&self) -> Option<&Session> {
        match self.credentials() {
            Credentials::Session(session) => Some(session),
            Credentials::ApiKey { .. } => None,
        }
    }

    /// Sends a call. If the saved session has ended, requests a new session and sends the call with the new session. Only the first call of the run
    /// can request a new session.
    pub(super) async fn send<'a>(
        &'a self,
        mut request: ApiRequest<'a>,
    ) -> Result<ApiResponse, ManagerError> {
        request.credentials = Some(self.credentials());
        let renewal = self.renewal.as_ref().and_then(SessionRenewal::take);
        let Some(renewal) = renewal else {
            return self.transport.send(&request).await;
        };
        // A read may be sent twice: if the saved session has ended, the read is sent again with a new session. A call that changes something must not
        // be sent twice, so `renew` checks the session with a read before the call is sent.
        if request.retry == RetryPolicy::Read {
            match self.transport.send(&request).await {
                Err(error) if is_session_end(&error) => {
                    if !self.renew(renewal).await {
                        return Err(error);
                    }
                }
                result => return result,
            }
        } else {
            self.renew(renewal).await;
        }
        request.credentials = Some(self.credentials());
        self.transport.send(&request).await
    }

    /// Requests a new session if the current session has ended, and returns true if a new session was created. To check the session, this function
    /// sends a request that every role should allow (`access_check`). If the manager rejects this request, the cause is the session, not a missing
    /// permission.
    async fn renew(&self, renewal: oneshot::Sender<RenewalReply>) -> bool {
        let check = self
            .transport
            .send(&self.access_check("check the session"))
            .await;
        if !check.is_err_and(|error| is_session_end(&error)) {
            return false;
        }
        let (reply, replied) = oneshot::channel();
        if renewal.send(reply).is_err() {
            return false;
        }
        let session = replied.await.ok().flatten();
        let renewed = session.map(|session| self.renewed.set(Credentials::Session(session)));
        renewed.is_some_and(|set| set.is_ok())
    }

    /// Returns the request for a small read that every role with web service access should allow (docs/manager-api.md, "Checking a key").
    pub(super) fn access_check<'a>(&'a self, action: &'a str) -> ApiRequest<'a> {
        ApiRequest::new(
            action,
            Method::POST,
            "/api/policies/search",
            RetryPolicy::Read,
        )
        .signed(self.credentials())
        .json(&serde_json::json!({"maxItems": 1}))
        // The response contains one policy, which may have thousands of rules. So the response may be as large as a list.
        .listing()
    }
}

fn is_session_end(error: &ManagerError) -> bool {
    matches!(
        error.cause(),
        Cause::Unauthorized
            | Cause::Redirected {
                session_ended: true
            }
    )
}

/// Returns the ID of the key that a secret names. `None` if the secret does not begin with an ID.
#[must_use]
pub(crate) fn named_key(secret: &Secret) -> Option<i64> {
    let (id, _) = secret.expose().split_once(':')?;
    id.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    id.parse().ok()
}
