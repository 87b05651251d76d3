//! The state folder and the home folder.

#[cfg(unix)]
mod home_folder;
#[cfg(unix)]
mod state_dir;
