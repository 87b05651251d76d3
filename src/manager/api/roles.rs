//! Roles (manager-api.md, section 5).

use reqwest::Method;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::role_summary::NamedRole;
use super::search::{Criterion, Searchable};
use crate::manager::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::ApiRequest;
use crate::manager::json::{BoundedList, Lenient, Object, ObjectBuilder, ObjectId, RequiredField};

/// A role weighs about 7 KB with its rights (section 5: four in 29 KB); one for single computers lists the ID of each as well.
const MOST: usize = 128 * 1024;

/// A role. Fields that are not needed here are kept as they came, known or not.
pub(crate) struct Role {
    /// Its ID.
    pub id: i64,
    /// Its name.
    pub name: String,
    description: Option<String>,
    object: Object,
}

impl Role {
    /// Its description, where it has one.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The manager's object.
    #[must_use]
    pub(crate) fn fields(&self) -> Map<String, Value> {
        // It was read to its end when it came.
        serde_json::from_str(self.object.text()).unwrap_or_default()
    }
}

/// The manager's object, as it came.
impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RoleVisitor)
    }
}

struct RoleVisitor;

impl<'de> Visitor<'de> for RoleVisitor {
    type Value = Role;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a role")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Role, A::Error> {
        let (mut id, mut name, mut description) = (None, None, None);
        let mut object = ObjectBuilder::up_to(MOST);
        while let Some(field) = fields.next_key::<String>()? {
            let text = match field.as_str() {
                "ID" => fields
                    .next_value::<RequiredField<ObjectId>>()?
                    .into(&mut id, "ID")?,
                "name" => fields
                    .next_value::<RequiredField<_>>()?
                    .into(&mut name, "name")?,
                "description" => fields
                    .next_value::<RequiredField<Lenient<_>>>()?
                    .into(&mut description, "description")?,
                _ => fields.next_value::<&RawValue>()?,
            };
            object.add(&field, text)?;
        }
        Ok(Role {
            id: id.ok_or_else(|| A::Error::missing_field("ID"))?.0,
            name: name.ok_or_else(|| A::Error::missing_field("name"))?,
            description: description.and_then(|Lenient(text)| text),
            object: object.finish()?,
        })
    }
}

/// The answer of a search. An empty list may be left out, as unset fields are (section 6.1).
#[derive(serde::Deserialize)]
pub(crate) struct Roles {
    #[serde(default)]
    roles: BoundedList<Role>,
}

impl IntoIterator for Roles {
    type Item = Role;
    type IntoIter = std::vec::IntoIter<Role>;

    fn into_iter(self) -> Self::IntoIter {
        self.roles.0.into_iter()
    }
}

impl Searchable for Role {
    const PATH: &'static str = "/api/roles/search";
    // Less than half of what an answer may have.
    const PAGE: u32 = 500;
    const WHAT: &'static str = "searching roles";
    type Results = Roles;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        // The name and the words are in it twice.
        let words = self.name.len() + self.description().map_or(0, str::len);
        self.object.text().len() + words + 512
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
        let request = ApiRequest::new("looking at the role", Method::GET, &path, RetryPolicy::Read)
            .signed(&self.credentials);
        self.send(request).await?.json()
    }

    /// All roles.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn roles<R: NamedRole>(&self) -> Result<Vec<R>, ManagerError> {
        self.search(None).await
    }
}
