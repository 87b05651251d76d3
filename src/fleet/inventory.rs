//! Reads what a plan needs from one manager: the roles, the keys of the fleet, and the keys with declared names.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::manifest::DeclaredKey;
use super::plan::{InterruptedRun, PlannedRole, RoleKey, RoleUse, RunState};
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::journal::{self, JournalEntry};
use crate::keys::roles::{self, RoleRef};
use crate::keys::{lookup, role_check};
use crate::manager::{ApiKey, KeyFilter, LastUse, MAX_BYTES_HELD, RoleSummary};
use crate::mint::{FleetMark, original_name};

/// What was found on one manager.
pub(crate) struct Inventory {
    /// The keys of the fleet, and the keys with declared names.
    pub(crate) keys: Vec<ApiKey>,
    /// The highest ID of all keys on the manager.
    pub(crate) highest: Option<i64>,
    /// True if the manager reports the last use of at least one key.
    pub(crate) reports_last_use: bool,
    /// The declared roles, or the reason why a role cannot be used.
    pub(crate) roles: HashMap<RoleUse, Result<PlannedRole, String>>,
    /// The names of keys with unfinished runs on this machine.
    pub(crate) runs: HashMap<String, RunState>,
    /// The ID of the key that authenticates this run, if it is known.
    pub(crate) signer: Option<i64>,
    /// The manager's time.
    pub(crate) now: DateTime<Utc>,
}

/// Reads the inventory: a search for each declared role, and all keys page by page.
///
/// # Errors
/// Returns the error of a call. A list that was not read to its end is never used.
pub(crate) async fn take(
    fleet: &str,
    declared: &[&DeclaredKey],
    access: Access<'_>,
) -> Result<Inventory, Error> {
    let roles = find_roles(declared, access).await?;
    // The list may be older than the work of a run that ends before the records are read, and a run may begin after the records are read. So the
    // records are read before and after the keys are listed.
    let before = unfinished_runs(fleet, access)?;
    let listed = list_keys(fleet, declared, access).await?;
    let after = unfinished_runs(fleet, access)?;
    Ok(Inventory {
        keys: listed.keys,
        roles,
        highest: listed.highest,
        reports_last_use: listed.reports_last_use,
        runs: combined(before, after),
        signer: access.signed_in.signer_id(),
        now: access.signed_in.time(),
    })
}

/// The keys on a manager.
#[derive(Default)]
pub(crate) struct Listed {
    /// The keys of the fleet, and the keys with declared names.
    pub(crate) keys: Vec<ApiKey>,
    /// The highest ID of all keys.
    highest: Option<i64>,
    /// True if the manager reports the last use of at least one key.
    reports_last_use: bool,
}

/// Reads all keys page by page.
///
/// # Errors
/// Returns the error of a call. A list that was not read to its end is never used.
pub(crate) async fn list_keys(
    fleet: &str,
    declared: &[&DeclaredKey],
    access: Access<'_>,
) -> Result<Listed, Error> {
    let names: HashSet<&str> = (declared.iter())
        .flat_map(|key| [Some(key.name.as_str()), key.was.as_deref()])
        .flatten()
        .collect();
    let is_needed = |key: &ApiKey| {
        let mark = FleetMark::of(key.description().unwrap_or_default());
        let name = key.name().unwrap_or_default();
        mark.is_some_and(|mark| mark.fleet == fleet) || names.contains(original_name(name))
    };
    let step = (access.context.progress).begin_items("listing the keys", None);
    let (mut listed, mut held, mut read) = (Listed::default(), 0, 0);
    let mut pages = access.signed_in.api_keys(&KeyFilter::default());
    loop {
        let next = async {
            let page = pages.next().await;
            page.map_err(|error| lookup::explain(access.signed_in, error))
        };
        let Some(page) = access.context.signals.cancel(next).await? else {
            return Ok(listed);
        };
        read += page.len();
        step.set_done(read);
        listed.highest = page.iter().map(|key| key.id).max().max(listed.highest);
        let shows_last_use = |key: &ApiKey| key.last_use() != LastUse::NotShown;
        listed.reports_last_use = listed.reports_last_use || page.iter().any(shows_last_use);
        let needed = page.into_iter().filter(is_needed);
        for key in needed {
            held += key.weight();
            listed.keys.push(key);
        }
        if held > MAX_BYTES_HELD {
            return Err(Error::unexpected(
                "the keys of the fleet are too large for memory",
            ));
        }
    }
}

/// Finds the declared roles. A role that does not exist, that several roles match or that must not be used is a problem of its keys.
async fn find_roles(
    declared: &[&DeclaredKey],
    access: Access<'_>,
) -> Result<HashMap<RoleUse, Result<PlannedRole, String>>, Error> {
    let mut found: HashMap<RoleKey, Result<(PlannedRole, Option<RoleSummary>), String>> =
        HashMap::new();
    let mut uses = HashMap::new();
    for key in declared {
        let role = RoleKey::of(&key.role);
        if !found.contains_key(&role) {
            let result = find_role(&role, access).await?;
            found.insert(role.clone(), result);
        }
        let result = match found.get(&role) {
            Some(Ok((planned, summary))) => {
                usable(planned, summary.as_ref(), key.allow_full_access)
            }
            Some(Err(reason)) => Err(reason.clone()),
            None => continue,
        };
        uses.insert((role, key.allow_full_access), result);
    }
    Ok(uses)
}

