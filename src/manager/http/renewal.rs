//! Replaces a saved session that has ended.
//!
//! A saved session may have ended long ago, but only the response to the first call shows that. After that response, the run signs in once and sends
//! the call again. A session that ends later in the run is not replaced.

use std::cell::Cell;

use tokio::sync::oneshot;

use super::credentials::Session;

/// The channel that returns the new session. It returns `None` if no new session could be created.
pub(crate) type RenewalReply = oneshot::Sender<Option<Session>>;

/// A channel that requests a new session. It can be used once.
pub(crate) struct SessionRenewal(Cell<Option<oneshot::Sender<RenewalReply>>>);

impl SessionRenewal {
    /// Returns the requesting end and the receiving end of the channel.
    pub(crate) fn new() -> (Self, oneshot::Receiver<RenewalReply>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Cell::new(Some(sender))), receiver)
    }

    /// Removes and returns the sender. Only the first call of this function returns it.
    pub(crate) fn take(&self) -> Option<oneshot::Sender<RenewalReply>> {
        self.0.take()
    }
}
