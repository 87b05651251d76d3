//! A run that is still going on.

use std::io::Read as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::Ran;

/// Longer than any run here takes, on a machine that has much else to do.
const DEADLINE: Duration = Duration::from_secs(60);

/// A run that is still going on; it is killed if a test ends before it does.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts with pipes for stdout and stderr.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            child: child.spawn().expect("the binary starts"),
        }
    }

    /// The reader of stdout goes away.
    pub(crate) fn stop_reading_stdout(&mut self) {
        drop(self.child.stdout.take());
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

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the run is there");
    }

    /// Sends a signal again and again, as an impatient person does, until the run has ended. Two that come at once count as one, so
    /// twice is not enough for certain.
    #[cfg(unix)]
    pub(crate) fn insist(mut self, signal: rustix::process::Signal) -> Ran {
        let begun = Instant::now();
        while self.child.try_wait().expect("the run is ours").is_none() {
            assert!(begun.elapsed() < DEADLINE, "the run goes on and on");
            self.signal(signal);
            std::thread::yield_now();
        }
        self.finish()
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Ran {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the run is ours") {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "the run goes on and on");
            std::thread::sleep(Duration::from_millis(2));
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout).expect("stdout is read");
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_end(&mut stderr).expect("stderr is read");
        }
        Ran::from(Output {
            status,
            stdout,
            stderr,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and that is all right.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
