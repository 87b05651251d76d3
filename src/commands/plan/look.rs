//! Reads one manager for a plan: its keys, its roles, and the destinations of the secrets.

use std::collections::HashMap;

use super::args::Args;
use crate::auth::session;
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::fleet::inventory::Inventory;
use crate::fleet::manifest::{DeclaredKey, TargetName};
use crate::fleet::plan::{Plan, Prune, Situation, looked_at, make};
use crate::fleet::presence::SecretState;
use crate::fleet::{inventory, presence};
use crate::target::Target;

/// One manager, and what was found on it.
pub(super) struct Looked<'m> {
    /// The profile in `on`. `None` if the manifest names no manager.
    pub(super) name: Option<&'m TargetName>,
    /// The profile that is in use.
    pub(super) profile: Option<String>,
    /// The address of the manager, if it is known.
    pub(super) manager: Option<String>,
    pub(super) tenant: Option<String>,
    /// The declared keys on this manager.
    pub(super) declared: Vec<&'m DeclaredKey>,
    pub(super) found: Result<Found, Error>,
}

/// What was found on a manager.
pub(super) struct Found {
    pub(super) inventory: Inventory,
    secrets: HashMap<String, Vec<SecretState>>,
}

/// How a manager is read.
#[derive(Clone, Copy)]
pub(super) struct Look<'m> {
    pub(super) fleet: &'m str,
    pub(super) args: &'m Args,
    pub(super) context: &'m Context,
}

impl<'m> Look<'m> {
    /// Reads a manager. An error of the manager is part of the result, because the other managers are read nevertheless.
    ///
    /// # Errors
    /// Returns an error if a signal arrives.
    pub(super) async fn at(
        self,
        name: Option<&'m TargetName>,
        declared: Vec<&'m DeclaredKey>,
        settings: Result<Settings, Error>,
    ) -> Result<Looked<'m>, Error> {
        let profile = name.map(|name| name.profile.clone());
        let target = match settings {
            Ok(settings) => Target::find(settings, self.context).await,
            Err(error) => Err(error),
        };
        let (target, error) = match target {
            Ok(target) => (Some(target), None),
            Err(error) => (None, Some(error)),
        };
        let found = match (&target, error) {
            (Some(target), _) => self.read(&declared, target).await,
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::unexpected("the manager is unknown")),
        };
        if let Err(error) = &found
            && matches!(error.kind(), ErrorKind::Interrupted(_))
        {
            return Err(error.clone());
        }
        let target = target.as_ref();
        Ok(Looked {
            name,
            profile: profile.or_else(|| target.and_then(|target| target.profile.clone())),
            manager: target.map(|target| target.address.to_string()),
            tenant: target.and_then(|target| target.tenant_name().map(str::to_owned)),
            declared,
            found,
        })
    }

    async fn read(self, declared: &[&DeclaredKey], target: &Target) -> Result<Found, Error> {
        session::signed_in(target, self.context, async |access| {
            let inventory = inventory::take(self.fleet, declared, access).await?;
            let no_secrets = HashMap::new();
            let situation = situation(self.fleet, declared, &inventory, &no_secrets);
            let secrets = match self.args.no_look {
                true => HashMap::new(),
                false => presence::look_at(&looked_at(&situation), self.context).await?,
            };
            Ok(Found { inventory, secrets })
        })
        .await
    }
}

impl Looked<'_> {
    /// Returns the plan, or `None` if the manager could not be read.
    pub(super) fn plan<'a>(&'a self, fleet: &'a str, args: &Args) -> Option<Plan<'a>> {
        let found = self.found.as_ref().ok()?;
        let mut situation = situation(fleet, &self.declared, &found.inventory, &found.secrets);
        situation.prune = args.prune();
        let mut plan = make(&situation);
        if !args.only.is_empty() {
            plan.keys.retain(|key| key.declared.is_some());
        }
        Some(plan)
    }
}

fn situation<'a>(
    fleet: &'a str,
    declared: &'a [&'a DeclaredKey],
    inventory: &'a Inventory,
    secrets: &'a HashMap<String, Vec<SecretState>>,
) -> Situation<'a> {
    Situation {
        fleet,
        declared,
        listed: &inventory.keys,
        roles: &inventory.roles,
        runs: &inventory.runs,
        secrets,
        signer: inventory.signer,
        now: inventory.now,
        prune: Prune::default(),
    }
}
