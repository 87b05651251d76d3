//! Checks that a file with a secret is private before the secret is read.
//!
//! Platforms store secrets in files whose mode looks open, for example 0440 in Kubernetes and 0444 in Docker Swarm. SECURITY.md lists the files that
//! are accepted, under "Files with secrets". Files that this program writes are not checked here, and always need a mode such as 0600.

use std::fs::{File, Metadata};
use std::path::Path;

use super::permissions::is_loose;
use crate::error::Error;

const FLAG: &str = "add `--allow-loose-permissions`";

/// Rejects a file with a secret if it is not private.
///
/// # Errors
/// Returns a usage error whose hint fits the owner and the mount of the file. `origin` is the flag or environment variable that contains the path
/// of the file.
pub(crate) fn require_private_secret(
    origin: &str,
    path: &Path,
    file: &File,
    metadata: &Metadata,
) -> Result<(), Error> {
    if !is_loose(metadata) || platform::is_accepted(path, file, metadata) {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "{origin}: other users of this machine can read {}",
            path.display()
        ),
        platform::hint(path, file, metadata),
    ))
}

/// Returns the hint for a file that the user can change.
fn chmod(path: &Path) -> String {
    format!("run `chmod 600 {}`, or {FLAG}", path.display())
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs::{File, Metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use super::super::access_list::{self, Grant, Holder, READ};
    use super::super::mounts;
    use super::{FLAG, chmod};

    /// The folder in which Docker and Podman mount secrets.
    const SECRETS: &str = "/run/secrets";
    /// The variable in which systemd passes the folder with the credentials of a service.
    const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
    /// Folders with software for all users of a machine. They may be read-only mounts, but they are the wrong place for a secret. For example, NixOS
    /// copies files into a part of `/nix` that every user can read.
    const SHARED: [&str; 4] = ["/usr", "/nix", "/gnu", "/snap"];

    /// The user and the groups of this process.
    pub(super) struct ProcessUser {
        pub(super) user: u32,
        pub(super) groups: Vec<u32>,
    }

    impl ProcessUser {
        fn of_this_process() -> Self {
            let groups = rustix::process::getgroups().unwrap_or_default();
            let own = rustix::process::getegid();
            Self {
                user: rustix::process::geteuid().as_raw(),
                groups: groups
                    .into_iter()
                    .chain([own])
                    .map(|id| id.as_raw())
                    .collect(),
            }
        }

        fn is_self_or_root(&self, user: u32) -> bool {
            user == self.user || user == 0
        }

        /// Returns true if these grants give permissions to no other user. A file of root may also be readable for groups of this process, unless
        /// this process runs as root.
        pub(super) fn is_only_holder(&self, owner: u32, grants: &[Grant]) -> bool {
            let is_group_of_platform = |group: u32, permissions: u16| {
                let is_chosen_by_root = owner == 0 && self.user != 0;
                is_chosen_by_root && permissions == READ && self.groups.contains(&group)
            };
            let is_allowed = |grant: &Grant| match grant.holder {
                Holder::User(user) => self.is_self_or_root(user),
                Holder::Group(group) => is_group_of_platform(group, grant.permissions),
                Holder::Everyone => false,
            };
            self.is_self_or_root(owner) && grants.iter().all(is_allowed)
        }
    }

    /// Returns true if a platform has made this file available to this process, although the mode of the file looks open.
    pub(super) fn is_accepted(path: &Path, file: &File, metadata: &Metadata) -> bool {
        let process = ProcessUser::of_this_process();
        let grants = access_list::of_file(file, metadata.mode(), metadata.gid());
        if grants.is_some_and(|grants| process.is_only_holder(metadata.uid(), &grants)) {
            return true;
        }
        let Some(real) = real_path(path, metadata) else {
            return false;
        };
        let is_of_root = metadata.uid() == 0 && metadata.mode() & 0o022 == 0;
        (is_of_root && (is_in_secrets(&real) || is_on_dedicated_mount(&real, file)))
            || (process.is_self_or_root(metadata.uid()) && is_in_credentials(&real, &process))
    }

    /// Returns the path of the open file without symbolic links. Returns `None` if the path now leads to a different file.
    fn real_path(path: &Path, opened: &Metadata) -> Option<PathBuf> {
        let real = path.canonicalize().ok()?;
        let found = real.symlink_metadata().ok()?;
        let is_same = (found.dev(), found.ino()) == (opened.dev(), opened.ino());
        is_same.then_some(real)
    }

    /// Returns true if the file is in `/run/secrets`, and only root can change that folder.
    fn is_in_secrets(real: &Path) -> bool {
        let Ok(folder) = Path::new(SECRETS).canonicalize() else {
            return false;
        };
        let is_of_root = |found: Metadata| found.uid() == 0 && found.mode() & 0o022 == 0;
        real.starts_with(&folder) && folder.metadata().is_ok_and(is_of_root)
    }

    /// Returns true if the file is in the folder of systemd's credentials, and no other user can enter that folder. The variable alone proves nothing,
    /// because any program may have set it.
    fn is_in_credentials(real: &Path, process: &ProcessUser) -> bool {
        let is_private = || {
            let folder = PathBuf::from(std::env::var_os(CREDENTIALS)?);
            let folder = folder.canonicalize().ok()?;
            let metadata = folder.metadata().ok()?;
            let grants = access_list::of_path(&folder, metadata.mode(), metadata.gid())?;
            let is_private = process.is_only_holder(metadata.uid(), &grants);
            Some(is_private && real.starts_with(&folder))
        };
        is_private().unwrap_or_default()
    }

    /// Returns true if the file is on a read-only mount that does not contain the software of this machine.
    fn is_on_dedicated_mount(real: &Path, file: &File) -> bool {
        mounts::is_read_only(file) && !is_shared(real, file)
    }

    fn is_shared(real: &Path, file: &File) -> bool {
        SHARED.iter().any(|folder| real.starts_with(folder)) || mounts::is_on_root_mount(file)
    }

    /// Returns the hint for a file that is not private.
    pub(super) fn hint(path: &Path, file: &File, metadata: &Metadata) -> String {
        let own = rustix::process::geteuid().as_raw();
        if mounts::is_read_only(file) {
            let real = path.canonicalize().unwrap_or_default();
            return match is_shared(&real, file) {
                true => format!("store the secret in a file that only you can read, or {FLAG}"),
                false => format!(
                    "set the owner of the file to the user ID {own} and its mode to 0400 at the source of the read-only mount, or {FLAG}"
                ),
            };
        }
        if own != 0 && metadata.uid() != own {
            let path = path.display();
            return format!("run `chown {own} {path} && chmod 600 {path}` as root, or {FLAG}");
        }
        chmod(path)
    }
}

/// On other systems, no platform makes secrets available in files of root.
#[cfg(not(target_os = "linux"))]
mod platform {
    use std::fs::{File, Metadata};
    use std::path::Path;

    /// Returns false, because only the mode counts.
    pub(super) fn is_accepted(_path: &Path, _file: &File, _metadata: &Metadata) -> bool {
        false
    }

    /// Returns the hint for a file that is not private.
    pub(super) fn hint(path: &Path, _file: &File, _metadata: &Metadata) -> String {
        super::chmod(path)
    }
}
