//! A summary of a role: its name, and counts of its rights. A summary needs little memory even if the role lists many rights.

use std::fmt;

use reqwest::Method;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::roles::{NamedRole, Role};
use super::search::Searchable;
use crate::manager::client::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::http::request::ApiRequest;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::json::{self, BoundedList};

/// The groups of rights on users, roles and keys. A user who has all rights in these groups can obtain every other right (docs/manager-api.md,
/// "Roles").
const ADMINISTRATIVE: [&str; 3] = [
    "administratorRights",
    "administratorRoleRights",
    "apikeyRights",
];

/// The facts about a role that are checked before a key gets the role. A field is `None` if the response does not contain it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleSummary {
    /// The ID.
    #[serde(rename = "ID", deserialize_with = "json::id")]
    pub(crate) id: i64,
    /// The name.
    pub(crate) name: String,
    /// True if the role allows the use of the API.
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
    /// Returns true if the role grants every right.
    ///
    /// The built-in role with every right may have a different name and ID on each manager, so this function checks the rights (docs/manager-api.md,
    /// "Roles"). On a hosted manager, even the built-in role lacks the rights that only the vendor has. So this function also returns true for a role
    /// that cannot be changed and has all rights on users, roles and keys.
    #[must_use]
    pub(crate) fn grants_every_right(&self) -> bool {
        let everywhere = self.all_computers != Some(false) && self.all_policies != Some(false);
        let rights = &self.rights;
        let all = rights.on > 0 && rights.off == 0;
        let administers = rights.administrative_on > 0 && rights.administrative_off == 0;
        everywhere && (all || (administers && self.immutable == Some(true)))
    }

    /// Returns the number of granted rights and the number of all rights that the response lists.
    fn rights_count(&self) -> (u32, u32) {
        (
            self.rights.on,
            self.rights.on.saturating_add(self.rights.off),
        )
    }

    /// Returns true if the role grants rights, and the name of every granted right begins with `canView`.
    fn only_views(&self) -> bool {
        self.rights.on > 0 && self.rights.on == self.rights.viewing_on
    }

    /// Describes the rights in a few words, such as `view only, 12 of 80 rights`.
    #[must_use]
    pub(crate) fn rights_in_words(&self) -> String {
        let (granted, all) = self.rights_count();
        let rights = if self.allow_web_service == Some(false) {
            return "no API access".to_owned();
        } else if self.grants_every_right() {
            "every right".to_owned()
        } else if all == 0 {
            "unknown".to_owned()
        } else if self.only_views() {
            format!("view only, {granted} of {all} rights")
        } else {
            format!("{granted} of {all} rights")
        };
        let limits = match self.limits() {
            (true, true) => ", only some computers and policies",
            (true, false) => ", only some computers",
            (false, true) => ", only some policies",
            (false, false) => "",
        };
        rights + limits
    }

    /// Returns two flags. The first flag is true if the role applies only to some computers. The second flag is true if the role applies only to some
    /// policies.
    fn limits(&self) -> (bool, bool) {
        (
            self.all_computers == Some(false),
            self.all_policies == Some(false),
        )
    }
}

/// The response to a search.
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
    const ACTION: &'static str = Role::ACTION;
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

impl SignedIn {
    /// Returns the summary of a role.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn role_summary(&self, id: i64) -> Result<RoleSummary, ManagerError> {
        let path = format!("/api/roles/{id}");
        let request = ApiRequest::new("read the role", Method::GET, &path, RetryPolicy::Read);
        self.send(request).await?.json()
    }
}

/// The numbers of rights that a role grants (`on`) and lacks (`off`). The fields `administrative_*` count only rights in the groups of
/// [`ADMINISTRATIVE`]. `viewing_on` counts the granted rights that allow viewing and nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct RightsCount {
    on: u32,
    off: u32,
    administrative_on: u32,
    administrative_off: u32,
    viewing_on: u32,
}

impl<'de> Deserialize<'de> for RightsCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rights = Self::default();
        let count = RightsVisitor {
            rights: &mut rights,
            administrative: false,
            viewing: false,
        };
        count.deserialize(deserializer)?;
        Ok(rights)
    }
}

/// Counts the rights in one branch of the rights tree.
struct RightsVisitor<'a> {
    rights: &'a mut RightsCount,
    administrative: bool,
    /// True if the name of this branch of the rights tree begins with `canView`.
    viewing: bool,
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
                administrative: self.administrative || ADMINISTRATIVE.contains(&&*name),
                viewing: name.starts_with("canView"),
            })?;
        }
        Ok(())
    }

    fn visit_bool<F>(self, on: bool) -> Result<(), F> {
        let rights = self.rights;
        let (all, administrative) = if on {
            (&mut rights.on, &mut rights.administrative_on)
        } else {
            (&mut rights.off, &mut rights.administrative_off)
        };
        *all = all.saturating_add(1);
        if on && self.viewing {
            rights.viewing_on = rights.viewing_on.saturating_add(1);
        }
        if self.administrative {
            *administrative = administrative.saturating_add(1);
        }
        Ok(())
    }

    // Every right is a boolean, so all other values are skipped.
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

    /// A role with these rights for all computers and policies.
    fn role(rights: &Value) -> Value {
        json!({"ID": 7, "name": "R", "allComputers": true, "allPolicies": true, "allowWebService": true, "rights": rights})
    }

    fn grants_every_right(role: &Value) -> bool {
        serde_json::from_str::<RoleSummary>(&role.to_string())
            .unwrap_or_else(|error| panic!("{error}"))
            .grants_every_right()
    }

    #[test]
    fn only_rights_show_that_a_role_grants_every_right() {
        let administrative = json!({"platformRights": {
            "administratorRights": {"a": true}, "administratorRoleRights": {"b": true}, "apikeyRights": {"c": true}
        }});
        let mut hosted = administrative.clone();
        hosted["hostedServiceRights"] = json!({"heapRights": {"canViewHeap": false}});
        let with = |rights: &Value, field: &str, value: Value| {
            let mut role = role(rights);
            role[field] = value;
            role
        };
        for (role, every) in [
            (role(&administrative), true),
            (role(&hosted), false),
            (with(&hosted, "immutable", json!(true)), true),
            (with(&administrative, "allComputers", json!(false)), false),
            (with(&administrative, "allPolicies", json!(false)), false),
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
            assert_eq!(grants_every_right(&role), every, "{role}");
        }
    }
}
