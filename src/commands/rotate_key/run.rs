//! Runs `rotate-key`: starts a rotation, or continues an interrupted one.

use super::args::Args;
use super::resume::AbandonedRotation;
use super::rotation::{Rotation, RotationPlan};
use super::{in_place, report, resume, successor};
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::keys::document::{
    output_failed_after_delivery, print_key, warn_clock_skew, warn_expiry_differs,
};
use crate::keys::{lookup, role_check};
use crate::manager::{ApiKey, SignedIn};
use crate::mint::resume::{settle, wait_for_inflight_request};
use crate::mint::{self, Delivered, PreparedSinks, RunRecord};

/// Rotates a key as the flags ask.
///
/// # Errors
/// Returns the first error; a record is left if the rotation can be continued.
pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    if args.current {
        in_place::current(args, context).await?;
        return Ok(Outcome::Done);
    }
    let plan = RotationPlan::new(args)?;
    if args.in_place {
        in_place::in_place(args, plan.key, context).await?;
        return Ok(Outcome::Done);
    }
    // If the secret is already delivered, no sink is needed.
    let abandoned = AbandonedRotation::find(lookup::KeyRef::read(plan.key)?, context)?;
    let prepared = match &abandoned {
        Some(abandoned) if abandoned.needs_only_expiry(args) => PreparedSinks::new(Vec::new()),
        _ => PreparedSinks::ready(&args.sinks, context).await?,
    };
    context
        .signed_in(async |signed_in| match abandoned {
            Some(abandoned) => {
                plan.continue_abandoned(abandoned, prepared, signed_in, context)
                    .await
            }
            None => plan.start(prepared, signed_in, context).await,
        })
        .await?;
    Ok(Outcome::Done)
}

impl RotationPlan<'_> {
    /// Starts a rotation, unless the record of an interrupted rotation of this key exists.
    async fn start(
        &self,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let old = successor::predecessor(self.key, signed_in, context).await?;
        if let Some(abandoned) = AbandonedRotation::of_key(&old, context)? {
            return self
                .continue_abandoned(abandoned, prepared, signed_in, context)
                .await;
        }
        let name = successor::name_of(&old)?.to_owned();
        let similar_ids = successor::require_single(&name, &old, signed_in, context).await?;
        if let (false, Some(id)) = (self.args.allow_full_access, old.role_id())
            && let Some(role) = role_check::of_id(id, signed_in, context).await?
        {
            role_check::check(&role, false, context)?;
        }
        let rotation = self.rotation(old, &name, &self.operation, &prepared, signed_in, context)?;
        if self.args.dry_run {
            return rotation.dry_run(&prepared, context);
        }
        let record = rotation.record(similar_ids, &prepared, signed_in, context)?;
        let mint = rotation.mint(prepared, signed_in, context);
        let created = mint.create_open(&rotation.new, record).await?;
        rotation.finish(created, signed_in, context).await
    }

    /// Continues an interrupted rotation.
    async fn continue_abandoned(
        &self,
        abandoned: AbandonedRotation,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let entry = abandoned.take_over(signed_in, context)?;
        let record = entry.record.clone();
        let name = record.key_name.clone();
        let successor_id = resume::successor(&entry, signed_in, context).await?;
        let old = resume::old_key(&entry, successor_id.is_some(), signed_in, context).await?;
        let Some(old) = old else {
            settle(entry)?;
            let message = format!("the key `{name}` to rotate no longer exists");
            return Err(Error::new(ErrorKind::NotFound, message)
                .hint("run `swp-keys create-key` to create a new key"));
        };
        let mut rotation =
            self.rotation(old, &name, &record.operation, &prepared, signed_in, context)?;
        if self.args.dry_run {
            return rotation.dry_run(&prepared, context);
        }
        let Some(id) = successor_id else {
            let old = &rotation.old;
            if let Err(error) = successor::require_single(&name, old, signed_in, context).await {
                resume::abandon(entry, signed_in, context).await?;
                return Err(error);
            }
            let mint = rotation.mint(prepared, signed_in, context);
            let created = mint.create_again(&rotation.new, entry).await?;
            return rotation.finish(created, signed_in, context).await;
        };
        if abandoned.needs_only_expiry(self.args) {
            let retired =
                mint::expire_predecessor(context, signed_in, RunRecord::written(entry), id).await?;
            report::report_retired(&rotation, &retired, context);
            let fields = signed_in.api_key(id).await?.fields();
            return print_key(&fields, rotation.meta, context)
                .map_err(output_failed_after_delivery);
        }
        let entry = resume::require_first(id, entry, signed_in, context).await?;
        wait_for_inflight_request(&entry, context).await?;
        // The expiry was set when the successor was created, so it is not compared with a new one.
        rotation.new.expiry_date = None;
        let mint = rotation.mint(prepared, signed_in, context).recovering();
        let created = mint.resume(id, entry).await?;
        rotation.finish(created, signed_in, context).await
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
        let expiry = successor::expiry(&old, self.expiry, signed_in)?;
        warn_clock_skew(signed_in, self.expiry, context);
        report::warn_old_state(&old, signed_in, context);
        let new = successor::of(&old, name, operation, expiry)?;
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
    /// Sets the expiry of the old key after the secret of the new one was delivered, and prints the result.
    async fn finish(
        mut self,
        (delivered, recorded): (Delivered, RunRecord),
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(), Error> {
        let retired = mint::expire_predecessor(context, signed_in, recorded, delivered.id).await?;
        warn_expiry_differs(&self.new, &delivered, context);
        report::report_retired(&self, &retired, context);
        if self.plan.args.sinks.to_stdout() {
            return Ok(());
        }
        if let mint::Retired::Expires(expiry) = retired {
            self.meta["predecessor"]["expiryDate"] = expiry.into();
        }
        print_key(&delivered.fields, self.meta, context).map_err(output_failed_after_delivery)
    }
}
