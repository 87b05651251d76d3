//! A role without its weight: its name, and what its rights come to. A list of them is small, however many rights they spell out.

use std::fmt;

use reqwest::Method;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::roles::Role;
use super::search::Searchable;
use crate::manager::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::ApiRequest;
use crate::manager::json;
use crate::manager::json::BoundedList;

/// The groups that say who may do what: who holds them can give himself the rest (manager-api.md, section 5).
const GOVERNING: [&str; 3] = [
    "administratorRights",
    "administratorRoleRights",
    "apikeyRights",
];

/// A role that can be told by its name.
pub(crate) trait NamedRole: Searchable {
    fn name(&self) -> &str;
}

/// What of a role must be known before a key gets it. What an answer leaves out is unknown.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleSummary {
    /// Its ID.
    #[serde(rename = "ID", deserialize_with = "json::id")]
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// Whether whoever has it may use this API at all.
    #[serde(default)]
    pub(crate) allow_web_service: Option<bool>,
    #[serde(default)]
    immutable: Option<bool>,
    #[serde(default)]
    all_computers: Option<bool>,
    #[serde(default)]
    all_policies: Option<bool>,
    #[serde(default)]
    rights: RightsCount,
}

impl RoleSummary {
    /// Whether it gives every right. The manager's own role of that kind cannot be changed, and on a manager that others host it lacks
    /// the rights that are the host's; that it governs who may do what tells it from other roles that cannot be changed. Names and
    /// IDs prove nothing: both can be others (section 5).
    #[must_use]
    pub(crate) fn gives_every_right(&self) -> bool {
        let everywhere = self.all_computers != Some(false) && self.all_policies != Some(false);
        let rights = &self.rights;
        let all = rights.on > 0 && rights.off == 0;
        let governs = rights.governing_on > 0 && rights.governing_off == 0;
        everywhere && (all || (governs && self.immutable == Some(true)))
    }
}

/// The answer of a search.
#[derive(Deserialize)]
pub(crate) struct RoleSummaries {
    #[serde(default)]
    roles: BoundedList<RoleSummary>,
}

impl IntoIterator for RoleSummaries {
    type Item = RoleSummary;
    type IntoIter = std::vec::IntoIter<RoleSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.roles.0.into_iter()
    }
}

impl Searchable for RoleSummary {
    const PATH: &'static str = Role::PATH;
    const PAGE: u32 = Role::PAGE;
    const WHAT: &'static str = Role::WHAT;
    type Results = RoleSummaries;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        self.name.len() + 128
    }
}

impl NamedRole for RoleSummary {
    fn name(&self) -> &str {
        &self.name
    }
}

impl NamedRole for Role {
    fn name(&self) -> &str {
        &self.name
    }
}

impl SignedIn {
    /// What must be known of a role before a key gets it.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn role_summary(&self, id: i64) -> Result<RoleSummary, ManagerError> {
        let path = format!("/api/roles/{id}");
        let request = ApiRequest::new("looking at the role", Method::GET, &path, RetryPolicy::Read)
            .signed(&self.credentials);
        self.send(request).await?.json()
    }
}

/// How many rights there are, on and off, in all groups and in those that govern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct RightsCount {
    on: u32,
    off: u32,
    governing_on: u32,
    governing_off: u32,
}

impl<'de> Deserialize<'de> for RightsCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rights = Self::default();
        let count = RightsVisitor {
            rights: &mut rights,
            governing: false,
        };
        count.deserialize(deserializer)?;
        Ok(rights)
    }
}

/// Counts the rights of one branch of the tree.
struct RightsVisitor<'a> {
    rights: &'a mut RightsCount,
    governing: bool,
}

impl<'de> DeserializeSeed<'de> for RightsVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RightsVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("rights")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            map.next_value_seed(RightsVisitor {
                rights: self.rights,
                governing: self.governing || GOVERNING.contains(&&*name),
            })?;
        }
        Ok(())
    }

    fn visit_bool<F>(self, on: bool) -> Result<(), F> {
        let rights = self.rights;
        let (all, governing) = if on {
            (&mut rights.on, &mut rights.governing_on)
        } else {
            (&mut rights.off, &mut rights.governing_off)
        };
        *all = all.saturating_add(1);
        if self.governing {
            *governing = governing.saturating_add(1);
        }
        Ok(())
    }

    // What is no right does not count.
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<(), S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_i64<F>(self, _: i64) -> Result<(), F> {
        Ok(())
    }

    fn visit_u64<F>(self, _: u64) -> Result<(), F> {
        Ok(())
    }

    fn visit_f64<F>(self, _: f64) -> Result<(), F> {
        Ok(())
    }

    fn visit_str<F>(self, _: &str) -> Result<(), F> {
        Ok(())
    }

    fn visit_unit<F>(self) -> Result<(), F> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A role with these rights, everywhere.
    fn role(rights: &Value) -> Value {
        json!({"ID": 7, "name": "R", "allComputers": true, "allPolicies": true, "allowWebService": true, "rights": rights})
    }

    fn gives_every_right(role: &Value) -> bool {
        serde_json::from_str::<RoleSummary>(&role.to_string())
            .unwrap_or_else(|error| panic!("{error}"))
            .gives_every_right()
    }

    #[test]
    fn what_a_role_is_called_says_nothing_of_its_rights() {
        let governing = json!({"platformRights": {
            "administratorRights": {"a": true}, "administratorRoleRights": {"b": true}, "apikeyRights": {"c": true}
        }});
        let mut hosted = governing.clone();
        hosted["hostedServiceRights"] = json!({"heapRights": {"canViewHeap": false}});
        let with = |rights: &Value, field: &str, value: Value| {
            let mut role = role(rights);
            role[field] = value;
            role
        };
        for (role, every) in [
            (role(&governing), true),
            (role(&hosted), false),
            (with(&hosted, "immutable", json!(true)), true),
            (with(&governing, "allComputers", json!(false)), false),
            (with(&governing, "allPolicies", json!(false)), false),
            (
                with(
                    &json!({"policyRights": {"canDeletePolicies": false}}),
                    "immutable",
                    json!(true),
                ),
                false,
            ),
            (role(&json!({})), false),
            (
                role(&json!({"new": [1, {"x": true}], "n": null, "s": "y", "f": 0.5, "i": -1})),
                false,
            ),
            (json!({"ID": 1, "name": "Full Access"}), false),
        ] {
            assert_eq!(gives_every_right(&role), every, "{role}");
        }
    }
}
