//! A session that has ended, and the new one that takes its place.
//!
//! A kept session may have ended long ago. The first call shows that; whoever has a password is asked to sign in, once, and the call
//! is sent again. Later calls are not: a session that ends in the middle of a run ends the run.

use std::cell::Cell;

use reqwest::Method;
use tokio::sync::oneshot;

use super::credentials::{Credentials, Session};
use super::response::ApiResponse;
use super::retry::RetryPolicy;
use super::transport::ApiRequest;
use crate::manager::SignedIn;
use crate::manager::error::{Cause, ManagerError};

/// Takes the new session; none if there is none.
type RenewalReply = oneshot::Sender<Option<Session>>;

/// Asks for a new session, once.
pub(crate) struct SessionRenewal(Cell<Option<oneshot::Sender<RenewalReply>>>);

impl SessionRenewal {
    /// Makes one, and what receives its question.
    pub(crate) fn new() -> (Self, oneshot::Receiver<RenewalReply>) {
        let (ask, asked) = oneshot::channel();
        (Self(Cell::new(Some(ask))), asked)
    }
}

impl SignedIn {
    /// The same, and where to ask for a new session if this one has ended.
    #[must_use]
    pub(crate) fn renewable(mut self, renewal: SessionRenewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// Whether a new session took the place of the first.
    #[must_use]
    pub(crate) fn is_renewed(&self) -> bool {
        self.renewed.get().is_some()
    }

    /// What signs the calls by now.
    pub(crate) fn credentials(&self) -> &Credentials {
        self.renewed.get().unwrap_or(&self.credentials)
    }

    /// Sends a call. If it is the first one, and its session has ended, that is replaced before.
    pub(crate) async fn send<'a>(
        &'a self,
        mut request: ApiRequest<'a>,
    ) -> Result<ApiResponse, ManagerError> {
        let ask = self.renewal.as_ref().and_then(|renewal| renewal.0.take());
        let Some(ask) = ask else {
            request.credentials = Some(self.credentials());
            return self.transport.send(request).await;
        };
        // What changes something is not sent twice, so the session is tried before it.
        if request.repeat == RetryPolicy::Read {
            match self.transport.send_borrowed(&request).await {
                Err(error) if says_ended(&error) => {
                    if !self.renew(ask).await {
                        return Err(error);
                    }
                }
                result => return result,
            }
        } else {
            self.renew(ask).await;
        }
        request.credentials = Some(self.credentials());
        self.transport.send(request).await
    }

    /// Asks for a new session, if this one has ended: a call may also be refused because it is not for sessions at all.
    async fn renew(&self, ask: oneshot::Sender<RenewalReply>) -> bool {
        let tried = self
            .transport
            .send(self.access_check("trying the session"))
            .await;
        if !tried.is_err_and(|error| says_ended(&error)) {
            return false;
        }
        let (reply, replied) = oneshot::channel();
        if ask.send(reply).is_err() {
            return false;
        }
        let session = replied.await.ok().flatten();
        let renewed = session.map(|session| self.renewed.set(Credentials::Session(session)));
        renewed.is_some_and(|set| set.is_ok())
    }

    /// A cheap read that every role with web-service access should be allowed (manager-api.md, section 6.4).
    pub(crate) fn access_check<'a>(&'a self, what: &'a str) -> ApiRequest<'a> {
        ApiRequest::new(
            what,
            Method::POST,
            "/api/policies/search",
            RetryPolicy::Read,
        )
        .signed(self.credentials())
        .json(&serde_json::json!({"maxItems": 1}))
        // A policy may list thousands of rules.
        .listing()
    }
}

fn says_ended(error: &ManagerError) -> bool {
    matches!(
        error.cause(),
        Cause::Unauthorized
            | Cause::Redirected {
                session_ended: true
            }
    )
}
