//! Overwrites a file in place. This module is used only for a file that cannot be replaced.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// Overwrites a file that contains `before`, so that it contains `content`. If a write fails, restores `before`.
pub(super) fn overwrite(file: &File, before: &[u8], content: &[u8]) -> io::Result<()> {
    let written = reserve(file, content.len()).and_then(|()| write_over(file, content));
    written.map_err(|error| match write_over(file, before) {
        Ok(()) => error,
        Err(other) => io::Error::other(format!(
            "{error}; the old content of the file could not be restored: {other}"
        )),
    })
}

fn write_over(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

/// Reserves disk space for the new content, and checks the file size limit of the process. After these checks, neither a full disk nor the
/// limit can interrupt the write and damage the file.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: usize) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| {
        limit
            < file
                .metadata()
                .map_or(0, |now| now.len())
                .max(length as u64)
    }) {
        return Err(Errno::FBIG.into());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length.max(1) as u64) {
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "this function can fail on other systems"
)]
fn reserve(_file: &File, _length: usize) -> io::Result<()> {
    Ok(())
}
