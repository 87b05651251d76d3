//! Reads one manager for a plan: its keys, its roles, and the destinations of the secrets.

use super::flags::FleetFlags;
use super::inventory::{self, Inventory};
use super::manifest::{DeclaredKey, TargetName};
use super::plan::{LookedAt, Plan, Prune, Situation, make};
use super::presence::{self, SecretChecks, SecretStates};
use super::selection::DeclaredManager;
use crate::auth::session::Access;
use crate::error::Error;
use crate::manager::ApiKey;
use crate::target::Target;

/// One manager, and what was found on it.
pub(crate) struct Looked<'m> {
    /// The profile in `on`. `None` if the manifest names no manager.
    pub(crate) name: Option<&'m TargetName>,
    /// The profile that is in use.
    pub(crate) profile: Option<String>,
    /// The address of the manager, if it is known.
    pub(crate) manager: Option<String>,
    pub(crate) tenant: Option<String>,
    /// The declared keys on this manager.
    pub(crate) declared: Vec<&'m DeclaredKey>,
    pub(crate) found: Result<Found, Error>,
}

/// What was found on a manager.
pub(crate) struct Found {
    pub(crate) inventory: Inventory,
    secrets: SecretStates,
}

impl Found {
    /// Reads the manager and the destinations of the secrets. `verifies` is true if each secret is used once.
    ///
    /// # Errors
    /// Returns the error of a call, or an error if a signal arrives.
    pub(crate) async fn read(
        fleet: &str,
        declared: &[&DeclaredKey],
        flags: &FleetFlags,
        verifies: bool,
        access: Access<'_>,
    ) -> Result<Self, Error> {
        let inventory = inventory::take(fleet, declared, access).await?;
        let no_secrets = SecretStates::new();
        let situation = situation(fleet, declared, &inventory, &no_secrets);
        let secrets = match flags.no_look {
            true => SecretStates::new(),
            false => secrets_of(&LookedAt::all(&situation), verifies, access).await?,
        };
        Ok(Self { inventory, secrets })
    }
}

/// Looks at the destinations, and uses the secrets if `verifies` is true or the plan depends on it.
async fn secrets_of(
    keys: &[LookedAt<'_>],
    verifies: bool,
    access: Access<'_>,
) -> Result<SecretStates, Error> {
    let to_look_at: Vec<_> = keys.iter().map(|key| key.to_look_at(verifies)).collect();
    let mut secrets = presence::look_at(&to_look_at, access.context).await?;
    let used = keys.iter().filter(|key| key.is_used(verifies));
    let used: Vec<_> = used.map(LookedAt::to_verify).collect();
    if !used.is_empty() {
        presence::verify(&used, &mut secrets, &SecretChecks::new(access)).await?;
    }
    Ok(secrets)
}

impl<'m> Looked<'m> {
    /// Returns the manager with what was found on it. `target` is `None` if the address of the manager is unknown.
    pub(crate) fn new(
        manager: DeclaredManager<'m>,
        target: Option<&Target>,
        found: Result<Found, Error>,
    ) -> Self {
        let profile = manager.name.map(|name| name.profile.clone());
        Self {
            name: manager.name,
            profile: profile.or_else(|| target.and_then(|target| target.profile.clone())),
            manager: target.map(|target| target.address.to_string()),
            tenant: target.and_then(|target| target.tenant_name().map(str::to_owned)),
            declared: manager.keys,
            found,
        }
    }
}

impl Looked<'_> {
    /// Returns the error of the first manager, if no manager could be read.
    pub(crate) fn error_of_all(looked: &[Self]) -> Option<&Error> {
        let is_unread = |one: &Looked<'_>| one.found.is_err();
        looked
            .first()
            .filter(|_| looked.iter().all(is_unread))?
            .found
            .as_ref()
            .err()
    }

    /// Returns the plan, or `None` if the manager could not be read.
    pub(crate) fn plan<'a>(&'a self, fleet: &'a str, flags: &FleetFlags) -> Option<Plan<'a>> {
        let found = self.found.as_ref().ok()?;
        let mut situation = situation(fleet, &self.declared, &found.inventory, &found.secrets);
        situation.prune = flags.prune();
        let mut plan = make(&situation);
        if !flags.only.is_empty() {
            plan.keys.retain(|key| key.declared.is_some());
        }
        Some(plan)
    }
}

impl Looked<'_> {
    /// Returns the plan for the keys that a later list contains. It shows whether a run has done its work.
    pub(crate) fn plan_after<'a>(
        &'a self,
        fleet: &'a str,
        listed: &'a [ApiKey],
        only_declared: bool,
    ) -> Option<Plan<'a>> {
        let found = self.found.as_ref().ok()?;
        let situation = Situation {
            fleet,
            declared: &self.declared,
            listed,
            roles: &found.inventory.roles,
            runs: &found.inventory.runs,
            secrets: &found.secrets,
            reports_last_use: found.inventory.reports_last_use,
            signer: found.inventory.signer,
            now: found.inventory.now,
            prune: Prune::default(),
        };
        let mut plan = make(&situation);
        if only_declared {
            plan.keys.retain(|key| key.declared.is_some());
        }
        Some(plan)
    }
}

fn situation<'a>(
    fleet: &'a str,
    declared: &'a [&'a DeclaredKey],
    inventory: &'a Inventory,
    secrets: &'a SecretStates,
) -> Situation<'a> {
    Situation {
        fleet,
        declared,
        listed: &inventory.keys,
        roles: &inventory.roles,
        runs: &inventory.runs,
        secrets,
        reports_last_use: inventory.reports_last_use,
        signer: inventory.signer,
        now: inventory.now,
        prune: Prune::default(),
    }
}
