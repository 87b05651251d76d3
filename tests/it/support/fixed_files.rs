//! Files that the operating system does not allow to be replaced. Creating them requires permissions and file systems that not every machine has. A
//! test that cannot create them prints the reason and checks nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that cannot be replaced until this value is dropped.
pub(crate) struct Fixed {
    undo: Command,
}

impl Drop for Fixed {
    fn drop(&mut self) {
        let undone = self.undo.status();
        assert!(
            undone.is_ok_and(|status| status.success()) || std::thread::panicking(),
            "{:?} failed",
            self.undo
        );
    }
}

/// Mounts one file over another, as `docker run -v` does.
pub(crate) fn mounted(source: &Path, target: &Path) -> Option<Fixed> {
    fixed(
        &[Path::new("mount"), Path::new("--bind"), source, target],
        &[Path::new("umount"), target],
    )
}

/// Mounts one file over another, read-only.
pub(crate) fn mounted_read_only(source: &Path, target: &Path) -> Option<Fixed> {
    let options = Path::new("bind,ro");
    fixed(
        &[Path::new("mount"), Path::new("-o"), options, source, target],
        &[Path::new("umount"), target],
    )
}

/// Mounts a file system of a few pages over a folder.
pub(crate) fn small_disk(target: &Path) -> Option<Fixed> {
    let words = ["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs"].map(Path::new);
    let make: Vec<_> = words.into_iter().chain([target]).collect();
    // The unmount is lazy, because a command that outlives its killed run may still have a file open.
    fixed(&make, &[Path::new("umount"), Path::new("-l"), target])
}

/// Sets an attribute: `i` for immutable or `a` for append-only.
pub(crate) fn with_attribute(attribute: &str, target: &Path) -> Option<Fixed> {
    let [set, clear] = ['+', '-'].map(|sign| PathBuf::from(format!("{sign}{attribute}")));
    let chattr = Path::new("chattr");
    fixed(&[chattr, &set, target], &[chattr, &clear, target])
}

fn fixed(make: &[&Path], undo: &[&Path]) -> Option<Fixed> {
    let command = |words: &[&Path]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    match command(make).output() {
        Ok(output) if output.status.success() => Some(Fixed {
            undo: command(undo),
        }),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            skip(make, why.trim())
        }
        Err(error) => skip(make, &error.to_string()),
    }
}

/// Reports that a test is skipped, and returns `None`.
pub(super) fn skip<T>(make: &[&Path], why: &str) -> Option<T> {
    let required =
        std::env::var_os("SWP_TEST_FIXED_FILES").is_some_and(|value| value == "required");
    assert!(!required, "{make:?} is required here, and failed: {why}");
    let reason = format!("not shown here, since {make:?} failed: {why}\n");
    std::io::stderr()
        .write_all(reason.as_bytes())
        .expect("stderr is there");
    None
}
