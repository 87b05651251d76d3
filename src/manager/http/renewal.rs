//! Replaces a saved session that has ended.
//!
//! A saved session may have ended long ago, which only the first call shows. The run then signs in once and sends the call again. A
//! session that ends later in the run is not replaced.

use std::cell::Cell;

use tokio::sync::oneshot;

use super::credentials::Session;

/// Receives the new session, or `None` if there is none.
pub(crate) type RenewalReply = oneshot::Sender<Option<Session>>;

/// Requests a new session, at most once.
pub(crate) struct SessionRenewal(Cell<Option<oneshot::Sender<RenewalReply>>>);

impl SessionRenewal {
    /// Returns the requesting side, and the receiver of its request.
    pub(crate) fn new() -> (Self, oneshot::Receiver<RenewalReply>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Cell::new(Some(sender))), receiver)
    }

    /// Takes the sender out. `None` after the first time.
    pub(crate) fn take(&self) -> Option<oneshot::Sender<RenewalReply>> {
        self.0.take()
    }
}
