//! `create-key`: sign in, resolve the role, create the key, deliver its secret.

mod defaults;
mod dry_run;
mod if_exists;
mod recording;

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Outcome, find_role};
use crate::context::Context;
use crate::delivery::SinkArgs;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::keys::{lookup, role_check};
use crate::manager::{NewApiKey, RoleSummary, SignedIn};
use crate::mint::{self, PreparedSinks, REFUSAL_WAIT, Transaction, Writing, mark, markers};
use crate::random;
use dry_run::dry_run;
pub(super) use dry_run::{
    output_failed_after_delivery, print_key, warn_clock_skew, warn_expiry_differs,
};
use if_exists::Existing;
pub(super) use if_exists::look_if_free;

/// Sign in, resolve the role, create the key, and deliver its secret.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-role"))]
pub(crate) struct Args {
    /// The role of the key, by its exact name
    #[arg(long, value_name = "NAME", group = "which-role")]
    role: Option<String>,

    /// The role of the key, by its ID; with --allow-full-access, it is not even looked at
    #[arg(long, value_name = "ID", group = "which-role", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// A role with every right is meant: do not warn of it
    #[arg(long)]
    allow_full_access: bool,

    /// The name of the key [default: role, time and eight random digits]
    #[arg(long)]
    name: Option<String>,

    /// Leave the mark of this run out of the description
    #[arg(long)]
    no_mark: bool,

    /// What the key is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Language and country
    #[arg(long, value_parser = ["en-US", "ja-JP"])]
    locale: Option<String>,

    /// Time zone, an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    /// When the key ends: 14d, 12w, 36h, a date, an RFC 3339 time, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,

    /// What to do if a key of this name exists
    #[arg(long, value_name = "WHAT", default_value = "fail", requires = "name")]
    if_exists: IfExists,

    /// Sign in, resolve the role, check the name and the place for the secret, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Use the new secret once before reporting success
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}

/// What to do if a key of the name exists.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum IfExists {
    /// Fail, and name the key.
    Fail,
    /// Succeed without making a secret, and say where the key differs.
    Skip,
    /// Give the key a new secret; its old one is dead at once.
    Rekey,
}

/// What the command line asks for, before the manager is asked for anything.
struct Plan<'a> {
    args: &'a Args,
    expiry: Option<Expiry>,
    /// Marks the key as this run's, so that its owner can be told from its name or description (design.md, "The transaction").
    operation: String,
    /// When it began, by this machine's clock.
    begun: DateTime<Utc>,
    /// The record that is being written beside what is asked of the manager before it is needed.
    writing: RefCell<Option<Writing>>,
}

/// The role that is asked for.
struct Role {
    id: i64,
    /// Its name, where it was found by that.
    name: Option<String>,
    /// What it may do, where that could be read.
    summary: Option<RoleSummary>,
}

impl Role {
    /// What is known of the role that the secret will have: an existing key keeps its own.
    fn of(&self, existing: &Existing) -> Option<&RoleSummary> {
        match existing {
            Existing::One(found) if found.role_id() != Some(self.id) => None,
            _ => self.summary.as_ref(),
        }
    }
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    let plan = Plan::new(args)?;
    if plan.expiry.is_none() && args.if_exists != IfExists::Rekey {
        context
            .output
            .note("this key will not end by itself; `--expires 90d` sets an end");
    }
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let places = prepared.places();
    let tenant = context.settings.tenant.as_ref();
    let named = [
        ("--name", args.name.as_deref()),
        ("--role", args.role.as_deref()),
        ("--tenant", tenant.map(|tenant| tenant.value.as_str())),
    ];
    mint::refuse_too_long(&named, &places)?;
    if plan.records_ahead() {
        context.disk.get_ready();
    }
    context
        .signed_in_beside(
            &|| plan.begin_record(None, &places, context),
            async |signed_in| plan.carry_out(signed_in, prepared, context).await,
        )
        .await?;
    Ok(Outcome::Done)
}

/// Whether a manager keeps blanks around a name is unknown. A name that KEY takes for an ID would lead `delete-key` to another key.
pub(super) fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name {
        Some(name) if lookup::is_ambiguous(name) => Err(Error::usage(
            "`--name` consists of digits only, or begins with `id:` or `name:`",
            "choose another name: a command that takes KEY would read this one as the ID or the name of another key",
        )),
        Some(name) if name.is_empty() || name.trim() != name => Err(Error::usage(
            "`--name` is empty, or begins or ends with a blank",
            "whether the manager keeps such blanks is unknown, so the key might not be found again",
        )),
        _ => Ok(()),
    }
}

/// A name that no other run gives, and that tells whose the key is.
pub(super) fn default_name(
    role_id: i64,
    role_name: Option<&str>,
    begun: DateTime<Utc>,
    operation: &str,
) -> String {
    let role = role_name.map_or_else(
        || format!("role-{role_id}"),
        |name| name.replace(char::is_whitespace, "-"),
    );
    format!("{role}-{}-{operation}", begun.format("%Y%m%dT%H%M%SZ"))
}

