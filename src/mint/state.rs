//! The values that the steps of the transaction pass to each other.

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

/// Sinks that are ready. Nothing was asked of the manager yet.
pub(crate) struct PreparedSinks {
    pub(super) sinks: Vec<Box<dyn Sink>>,
}

impl PreparedSinks {
    /// Takes sinks that are ready. They receive the secret in this order, so one that cannot withdraw it comes last.
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

    /// Returns descriptions of the places that the secret goes to.
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
    /// When it expires, as the manager shows it.
    pub(crate) expiry_date: Option<i64>,
}

/// A secret that only this run has. It is delivered or its key is undone. If it is dropped before that, a debug build logs an
/// error.
pub(super) struct UndeliveredSecret {
    pub(super) secret: Secret,
    pub(super) settled: Cell<bool>,
}

impl UndeliveredSecret {
    /// Takes the secret out of the response to a create or a reset.
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
    /// Whether it may sign in, if the response shows that.
    pub(super) active: Option<bool>,
    pub(super) secret: UndeliveredSecret,
    /// An earlier request for a secret of this key was lost, and may be processed late.
    pub(super) uncertain: bool,
}

impl Minted {
    /// Returns the key as the response showed it.
    pub(super) fn as_answered(&self) -> Option<ApiKey> {
        as_key(&self.fields)
    }
}

pub(super) fn as_key(fields: &Map<String, Value>) -> Option<ApiKey> {
    serde_json::from_str(&Value::Object(fields.clone()).to_string()).ok()
}

/// How work ended that was not delivered.
pub(super) enum Failure {
    /// Nothing is left of it.
    RolledBack(Error),
    /// Something may be left, so the record stays.
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