async fn find_role(
    role: &RoleKey,
    access: Access<'_>,
) -> Result<Result<(PlannedRole, Option<RoleSummary>), String>, Error> {
    let reference = match role {
        RoleKey::Name(name) => RoleRef::Name(name),
        RoleKey::Id(id) => RoleRef::Id(*id),
    };
    match roles::requested(reference, true, access).await {
        Ok(requested) => {
            let name = requested.summary.as_ref().map(|role| role.name.clone());
            let planned = PlannedRole {
                id: requested.id,
                label: name.unwrap_or_else(|| format!("role ID {}", requested.id)),
            };
            Ok(Ok((planned, requested.summary)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            let hint = error.next_step().map(|hint| format!("; {hint}"));
            Ok(Err(format!("{error}{}", hint.unwrap_or_default())))
        }
        Err(error) => Err(error),
    }
}

/// Checks that keys may have the role.
fn usable(
    planned: &PlannedRole,
    summary: Option<&RoleSummary>,
    allow_full_access: bool,
) -> Result<PlannedRole, String> {
    match summary {
        Some(role) if role_check::refuses_api(role) => Err(format!(
            "the role `{}` does not allow access to the API (allowWebService is false)",
            role.name
        )),
        Some(role) if role.grants_every_right() && !allow_full_access => Err(format!(
            "the role `{}` grants every right; `allow-full-access = true` allows such a key",
            role.name
        )),
        _ => Ok(planned.clone()),
    }
}

/// Returns the unfinished runs on this manager and tenant, by the name of their key.
///
/// # Errors
/// Returns an error if the records cannot be read, because a run may then be in progress.
fn unfinished_runs(fleet: &str, access: Access<'_>) -> Result<HashMap<String, RunState>, Error> {
    let entries = journal::unfinished().map_err(|error| {
        Error::unexpected(format!(
            "could not read the records of earlier runs: {error}"
        ))
        .hint("run `swp-keys doctor` to check the state folder")
    })?;
    let manager = access.target.address.to_string();
    let is_here = |record: &journal::Record| {
        record.manager == manager && record.tenant.as_deref() == access.target.tenant_name()
    };
    let runs = entries.into_iter().filter_map(|entry| match entry {
        JournalEntry::InProgress(record) if is_here(&record) => {
            Some((record.key_name, RunState::InProgress))
        }
        JournalEntry::Record(record)
            if is_here(&record) && record.fleet.as_deref() == Some(fleet) =>
        {
            let name = record.key_name.clone();
            let run = interrupted_run(record, access);
            Some((name, RunState::OfFleet(Box::new(run))))
        }
        JournalEntry::Record(record) if is_here(&record) && !record.is_over() => {
            Some((record.key_name, RunState::Interrupted(record.operation)))
        }
        _ => None,
    });
    let mut found: HashMap<String, RunState> = HashMap::new();
    for (name, state) in runs {
        // The records are sorted by their age, so the last of several interrupted runs counts.
        match found.get(&name) {
            Some(known) if known.rank() < state.rank() => {}
            _ => drop(found.insert(name, state)),
        }
    }
    Ok(found)
}

/// Returns the unfinished runs from the records that were read before and after the keys were listed. A run that has ended in between may have
/// changed a key after it was listed, so it counts as in progress.
fn combined(
    before: HashMap<String, RunState>,
    after: HashMap<String, RunState>,
) -> HashMap<String, RunState> {
    let mut runs = after;
    for name in before.into_keys() {
        runs.entry(name).or_insert(RunState::InProgress);
    }
    runs
}

/// Returns an interrupted run with what is known of its last request.
pub(super) fn interrupted_run(record: journal::Record, access: Access<'_>) -> InterruptedRun {
    // The age by the clock of this machine is less certain, but the only one after a restart.
    let age = record
        .progress
        .age()
        .and_then(|age| TimeDelta::from_std(age).ok());
    let age = age.map_or_else(
        || Utc::now().timestamp_millis().saturating_sub(record.started),
        |age| age.num_milliseconds(),
    );
    let settle_timeout = i64::try_from(access.target.settle_timeout.as_millis());
    let signer = access.signed_in.signer_fingerprint(&record.operation);
    InterruptedRun {
        last_request: access
            .signed_in
            .time()
            .timestamp_millis()
            .saturating_sub(age),
        may_be_in_flight: age < settle_timeout.unwrap_or(i64::MAX),
        has_same_signer: record.signer == signer,
        record,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ended_while_the_keys_were_listed_counts_as_in_progress() {
        let states = |runs: &[(&str, RunState)]| -> HashMap<String, RunState> {
            let runs = runs
                .iter()
                .map(|(name, state)| ((*name).to_owned(), state.clone()));
            runs.collect()
        };
        let operation = journal::Operation {
            id: "1".to_owned(),
            manager: String::new(),
            tenant: None,
            signer: None,
            sinks: Vec::new(),
        };
        let run = InterruptedRun {
            record: journal::Record::create(operation, "left", None),
            last_request: 0,
            may_be_in_flight: false,
            has_same_signer: true,
        };
        let of_fleet = || RunState::OfFleet(Box::new(run.clone()));
        let before = states(&[
            ("ended", RunState::InProgress),
            ("recovered", of_fleet()),
            ("killed", RunState::InProgress),
            ("left", of_fleet()),
        ]);
        let after = states(&[
            ("killed", of_fleet()),
            ("left", of_fleet()),
            ("begun", RunState::InProgress),
        ]);
        let expected = states(&[
            ("ended", RunState::InProgress),
            ("recovered", RunState::InProgress),
            ("killed", of_fleet()),
            ("left", of_fleet()),
            ("begun", RunState::InProgress),
        ]);
        assert_eq!(combined(before, after), expected);
    }
}
