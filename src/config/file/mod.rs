//! The settings file, `config.toml`: named profiles, which say what flags and variables leave open. Only read here, never written.
//!
//! It holds no secret, and commands in it are run, so nobody else may write to it. What is wrong in it is told by line and column,
//! and its text is never repeated: what stands in a wrong place may be a password.

mod diagnostic;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
mod profiles;
mod schema;
mod settings_file;

pub(crate) use profiles::{Profile, Profiles};
pub(crate) use schema::{OF_ITS_MANAGER, fields, of_create};
pub(crate) use settings_file::{closed_folder, no_file, path, read};
