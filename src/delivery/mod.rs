//! Where a secret can go. A sink is prepared before the manager is asked for anything, so that what can be found wrong is found
//! while there is nothing to lose; `mint.rs` delivers, and withdraws what it can where a later sink fails.
//!
//! No HTTP is known here. Files and stdout are written here and nowhere else, as far as secrets go.

mod arguments;
mod file;
mod stdout;

pub(crate) use arguments::SinkArgs;
use file::FileSink;
use stdout::StdoutSink;

use serde_json::{Map, Value};

use crate::secret::Secret;

/// What is delivered.
pub(crate) struct Parcel<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The manager's object, without it.
    pub(crate) fields: &'a Map<String, Value>,
    /// What is added under `meta`.
    pub(crate) meta: &'a Value,
}

/// A place that is ready to take a secret.
pub(crate) trait Sink {
    /// The place, in words.
    fn place(&self) -> String;

    /// Puts the secret there, for good.
    ///
    /// # Errors
    /// In words, why it is not there.
    fn deliver(&mut self, parcel: &Parcel<'_>) -> Result<(), String>;

    /// Takes it away again.
    ///
    /// # Errors
    /// In words, why that cannot be done.
    fn withdraw(&mut self) -> Result<(), String>;
}
