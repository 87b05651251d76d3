//! Runs `rotate-key`. A run starts a rotation, or continues an interrupted rotation.

use super::args::Args;
use super::report::{NextStep, RotationReport};
use super::resume::AbandonedRotation;
use super::rotation::{Rotation, RotationPlan};
use super::{in_place, report, resume, successor};
use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::{Access, warn_unfinished};
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::keys::confirmation::confirm_recorded;
use crate::keys::document::{
    output_failed_after_delivery, print_delivered, print_key, warn_clock_skew, warn_expiry_differs,
};
use crate::keys::fleet_note::note_new_secret;
use crate::keys::key_report::KeyReport;
use crate::keys::{lookup, role_check};
use crate::manager::{ApiKey, NewApiKey};
use crate::mint::resume::{settle, wait_for_inflight_request};
use crate::mint::{self, Delivered, PreparedSinks, RunRecord};
use crate::target::Target;
use crate::text::rfc3339;

/// Rotates a key according to the flags.
///
/// # Errors
/// Returns the first error. After an error, the journal record is kept if a later run can continue the rotation.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    if args.current {
        in_place::current(args, settings, context).await?;
        return Ok(Outcome::Done);
    }
    let plan = RotationPlan::new(args)?;
    if args.in_place {
        in_place::in_place(args, plan.key, settings, context).await?;
        return Ok(Outcome::Done);
    }
    let target = Target::find(settings, context).await?;
    // If an earlier run has already delivered the secret, this run delivers none and prepares no destinations.
    let abandoned = AbandonedRotation::find(lookup::KeyRef::read(plan.key)?, &target)?;
    let prepared = match &abandoned {
        Some(abandoned) if abandoned.needs_only_expiry(args) => PreparedSinks::new(Vec::new()),
        _ => PreparedSinks::ready(&args.sinks, context).await?,
    };
    let method = AuthMethod::select(&target, context)?;
    let rotated = session::signed_in_to_recover(&method, &target, context, async |access| {
        let continued = abandoned.as_ref().map(AbandonedRotation::operation);
        warn_unfinished(&target, context, continued);
        match abandoned {
            Some(abandoned) => plan.continue_abandoned(abandoned, prepared, access).await,
            None => plan.start(prepared, access).await,
        }
    })
    .await?;
    if let Some(report) = rotated {
        report.print(context);
        method.warn_if_replaced(report.old_id(), context);
    }
    Ok(Outcome::Done)
}

