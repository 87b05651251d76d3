//! A process that handles secrets must not write a core dump.
#![cfg(target_os = "linux")]

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::support::files::read;
use crate::support::held_manager::HeldManager;

#[test]
fn a_run_writes_no_core_dump() {
    let held = HeldManager::new("POST /api/sessions");
    let running = held.start(["find-role", "Auditor"]);
    held.wait_until_held();
    let process = PathBuf::from(format!("/proc/{}", running.id()));
    let limits = read(process.join("limits"));
    let core = (limits
        .lines()
        .find(|line| line.starts_with("Max core file size")))
    .expect("it is listed");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // The files in /proc of a process that is not dumpable belong to root (proc(5)). If root runs the test, this check proves nothing.
    let owner = std::fs::metadata(process.join("environ"))
        .expect("the process is alive")
        .uid();
    assert_eq!(owner, 0);
    held.release();
    assert_eq!(running.finish().success(), "2");
}
