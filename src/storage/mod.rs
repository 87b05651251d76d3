//! Files: the state folder, atomic replacement, permission checks and locks.

pub(crate) mod atomic_file;
pub(crate) mod file_lock;
pub(crate) mod locations;
pub(crate) mod open_folder;
pub(crate) mod overwrite;
pub(crate) mod parse_error;
pub(crate) mod permissions;

pub(crate) mod replaced_file;
pub(crate) mod state_dir;
pub(crate) mod state_folder;
pub(crate) mod write_mode;