impl RotationPlan<'_> {
    /// Starts a rotation. If the journal contains an interrupted rotation of this key, continues that rotation instead.
    async fn start(
        &self,
        prepared: PreparedSinks,
        access: Access<'_>,
    ) -> Result<Option<RotationReport>, Error> {
        let old = successor::predecessor(self.key, access).await?;
        if let Some(abandoned) = AbandonedRotation::of_key(&old, access.target)? {
            return self.continue_abandoned(abandoned, prepared, access).await;
        }
        let name = successor::name_of(&old)?.to_owned();
        let similar_ids = successor::require_single(&name, &old, access).await?;
        let role = self.checked_role(&old, access).await?;
        let expiry = successor::expiry(&old, self.expiry, access.signed_in)?;
        let new = successor::of(&old, &name, &self.operation, expiry)?;
        let mut rotation = self.rotation(old, new, &self.operation, &prepared, access);
        note_new_secret(&rotation.old, &access.context.output);
        rotation.warn_short_overlap(access);
        rotation.warn_short_successor(access.context);
        rotation.read_json_role(role, access).await?;
        if self.args.dry_run {
            rotation.dry_run(NextStep::Create, &prepared, access)?;
            return Ok(None);
        }
        let record = rotation.record(similar_ids, &prepared, access);
        let mint = rotation.mint(prepared, access);
        let created = mint.create_open(&rotation.new, record).await?;
        rotation.finish(created, access).await
    }

    /// Checks the role of the old key, and returns the name of the role if it was read.
    async fn checked_role(
        &self,
        old: &ApiKey,
        access: Access<'_>,
    ) -> Result<Option<String>, Error> {
        let (false, Some(id)) = (self.args.allow_full_access, old.role_id()) else {
            return Ok(None);
        };
        let Some(role) = role_check::of_id(id, access).await? else {
            return Ok(None);
        };
        role_check::check(&role, false, access.context)?;
        Ok(Some(role.name))
    }

    /// Continues an interrupted rotation.
    async fn continue_abandoned(
        &self,
        abandoned: AbandonedRotation,
        prepared: PreparedSinks,
        access: Access<'_>,
    ) -> Result<Option<RotationReport>, Error> {
        let entry = abandoned.take_over(access)?;
        let record = entry.record.clone();
        let name = record.key_name.clone();
        let successor_id = resume::successor(&entry, access).await?;
        let old = resume::old_key(&entry, successor_id.is_some(), access).await?;
        let Some(old) = old else {
            settle(entry)?;
            let message = format!("the key `{name}` no longer exists");
            return Err(Error::new(ErrorKind::NotFound, message)
                .hint("run `swp-keys create-key` to create a new key"));
        };
        let expiry = match successor::expiry(&old, self.expiry, access.signed_in) {
            // The new key already exists and has an expiry, so the error is ignored.
            Err(_) if successor_id.is_some() => None,
            expiry => expiry?,
        };
        let new = successor::of(&old, &name, &record.operation, expiry)?;
        let mut rotation = self.rotation(old, new, &record.operation, &prepared, access);
        if successor_id.is_none() {
            rotation.warn_short_successor(access.context);
        }
        rotation.read_json_role(None, access).await?;
        if self.args.dry_run {
            let step = abandoned.next_step(successor_id, self.args);
            rotation.dry_run(step, &prepared, access)?;
            return Ok(None);
        }
        let Some(id) = successor_id else {
            let old = &rotation.old;
            if let Err(error) = successor::require_single(&name, old, access).await {
                resume::abandon(entry, access).await?;
                return Err(error);
            }
            let mint = rotation.mint(prepared, access);
            let created = mint.create_again(&rotation.new, entry).await?;
            return rotation.finish(created, access).await;
        };
        if abandoned.needs_only_expiry(self.args) {
            confirm_recorded(&entry.record, id, access).await?;
            let retired = mint::expire_predecessor(access, RunRecord::written(entry), id).await?;
            let report = RotationReport::of_old_key(&rotation, &retired, access.signed_in.time());
            let printed = rotation.print_successor(id, access).await;
            return report.unless_failed(printed, access.context);
        }
        let entry = resume::require_first(id, entry, access).await?;
        wait_for_inflight_request(&entry, access.target, access.context).await?;
        // The interrupted run has already set the expiry of the new key. This run ignores `--expires`, and therefore does not check the expiry.
        rotation.new.expiry_date = None;
        let mint = rotation.mint(prepared, access).recovering();
        let created = mint.resume(id, entry).await?;
        rotation.finish(created, access).await
    }

    fn rotation<'b>(
        &'b self,
        old: ApiKey,
        new: NewApiKey,
        operation: &str,
        prepared: &PreparedSinks,
        access: Access<'_>,
    ) -> Rotation<'b> {
        warn_clock_skew(access, self.expiry);
        report::warn_old_state(&old, access);
        let meta = report::meta(&old, self.overlap, operation, prepared, access);
        Rotation {
            plan: self,
            old,
            new,
            role: None,
            destinations: prepared.destinations(),
            meta,
        }
    }
}

impl Rotation<'_> {
    /// Reads and prints the new key, whose secret was delivered by an earlier run.
    async fn print_successor(&self, id: i64, access: Access<'_>) -> Result<(), Error> {
        let fields = access.signed_in.api_key(id).await?.fields();
        let printed = print_key(&fields, self.meta_of(&fields, access), access.context);
        printed.map_err(output_failed_after_delivery)
    }

    /// Finishes a rotation whose secret was delivered: sets the expiry of the old key, and prints the new key without its secret.
    async fn finish(
        mut self,
        (mut delivered, recorded): (Delivered, RunRecord),
        access: Access<'_>,
    ) -> Result<Option<RotationReport>, Error> {
        confirm_recorded(recorded.record(), delivered.id, access).await?;
        let retired = mint::expire_predecessor(access, recorded, delivered.id).await?;
        warn_expiry_differs(&self.new, &delivered, access.context);
        let now = access.signed_in.time();
        let report = RotationReport::of_old_key(&self, &retired, now);
        let destinations = std::mem::take(&mut self.destinations);
        let key = KeyReport::delivered(&delivered, destinations, now)
            .created(&self.new.key_name, self.new.role_id)
            .role(self.role.clone())
            .warn_of_short_life(self.plan.args.expires.as_deref());
        if !self.plan.args.sinks.to_stdout() {
            if let mint::Retired::Expires(expiry, name) = retired {
                let old = &mut delivered.meta["predecessor"];
                old["expiryDate"] = expiry.into();
                old["expiresAt"] = rfc3339(expiry).into();
                old["keyName"] = name.into();
            }
            let printed = print_delivered(&delivered, access.context);
            return report.with_key(key).unless_failed(printed, access.context);
        }
        Ok(Some(report.with_key(key)))
    }
}
