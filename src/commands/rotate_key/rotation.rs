//! What a rotation is made of.

use std::time::Duration;

use chrono::Utc;
use serde_json::Value;

use super::args::Args;
use crate::config::Source;
use crate::config::values::span;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::keys::lookup;
use crate::manager::{ApiKey, NewApiKey, SignedIn};
use crate::mint::{PreparedSinks, Transaction};
use crate::random;

/// A shorter one is none: clocks and requests take their time.
const SHORTEST: Duration = Duration::from_secs(60);

/// What the command line asks for, before the manager is asked for anything.
pub(super) struct Plan<'a> {
    pub(super) args: &'a Args,
    pub(super) wanted: &'a str,
    /// In milliseconds.
    pub(super) overlap: i64,
    pub(super) expiry: Option<Expiry>,
    pub(super) operation: String,
}

/// What a rotation is made of, once the old key is known.
pub(super) struct Rotation<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) old: ApiKey,
    pub(super) new: NewApiKey,
    pub(super) meta: Value,
}

impl<'a> Plan<'a> {
    pub(super) fn new(args: &'a Args) -> Result<Self, Error> {
        let wanted = args.key.as_deref().unwrap_or_default();
        lookup::KeyRef::read(wanted)?;
        let typed = args.overlap.as_deref().unwrap_or("24h");
        let overlap = span(&Source::Flag("--overlap"), typed)?;
        if overlap < SHORTEST {
            return Err(Error::usage(
                format!("`--overlap {typed}` is shorter than a minute"),
                "`--in-place` gives the key itself a new secret, and lets the old one die at once",
            ));
        }
        let longest = || {
            Error::usage(
                format!("`--overlap {typed}` is too long"),
                "write 24h, 7d or the like",
            )
        };
        let expiry = args
            .expires
            .as_deref()
            .map(|text| Expiry::parse(text, None, Utc::now()))
            .transpose()?;
        // What lies beyond the calendar is found out here, and not after the secret was delivered.
        let after = Expiry::After(overlap).milliseconds(Utc::now());
        Ok(Self {
            args,
            wanted,
            overlap: after
                .and_then(|_| i64::try_from(overlap.as_millis()).ok())
                .ok_or_else(longest)?,
            expiry,
            operation: random::hex(4),
        })
    }
}

impl Rotation<'_> {
    pub(super) fn mint<'a>(
        &'a self,
        prepared: PreparedSinks,
        signed_in: &'a SignedIn,
        context: &'a Context,
    ) -> Transaction<'a> {
        Transaction::new(context, signed_in, prepared, &self.meta).verify(self.plan.args.verify)
    }
}
