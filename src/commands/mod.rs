//! The commands, one file or folder for each. A command defines its arguments, runs, and prints its result.

pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod create_key;
pub(crate) mod delete_key;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod find_role;
pub(crate) mod list_keys;
pub(crate) mod list_roles;
pub(crate) mod lock_key;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod recover;
pub(crate) mod rotate_key;
#[cfg(feature = "sandbox")]
pub(crate) mod sandbox;
pub(crate) mod show_key;
pub(crate) mod show_role;
pub(crate) mod trust;
pub(crate) mod unlock_key;
pub(crate) mod update_key;
pub(crate) mod verify_key;
pub(crate) mod whoami;
