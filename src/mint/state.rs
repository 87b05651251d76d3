//! The values that the steps of the transaction pass on.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::record::refuse_too_long;
use crate::auth::session::Access;
use crate::context::Context;
use crate::delivery::{Sink, SinkArgs};
use crate::error::Error;
use crate::manager::ApiKey;
use crate::process::pending::PendingGuard;
use crate::secret::Secret;

/// Sinks that are ready to receive a secret.
pub(crate) struct PreparedSinks {
    pub(super) sinks: Vec<Box<dyn Sink>>,
}

impl PreparedSinks {
    /// Wraps sinks that are ready. They receive the secret in this order, so a sink that cannot withdraw it must come last.
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks }
    }

    /// Prepares the sinks that the command line names.
    ///
    /// # Errors
    /// Returns a usage error that names the flag at fault, or an interruption by a signal.
    pub(crate) async fn ready(sinks: &SinkArgs, context: &Context) -> Result<Self, Error> {
        let format = context.output.format();
        let loose = context.allow_loose_permissions;
        let sinks = sinks.prepare(format, loose, &context.signals).await?;
        let prepared = Self::new(sinks);
        refuse_too_long(&[], &prepared.places())?;
        Ok(prepared)
    }

    /// Returns the description of each target.
    pub(crate) fn places(&self) -> Vec<String> {
        self.sinks.iter().map(|sink| sink.place()).collect()
    }
}

/// A key that was delivered.
pub(crate) struct Delivered {
    /// Its ID.
    pub(crate) id: i64,
    /// The manager's object, without the secret.
    pub(crate) fields: Map<String, Value>,
    /// The expiry that the manager returned.
    pub(crate) expiry_date: Option<i64>,
}

/// A secret that only this run has. The run delivers it or deletes the key. A debug build logs an error if the secret is dropped
/// before that.
pub(super) struct UndeliveredSecret {
    pub(super) secret: Secret,
    pub(super) settled: Cell<bool>,
}

impl UndeliveredSecret {
    /// Takes the secret from the response to a create or a reset.
    pub(super) fn of(key: &mut ApiKey) -> Option<Self> {
        key.take_secret().map(|secret| Self {
            secret,
            settled: Cell::new(false),
        })
    }
}

impl Drop for UndeliveredSecret {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !self.settled.get() {
            log::error!("a fresh secret was dropped before it was delivered or its key was undone");
        }
    }
}

/// A key whose secret only this run has.
pub(super) struct Minted {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) fields: Map<String, Value>,
    pub(super) expiry_date: Option<i64>,
    /// Whether the key is unlocked, if the response contains that.
    pub(super) active: Option<bool>,
    pub(super) secret: UndeliveredSecret,
    /// True if an earlier request for a secret was lost and may be processed late.
    pub(super) uncertain: bool,
}

impl Minted {
    /// Returns the key from the response.
    pub(super) fn as_answered(&self) -> Option<ApiKey> {
        as_key(&self.fields)
    }
}

pub(super) fn as_key(fields: &Map<String, Value>) -> Option<ApiKey> {
    serde_json::from_str(&Value::Object(fields.clone()).to_string()).ok()
}

/// The failure of a transaction.
pub(super) enum Failure {
    /// Nothing is left on the manager.
    RolledBack(Error),
    /// Something may be left on the manager, so the record stays.
    Unresolved(Error),
}

/// One run of the transaction.
pub(crate) struct Transaction<'a> {
    pub(super) access: Access<'a>,
    pub(super) prepared: PreparedSinks,
    /// The `meta` object of the JSON document.
    pub(super) meta: &'a Value,
    /// Use the secret once before reporting success.
    pub(super) verify: bool,
    /// It finishes the work of an earlier run.
    pub(super) recovering: bool,
    /// The entry of this work in the set of pending work, from the first request to the end.
    pub(super) pending: Option<PendingGuard<'a>>,
}

impl<'a> Transaction<'a> {
    /// A transaction that delivers to `prepared`; `meta` is the `meta` object of the JSON document.
    pub(crate) fn new(access: Access<'a>, prepared: PreparedSinks, meta: &'a Value) -> Self {
        Self {
            access,
            prepared,
            meta,
            verify: false,
            recovering: false,
            pending: None,
        }
    }

    /// Uses the secret once before it reports success, if `verify` is set.
    pub(crate) fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Finishes the work of an earlier run.
    pub(crate) fn recovering(self) -> Self {
        Self {
            recovering: true,
            ..self
        }
    }
}
