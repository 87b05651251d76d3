//! Reads administrators: their names and roles (docs/manager-api.md, "Other reads").

use serde::Deserialize;

use super::search::{Criterion, Searchable};
use crate::manager::client::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::json::{self, BoundedList, LenientInteger};

/// An administrator. Only the ID is required.
#[derive(Deserialize)]
pub(crate) struct Administrator {
    /// The ID.
    #[serde(rename = "ID", deserialize_with = "json::id")]
    pub(crate) id: i64,
    /// The user name. The field is `username` here, but `userName` in a sign-in request (docs/manager-api.md, "Sign-in").
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// The ID of the role.
    #[serde(rename = "roleID", default)]
    role_id: LenientInteger,
}

impl Administrator {
    /// Returns the ID of the role.
    #[must_use]
    pub(crate) fn role_id(&self) -> Option<i64> {
        self.role_id.0
    }
}

/// The response to a search.
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
    const ACTION: &'static str = "search administrators";
    type Results = Administrators;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        self.username.as_ref().map_or(0, String::len) + 128
    }
}

impl SignedIn {
    /// Returns the administrators that the manager finds for the user name `name`. The caller must compare the names exactly, because the manager may
    /// also find similar names.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn administrators_named(
        &self,
        name: &str,
    ) -> Result<Vec<Administrator>, ManagerError> {
        self.search(Some(Criterion::equals("username", name))).await
    }
}
