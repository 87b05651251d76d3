//! A run of `create-key`, from the flags to the report.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::args::Args;
use super::report;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::keys::document::{
    output_failed_after_delivery, print_key, secret_meta, warn_clock_skew, warn_expiry_differs,
};
use crate::keys::naming::{self, Existing, IfExists, check_name, default_name};
use crate::keys::role_check;
use crate::keys::roles::{self, RequestedRole, RoleRef};
use crate::manager::{NewApiKey, RoleSummary, SignedIn};
use crate::mint::{self, PreparedSinks, REFUSAL_WAIT, Transaction, Writing, mark, markers};
use crate::random;

/// What the command line asks for, before the manager is asked for anything.
pub(super) struct Plan<'a> {
    pub(super) args: &'a Args,
    expiry: Option<Expiry>,
    /// Marks the key as this run's in its name or description (`docs/transaction.md`, "Which key is ours").
    pub(super) operation: String,
    /// When it began, by this machine's clock.
    begun: DateTime<Utc>,
    /// The record that is being written beside what is asked of the manager before it is needed.
    pub(super) writing: RefCell<Option<Writing>>,
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
                return report::leave_existing(found, &key, self.expiry, meta, context);
            }
            meta["created"] = false.into();
        }
        if let Some(summary) = rights_of_the_key(&role, &existing) {
            role_check::check(summary, self.args.allow_full_access, context)?;
        }
        if self.args.dry_run {
            return report::dry_run(&key, &existing, &prepared, meta, context);
        }
        let mint = Transaction::new(context, signed_in, prepared, &meta).verify(self.args.verify);
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
        let found = naming::find_existing(name, if_exists, signed_in, context).await;
        match found {
            // Several runs may be settling which of their keys stays.
            Err(error) if error.kind() == ErrorKind::Conflict && if_exists == IfExists::Skip => {
                let wait = context.settings.settle_timeout.min(REFUSAL_WAIT);
                naming::find_settled(name, wait, signed_in, context).await
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
        match naming::find_settled(name, wait, signed_in, context).await? {
            Existing::One(found) => report::leave_existing(&found, key, self.expiry, meta, context),
            _ => Err(error),
        }
    }

    pub(super) async fn role(
        &self,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<RequestedRole, Error> {
        let args = self.args;
        let role = RoleRef::given(args.role.as_deref(), args.role_id);
        let role = role.unwrap_or(RoleRef::Name(""));
        roles::requested(role, !args.allow_full_access, signed_in, context).await
    }

    fn key(&self, role: &RequestedRole, signed_in: &SignedIn) -> NewApiKey {
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
    pub(super) fn default_name(&self, role: Option<&str>) -> String {
        let id = self.args.role_id.unwrap_or_default();
        default_name(id, role, self.begun, &self.operation)
    }

    fn meta(
        &self,
        role: &RequestedRole,
        prepared: &PreparedSinks,
        context: &Context,
    ) -> Result<Value, Error> {
        let mut meta = secret_meta(context, true, &self.operation, &prepared.places())?;
        if let Some(name) = &role.name {
            meta["role"] = name.as_str().into();
        }
        Ok(meta)
    }
}

/// What is known of the role that the secret will have: an existing key keeps its own role.
fn rights_of_the_key<'a>(role: &'a RequestedRole, existing: &Existing) -> Option<&'a RoleSummary> {
    match existing {
        Existing::One(found) if found.role_id() != Some(role.id) => None,
        _ => role.summary.as_ref(),
    }
}
