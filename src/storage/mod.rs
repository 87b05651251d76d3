//! Files: the state folder, atomic replacement, permission checks and locks.

#[cfg(target_os = "linux")]
mod access_list;
pub(crate) mod atomic_file;
pub(crate) mod file_lock;
pub(crate) mod hash_key;
pub(crate) mod locations;
#[cfg(target_os = "linux")]
mod mounts;
pub(crate) mod open_folder;
pub(crate) mod overwrite;
pub(crate) mod parse_error;
pub(crate) mod permissions;
pub(crate) mod replaced_file;
pub(crate) mod secret_file;
pub(crate) mod state_dir;
pub(crate) mod state_folder;
pub(crate) mod write_mode;
