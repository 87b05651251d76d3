//! The types that the steps of the transaction pass to each other.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::record::refuse_too_long;
use crate::auth::session::Access;
use crate::context::Context;
use crate::delivery::{Destination, Sink, SinkArgs, SinkSpec};
use crate::error::Error;
use crate::manager::ApiKey;
use crate::process::pending::PendingGuard;
use crate::secret::Secret;

/// Destinations that are ready to receive a secret.
pub(crate) struct PreparedSinks {
    pub(super) sinks: Vec<Box<dyn Sink>>,
}

impl PreparedSinks {
    /// Wraps destinations that are ready to receive a secret, in the order of delivery. A destination from which the secret cannot be
    /// withdrawn must be last.
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks }
    }

    /// Prepares the destinations that the command line names.
    ///
    /// # Errors
    /// Returns a usage error that names the invalid flag, or an interruption if a signal was received.
    pub(crate) async fn ready(sinks: &SinkArgs, context: &Context) -> Result<Self, Error> {
        let loose = context.allow_loose_permissions;
        let sinks = sinks
            .prepare(&context.output, loose, &context.signals)
            .await?;
        let prepared = Self::new(sinks);
        refuse_too_long(&[], &prepared.places())?;
        Ok(prepared)
    }

    /// Prepares the destinations that a file names.
    ///
    /// # Errors
    /// Returns a usage error that names the destination, or an interruption if a signal was received.
    pub(crate) async fn of(specs: Vec<SinkSpec>, context: &Context) -> Result<Self, Error> {
        let loose = context.allow_loose_permissions;
        let sinks = SinkSpec::prepare_all(specs, loose, &context.signals).await?;
        let prepared = Self::new(sinks);
        refuse_too_long(&[], &prepared.places())?;
        Ok(prepared)
    }

    /// Returns the description of each destination.
    pub(crate) fn places(&self) -> Vec<String> {
        self.sinks.iter().map(|sink| sink.place()).collect()
    }

    /// Returns true if a command receives the secret.
    pub(super) fn has_command(&self) -> bool {
        let destinations = self.destinations();
        (destinations.iter()).any(|destination| matches!(destination, Destination::Command(_)))
    }

    /// Returns each destination, for the report after the delivery.
    pub(crate) fn destinations(&self) -> Vec<Destination> {
        self.sinks.iter().map(|sink| sink.destination()).collect()
    }
}

/// A key whose secret was delivered.
pub(crate) struct Delivered {
    /// The key's ID.
    pub(crate) id: i64,
    /// The manager's key object, without the secret.
    pub(crate) fields: Map<String, Value>,
    /// The expiry that the manager returned.
    pub(crate) expiry_date: Option<i64>,
    /// The `meta` object of the JSON output.
    pub(crate) meta: Value,
}

impl Delivered {
    /// Returns the manager's key object.
    pub(crate) fn key(&self) -> Option<ApiKey> {
        as_key(&self.fields)
    }
}

/// A secret that has not been delivered yet. The run must deliver the secret or delete the key. If the secret is dropped before that, a
/// debug build logs an error.
pub(super) struct UndeliveredSecret {
    pub(super) secret: Secret,
    pub(super) settled: Cell<bool>,
}

impl UndeliveredSecret {
    /// Takes the secret from the response to a create or reset request.
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
            log::error!(
                "a new secret was dropped, although it was not delivered and its key was not deleted"
            );
        }
    }
}

/// A key whose secret has not been delivered yet.
pub(super) struct Minted {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) fields: Map<String, Value>,
    pub(super) expiry_date: Option<i64>,
    /// True if the key is not locked, or `None` if the response omits the field.
    pub(super) active: Option<bool>,
    pub(super) secret: UndeliveredSecret,
    /// True if the response to an earlier reset request was lost. The manager may process that request later, which would invalidate
    /// this secret.
    pub(super) uncertain: bool,
}

impl Minted {
    /// Converts this value after the secret was delivered. `meta` is the `meta` object of the JSON output.
    pub(super) fn delivered(self, meta: Value) -> Delivered {
        Delivered {
            id: self.id,
            fields: self.fields,
            expiry_date: self.expiry_date,
            meta,
        }
    }

    /// Returns the key object from the response.
    pub(super) fn as_answered(&self) -> Option<ApiKey> {
        as_key(&self.fields)
    }
}

pub(super) fn as_key(fields: &Map<String, Value>) -> Option<ApiKey> {
    serde_json::from_str(&Value::Object(fields.clone()).to_string()).ok()
}

/// The failure of a transaction.
pub(super) enum Failure {
    /// The changes on the manager were rolled back.
    RolledBack(Error),
    /// Changes may remain on the manager, so the record is not removed.
    Unresolved(Error),
}

/// A function that builds the `meta` object of the JSON output from the key's fields. The fields are known only after the manager has returned the
/// secret.
type MetaOf<'a> = Box<dyn Fn(&Map<String, Value>) -> Value + 'a>;

/// A transaction that creates a secret and delivers it.
pub(crate) struct Transaction<'a> {
    pub(super) access: Access<'a>,
    pub(super) prepared: PreparedSinks,
    /// Returns the `meta` object of the JSON output.
    pub(super) meta_of: MetaOf<'a>,
    /// If true, the run tests the secret before it reports success.
    pub(super) verify: bool,
    /// True if this transaction finishes the work of an interrupted run.
    pub(super) recovering: bool,
    /// True if the secret is delivered even after a signal.
    pub(super) delivers_after_signal: bool,
    /// The keys that a search found after the key was created, if one search is made for several keys.
    pub(super) newer_keys: Option<Rc<Vec<ApiKey>>>,
    /// True if an interrupted run's key no longer exists, and this transaction repeats the create request.
    pub(super) again: bool,
    /// True if the manager may still rename the old key, because the response to a rename was lost.
    pub(super) renames_late: bool,
    /// The guard that lists this transaction as an operation in progress, from the first request to the end.
    pub(super) pending: Option<PendingGuard<'a>>,
}

impl<'a> Transaction<'a> {
    /// Returns a transaction that delivers to `prepared`. `meta_of` returns the `meta` object of the JSON output.
    pub(crate) fn new(
        access: Access<'a>,
        prepared: PreparedSinks,
        meta_of: impl Fn(&Map<String, Value>) -> Value + 'a,
    ) -> Self {
        Self {
            access,
            prepared,
            meta_of: Box::new(meta_of),
            verify: false,
            recovering: false,
            delivers_after_signal: false,
            newer_keys: None,
            again: false,
            renames_late: false,
            pending: None,
        }
    }

    /// Sets whether the run tests the secret before it reports success.
    pub(crate) fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Delivers the secret even if a signal arrives after the key was created.
    pub(crate) fn delivering_after_signal(self) -> Self {
        Self {
            delivers_after_signal: true,
            ..self
        }
    }

    /// Declares that this transaction continues an interrupted run.
    pub(crate) fn recovering(self) -> Self {
        Self {
            recovering: true,
            ..self
        }
    }
}
