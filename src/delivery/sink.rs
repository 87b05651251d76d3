//! What every sink can do.

use std::pin::Pin;

use serde_json::{Map, Value};

use crate::process::signals::Signals;
use crate::secret::Secret;

/// What is delivered.
pub(crate) struct Payload<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The manager's object, without it.
    pub(crate) fields: &'a Map<String, Value>,
    /// What is added under `meta`.
    pub(crate) meta: &'a Value,
}

/// A delivery under way. Dropped before it is done, it may have happened or not.
pub(crate) type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A withdrawal under way.
pub(crate) type Withdrawing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A place that is ready to take a secret.
pub(crate) trait Sink {
    /// The place, in words.
    fn place(&self) -> String;

    /// Puts the secret there, for good. A signal hastens it where it may take long, and never leaves it half done.
    ///
    /// # Errors
    /// In words, why it is not there. What was done of it is undone then, or the words say what is left.
    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a>;

    /// Takes it away again. The sinks are withdrawn in the opposite order of their delivery: two may share a file.
    ///
    /// # Errors
    /// In words, why that cannot be done.
    fn withdraw(&mut self) -> Withdrawing<'_>;

    /// All sinks have it: what was kept for withdrawing is let go.
    fn settle(&mut self) {}
}
