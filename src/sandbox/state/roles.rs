//! The roles. Full Access and Auditor have the fields that were observed on a real manager. Other roles can be added.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::name_index::NameIndex;
use super::rights;
use crate::sandbox::http::call::{boolean, integer32, text, wrong_type};
use crate::sandbox::http::response::Refusal;
use crate::sandbox::search::field::{Field, Searchable};

/// The ID of the role Full Access, which has every right.
pub(crate) const FULL_ACCESS: i64 = 1;
/// The ID of the role Auditor, which can only view objects.
pub(crate) const AUDITOR: i64 = 2;

const FLAGS: [&str; 5] = [
    "canOnlyManipulateUsersWithEqualOrLesserRights",
    "allComputers",
    "allPolicies",
    "allowUserInterface",
    "allowWebService",
];
const LISTS: [&str; 3] = ["computerIDs", "computerGroupIDs", "policyIDs"];

/// One role, with the fields of the published API document.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    id: i64,
    fields: Map<String, Value>,
}

impl Role {
    pub(crate) fn document(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    pub(crate) fn rights(&self) -> &Value {
        &self.fields["rights"]
    }

    fn name(&self) -> Option<&str> {
        self.fields.get("name")?.as_str()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.fields.get(name) == Some(&Value::Bool(true))
    }

    /// Returns true if the role has this right in the group `platformRights`.
    pub(crate) fn has_right(&self, group: &str, right: &str) -> bool {
        self.rights()["platformRights"][group][right] == Value::Bool(true)
    }

    /// Returns a role without rights.
    fn blank(id: i64) -> Role {
        let document = json!({
            "name": format!("New Role_{id}"),
            "urn": format!("urn:tmds:identity:us-east-ds-1:1:administrator-role/{id}"),
            "immutable": false,
            "canOnlyManipulateUsersWithEqualOrLesserRights": false,
            "allComputers": false,
            "allPolicies": false,
            "allowUserInterface": false,
            "allowWebService": false,
            "rights": rights::none(),
            "ID": id,
        });
        let Value::Object(fields) = document else {
            return Role {
                id,
                fields: Map::new(),
            };
        };
        Role { id, fields }
    }

    /// Sets the fields that a client can write. All other fields are ignored, but a value of the wrong type is still an error.
    fn set_fields(&mut self, given: &Map<String, Value>) -> Result<(), Refusal> {
        for name in ["name", "description"] {
            if let Some(value) = text(given, name)? {
                self.fields.insert(name.to_owned(), json!(value));
            }
        }
        for name in FLAGS {
            if let Some(value) = boolean(given, name)? {
                self.fields.insert(name.to_owned(), json!(value));
            }
        }
        for name in LISTS {
            if let Some(list) = integers(given, name)? {
                self.fields.insert(name.to_owned(), list);
            }
        }
        if let Some(given) = given.get("rights") {
            let mut rights = self.rights().clone();
            rights::overlay(&mut rights, given)
                .map_err(|name| wrong_type(&name, "an object of booleans"))?;
            self.fields.insert("rights".to_owned(), rights);
        }
        let _read_only = (
            text(given, "urn")?,
            boolean(given, "immutable")?,
            integer32(given, "ID")?,
        );
        Ok(())
    }
}

fn integers(given: &Map<String, Value>, name: &str) -> Result<Option<Value>, Refusal> {
    let Some(value) = given.get(name) else {
        return Ok(None);
    };
    let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
    let is_integer = |item: &Value| {
        item.as_f64()
            .is_some_and(|number| number.fract() == 0.0 && range.contains(&number))
    };
    match value {
        Value::Array(items) if items.iter().all(is_integer) => Ok(Some(value.clone())),
        _ => Err(wrong_type(name, "an array of integers")),
    }
}

impl Searchable for Role {
    const NAME: &'static str = "name";

    fn id(&self) -> i64 {
        self.id
    }

    fn kind(field: &str) -> Option<Field> {
        match field {
            "name" | "description" => Some(Field::Text),
            "ID" => Some(Field::Id),
            flag if FLAGS.contains(&flag) => Some(Field::Boolean),
            _ => None,
        }
    }