impl<'a> Plan<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
        check_name(args.name.as_deref())?;
        if args
            .description
            .as_deref()
            .is_some_and(|text| markers(text).next().is_some())
        {
            return Err(Error::usage(
                "`--description` holds the mark of a run of this program",
                "leave it out; a new key gets a mark of its own",
            ));
        }
        let zone = args.time_zone.as_deref();
        let expiry = args
            .expires
            .as_deref()
            .map(|text| Expiry::parse(text, zone, Utc::now()))
            .transpose()?;
        Ok(Self {
            args,
            expiry,
            operation: random::hex(4),
            begun: Utc::now(),
            writing: RefCell::new(None),
        })
    }

    async fn carry_out(
        &self,
        signed_in: &SignedIn,
        prepared: PreparedSinks,
        context: &Context,
    ) -> Result<(), Error> {
        let (role, ahead) = self.role_and_record(signed_in, &prepared, context).await?;
        warn_clock_skew(signed_in, self.expiry, context);
        let key = self.key(&role, signed_in);
        let mut meta = self.meta(&role, &prepared, context)?;
        let existing = self.existing(signed_in, context).await?;
        let record = self.record(
            &key.key_name,
            Some(key.role_id),
            &existing,
            &prepared.places(),
            signed_in.signer_fingerprint(&self.operation),
            context,
        )?;
        if let Existing::One(found) = &existing {
            if self.args.if_exists == IfExists::Skip {
                return if_exists::leave(found, &key, self.expiry, meta, context);
            }
            meta["created"] = false.into();
        }
        if let Some(summary) = role.of(&existing) {
            role_check::check(summary, self.args.allow_full_access, context)?;
        }
        if self.args.dry_run {
            return dry_run(&key, &existing, &prepared, meta, context);
        }
        let mint = Transaction {
            context,
            signed_in,
            prepared,
            meta: &meta,
            verify: self.args.verify,
            recovering: false,
        };
        let delivered = match &existing {
            Existing::One(found) => mint.rekey(found, record).await?,
            _ => match mint.create(&key, record, ahead).await {
                // Another run of the same name was first, meanwhile.
                Err(error)
                    if error.kind() == ErrorKind::Conflict
                        && self.args.if_exists == IfExists::Skip =>
                {
                    return self
                        .leave_other(error, &key, meta, signed_in, context)
                        .await;
                }
                result => result?,
            },
        };
        if !matches!(existing, Existing::One(_)) {
            warn_expiry_differs(&key, &delivered, context);
        }
        if self.args.sinks.to_stdout() {
            Ok(())
        } else {
            print_key(&delivered.fields, meta, context).map_err(output_failed_after_delivery)
        }
    }

    async fn existing(&self, signed_in: &SignedIn, context: &Context) -> Result<Existing, Error> {
        let (name, if_exists) = (self.args.name.as_deref(), self.args.if_exists);
        let found = if_exists::look(name, if_exists, signed_in, context).await;
        match found {
            // Several runs may be settling which of their keys stays.
            Err(error) if error.kind() == ErrorKind::Conflict && if_exists == IfExists::Skip => {
                let wait = context.settings.settle_timeout.min(REFUSAL_WAIT);
                if_exists::look_again(name, wait, signed_in, context).await
            }
            found => found,
        }
    }

    async fn leave_other(
        &self,
        error: Error,
        key: &NewApiKey,
        meta: Value,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let wait = context.settings.settle_timeout;
        let name = self.args.name.as_deref();
        match if_exists::look_again(name, wait, signed_in, context).await? {
            Existing::One(found) => if_exists::leave(&found, key, self.expiry, meta, context),
            _ => Err(error),
        }
    }

    async fn role(&self, signed_in: &SignedIn, context: &Context) -> Result<Role, Error> {
        match (&self.args.role, self.args.role_id) {
            (_, Some(id)) => Ok(Role {
                id,
                name: None,
                summary: match self.args.allow_full_access {
                    true => None,
                    false => role_check::of_id(id, signed_in, context).await?,
                },
            }),
            (name, None) => {
                let name = name.as_deref().unwrap_or_default();
                let summary: RoleSummary = find_role::resolve(name, signed_in, context).await?;
                Ok(Role {
                    id: summary.id,
                    name: Some(summary.name.clone()),
                    summary: Some(summary),
                })
            }
        }
    }

    fn key(&self, role: &Role, signed_in: &SignedIn) -> NewApiKey {
        let args = self.args;
        let default = || self.default_name(role.name.as_deref());
        let key_name = args.name.clone().unwrap_or_else(default);
        let mark = (!args.no_mark).then(|| mark(&self.operation));
        let description = match (args.description.clone(), mark) {
            (Some(description), Some(mark)) if !description.is_empty() => {
                Some(format!("{description} {mark}"))
            }
            (description, mark) => mark.or(description),
        };
        NewApiKey {
            key_name,
            description,
            role_id: role.id,
            locale: args.locale.clone(),
            time_zone: args.time_zone.clone(),
            expiry_date: self
                .expiry
                .and_then(|expiry| expiry.milliseconds(signed_in.time())),
        }
    }

    /// The role, the time and eight random digits: no other key has this name.
    fn default_name(&self, role: Option<&str>) -> String {
        let id = self.args.role_id.unwrap_or_default();
        default_name(id, role, self.begun, &self.operation)
    }

    fn meta(
        &self,
        role: &Role,
        prepared: &PreparedSinks,
        context: &Context,
    ) -> Result<Value, Error> {
        let mut meta = json!({
            "manager": context.settings.address()?.to_string(),
            "created": true,
            "operation": self.operation,
            "sinks": prepared.places(),
        });
        if let Some(name) = &role.name {
            meta["role"] = name.as_str().into();
        }
        if let Some(tenant) = &context.settings.tenant {
            meta["tenant"] = tenant.value.clone().into();
        }
        Ok(meta)
    }
}
