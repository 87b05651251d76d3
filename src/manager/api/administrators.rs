//! Administrators (manager-api.md, section 9): only who they are and which role they have.

use serde::Deserialize;

use super::search::{Criterion, Searchable};
use crate::manager::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::json;
use crate::manager::json::{BoundedList, LenientInteger};

/// An administrator. Nothing but the ID is counted on.
#[derive(Deserialize)]
pub(crate) struct Administrator {
    /// The ID.
    #[serde(rename = "ID", deserialize_with = "json::id")]
    pub(crate) id: i64,
    /// The name, in the spelling of this resource (manager-api.md, section 3).
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// The ID of the role.
    #[serde(rename = "roleID", default)]
    role_id: LenientInteger,
}

impl Administrator {
    /// The ID of the role.
    #[must_use]
    pub(crate) fn role_id(&self) -> Option<i64> {
        self.role_id.0
    }
}

/// The answer of a search.
#[derive(Deserialize)]
pub(crate) struct Administrators {
    #[serde(default)]
    administrators: BoundedList<Administrator>,
}

impl IntoIterator for Administrators {
    type Item = Administrator;
    type IntoIter = std::vec::IntoIter<Administrator>;

    fn into_iter(self) -> Self::IntoIter {
        self.administrators.0.into_iter()
    }
}

impl Searchable for Administrator {
    const PATH: &'static str = "/api/administrators/search";
    const PAGE: u32 = 5000;
    const WHAT: &'static str = "searching administrators";
    type Results = Administrators;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        self.username.as_ref().map_or(0, String::len) + 128
    }
}

impl SignedIn {
    /// The administrators that the manager takes for ones of this name; compare the names again.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn administrators_named(
        &self,
        name: &str,
    ) -> Result<Vec<Administrator>, ManagerError> {
        self.search(Some(Criterion::equals("username", name))).await
    }
}
