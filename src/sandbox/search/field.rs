//! The searchable fields of an object.

use serde_json::Value;

/// The type of a field. It determines which tests a search can apply to the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Text,
    Choice,
    Number,
    Boolean,
    Date,
    Id,
}

/// A type of object that a search can find.
pub(crate) trait Searchable {
    /// The JSON field that contains the name of the object.
    const NAME: &'static str;
    /// Returns the object's ID.
    fn id(&self) -> i64;
    /// Returns the type of a field. `None` if the field cannot be searched. Field names are case-sensitive.
    fn kind(field: &str) -> Option<Field>;
    /// Returns the value of a field. `None` stands for null.
    fn value(&self, field: &str) -> Option<Value>;
}
