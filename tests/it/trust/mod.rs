//! Which certificates a run trusts, and which managers are pinned.

mod ca_files;
mod certificate_names;
mod certificate_problems;
mod chains;
#[cfg(unix)]
mod fingerprints;
#[cfg(unix)]
mod first_use;
mod fixtures;
mod handshake_refusals;
mod next_steps;
#[cfg(unix)]
mod openssl;
mod pin_file;
mod pin_store;
#[cfg(unix)]
mod pins;
#[cfg(target_os = "linux")]
mod system_roots;
mod verification;
