//! Facts about the mount of an open file.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _};

use rustix::fs::StatVfsMountFlags;

/// Returns the ID of the mount, or `None` if the kernel does not show it.
pub(super) fn mount_id(descriptor: impl AsFd) -> Option<String> {
    let number = descriptor.as_fd().as_raw_fd();
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let id = text.lines().find_map(|line| line.strip_prefix("mnt_id:"))?;
    Some(id.trim().to_owned())
}

/// Returns true if the mount or its file system is read-only.
pub(super) fn is_read_only(descriptor: impl AsFd) -> bool {
    rustix::fs::fstatvfs(descriptor)
        .is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Returns true if the file is on the mount of the root folder. If the mount IDs are unknown, returns true if both mounts are read-only or both
/// are writable.
pub(super) fn is_on_root_mount(file: &File) -> bool {
    let Ok(root) = File::open("/") else {
        return true;
    };
    if is_read_only(file) != is_read_only(&root) {
        return false;
    }
    match (mount_id(file), mount_id(&root)) {
        (Some(file), Some(root)) => file == root,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_folder_is_on_the_root_mount_and_a_process_file_is_not() {
        let is_on_root = |path: &str| File::open(path).is_ok_and(|file| is_on_root_mount(&file));
        assert!(is_on_root("/"));
        assert!(!is_on_root("/proc/self/status"));
    }
}
