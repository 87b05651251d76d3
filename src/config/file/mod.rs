//! The settings file `config.toml`. It contains named profiles, whose settings apply if neither a flag nor a variable is set. This program
//! reads the file. It changes the file only to append a profile, and only after the user has confirmed this (`append.rs`).
//!
//! The file contains no secrets, but it contains commands that are run, so other users must not have write access. Problems are reported by
//! line and column. Messages do not repeat text from the file, because a misplaced value may be a password.

mod append;
mod diagnostic;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
mod profiles;
mod schema;
mod settings_file;

pub(crate) use append::{AppendedProfile, NewProfile, check_new_name};
pub(crate) use profiles::{Profile, Profiles};
pub(crate) use schema::{MANAGER_FIELDS, create_fields, fields};
pub(crate) use settings_file::{closed_folder, no_file, path, read};
