//! The plan of a rotation, and the data of a running rotation.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Map, Value};

use super::args::Args;
use crate::auth::session::Access;
use crate::config::Source;
use crate::config::values::span;
use crate::delivery::Destination;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::keys::{key_meta, lookup};
use crate::manager::{ApiKey, NewApiKey};
use crate::mint::{PreparedSinks, Transaction};
use crate::random;

/// The shortest overlap that is accepted. If the overlap were shorter, slow requests or different clocks could let the old key expire before the run
/// ends.
const MIN_OVERLAP: Duration = Duration::from_secs(60);

const OVERLAP_EXAMPLE: &str = "use a duration such as 24h or 7d";

/// The flags of a run, checked before the first request to the manager.
pub(super) struct RotationPlan<'a> {
    pub(super) args: &'a Args,
    pub(super) key: &'a str,
    /// The overlap in milliseconds.
    pub(super) overlap: i64,
    pub(super) expiry: Option<Expiry>,
    pub(super) operation: String,
}

/// A rotation whose old key has been looked up.
pub(super) struct Rotation<'a> {
    pub(super) plan: &'a RotationPlan<'a>,
    pub(super) old: ApiKey,
    pub(super) new: NewApiKey,
    /// The name of the role, if it was read.
    pub(super) role: Option<String>,
    pub(super) destinations: Vec<Destination>,
    pub(super) meta: Value,
}

impl<'a> RotationPlan<'a> {
    pub(super) fn new(args: &'a Args) -> Result<Self, Error> {
        let key = args.key.as_deref().unwrap_or_default();
        lookup::KeyRef::read(key)?;
        let overlap_text = args.overlap.as_deref().unwrap_or("24h");
        let overlap = span(&Source::Flag("--overlap"), overlap_text)
            .map_err(|error| error.hint(OVERLAP_EXAMPLE))?;
        if overlap < MIN_OVERLAP {
            return Err(Error::usage(
                format!("`--overlap {overlap_text}` is shorter than a minute"),
                "set a longer overlap, or use `--in-place` to replace the secret of the key at once",
            ));
        }
        let too_long = || {
            Error::usage(
                format!("`--overlap {overlap_text}` is too long"),
                OVERLAP_EXAMPLE,
            )
        };
        let expiry = args
            .expires
            .as_deref()
            .map(|text| Expiry::parse(text, None, Utc::now()))
            .transpose()?;
        // An overlap that is too long is rejected here, before the key is created. A later check would fail after the secret was delivered.
        let after = Expiry::After(overlap).milliseconds(Utc::now());
        Ok(Self {
            args,
            key,
            overlap: after
                .and_then(|_| i64::try_from(overlap.as_millis()).ok())
                .ok_or_else(too_long)?,
            expiry,
            operation: random::hex(4),
        })
    }
}

impl Rotation<'_> {
    /// Returns the `meta` object of the output. `fields` is the JSON object of the key that the output describes.
    pub(super) fn meta_of(&self, fields: &Map<String, Value>, access: Access<'_>) -> Value {
        let role = self.role.as_deref();
        key_meta::complete(&self.meta, fields, role, access.signed_in.time())
    }

    /// Stores `role` as the name of the old key's role. If `role` is `None` and the output is JSON, reads the name from the manager.
    ///
    /// # Errors
    /// Returns an error if a signal interrupts the request.
    pub(super) async fn read_json_role(
        &mut self,
        role: Option<String>,
        access: Access<'_>,
    ) -> Result<(), Error> {
        self.role = match role {
            Some(role) => Some(role),
            None => key_meta::json_role_name(access, self.old.role_id()).await?,
        };
        Ok(())
    }

    pub(super) fn mint<'a>(
        &'a self,
        prepared: PreparedSinks,
        access: Access<'a>,
    ) -> Transaction<'a> {
        Transaction::new(access, prepared, move |fields| self.meta_of(fields, access))
            .verify(self.plan.args.verify)
    }
}
