//! The plan: how the keys on a manager differ from the keys that a manifest declares.
//!
//! [`make`] is a pure function of the manifest, the listed keys and what is known of the destinations. It sends no request.

mod absent;
mod changes;
mod decision;
mod document;
mod duplicate_names;
mod leftovers;
mod looked_at;
mod making;
mod matching;
mod model;
mod number;
mod rotation_state;
mod situation;
mod superseded;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use changes::{ExpiryMatch, compare_expiry};
pub(crate) use document::{counts, key_documents};
pub(crate) use looked_at::LookedAt;
pub(crate) use making::make;
pub(crate) use model::{Applied, Plan, PlannedAction, PlannedKey, PlannedRole};
pub(crate) use number::{ManagerPlan, number};
pub(crate) use rotation_state::{is_expiry_changed, is_retired, is_retired_within};
pub(crate) use situation::{InterruptedRun, Prune, RoleKey, RoleUse, RunState, Situation};
pub(crate) use superseded::OWN_USE;
pub(crate) use text::{next_steps, results_summary, summary, text, wrapped};
