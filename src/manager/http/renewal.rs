//! Replaces a saved session that has ended.
//!
//! A saved session may have ended long ago, but the run learns this only from the response to its first call. If the session has ended, the run signs
//! in once and sends the call again. A session that ends later in the run is not replaced.

use std::cell::Cell;

use tokio::sync::oneshot;

use super::credentials::Session;

/// The channel for sending the new session back. `None` is sent back if no new session could be created.
pub(crate) type RenewalReply = oneshot::Sender<Option<Session>>;

/// The sending end of the channel for requesting a new session. Only one request can be sent.
pub(crate) struct SessionRenewal(Cell<Option<oneshot::Sender<RenewalReply>>>);

impl SessionRenewal {
    /// Returns the sending end and the receiving end of the channel.
    pub(crate) fn new() -> (Self, oneshot::Receiver<RenewalReply>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Cell::new(Some(sender))), receiver)
    }

    /// Returns the sender on the first call of this function, and `None` on every later call.
    pub(crate) fn take(&self) -> Option<oneshot::Sender<RenewalReply>> {
        self.0.take()
    }
}
