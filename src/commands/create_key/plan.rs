//! Checks the flags of `create-key`, and creates the key.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::args::Args;
use super::report;
use crate::auth::session::Access;
use crate::context::Context;
use crate::delivery::Destination;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::journal::{Operation, Record};
use crate::keys::document::{print_delivered, secret_meta, warn_clock_skew, warn_expiry_differs};
use crate::keys::key_meta::{self, KeyMeta};
use crate::keys::key_report::KeyReport;
use crate::keys::naming::{self, Existing, IfExists, check_name, default_name};
use crate::keys::role_check;
use crate::keys::roles::{self, RequestedRole, RoleRef};
use crate::manager::{ApiKey, NewApiKey, RoleSummary, SignedIn};
use crate::mint::{
    self, Delivered, PreparedSinks, REFUSAL_WAIT, StartedRecord, Transaction, UnusedRecord, mark,
    markers,
};
use crate::random;

/// The flags of a run, checked before the first request to the manager.
pub(super) struct CreatePlan<'a> {
    pub(super) args: &'a Args,
    pub(super) expiry: Option<Expiry>,
    /// The operation ID of the run. The key's default name or the marker in the key's description contains the operation ID, so that `recover` can
    /// find the key (`docs/transaction.md`, "Which key is ours").
    operation: String,
    /// The time at which the plan was created, on this machine's clock.
    started: DateTime<Utc>,
}

