//! `rotate-key`: a successor takes the place of a key, and the old one retires by itself; or the key gets a new secret.

mod in_place;
mod report;
mod resume;
mod successor;

use std::time::Duration;

use chrono::Utc;
use serde_json::Value;

use super::Outcome;
use super::create_key::{
    output_failed_after_delivery, print_key, warn_clock_skew, warn_expiry_differs,
};
use super::recover::wait_for_inflight_request;
use crate::config::{Source, span};
use crate::context::Context;
use crate::delivery::SinkArgs;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::journal::Entry;
use crate::keys::{lookup, role_check};
use crate::manager::{ApiKey, NewApiKey, SignedIn};
use crate::mint::{self, Delivered, PreparedSinks, RunRecord, Transaction};
use crate::random;
use resume::AbandonedRotation;

/// Put a new key in the place of an old one, which retires by itself.
///
/// The new key has the role, description, locale, time zone and life span of the old one, and takes its name. When its secret is
/// delivered, the end of the old one is set on the manager, which then needs no second visit. Cut off in the middle, the same command
/// goes on where it was.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-key").required(true))]
pub(crate) struct Args {
    /// The key: its ID (N or id:N), or a name that it alone has (TEXT or name:TEXT)
    #[arg(value_name = "KEY", group = "which-key")]
    key: Option<String>,

    /// Give the key that signs the requests a new secret; its old one is dead at once
    #[arg(long, group = "which-key")]
    current: bool,

    /// How long the old key works on, once the secret of the new one is delivered [default: 24h]
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["in_place", "current"])]
    overlap: Option<String>,

    /// Make no new key: give this one a new secret; its old one is dead at once
    #[arg(long, conflicts_with = "current")]
    in_place: bool,

    /// When the new key ends: 14d, 12w, 36h, a date, an RFC 3339 time, or never [default: its life is as long as the old key's]
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["in_place", "current"])]
    expires: Option<String>,

    /// A role with every right is meant: do not warn of it, and do not look at the role
    #[arg(long, conflicts_with_all = ["in_place", "current"])]
    allow_full_access: bool,

    /// Look at the key and at the place for the secret, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Use the new secret once before reporting success
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}

/// A shorter one is none: clocks and requests take their time.
const SHORTEST: Duration = Duration::from_secs(60);

/// What the command line asks for, before the manager is asked for anything.
struct Plan<'a> {
    args: &'a Args,
    wanted: &'a str,
    /// In milliseconds.
    overlap: i64,
    expiry: Option<Expiry>,
    operation: String,
}

/// What a rotation is made of, once the old key is known.
struct Rotation<'a> {
    plan: &'a Plan<'a>,
    old: ApiKey,
    new: NewApiKey,
    meta: Value,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    if args.current {
        in_place::current(args, context).await?;
        return Ok(Outcome::Done);
    }
    let plan = Plan::new(args)?;
    if args.in_place {
        in_place::in_place(args, plan.wanted, context).await?;
        return Ok(Outcome::Done);
    }
    // What was delivered already has its place: nothing is prepared for it.
    let left = AbandonedRotation::find(lookup::KeyRef::read(plan.wanted)?, context)?;
    let prepared = match &left {
        Some(left) if left.only_the_end(args) => PreparedSinks::new(Vec::new()),
        _ => PreparedSinks::ready(&args.sinks, context).await?,
    };
    context
        .signed_in(async |signed_in| match left {
            Some(left) => plan.go_on(left, prepared, signed_in, context).await,
            None => plan.begin(prepared, signed_in, context).await,
        })
        .await?;
    Ok(Outcome::Done)
}

