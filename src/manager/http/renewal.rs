//! Replaces a saved session that has ended.
//!
//! A saved session may have ended long ago, but only the response to the first call shows that. The run then signs in once and sends the
//! call again. A session that ends later in the run is not replaced.

use std::cell::Cell;

use tokio::sync::oneshot;

use super::credentials::Session;

/// The sender for the new session, or for `None` if there is no new session.
pub(crate) type RenewalReply = oneshot::Sender<Option<Session>>;

/// The sender for a request for a new session. It can be used once.
pub(crate) struct SessionRenewal(Cell<Option<oneshot::Sender<RenewalReply>>>);

impl SessionRenewal {
    /// Returns the sender, and the receiver of its request.
    pub(crate) fn new() -> (Self, oneshot::Receiver<RenewalReply>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Cell::new(Some(sender))), receiver)
    }

    /// Removes and returns the sender. `None` after the first call.
    pub(crate) fn take(&self) -> Option<oneshot::Sender<RenewalReply>> {
        self.0.take()
    }
}