impl<'a> CreatePlan<'a> {
    /// Checks the flags.
    ///
    /// # Errors
    /// Returns a usage error that names the invalid flag.
    pub(super) fn new(args: &'a Args) -> Result<Self, Error> {
        check_name(args.name.as_deref())?;
        if args
            .description
            .as_deref()
            .is_some_and(|text| markers(text).next().is_some())
        {
            return Err(Error::usage(
                "`--description` contains a marker `[swp-keys ...]`",
                "remove the marker `[swp-keys ...]` from `--description`; each new key gets its own marker",
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
            started: Utc::now(),
        })
    }

    /// Looks up the role and the existing keys. Then creates a key, or creates a new secret for an existing key. Returns a report about the key, or
    /// `None` if no secret was created. `started` is the journal record if [`Self::start_record`] was called before the sign-in.
    ///
    /// # Errors
    /// Returns the first error. The documentation of `mint` lists the state after each failure.
    pub(super) async fn carry_out(
        &self,
        access: Access<'_>,
        prepared: PreparedSinks,
        started: Option<StartedRecord<'_>>,
    ) -> Result<Option<KeyReport>, Error> {
        let (role, written) = self.role_and_record(access, &prepared, started).await?;
        warn_clock_skew(access, self.expiry);
        let key = self.key(&role, access.signed_in);
        let destinations = prepared.destinations();
        let mut meta = secret_meta(access.target, true, &self.operation, &prepared.places());
        let existing = self.find_existing(access).await?;
        if let Existing::One(found) = &existing
            && self.args.if_exists == IfExists::Skip
        {
            let to = &destinations;
            self.keep_existing(found, &key, meta, to, access).await?;
            return Ok(None);
        }
        let existing = match self
            .use_existing(existing, &role, &key, &mut meta, access)
            .await?
        {
            Some(existing) => existing,
            None => return Ok(None),
        };
        let role_name = self.role_name(&role, &existing, access).await?;
        let meta_of = |fields: &Map<String, Value>| {
            key_meta::complete(&meta, fields, role_name.as_deref(), access.signed_in.time())
        };
        self.check_role(&role, &existing, access)?;
        if self.args.dry_run {
            let role = role_name.as_deref();
            report::dry_run(&key, &existing, &prepared, role, meta_of, access.context)?;
            return Ok(None);
        }
        let operation = access.operation(&self.operation, prepared.places());
        let mint = Transaction::new(access, prepared, meta_of).verify(self.args.verify);
        let delivered = match self.mint(mint, &existing, &key, operation, written).await {
            Err(error) if self.may_keep_other(&error) => {
                let other = self.other_key(error, access).await?;
                let to = &destinations;
                self.keep_existing(&other, &key, meta, to, access).await?;
                return Ok(None);
            }
            created => created?,
        };
        if !matches!(existing, Existing::One(_)) {
            warn_expiry_differs(&key, &delivered, access.context);
        }
        if !self.args.sinks.to_stdout() {
            print_delivered(&delivered, access.context)?;
        }
        let now = access.signed_in.time();
        let report = KeyReport::delivered(&delivered, destinations, now).role(role_name.clone());
        Ok(Some(match &existing {
            Existing::One(_) => report,
            _ => self.report_created(report, &key),
        }))
    }

    /// Checks the role of the key, unless the role of an existing key was already checked.
    fn check_role(
        &self,
        role: &RequestedRole,
        existing: &Existing,
        access: Access<'_>,
    ) -> Result<(), Error> {
        let is_checked =
            self.args.if_exists == IfExists::Ensure && matches!(existing, Existing::One(_));
        match effective_role(role, existing).filter(|_| !is_checked) {
            Some(summary) => {
                role_check::check(summary, self.args.allow_full_access, access.context)
            }
            None => Ok(()),
        }
    }

    /// If `existing` is [`Existing::One`], creates a new secret for the existing key. In all other cases, creates a key.
    async fn mint(
        &self,
        mint: Transaction<'_>,
        existing: &Existing,
        key: &NewApiKey,
        operation: Operation,
        written: Option<UnusedRecord<'_>>,
    ) -> Result<Delivered, Error> {
        match existing {
            Existing::One(found) => {
                let record = self.record_of_rekey(operation, found);
                mint.rekey(found, record).await
            }
            _ => {
                let record = self.record_of_create(operation, key, existing);
                mint.create(key, record, written).await
            }
        }
    }

    /// Adds the details of a newly created key to the report.
    fn report_created(&self, report: KeyReport, key: &NewApiKey) -> KeyReport {
        report
            .created(&key.key_name, key.role_id)
            .warn_of_short_life(self.args.expires.as_deref())
            .suggest_expiry(self.expiry.is_none())
    }

    /// Starts to write the journal record of a key with a default name. A default name is unique, so the record does not have to wait for a search
    /// for existing keys. Returns `None` if `--name` or `--dry-run` is set.
    ///
    /// # Errors
    /// Returns an interruption if a signal was received.
    pub(super) fn start_record<'c>(
        &self,
        context: &'c Context,
        operation: impl FnOnce(&str) -> Operation,
    ) -> Result<Option<StartedRecord<'c>>, Error> {
        if self.args.name.is_some() || self.args.dry_run {
            return Ok(None);
        }
        let (name, id) = (
            self.default_name(self.args.role.as_deref()),
            self.args.role_id,
        );
        let record = Record::create(operation(&self.operation), name, id);
        StartedRecord::start(record, context).map(Some)
    }

    /// Finds the role, and waits until the record of the run is on disk. If `started` is `None`, this function also starts to write the record, but
    /// only for a key with a default name.
    async fn role_and_record<'c>(
        &self,
        access: Access<'c>,
        prepared: &PreparedSinks,
        started: Option<StartedRecord<'c>>,
    ) -> Result<(RequestedRole, Option<UnusedRecord<'c>>), Error> {
        let (name, id) = (self.args.role.as_deref(), self.args.role_id);
        let role = RoleRef::given(name, id).unwrap_or(RoleRef::Name(""));
        // In a guided run, both `role_id` and `role` are set, and `role_id` selects the role. The role's rights are then read even with
        // `--allow-full-access`.
        let read_rights = !self.args.allow_full_access || name.is_some();
        let search = async {
            let mut role = roles::requested(role, read_rights, access).await?;
            role.name = role.name.or_else(|| name.map(str::to_owned));
            Ok(role)
        };
        let started = match started {
            Some(started) => Some(started),
            None => {
                self.start_record(access.context, |id| access.operation(id, prepared.places()))?
            }
        };
        let Some(started) = started else {
            return Ok((search.await?, None));
        };
        let (role, written) = mint::transaction::record_during(search, started).await?;
        Ok((role, Some(written)))
    }

    fn record_of_create(&self, operation: Operation, key: &NewApiKey, found: &Existing) -> Record {
        let existing_ids = match found {
            Existing::None(like) => like.clone(),
            Existing::One(_) | Existing::NotSeen => Vec::new(),
        };
        Record {
            existing_ids,
            marked: self.args.name.is_none() || !self.args.no_mark,
            unique: self.args.name.is_some() && !matches!(found, Existing::NotSeen),
            ..Record::create(operation, &key.key_name, Some(key.role_id))
        }
    }

    fn record_of_rekey(&self, operation: Operation, found: &ApiKey) -> Record {
        let name = self.args.name.as_deref().unwrap_or_default();
        Record {
            marked: self.args.name.is_none() || !self.args.no_mark,
            unique: self.args.name.is_some(),
            ..Record::rekey(operation, name, found.id)
        }
    }

    async fn find_existing(&self, access: Access<'_>) -> Result<Existing, Error> {
        let (name, if_exists) = (self.args.name.as_deref(), self.args.if_exists);
        let found = naming::find_existing(name, if_exists, access).await;
        match found {
            // Several keys have this name. If concurrent runs created them, these runs will delete all but one. This run waits until one key is left.
            Err(error) if error.kind() == ErrorKind::Conflict && if_exists == IfExists::Skip => {
                let wait = access.target.settle_timeout.min(REFUSAL_WAIT);
                naming::find_settled(name, wait, access).await
            }
            found => found,
        }
    }

    /// Returns true if the error is a name conflict and `--if-exists skip` is set. A concurrent run may have created a key with this name. In this
    /// case, this run does not create a key.
    fn may_keep_other(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Conflict && self.args.if_exists == IfExists::Skip
    }

    async fn other_key(&self, error: Error, access: Access<'_>) -> Result<Box<ApiKey>, Error> {
        let wait = access.target.settle_timeout;
        let name = self.args.name.as_deref();
        match naming::find_settled(name, wait, access).await? {
            Existing::One(found) => Ok(found),
            _ => Err(error),
        }
    }

    /// Prints the existing key, which `--if-exists skip` leaves unchanged.
    pub(super) async fn keep_existing(
        &self,
        found: &ApiKey,
        key: &NewApiKey,
        mut meta: Value,
        destinations: &[Destination],
        access: Access<'_>,
    ) -> Result<(), Error> {
        let role = key_meta::json_role_name(access, found.role_id()).await?;
        KeyMeta::of(found, role.as_deref(), access.signed_in.time()).add_to(&mut meta);
        report::leave_existing(found, &self.requested(key), meta, destinations, access)
    }

    /// Returns the requested values, to compare them with the values of an existing key.
    pub(super) fn requested<'k>(&'k self, key: &'k NewApiKey) -> report::Requested<'k> {
        report::Requested {
            key,
            description: self.args.description.as_deref(),
            expiry: self.expiry,
        }
    }

    fn key(&self, role: &RequestedRole, signed_in: &SignedIn) -> NewApiKey {
        let args = self.args;
        let default = || self.default_name(role.name.as_deref());
        let key_name = args.name.clone().unwrap_or_else(default);
        let marker = (!args.no_mark).then(|| mark(&self.operation));
        let description = match (args.description.clone(), marker) {
            (Some(description), Some(marker)) if !description.is_empty() => {
                Some(format!("{description} {marker}"))
            }
            (description, marker) => marker.or(description),
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

    /// Returns a unique key name that consists of the role, the time and the operation ID.
    fn default_name(&self, role: Option<&str>) -> String {
        let id = self.args.role_id.unwrap_or_default();
        default_name(id, role, self.started, &self.operation)
    }

    /// Returns the name of the role for JSON output: the role of the existing key, or the requested role if no key exists. `None` if the role was not
    /// read.
    async fn role_name(
        &self,
        role: &RequestedRole,
        existing: &Existing,
        access: Access<'_>,
    ) -> Result<Option<String>, Error> {
        match existing {
            Existing::One(found) if found.role_id() != Some(role.id) => {
                key_meta::json_role_name(access, found.role_id()).await
            }
            _ => {
                let summary = role.summary.as_ref().map(|summary| &summary.name);
                Ok(role.name.as_ref().or(summary).cloned())
            }
        }
    }
}

/// Returns the requested role. Returns `None` if the key already exists and has a different role. Also returns `None` if the requested role was not
/// read from the manager.
fn effective_role<'a>(role: &'a RequestedRole, existing: &Existing) -> Option<&'a RoleSummary> {
    match existing {
        Existing::One(found) if found.role_id() != Some(role.id) => None,
        _ => role.summary.as_ref(),
    }
}
