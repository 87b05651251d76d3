//! The trait of all sinks.

use std::pin::Pin;

use serde_json::{Map, Value};

use crate::process::signals::Signals;
use crate::secret::Secret;

/// The values that are delivered to a sink.
pub(crate) struct Payload<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The fields of the key as the manager returned them, without the secret.
    pub(crate) fields: &'a Map<String, Value>,
    /// The value of `meta`.
    pub(crate) meta: &'a Value,
}

/// A delivery in progress. If it is dropped early, it is unknown whether the secret was delivered.
pub(crate) type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A withdrawal in progress.
pub(crate) type Withdrawing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A destination of a secret, prepared for the delivery.
pub(crate) trait Sink {
    /// Returns a description of the destination, for messages and for `meta.sinks`.
    fn place(&self) -> String;

    /// Delivers the secret, so that it survives a crash. A signal may end a long wait, but it does not interrupt a write.
    ///
    /// # Errors
    /// Returns the reason if the secret was not delivered. A partial delivery was rolled back. If this failed, the reason says so.
    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a>;

    /// Removes the delivered secret. Sinks are withdrawn in the reverse order of delivery, because two sinks may write to the same file.
    ///
    /// # Errors
    /// Returns the reason if the secret could not be removed.
    fn withdraw(&mut self) -> Withdrawing<'_>;

    /// Drops the data for `withdraw`. This is called when all sinks have the secret.
    fn settle(&mut self) {}
}
