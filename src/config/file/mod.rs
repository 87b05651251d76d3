//! The settings file `config.toml`. It contains named profiles. A setting of a profile applies if neither its flag nor its environment variable is
//! set. This program changes the file only to append a profile, and only after the user has confirmed the change (`append.rs`).
//!
//! Other users must not have write access, because this program runs commands from the file. The file must not contain secrets. Problems are reported
//! by line and column. Messages do not repeat text from the file, because a misplaced value may be a password.

mod append;
mod diagnostic;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
mod profiles;
mod schema;
mod settings_file;

pub(crate) use append::{AppendedProfile, NewProfile, check_new_name};
pub(crate) use diagnostic::Diagnostic;
pub(crate) use profiles::{Profile, Profiles};
pub(crate) use schema::{
    MANAGER_FIELDS, create_fields, fields, rejection, resolve_command, resolve_path,
};
pub(crate) use settings_file::{closed_folder, no_file, path, read};
