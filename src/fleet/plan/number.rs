//! The number of a plan: a hash of everything that a run would do. Two plans with the same number do the same.

use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::model::{Plan, PlannedAction, PlannedKey};
use crate::expiry::Expiry;
use crate::fleet::manifest::{DeclaredKey, PlaceKind};
use crate::manager::ApiKey;

/// The plan for one manager, with what identifies the manager.
pub(crate) struct ManagerPlan<'a> {
    /// The address.
    pub(crate) manager: &'a str,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<&'a str>,
    pub(crate) plan: &'a Plan<'a>,
}

/// Returns the number of the plan for a fleet. It does not depend on ages, reasons and problems, which change while the plan stays the same.
pub(crate) fn number(fleet: &str, managers: &[ManagerPlan<'_>]) -> String {
    let mut hash = Context::new(&SHA256);
    let mut add = |value: &Value| {
        hash.update(value.to_string().as_bytes());
        hash.update(b"\n");
    };
    add(&json!(fleet));
    for ManagerPlan {
        manager,
        tenant,
        plan,
    } in managers
    {
        add(&json!([manager, tenant]));
        for key in plan.keys.iter().filter(|key| key.action.is_change()) {
            add(&work(key));
        }
    }
    let digest = hash.finish();
    let digits = digest.as_ref().iter().take(8);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

fn work(key: &PlannedKey<'_>) -> Value {
    let changes = key.changes.iter();
    let changes: Vec<Value> = changes
        .map(|one| json!([one.field, one.from, one.to]))
        .collect();
    // An interrupted run may not have created its key.
    let creates = matches!(
        key.action,
        PlannedAction::Create | PlannedAction::Rotate | PlannedAction::Finish
    );
    let delivers = creates || key.action == PlannedAction::Rekey;
    json!({
        "name": key.name(),
        "ID": key.key.map(|key| key.id),
        "from": key.key.and_then(ApiKey::name),
        "action": key.action.word(),
        "changes": changes,
        "new": key.declared.filter(|_| creates).map(|declared| new_key(declared, key)),
        "places": key.declared.filter(|_| delivers).map(places),
    })
}

/// Returns the declared fields of a key that will be created. An expiry is as declared, because its time moves.
fn new_key(declared: &DeclaredKey, key: &PlannedKey<'_>) -> Value {
    let expires = match declared.expires {
        Expiry::At(time) => json!(time.timestamp_millis()),
        _ => json!(declared.expires_text),
    };
    let overlap = match key.action {
        PlannedAction::Rotate | PlannedAction::Finish => json!(declared.overlap.as_secs()),
        _ => Value::Null,
    };
    json!([
        key.role.as_ref().map(|role| role.id),
        declared.description,
        declared.locale,
        declared.time_zone,
        expires,
        declared.locked,
        overlap
    ])
}

fn places(declared: &DeclaredKey) -> Value {
    let places = declared.places.iter().map(|place| match &place.kind {
        PlaceKind::File(_) => json!(["file", place.text]),
        PlaceKind::Dotenv { variable, .. } => json!(["dotenv", place.text, variable]),
        PlaceKind::Command(_) => {
            let limit = declared.deliver_timeout.as_secs_f64();
            json!(["command", place.text, limit])
        }
    });
    places.collect()
}
