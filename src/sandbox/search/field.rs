//! The searchable fields of an object.

use serde_json::Value;

/// The type of a field, which decides which tests can be applied to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Text,
    Choice,
    Number,
    Boolean,
    Date,
    Id,
}

/// An object that can be searched.
pub(crate) trait Searchable {
    /// The field that contains the object's name.
    const NAME: &'static str;
    /// Returns the object's ID.
    fn id(&self) -> i64;
    /// Returns the type of a field, if it can be searched. Names are case-sensitive.
    fn kind(field: &str) -> Option<Field>;
    /// Returns the value of a field. `None` means null.
    fn value(&self, field: &str) -> Option<Value>;
}
