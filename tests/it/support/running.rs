//! A run that is still going on.

use std::ffi::OsStr;
use std::io::{PipeReader, PipeWriter, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Home, RunResult};

/// Longer than any run here takes, on a machine that has much else to do.
const DEADLINE: Duration = Duration::from_secs(60);

/// A run that is still going on; it is killed if a test ends before it does.
pub(crate) struct Running {
    child: Child,
    stdout: Option<PipeReader>,
    /// The end that the run writes to. Kept to see whether anybody reads; nobody else can tell.
    writer: Option<PipeWriter>,
}

impl Running {
    /// Starts with pipes for stdout and stderr.
    pub(crate) fn start(command: &mut Command) -> Self {
        let (stdout, writer) = std::io::pipe().expect("a pipe");
        let theirs = writer.try_clone().expect("a second handle");
        let child = command.stdout(theirs).stderr(Stdio::piped()).spawn();
        // Else the command would hold the end that is to be closed when the run has ended.
        command.stdout(Stdio::null());
        Self {
            child: child.expect("the binary starts"),
            stdout: Some(stdout),
            writer: Some(writer),
        }
    }

    /// The process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The reader of stdout goes away.
    pub(crate) fn stop_reading_stdout(&mut self) {
        drop(self.stdout.take());
        wait_until_unread(self.writer.as_ref().expect("it is kept to the end"));
    }

    /// Reads stderr up to a line that holds `part`.
    #[cfg(unix)]
    pub(crate) fn wait_for_line(&mut self, part: &str) {
        use std::io::{BufRead as _, BufReader};
        let pipe = self.child.stderr.as_mut().expect("a pipe");
        let mut line = String::new();
        // One byte at a time would do, but nothing but this line may be taken out of the pipe's way.
        let mut reader = BufReader::with_capacity(1, pipe);
        while !line.contains(part) {
            line.clear();
            let length = reader.read_line(&mut line).expect("stderr is text");
            assert!(length > 0, "the run ended before it said `{part}`");
        }
    }

    /// Sends a signal to a run that waits for something, and goes on when the run has taken note of it, where that can be seen.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let before = idle::sleeps(&self.child);
        self.kill(signal);
        idle::wait_for_another(&self.child, before);
    }

    /// Sends a signal, whether the run takes note of it or not.
    #[cfg(unix)]
    pub(crate) fn kill(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the run is there");
    }

    /// Sends a signal again and again, as an impatient person does, until the run has ended. Two that come at once count as one, so
    /// twice is not enough for certain.
    #[cfg(unix)]
    pub(crate) fn insist(mut self, signal: rustix::process::Signal) -> RunResult {
        let begun = Instant::now();
        while self.child.try_wait().expect("the run is ours").is_none() {
            assert!(begun.elapsed() < DEADLINE, "the run goes on and on");
            self.kill(signal);
            std::thread::yield_now();
        }
        self.finish()
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> RunResult {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the run is ours") {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "the run goes on and on");
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

/// Waits until nobody can read from a pipe any more. Tests run side by side, and each program that one of them is just starting holds
/// all that is open here for a moment.
#[cfg(unix)]
pub(crate) fn wait_until_unread(writer: &PipeWriter) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // No event is asked for; that nobody reads is told without (POSIX, poll()).
    let mut polled = [PollFd::new(writer, PollFlags::empty())];
    let deadline = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let told = poll(&mut polled, Some(&deadline)).expect("the pipe is looked at");
    assert_eq!(told, 1, "somebody goes on reading");
}

#[cfg(not(unix))]
pub(crate) fn wait_until_unread(_writer: &PipeWriter) {}

/// Whether a process has been awake: Linux counts how often its main thread went to sleep. An answer that was held back is to be let go
/// after the signal was noticed, and not just sent, or the answer may come first.
#[cfg(target_os = "linux")]
mod idle {
    use super::{Child, DEADLINE, Duration, Instant};

    /// How often the process has gone to sleep, once it sleeps; none when it has ended.
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

    /// Waits until it has gone to sleep once more, or ended.
    pub(super) fn wait_for_another(child: &Child, before: Option<u64>) {
        let begun = Instant::now();
        while before.is_some() && sleeps(child) == before {
            assert!(begun.elapsed() < DEADLINE, "the run takes no notice");
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
        // One that has ended cannot be killed, and that is all right.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
