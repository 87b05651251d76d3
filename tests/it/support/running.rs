//! An active run.

use std::ffi::OsStr;
use std::io::{PipeReader, PipeWriter, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Home, RunResult};

/// Longer than any run takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// An active run. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Option<PipeReader>,
    /// The write end of the pipe for stdout. It shows whether a process still reads from the pipe.
    writer: Option<PipeWriter>,
}

impl Running {
    /// Starts a run with pipes for stdout and stderr.
    pub(crate) fn start(command: &mut Command) -> Self {
        let (stdout, writer) = std::io::pipe().expect("a pipe");
        let theirs = writer.try_clone().expect("a second handle");
        let child = command.stdout(theirs).stderr(Stdio::piped()).spawn();
        // The command would otherwise keep its copy of the pipe open after the run has ended.
        command.stdout(Stdio::null());
        Self {
            child: child.expect("the binary starts"),
            stdout: Some(stdout),
            writer: Some(writer),
        }
    }

    /// Returns the ID of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns true if the process has ended.
    #[cfg(unix)]
    pub(crate) fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait();
        status.expect("the state of the process").is_some()
    }

    /// Closes the read end of stdout.
    pub(crate) fn stop_reading_stdout(&mut self) {
        drop(self.stdout.take());
        wait_until_unread(
            self.writer
                .as_ref()
                .expect("the file is kept until the end"),
        );
    }

    /// Reads stderr up to a line that contains `part`.
    #[cfg(unix)]
    pub(crate) fn wait_for_line(&mut self, part: &str) {
        use std::io::{BufRead as _, BufReader};
        let pipe = self.child.stderr.as_mut().expect("a pipe");
        let mut line = String::new();
        // A buffer of one byte, so that nothing after this line is taken from the pipe.
        let mut reader = BufReader::with_capacity(1, pipe);
        while !line.contains(part) {
            line.clear();
            let length = reader.read_line(&mut line).expect("stderr is text");
            assert!(length > 0, "the run ended before it said `{part}`");
        }
    }

    /// Sends a signal to a waiting run, and waits until the run has handled it, if the system can show this.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let before = idle::sleeps(&self.child);
        self.kill(signal);
        idle::wait_for_another(&self.child, before);
    }

    /// Sends a signal without waiting for the run to handle it.
    #[cfg(unix)]
    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the run is active");
    }

    /// Sends a signal repeatedly until the run has ended, as an impatient user does. Two signals at the same time count as one, so sending it twice
    /// may not be enough.
    #[cfg(unix)]
    pub(crate) fn signal_until_exit(mut self, signal: rustix::process::Signal) -> RunResult {
        let begun = Instant::now();
        while self
            .child
            .try_wait()
            .expect("the process is a child of the test")
            .is_none()
        {
            assert!(begun.elapsed() < DEADLINE, "the run does not end");
            self.kill(signal);
            std::thread::yield_now();
        }
        self.finish()
    }

    /// Waits for the end of the run.
    pub(crate) fn finish(mut self) -> RunResult {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the process is a child of the test")
            {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "the run does not end");
            std::thread::sleep(Duration::from_millis(2));
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        drop(self.writer.take());
        if let Some(mut pipe) = self.stdout.take() {
            pipe.read_to_end(&mut stdout).expect("stdout is read");
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_end(&mut stderr).expect("stderr is read");
        }
        RunResult::from(Output {
            status,
            stdout,
            stderr,
        })
    }
}

/// Starts all commands at once, and waits until all of them have ended.
pub(crate) fn run_at_once(commands: impl IntoIterator<Item = Command>) -> Vec<RunResult> {
    let children: Vec<Child> = (commands.into_iter())
        .map(|mut command| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the binary starts")
        })
        .collect();
    (children.into_iter())
        .map(|child| RunResult::from(child.wait_with_output().expect("the run ends")))
        .collect()
}

/// Asserts that one run succeeded and that all others exited with 6, and returns the delivered secret.
#[track_caller]
pub(crate) fn secret_of_the_only_success<'a>(results: &'a [RunResult], what: &str) -> &'a str {
    let (successes, others): (Vec<_>, Vec<_>) =
        results.iter().partition(|result| result.code() == 0);
    assert_eq!(successes.len(), 1, "{what}: {results:?}");
    for result in others {
        result.failure(6);
    }
    successes[0].success()
}

/// Runs the same command on several machines at once: each run has its own state folder, `state-0` and so on.
pub(crate) fn run_on_machines<S: AsRef<OsStr>>(
    home: &Home,
    machines: usize,
    arguments: &[S],
) -> Vec<RunResult> {
    run_at_once((0..machines).map(|machine| {
        let mut command = home.command(arguments);
        command.env("SWP_STATE_DIR", home.path(&format!("state-{machine}")));
        command
    }))
}

/// Waits until no process has the read end of a pipe open. Tests run in parallel, and each process that another test starts inherits all open files
/// until its `exec`.
#[cfg(unix)]
pub(crate) fn wait_until_unread(writer: &PipeWriter) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // POLLERR is reported without being requested (POSIX, poll()).
    let mut polled = [PollFd::new(writer, PollFlags::empty())];
    let deadline = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let ready = poll(&mut polled, Some(&deadline)).expect("poll succeeds");
    assert_eq!(ready, 1, "a process still reads from the pipe");
}

#[cfg(not(unix))]
pub(crate) fn wait_until_unread(_writer: &PipeWriter) {}

/// Shows whether a process has been awake: Linux counts how often its main thread went to sleep. A held response must not be released before the run
/// has handled the signal.
#[cfg(target_os = "linux")]
mod idle {
    use super::{Child, DEADLINE, Duration, Instant};

    /// Returns how often the process has gone to sleep when it sleeps, or nothing if it has ended.
    pub(super) fn sleeps(child: &Child) -> Option<u64> {
        let begun = Instant::now();
        loop {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::trim).unwrap_or_default()
            };
            match field("State:").chars().next() {
                Some('S') => return field("voluntary_ctxt_switches:").parse().ok(),
                Some('Z' | 'X') | None => return None,
                _ => assert!(begun.elapsed() < DEADLINE, "the run never sleeps"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process has gone to sleep again, or has ended.
    pub(super) fn wait_for_another(child: &Child, before: Option<u64>) {
        let begun = Instant::now();
        while before.is_some() && sleeps(child) == before {
            assert!(
                begun.elapsed() < DEADLINE,
                "the run did not handle the signal"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod idle {
    use super::Child;

    pub(super) fn sleeps(_child: &Child) {}

    pub(super) fn wait_for_another(_child: &Child, _before: ()) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing a process that has ended fails, which is not an error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
