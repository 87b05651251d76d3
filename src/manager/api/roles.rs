//! Roles (docs/manager-api.md, "Roles").

use reqwest::Method;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::search::{Criterion, Searchable};
use crate::manager::client::SignedIn;
use crate::manager::error::ManagerError;
use crate::manager::http::request::ApiRequest;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::json::{BoundedList, Lenient, Object, ObjectBuilder, ObjectId, RequiredField};

/// The maximum size of a role's JSON. A role has about 7 KB (docs/manager-api.md, "Roles"), or more if it lists individual computers.
const MAX_BYTES: usize = 128 * 1024;

/// A type that contains a role's name: [`Role`] or a summary of a role.
pub(crate) trait NamedRole: Searchable {
    /// Returns the name.
    fn name(&self) -> &str;
}

impl NamedRole for Role {
    fn name(&self) -> &str {
        &self.name
    }
}

/// A role. Unknown fields are preserved.
pub(crate) struct Role {
    /// The ID.
    pub id: i64,
    /// The name.
    pub name: String,
    description: Option<String>,
    object: Object,
}

impl Role {
    /// Returns the description.
    #[must_use]
    pub(crate) fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Parses the manager's JSON object of the role as a different type, such as a summary. Returns `None` if a field does not fit.
    #[must_use]
    pub(crate) fn parsed<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.object.text()).ok()
    }

    /// Returns the manager's JSON object of the role.
    #[must_use]
    pub(crate) fn fields(&self) -> Map<String, Value> {
        // The text is valid JSON, because it was parsed when the object was built. So parsing cannot fail.
        serde_json::from_str(self.object.text()).unwrap_or_default()
    }
}

/// Serializes the manager's JSON object.
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
        let mut object = ObjectBuilder::with_limit(MAX_BYTES);
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

/// The response to a search. The manager may omit an empty list, as it omits fields that are not set.
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
    // A page of 500 roles takes about half of the maximum size of a response.
    const PAGE: u32 = 500;
    const ACTION: &'static str = "search roles";
    type Results = Roles;

    fn id(&self) -> i64 {
        self.id
    }

    fn weight(&self) -> usize {
        // In memory, the name and the description exist twice: as fields, and in the JSON text.
        let words = self.name.len() + self.description().map_or(0, str::len);
        self.object.text().len() + words + 512
    }
}

impl SignedIn {
    /// Returns the roles that the manager finds for the name `name`. The caller must compare the names exactly, because the manager may also find
    /// similar names.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn roles_named<R: NamedRole>(
        &self,
        name: &str,
    ) -> Result<Vec<R>, ManagerError> {
        self.search(Some(Criterion::equals("name", name))).await
    }

    /// Returns the roles whose names match `pattern`: `%` matches any text, and `_` matches one character.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn roles_like(&self, pattern: &str) -> Result<Vec<Role>, ManagerError> {
        self.search(Some(Criterion::like("name", pattern))).await
    }

    /// Returns the role with the ID `id`.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn role(&self, id: i64) -> Result<Role, ManagerError> {
        let path = format!("/api/roles/{id}");
        let request = ApiRequest::new("read the role", Method::GET, &path, RetryPolicy::Read);
        self.send(request).await?.json()
    }

    /// Returns all roles.
    ///
    /// # Errors
    /// Returns the error of the call.
    pub(crate) async fn roles<R: NamedRole>(&self) -> Result<Vec<R>, ManagerError> {
        self.search(None).await
    }
}
