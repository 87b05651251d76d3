//! Runs the binary and measures its peak memory.
//!
//! Linux counts the memory of the parent at `execve` towards the child's peak, and the test process is large. Therefore this test
//! binary is started a second time as a small launcher, which starts the run and writes the measurement to a file.

use std::ffi::OsString;
use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wait4::Wait4 as _;

use crate::support::running::Running;
use crate::support::{Home, RunResult, binary};

/// The arguments of the run, as JSON.
const ORDER: &str = "SWP_TEST_LAUNCH";
const STDOUT: &str = "launched.stdout";
const STDERR: &str = "launched.stderr";
const REPORT: &str = "launched.json";

/// The result of a run, and its peak memory in bytes.
pub(super) struct Measured {
    pub(super) result: RunResult,
    pub(super) peak: u64,
}

/// Runs the binary with these arguments below a launcher process.
pub(super) fn run(home: &Home, arguments: &[&str]) -> Measured {
    let test_binary = std::env::current_exe().expect("the path of this binary");
    let mut command = home.program(&test_binary);
    command
        .args([
            "--exact",
            "robustness::hostile::launcher::launched",
            "--nocapture",
        ])
        .env(ORDER, json!(arguments).to_string());
    let launcher = Running::start(&mut command).finish();
    assert_eq!(launcher.code(), 0, "{}{}", launcher.stdout, launcher.stderr);
    let read = |name| std::fs::read(home.path(name)).expect("the launcher wrote it");
    let report: Value = serde_json::from_slice(&read(REPORT)).expect("JSON");
    let text = |name| String::from_utf8(read(name)).expect("what is printed is UTF-8");
    let number = |name: &str| report[name].as_i64().expect("a number");
    Measured {
        result: RunResult {
            status: std::os::unix::process::ExitStatusExt::from_raw(
                i32::try_from(number("status")).expect("a status"),
            ),
            stdout: text(STDOUT),
            stderr: text(STDERR),
        },
        peak: number("peak").unsigned_abs(),
    }
}

/// The launcher. As an ordinary test, without its variable, it does nothing.
#[test]
fn launched() {
    let Some(order) = std::env::var_os(ORDER).and_then(|order| order.into_string().ok()) else {
        return;
    };
    let arguments: Vec<String> = serde_json::from_str(&order).expect("arguments");
    let file = |name| File::create(name).expect("a file in the run's folder");
    let mut run = Command::new(binary())
        .args(arguments.into_iter().map(OsString::from))
        .env_remove(ORDER)
        .stdin(Stdio::null())
        .stdout(file(STDOUT))
        .stderr(file(STDERR))
        .spawn()
        .expect("the binary starts");
    let used = run.wait4().expect("the run ends");
    let status = std::os::unix::process::ExitStatusExt::into_raw(used.status);
    let report = json!({"status": status, "peak": used.rusage.maxrss});
    std::fs::write(REPORT, report.to_string()).expect("a file in the run's folder");
}
