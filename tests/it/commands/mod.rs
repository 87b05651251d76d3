//! One module per command.

mod config;
mod create_key;
mod delete_key;
mod delete_key_questions;
mod doctor;
mod ensure;
mod ensure_new_keys;
mod exec;
mod exec_signals;
mod find_role;
#[cfg(unix)]
mod guided_create;
mod if_exists;
mod list_keys;
mod list_keys_options;
mod list_roles;
mod lock_key;
mod lock_keys;
mod recover;
mod rotate_key;
mod sandbox;
#[cfg(unix)]
mod sandbox_keys;
mod show_key;
mod show_role;
mod update_key;
mod update_key_refusals;
mod verify_key;
#[cfg(unix)]
mod verify_key_prompts;
mod whoami;
