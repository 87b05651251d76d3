//! Checks whether the operating system allows a file to be replaced. The check changes nothing.

use std::ffi::OsStr;
use std::io;

#[cfg(target_os = "linux")]
use super::mounts::mount_id;
use super::open_folder::OpenFolder;

/// How the new content of a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// The content is written to a temporary file, which is then renamed to the final name. An existing file with that name is replaced.
    Replace,
    /// The existing file is overwritten in place, because it is a mount point. A rename cannot replace a mount point.
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "a file is never a mount point on Windows")
    )]
    InPlace,
}

/// Returns the way in which new content can be written to the file `name` in this folder.
///
/// # Errors
/// Returns an error if the file can be neither replaced nor overwritten.
#[cfg(target_os = "linux")]
pub(crate) fn write_mode(folder: &OpenFolder, name: &OsStr) -> io::Result<WriteMode> {
    use rustix::fs::{AtFlags, StatxAttributes};
    let fixed = |attributes: StatxAttributes| {
        let immutable = attributes.contains(StatxAttributes::IMMUTABLE);
        let append = attributes.contains(StatxAttributes::APPEND);
        immutable
            .then_some("immutable (`chattr +i`)")
            .or_else(|| append.then_some("append-only (`chattr +a`)"))
    };
    let above = statx(folder, OsStr::new(""), AtFlags::EMPTY_PATH)?;
    if let Some(above) = &above
        && let Some(reason) = fixed(above.stx_attributes)
    {
        return Err(io::Error::other(format!("its folder is {reason}")));
    }
    let file = match statx(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(WriteMode::Replace),
        other => other?,
    };
    let (Some(above), Some(file)) = (above, file) else {
        return Ok(WriteMode::Replace);
    };
    if let Some(reason) = fixed(file.stx_attributes) {
        return Err(io::Error::other(format!("it is {reason}")));
    }
    let known = file.stx_attributes_mask;
    let is_mount = if known.contains(StatxAttributes::MOUNT_ROOT) {
        file.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
    } else {
        is_on_another_mount(folder, name)
    };
    if is_mount {
        return Ok(WriteMode::InPlace);
    }
    let user = rustix::process::geteuid().as_raw();
    let sticky = above.stx_mode & 0o1000 != 0;
    if sticky && user != 0 && file.stx_uid != user && above.stx_uid != user {
        return Err(io::Error::other(
            "it belongs to a different user, and its folder has the sticky bit, so only the owner of the file can replace it",
        ));
    }
    Ok(WriteMode::Replace)
}

/// Returns true if the file is a mount point. This function is used on kernels older than 5.8. It compares mount IDs. Device numbers would not prove
/// a mount point: on an overlay file system, a folder and its files may have different device numbers.
#[cfg(target_os = "linux")]
fn is_on_another_mount(folder: &OpenFolder, name: &OsStr) -> bool {
    folder.open_regular(name, false).is_ok_and(|file| {
        let (file, folder) = (mount_id(file), mount_id(folder));
        file.is_some() && folder.is_some() && file != folder
    })
}

/// Calls statx(2). Returns `None` if the kernel does not support this system call, or if a sandbox (such as a container) blocks it.
#[cfg(target_os = "linux")]
fn statx(
    folder: &OpenFolder,
    name: &OsStr,
    flags: rustix::fs::AtFlags,
) -> io::Result<Option<rustix::fs::Statx>> {
    use rustix::fs::StatxFlags;
    use rustix::io::Errno;
    match rustix::fs::statx(folder, name, flags, StatxFlags::BASIC_STATS) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOSYS | Errno::PERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the way in which new content can be written to the file `name` in this folder. On Unix systems other than Linux, this function
/// checks only whether the file is a mount point. A mount point has a different device number than its folder.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn write_mode(folder: &OpenFolder, name: &OsStr) -> io::Result<WriteMode> {
    use std::os::unix::fs::MetadataExt as _;
    let file = match folder.open_regular(name, false) {
        Ok(file) => file.metadata()?,
        Err(_) => return Ok(WriteMode::Replace),
    };
    let above = std::fs::metadata(folder.path())?;
    Ok(if file.dev() == above.dev() {
        WriteMode::Replace
    } else {
        WriteMode::InPlace
    })
}

/// Returns `Replace`, because a file is never a mount point on Windows.
#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "this function can fail on other systems"
)]
pub(crate) fn write_mode(_folder: &OpenFolder, _name: &OsStr) -> io::Result<WriteMode> {
    Ok(WriteMode::Replace)
}