impl<'a> Plan<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
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

    /// A rotation from its beginning, unless a record says that one of this key was cut off.
    async fn begin(
        &self,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let old = successor::predecessor(self.wanted, signed_in, context).await?;
        if let Some(left) = AbandonedRotation::of_key(&old, context)? {
            return self.go_on(left, prepared, signed_in, context).await;
        }
        let name = successor::name_of(&old)?.to_owned();
        let like = successor::check_alone(&name, &old, signed_in, context).await?;
        if let (false, Some(id)) = (self.args.allow_full_access, old.role_id())
            && let Some(role) = role_check::of_id(id, signed_in, context).await?
        {
            role_check::check(&role, false, context)?;
        }
        let rotation = self.rotation(old, &name, &self.operation, &prepared, signed_in, context)?;
        if self.args.dry_run {
            return rotation.dry_run(&prepared, context);
        }
        let record = rotation.record(like, &prepared, signed_in, context)?;
        let mint = rotation.mint(prepared, signed_in, context);
        let made = mint.create_open(&rotation.new, record).await?;
        rotation.finish(made, signed_in, context).await
    }

    /// A rotation that was cut off, to the same end.
    async fn go_on(
        &self,
        left: AbandonedRotation,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let entry = left.take_over(signed_in, context)?;
        let record = entry.record.clone();
        let name = record.key_name.clone();
        let found = resume::successor(&entry, signed_in, context).await?;
        let old = resume::old_key(&entry, found.is_some(), signed_in, context).await?;
        let Some(old) = old else {
            resume::settle(entry)?;
            let message = format!("the key `{name}` that was to be rotated is gone");
            return Err(
                Error::new(ErrorKind::NotFound, message).hint("`swp-keys create-key` makes one")
            );
        };
        let mut rotation =
            self.rotation(old, &name, &record.operation, &prepared, signed_in, context)?;
        if self.args.dry_run {
            return rotation.dry_run(&prepared, context);
        }
        let Some(id) = found else {
            let old = &rotation.old;
            if let Err(error) = successor::check_alone(&name, old, signed_in, context).await {
                resume::give_up(entry, signed_in, context).await?;
                return Err(error);
            }
            let mint = rotation.mint(prepared, signed_in, context);
            let made = mint.create_again(&rotation.new, entry).await?;
            return rotation.finish(made, signed_in, context).await;
        };
        if left.only_the_end(self.args) {
            let end =
                mint::expire_predecessor(context, signed_in, RunRecord::kept(entry), id).await?;
            report::retired(&rotation, &end, context);
            let fields = signed_in.api_key(id).await?.fields();
            return print_key(&fields, rotation.meta, context)
                .map_err(output_failed_after_delivery);
        }
        let entry = resume::must_be_first(id, entry, signed_in, context).await?;
        wait_for_inflight_request(&entry, context).await?;
        // It was told when it is to end when it was made.
        rotation.new.expiry_date = None;
        let mut mint = rotation.mint(prepared, signed_in, context);
        mint.recovering = true;
        let made = mint.finish(id, entry).await?;
        rotation.finish(made, signed_in, context).await
    }

    fn rotation<'b>(
        &'b self,
        old: ApiKey,
        name: &str,
        operation: &str,
        prepared: &PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Rotation<'b>, Error> {
        let end = successor::end(&old, self.expiry, signed_in)?;
        warn_clock_skew(signed_in, self.expiry, context);
        report::odd_state(&old, signed_in, context);
        let new = successor::of(&old, name, operation, end)?;
        let meta = report::meta(&old, self.overlap, operation, prepared, signed_in, context)?;
        Ok(Rotation {
            plan: self,
            old,
            new,
            meta,
        })
    }
}

impl Rotation<'_> {
    fn mint<'a>(
        &'a self,
        prepared: PreparedSinks,
        signed_in: &'a SignedIn,
        context: &'a Context,
    ) -> Transaction<'a> {
        Transaction {
            context,
            signed_in,
            prepared,
            meta: &self.meta,
            verify: self.plan.args.verify,
            recovering: false,
        }
    }

    /// The secret is delivered: the old key retires, and that is said.
    async fn finish(
        mut self,
        (delivered, recorded): (Delivered, RunRecord),
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let end = mint::expire_predecessor(context, signed_in, recorded, delivered.id).await?;
        warn_expiry_differs(&self.new, &delivered, context);
        report::retired(&self, &end, context);
        if self.plan.args.sinks.to_stdout() {
            return Ok(());
        }
        if let mint::Retired::Ends(end) = end {
            self.meta["predecessor"]["expiryDate"] = end.into();
        }
        print_key(&delivered.fields, self.meta, context).map_err(output_failed_after_delivery)
    }
}

/// Of a run that is settled, or that another process deals with.
fn busy(name: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("another process deals with the key `{name}`"),
    )
    .hint("wait for it, and run this again")
}

/// Takes over what was left.
fn taken(operation: &str, name: &str) -> Result<Entry, Error> {
    Entry::take_over(operation)?.ok_or_else(|| busy(name))
}
