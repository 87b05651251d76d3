//! One module per command.

mod config;
mod create_key;
mod delete_key;
mod exec;
mod find_role;
mod if_exists;
mod list_keys;
mod list_roles;
mod lock_key;
mod rotate_key;
mod sandbox;
mod show_key;
mod show_role;
mod update_key;
mod verify_key;
mod whoami;
