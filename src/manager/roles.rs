//! Roles (manager-api.md, section 5).

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SignedIn;
use super::error::ManagerError;
use super::retry::Repeat;
use super::role_summary::NamedRole;
use super::search::{Criterion, Searchable};
use super::transport::Request;

/// A role. Fields that are not needed here are kept as they came, known or not.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Role {
    /// Its ID.
    #[serde(rename = "ID")]
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Role {
    /// Its description, where it has one.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.other.get("description").and_then(Value::as_str)
    }
}

/// The answer of a search. An empty list may be left out, as unset fields are (section 6.1).
#[derive(Deserialize)]
pub(crate) struct Roles {
    #[serde(default)]
    roles: Vec<Role>,
}

impl IntoIterator for Roles {
    type Item = Role;
    type IntoIter = std::vec::IntoIter<Role>;

    fn into_iter(self) -> Self::IntoIter {
        self.roles.into_iter()
    }
}

impl Searchable for Role {
    const PATH: &'static str = "/api/roles/search";
    // A role weighs about 7 KB with its rights (section 5: four in 29 KB).
    const PAGE: u32 = 500;
    const WHAT: &'static str = "searching roles";
    type Page = Roles;

    fn id(&self) -> i64 {
        self.id
    }
}

impl SignedIn {
    /// The roles that the manager takes for ones of this name; compare the names again, its equality is not ours.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn roles_named<R: NamedRole>(
        &self,
        name: &str,
    ) -> Result<Vec<R>, ManagerError> {
        self.search(Some(Criterion::equals("name", name))).await
    }

    /// The roles whose name matches `pattern`, in which `%` stands for any text and `_` for one character.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn roles_like(&self, pattern: &str) -> Result<Vec<Role>, ManagerError> {
        self.search(Some(Criterion::like("name", pattern))).await
    }

    /// Describes a role.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn role(&self, id: i64) -> Result<Role, ManagerError> {
        let path = format!("/api/roles/{id}");
        let request = Request::new("looking at the role", Method::GET, &path, Repeat::Read)
            .signed(&self.credentials);
        self.transport.send(request).await?.json()
    }

    /// All roles.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn roles<R: NamedRole>(&self) -> Result<Vec<R>, ManagerError> {
        self.search(None).await
    }
}
