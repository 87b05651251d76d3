//! The interface of the sinks.

use std::pin::Pin;

use serde_json::{Map, Value};

use crate::process::signals::Signals;
use crate::secret::Secret;

/// What is delivered to a sink.
pub(crate) struct Payload<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The manager's object, without the secret.
    pub(crate) fields: &'a Map<String, Value>,
    /// The value of `meta`.
    pub(crate) meta: &'a Value,
}

/// A delivery in progress. If it is dropped before it is done, it may or may not have happened.
pub(crate) type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A withdrawal in progress.
pub(crate) type Withdrawing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A destination that is ready to receive a secret.
pub(crate) trait Sink {
    /// Describes the destination, for messages and `meta.sinks`.
    fn place(&self) -> String;

    /// Delivers the secret permanently. A signal may shorten a long wait but never leaves a partial delivery.
    ///
    /// # Errors
    /// Returns the reason if the secret was not delivered. A partial delivery has been undone, or the reason names what is left.
    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a>;

    /// Removes the secret again. Sinks are withdrawn in the reverse order of delivery because two may share a file.
    ///
    /// # Errors
    /// Returns the reason if the secret could not be removed.
    fn withdraw(&mut self) -> Withdrawing<'_>;

    /// Drops what was kept for withdrawing, once all sinks have the secret.
    fn settle(&mut self) {}
}
