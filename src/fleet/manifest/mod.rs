//! The manifest `keys.toml`, which declares the keys of a fleet.
//!
//! All problems of a manifest are reported at once, by line and column. The messages do not repeat text from the file, because a misplaced
//! value may be a secret. Reading a manifest sends no request and runs no command.

mod expansion;
mod model;
mod parser;
mod placeholders;
mod places;
mod problems;
mod schema;
mod source;
mod table;
mod values;

pub(crate) use model::{
    Adopt, DeclaredKey, DeclaredPlace, DeclaredRole, KnownProfiles, Manifest, OnMissing, PlaceKind,
    Readback, TargetName,
};
pub(crate) use schema::SCHEMA;
pub(crate) use source::read;
