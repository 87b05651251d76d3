//! The trait of all destinations to which a secret can be delivered.

use std::pin::Pin;

use serde_json::{Map, Value};

use super::destination::Destination;
use crate::process::signals::Signals;
use crate::secret::Secret;

/// The data that is delivered to a destination.
pub(crate) struct Payload<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The key object that the manager returned, without the secret.
    pub(crate) fields: &'a Map<String, Value>,
    /// The `meta` object of the JSON output.
    pub(crate) meta: &'a Value,
}

/// A delivery in progress. If this future is dropped before it completes, it is unknown whether the secret was delivered.
pub(crate) type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A withdrawal in progress, which removes a delivered secret from its destination.
pub(crate) type Withdrawing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A destination of a secret, prepared for the delivery.
pub(crate) trait Sink {
    /// Returns a description of the destination, for messages and for `meta.sinks`.
    fn place(&self) -> String;

    /// Returns the destination for the report that the run prints after the delivery.
    fn destination(&self) -> Destination {
        Destination::Other(self.place())
    }

    /// Delivers the secret. A delivered secret survives a crash. A signal can interrupt the wait for a lock or for a command, but not a write.
    ///
    /// # Errors
    /// Returns the reason if the secret was not delivered. A partial delivery is rolled back first. If the rollback fails, the reason also
    /// contains the error of the rollback.
    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a>;

    /// Removes the delivered secret from the destination. If there are several destinations, the caller begins with the last one, because two
    /// destinations may be the same file.
    ///
    /// # Errors
    /// Returns the reason if the secret could not be removed.
    fn withdraw(&mut self) -> Withdrawing<'_>;

    /// Drops the data for a withdrawal. This function is called when all destinations have the secret. `withdraw` is never called afterwards.
    fn settle(&mut self) {}
}
