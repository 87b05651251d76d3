//! The record of a key that is to be made, and when it is begun. It is `mint.rs` that asks for the key.

use super::plan::Plan;
use crate::context::Context;
use crate::error::Error;
use crate::journal::{Operation, Record};
use crate::keys::naming::Existing;
use crate::keys::roles::RequestedRole;
use crate::manager::SignedIn;
use crate::mint::{Ahead, PreparedSinks, Writing};

impl Plan<'_> {
    /// Begins to write the record of a key that no other can bear the name of, where that has not begun: all that stands in it but the
    /// ID of a role that is given by its name is known from the beginning.
    pub(super) fn begin_record(
        &self,
        signer: Option<String>,
        places: &[String],
        context: &Context,
    ) {
        let mut writing = self.writing.borrow_mut();
        if writing.is_some() || !self.records_ahead() {
            return;
        }
        let name = self.default_name(self.args.role.as_deref());
        let role_id = self.args.role_id;
        let record = self.record(
            &name,
            role_id,
            &Existing::None(Vec::new()),
            places,
            signer,
            context,
        );
        // Without an address nothing is asked either.
        let begin = |record| Writing::begin(record, &context.disk);
        *writing = record.ok().map(begin);
    }

    /// Whether there is a record that needs no answer of the manager: of a key that no other can bear the name of.
    pub(super) fn records_ahead(&self) -> bool {
        self.args.name.is_none() && !self.args.dry_run
    }

    /// The role, and meanwhile the record.
    pub(super) async fn role_and_record<'c>(
        &self,
        signed_in: &SignedIn,
        prepared: &PreparedSinks,
        context: &'c Context,
    ) -> Result<(RequestedRole, Option<Ahead<'c>>), Error> {
        let signer = signed_in.signer_fingerprint(&self.operation);
        self.begin_record(signer, &prepared.places(), context);
        let writing = self.writing.take();
        let putting = async {
            match writing {
                Some(writing) => Ahead::put(writing, context).await.map(Some),
                None => Ok(None),
            }
        };
        let (role, ahead) = tokio::join!(self.role(signed_in, context), putting);
        Ok((role?, ahead?))
    }

    pub(super) fn record(
        &self,
        key_name: &str,
        role_id: Option<i64>,
        existing: &Existing,
        sinks: &[String],
        signer: Option<String>,
        context: &Context,
    ) -> Result<Record, Error> {
        let settings = &context.settings;
        let operation = Operation {
            id: self.operation.clone(),
            manager: settings.address()?.to_string(),
            tenant: settings.tenant.as_ref().map(|tenant| tenant.value.clone()),
            signer,
            sinks: sinks.to_vec(),
        };
        let mut record = match existing {
            Existing::One(found) => Record::rekey(operation, key_name, found.id),
            Existing::None(like) => Record {
                existing_ids: like.clone(),
                ..Record::create(operation, key_name, role_id)
            },
            Existing::NotSeen => Record::create(operation, key_name, role_id),
        };
        record.marked = self.args.name.is_none() || !self.args.no_mark;
        record.unique = self.args.name.is_some() && !matches!(existing, Existing::NotSeen);
        Ok(record)
    }
}
