//! A run of `rotate-key`: a rotation from its beginning, or one that was cut off.

use super::args::Args;
use super::resume::AbandonedRotation;
use super::rotation::{Plan, Rotation};
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

impl Plan<'_> {
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
            settle(entry)?;
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
                mint::expire_predecessor(context, signed_in, RunRecord::written(entry), id).await?;
            report::retired(&rotation, &end, context);
            let fields = signed_in.api_key(id).await?.fields();
            return print_key(&fields, rotation.meta, context)
                .map_err(output_failed_after_delivery);
        }
        let entry = resume::must_be_first(id, entry, signed_in, context).await?;
        wait_for_inflight_request(&entry, context).await?;
        // It was told when it is to end when it was made.
        rotation.new.expiry_date = None;
        let mint = rotation.mint(prepared, signed_in, context).recovering();
        let made = mint.resume(id, entry).await?;
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
