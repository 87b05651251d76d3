//! Does what `--if-exists` says about an existing key.

use serde_json::{Value, json};

use super::ensure::{Ensure, refuse_other_content};
use super::plan::CreatePlan;
use super::report;
use crate::auth::session::Access;
use crate::error::Error;
use crate::keys::document::print_key;
use crate::keys::key_meta::KeyMeta;
use crate::keys::naming::{Existing, IfExists};
use crate::keys::role_check;
use crate::keys::roles::RequestedRole;
use crate::keys::state::{self, describe};
use crate::manager::{ApiKey, NewApiKey};

impl CreatePlan<'_> {
    /// Does what `--if-exists` says about an existing key. Returns `None` if the run is complete, because the key gets no new secret.
    pub(super) async fn use_existing(
        &self,
        existing: Existing,
        role: &RequestedRole,
        key: &NewApiKey,
        meta: &mut Value,
        access: Access<'_>,
    ) -> Result<Option<Existing>, Error> {
        let if_exists = self.args.if_exists;
        if if_exists == IfExists::Ensure {
            meta["changed"] = true.into();
        }
        let Existing::One(mut found) = existing else {
            if if_exists == IfExists::Ensure {
                refuse_other_content(self.args)?;
            }
            return Ok(Some(existing));
        };
        match if_exists {
            IfExists::Ensure => match self.ensure(found, role, key, meta, access).await? {
                Some(changed) => found = changed,
                None => return Ok(None),
            },
            IfExists::Skip | IfExists::Fail | IfExists::Rekey => {
                state::require_usable(&found, access)?;
                report::warn_of_drift(&found, &self.requested(key), meta, access);
            }
        }
        meta["created"] = false.into();
        Ok(Some(Existing::One(found)))
    }

    /// Makes the existing key as the flags say. Returns the key if it needs a new secret. If not, prints the key and returns `None`.
    async fn ensure(
        &self,
        found: Box<ApiKey>,
        role: &RequestedRole,
        key: &NewApiKey,
        meta: &mut Value,
        access: Access<'_>,
    ) -> Result<Option<Box<ApiKey>>, Error> {
        if let Some(summary) = &role.summary {
            role_check::check(summary, self.args.allow_full_access, access.context)?;
        }
        let ensure = Ensure {
            args: self.args,
            requested: key,
            expiry: self.expiry,
            access,
        };
        let ensured = ensure.carry_out(found).await?;
        ensured.add_to(meta);
        let output = &access.context.output;
        if let Some(reason) = &ensured.needs_secret {
            output.note(&format!("{reason}, so the key gets a new secret"));
            return Ok(Some(ensured.key));
        }
        if ensured.changes.is_empty() {
            output.note(&format!("{} is as requested", describe(&ensured.key)));
        }
        meta["sinks"] = json!([]);
        if self.args.dry_run {
            meta["dryRun"] = true.into();
        }
        let role = role.name.as_deref();
        KeyMeta::of(&ensured.key, role, access.signed_in.time()).add_to(meta);
        print_key(&ensured.key.fields(), meta.clone(), access.context)?;
        Ok(None)
    }
}
