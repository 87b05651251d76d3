//! Writes a manifest of the keys that are on a manager, so that a fleet can begin with them.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::auth::session::Access;
use crate::error::Error;
use crate::keys::{lookup, roles};
use crate::manager::{ApiKey, KeyFilter, RoleSummary};
use crate::mint::{FleetMark, original_name, without_marks};
use crate::text::rfc3339;

/// The comment above the keys of other fleets.
const OF_OTHERS: &str = "# The keys below belong to other fleets. Remove the `#` only if this fleet must take over the key.\n";

/// A manifest of existing keys.
pub(crate) struct ExportedManifest {
    /// The text of the manifest.
    pub(crate) text: String,
    /// Why keys were left out.
    pub(crate) notes: Vec<String>,
}

/// Reads all keys and roles, and returns a manifest that adopts the keys for this fleet.
///
/// # Errors
/// Returns the error of a call, or an error if a signal arrives.
pub(crate) async fn export(fleet: &str, access: Access<'_>) -> Result<ExportedManifest, Error> {
    let reading = async {
        let explain = |error| roles::explain(access.signed_in, error);
        let summaries: Vec<RoleSummary> = access.signed_in.roles().await.map_err(explain)?;
        let mut pages = access.signed_in.api_keys(&KeyFilter::default());
        let mut keys = Vec::new();
        let explain = |error| lookup::explain(access.signed_in, error);
        while let Some(page) = pages.next().await.map_err(explain)? {
            keys.extend(page);
        }
        Ok((summaries, keys))
    };
    let (summaries, keys) = access.context.signals.cancel(reading).await?;
    let now = access.signed_in.time().timestamp_millis();
    let mut exported = ExportedManifest {
        text: format!(
            "# Check the destinations and lifetimes, and remove the keys that do not belong to the fleet.\n\
             fleet = \"{fleet}\"\n[defaults]\nadopt = true\nout-file = \"secrets/{{name}}.key\"\n[keys]\n"
        ),
        notes: Vec::new(),
    };
    let roles: HashMap<i64, &RoleSummary> = summaries.iter().map(|role| (role.id, role)).collect();
    let several = repeated_names(&keys);
    let mut of_others = Vec::new();
    for key in &keys {
        let name = key.name().unwrap_or_default();
        let reason = match key.role_id() {
            _ if name.is_empty() || name.trim() != name => {
                "its name is empty or begins or ends with a space"
            }
            _ if original_name(name) != name => "a rotation has retired it",
            _ if several.contains(&name.to_lowercase()) => "several keys have this name",
            _ if key.expiry_date().is_some_and(|expiry| expiry <= now) => "it has expired",
            None => "the manager does not report its role",
            Some(id) => {
                let role = roles.get(&id).copied();
                match owner(key).filter(|owner| owner != fleet) {
                    Some(owner) => {
                        let line = line(name, key, id, role, Some(&owner));
                        of_others.push(format!("# {line}"));
                    }
                    None => exported.text.push_str(&line(name, key, id, role, None)),
                }
                continue;
            }
        };
        exported.notes.push(format!(
            "the key `{name}` (ID {}) was left out: {reason}",
            key.id
        ));
    }
    if !of_others.is_empty() {
        exported.text.push_str(OF_OTHERS);
        exported.text.extend(of_others);
    }
    Ok(exported)
}

/// Returns the names that several keys have, in lower case.
fn repeated_names(keys: &[ApiKey]) -> HashSet<String> {
    let mut found = HashSet::new();
    let names = keys.iter().filter_map(ApiKey::name);
    let repeated = names
        .map(str::to_lowercase)
        .filter(|name| !found.insert(name.clone()));
    repeated.collect()
}

/// Returns the fleet to which the key belongs.
fn owner(key: &ApiKey) -> Option<String> {
    FleetMark::of(key.description().unwrap_or_default()).map(|mark| mark.fleet)
}

/// Returns the line of a key. `adopt` is the fleet from which the key is adopted.
fn line(
    name: &str,
    key: &ApiKey,
    role_id: i64,
    role: Option<&RoleSummary>,
    adopt: Option<&str>,
) -> String {
    let expires = key.expiry_date().and_then(rfc3339);
    let description = without_marks(key.description().unwrap_or_default());
    let mut fields = vec![
        match role {
            Some(role) => ("role", json!(role.name)),
            None => ("role-id", json!(role_id)),
        },
        ("expires", json!(expires.as_deref().unwrap_or("never"))),
    ];
    if role.is_some_and(RoleSummary::grants_every_right) {
        fields.push(("allow-full-access", json!(true)));
    }
    // A brace could be read as a placeholder.
    if !description.trim().is_empty() && !description.contains('{') {
        fields.push(("description", json!(description.trim())));
    }
    // Such a name cannot be part of a path.
    if name.starts_with('.') || name.contains("..") || name.contains(['/', '\\']) {
        fields.push(("out-file", json!(format!("secrets/{}.key", key.id))));
    }
    if key.active() == Some(false) {
        fields.push(("locked", json!(true)));
    }
    if let Some(fleet) = adopt {
        fields.push(("adopt", json!(fleet)));
    }
    let fields = fields
        .iter()
        .map(|(field, value)| format!("{field} = {}", quoted(value)));
    let fields: Vec<String> = fields.collect();
    format!("{} = {{ {} }}\n", quoted(&json!(name)), fields.join(", "))
}

/// Returns a value in TOML. A JSON string is also a TOML string, except that TOML does not allow the character U+007F.
fn quoted(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}
