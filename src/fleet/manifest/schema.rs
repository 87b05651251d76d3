//! The JSON Schema of the manifest, for editors. A test compares it with the parser.

/// The schema, in the form of draft 4.
pub(crate) const SCHEMA: &str = include_str!("keys.schema.json");
