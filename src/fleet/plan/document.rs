//! The plan as JSON. It contains no secret.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::model::{Applied, Plan, PlannedAction, PlannedKey};
use super::number::ManagerPlan;
use crate::fleet::presence::{Presence, SecretState};
use crate::keys::key_meta::{KeyMeta, time_of};
use crate::manager::ApiKey;

/// Returns the entry of each key: the manager's object, or the declared fields of a key that does not exist, with `meta`. `target` describes
/// the manager. `now` is the manager's time.
pub(crate) fn key_documents(plan: &Plan<'_>, target: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let keys = plan.keys.iter();
    keys.map(|key| entry(key, target, now)).collect()
}

/// Returns how many keys have each action. `not_known` is the number of declared keys on managers that could not be read.
pub(crate) fn counts(plans: &[ManagerPlan<'_>], not_known: usize) -> Value {
    let mut counts = Map::new();
    for action in PlannedAction::ALL {
        let count: usize = plans.iter().map(|one| one.plan.count(action)).sum();
        if count > 0 {
            let name = match action {
                PlannedAction::None => "asDeclared",
                PlannedAction::LeftOver => "leftOver",
                other => other.word(),
            };
            counts.insert(name.to_owned(), count.into());
        }
    }
    if not_known > 0 {
        counts.insert("notKnown".to_owned(), not_known.into());
    }
    Value::Object(counts)
}

fn entry(key: &PlannedKey<'_>, target: &Value, now: DateTime<Utc>) -> Value {
    let mut fields = key.key.map(ApiKey::fields).unwrap_or_default();
    if key.key.is_none() {
        fields.insert("keyName".to_owned(), key.name().into());
        if let Some(role) = &key.role {
            fields.insert("roleID".to_owned(), role.id.into());
        }
        if let Some(declared) = key.declared {
            let optional = [
                ("description", &declared.description),
                ("locale", &declared.locale),
                ("timeZone", &declared.time_zone),
            ];
            for (field, value) in optional {
                if let Some(value) = value {
                    fields.insert(field.to_owned(), value.as_str().into());
                }
            }
        }
    }
    let changes: Vec<Value> = (key.changes.iter())
        .map(|one| json!({"field": one.field, "from": one.from, "to": one.to}))
        .collect();
    let secret: Vec<Value> = key.secret.iter().map(secret_state).collect();
    let problem = match key.action {
        PlannedAction::Problem => Some(&key.reason),
        _ => None,
    };
    let problems: Vec<&String> = problem.into_iter().chain(&key.problems).collect();
    let mut meta = json!({
        "action": key.shown_action().word(),
        "target": target,
        "name": key.name(),
        "line": key.declared.map(|declared| declared.line),
        "reason": key.reason,
        "changes": changes,
        "secret": secret,
        "problems": problems,
        "notes": key.notes,
    });
    add_result(&mut meta, key.result.as_ref());
    let role = key.role.as_ref();
    match key.key {
        Some(listed) => {
            let role = role.filter(|role| listed.role_id() == Some(role.id));
            KeyMeta::of(listed, role.map(|role| &*role.label), now).add_to(&mut meta);
        }
        None => {
            meta["role"] = role.map(|role| role.label.as_str()).into();
            meta["expiresAt"] = time_of(fields.get("expiryDate").unwrap_or(&Value::Null));
        }
    }
    fields.insert("meta".to_owned(), meta);
    Value::Object(fields)
}

/// Adds what a run did with the key.
fn add_result(meta: &mut Value, result: Option<&Applied>) {
    let Some(result) = result else { return };
    meta["result"] = result.word().into();
    match result {
        Applied::Done { operation, .. } => meta["operation"] = json!(operation),
        Applied::Failed(error) => {
            let (code, exit) = (error.kind().code(), error.kind().exit_code());
            meta["error"] = json!({"code": code, "exit": exit, "message": error.to_string()});
        }
        Applied::Left | Applied::NotTried => {}
    }
}

fn secret_state(state: &SecretState) -> Value {
    let reason = match &state.presence {
        Presence::NotKnown(reason) => Some(reason),
        _ => None,
    };
    json!({"place": state.place, "state": state.presence.word(), "reason": reason})
}
