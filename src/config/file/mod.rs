//! The settings file `config.toml`: named profiles with settings that flags and variables do not give. It is never written.
//!
//! The file holds no secrets, but commands in it are run, so no other user may have write access. Problems are reported by line and column.
//! The text of the file is never repeated, because a misplaced value may be a password.

mod diagnostic;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
mod profiles;
mod schema;
mod settings_file;

pub(crate) use profiles::{Profile, Profiles};
pub(crate) use schema::{MANAGER_FIELDS, create_fields, fields};
pub(crate) use settings_file::{closed_folder, no_file, path, read};