    fn value(&self, field: &str) -> Option<Value> {
        self.fields.get(field).cloned()
    }
}

/// All roles.
#[derive(Debug)]
pub(crate) struct Roles {
    by_id: BTreeMap<i64, Role>,
    names: NameIndex,
    last_id: i64,
}

impl Roles {
    /// Returns the two default roles (`docs/manager-api.md`, "Roles") and the additional roles.
    pub(crate) fn with(additional: &[Value]) -> anyhow::Result<Roles> {
        let mut roles = Roles {
            by_id: BTreeMap::new(),
            names: NameIndex::default(),
            last_id: 0,
        };
        roles.preset(
            FULL_ACCESS,
            "Full Access",
            "Full access to every part of the manager.",
            rights::all(),
            true,
        );
        roles.preset(
            AUDITOR,
            "Auditor",
            "Can view everything except users, roles and API keys.",
            rights::auditor(),
            false,
        );
        for (index, role) in additional.iter().enumerate() {
            (roles.add(role)).with_context(|| format!("role number {} in the list", index + 1))?;
        }
        Ok(roles)
    }

    fn preset(&mut self, id: i64, name: &str, description: &str, rights: Value, immutable: bool) {
        let mut role = Role::blank(id);
        role.fields.insert("name".to_owned(), json!(name));
        role.fields
            .insert("description".to_owned(), json!(description));
        role.fields.insert("rights".to_owned(), rights);
        role.fields.insert("immutable".to_owned(), json!(immutable));
        for flag in [
            "allComputers",
            "allPolicies",
            "allowUserInterface",
            "allowWebService",
        ] {
            role.fields.insert(flag.to_owned(), json!(true));
        }
        self.insert(role);
    }

    /// Returns the ID that the next new role gets.
    pub(crate) fn next_id(&self) -> i64 {
        self.last_id + 1
    }

    /// Adds a role with this name. It allows access to the API, but grants no right.
    pub(crate) fn add_blank(&mut self, name: &str) {
        let mut role = Role::blank(self.next_id());
        role.fields.insert("name".to_owned(), json!(name));
        (role.fields).insert("allowWebService".to_owned(), json!(true));
        self.insert(role);
    }

    /// Adds a role that a file or a test defines. The definition can set every field of the role, even the ID. A client cannot set the ID.
    pub(crate) fn add(&mut self, document: &Value) -> anyhow::Result<i64> {
        let Value::Object(given) = document else {
            bail!("a role must be a JSON object")
        };
        let id = match given.get("ID") {
            None => self.next_id(),
            Some(id) => id
                .as_i64()
                .filter(|id| *id > 0)
                .context("the ID of a role must be a positive integer")?,
        };
        if self.by_id.contains_key(&id) {
            bail!("two roles have the ID {id} (IDs 1 and 2 belong to the built-in roles)");
        }
        let mut role = Role::blank(id);
        if role.set_fields(given).is_err() {
            bail!("the role with the ID {id} has a field of the wrong type");
        }
        for (name, value) in given.iter().filter(|(name, _)| *name != "rights") {
            role.fields.insert(name.clone(), value.clone());
        }
        role.fields.insert("ID".to_owned(), json!(id));
        self.insert(role);
        Ok(id)
    }

    /// Returns a new role with the values from a request. Fields that the request omits are false or empty.
    pub(crate) fn draft(&self, given: &Map<String, Value>) -> Result<Role, Refusal> {
        let mut role = Role::blank(self.next_id());
        check_name(given)?;
        role.set_fields(given)?;
        Ok(role)
    }

    /// Returns a copy of a role with the changes that a request contains.
    pub(crate) fn changed(role: &Role, given: &Map<String, Value>) -> Result<Role, Refusal> {
        let mut role = role.clone();
        check_name(given)?;
        role.set_fields(given)?;
        Ok(role)
    }

    pub(crate) fn insert(&mut self, role: Role) {
        self.last_id = self.last_id.max(role.id);
        self.remove(role.id);
        if let Some(name) = role.name() {
            self.names.insert(name, role.id);
        }
        self.by_id.insert(role.id, role);
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Role> {
        self.by_id.get(&id)
    }

    pub(crate) fn remove(&mut self, id: i64) {
        let role = self.by_id.remove(&id);
        if let Some(name) = role.as_ref().and_then(Role::name) {
            self.names.remove(name, id);
        }
    }

    /// Returns the roles with this name, ordered by ID. Upper and lower case count as equal.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Role> {
        self.names.with(name).filter_map(|id| self.get(id))
    }

    /// Returns all roles, ordered by ID.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Role> {
        self.by_id.values()
    }
}

fn check_name(given: &Map<String, Value>) -> Result<(), Refusal> {
    match given.get("name") {
        Some(Value::String(name)) if name.trim().is_empty() => {
            Err(Refusal::invalid("Role Name cannot be blank"))
        }
        _ => Ok(()),
    }
}
