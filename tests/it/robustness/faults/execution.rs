//! Starts a process, observes it, breaks its sinks, kills it, and collects its outcome.

use std::ffi::OsString;
use std::fs;
use std::io::{PipeReader, PipeWriter};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal as UnixSignal, kill_process};

use super::conditions::{ActiveConditions, RunConditions};
use super::machines::{Machine, Testbed, zone};
use super::output_reader::Reader;
use super::relay::NetworkFault;
use super::scenario::{Breakage, CREATE, Kill, Point, Signal};

/// The time after which a run counts as hanging.
const DEADLINE: Duration = Duration::from_secs(60);
/// The interval between two checks of the run.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A command to run, and what happens to it.
pub(super) struct Job<'a> {
    pub(super) machine: usize,
    /// The index of the run, which is visible in its keys. A recovery has none.
    pub(super) run: Option<usize>,
    /// The variable of the run in a dotenv file that several runs share.
    pub(super) variable: Option<String>,
    /// The program that starts the run, with its arguments.
    pub(super) wrapper: Vec<OsString>,
    pub(super) arguments: Vec<OsString>,
    /// Whether stdout is a full disk.
    pub(super) full: bool,
    pub(super) files: Vec<PathBuf>,
    pub(super) watch: Watch<'a>,
}

/// What happens to a run while it is active.
#[derive(Default)]
pub(super) struct Watch<'a> {
    pub(super) network_faults: &'a [NetworkFault],
    pub(super) kill: Option<&'a Kill>,
    pub(super) breakage: Option<Breakage>,
    pub(super) run_conditions: Option<&'a RunConditions>,
}

/// The outcome of a run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) machine: usize,
    pub(super) arguments: Vec<OsString>,
    /// The exit code, or none if a signal killed the run.
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) files: Vec<PathBuf>,
    variable: Option<String>,
    /// The start time in milliseconds since the Unix epoch.
    pub(super) started: i64,
    /// The conditions that took effect.
    pub(super) conditions: Vec<&'static str>,
    /// The injected signals and breakage, for reports.
    pub(super) injected: String,
    /// Whether the manager responded before the sink was broken, so that the delivery may have been complete.
    pub(super) broken_late: bool,
}

impl Outcome {
    /// Returns the delivered secrets that can still be read.
    pub(super) fn delivered(&self) -> Vec<String> {
        let files = self
            .files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok());
        files
            .chain([self.stdout.clone()])
            .filter_map(|text| match &self.variable {
                Some(variable) => secret_in_line_of(variable, &text),
                None => secret_in(&text),
            })
            .collect()
    }

    /// Describes the run for a failure report.
    pub(super) fn report(&self) -> String {
        let words: Vec<_> = self
            .arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        let files: Vec<_> = (self.files.iter())
            .map(|file| format!("{}: {:?}", file.display(), fs::read_to_string(file)))
            .collect();
        format!(
            "machine {}: swp-keys {}\n  exit {:?}, signal {:?}; {}\n  stdout: {:?}\n  stderr: {:?}\n  files: {files:?}\n",
            self.machine,
            words.join(" "),
            self.code,
            self.signal,
            self.injected,
            self.stdout,
            self.stderr
        )
    }

    /// Returns true if a signal killed the run before it could report anything.
    pub(super) fn was_killed(&self) -> bool {
        self.code.is_none()
    }
}

impl<'a> Job<'a> {
    /// A run without faults.
    pub(super) fn plain(machine: usize, arguments: Vec<OsString>) -> Self {
        Self {
            machine,
            run: None,
            variable: None,
            wrapper: Vec::new(),
            arguments,
            full: false,
            files: Vec::new(),
            watch: Watch::default(),
        }
    }

    pub(super) fn run_to_end(self, testbed: &Testbed) -> Outcome {
        let machine = &testbed.machines[self.machine];
        machine.relay.set_network_faults(self.watch.network_faults);
        let mut active = ActiveRun::start(self, testbed, machine);
        let status = loop {
            if let Some(status) = active
                .child
                .try_wait()
                .expect("the process is a child of the test")
            {
                break status;
            }
            if active.started.elapsed() > DEADLINE {
                let _ = active.child.kill();
                panic!("{:?} does not end", active.job.arguments);
            }
            active.stdout.read();
            active.stderr.read();
            active.poll();
            std::thread::sleep(POLL_INTERVAL);
        };
        machine.relay.stop();
        active.around.clean_up(active.child.id());
        Outcome {
            machine: active.job.machine,
            arguments: active.job.arguments,
            code: status.code(),
            signal: status.signal(),
            stdout: active.stdout.text(),
            stderr: active.stderr.text(),
            files: active.job.files,
            variable: active.job.variable,
            started: active.started_at,
            conditions: active.around.conditions,
            injected: format!("{} signals; broken: {}", active.sent, active.broken),
            broken_late: active.broken_late,
        }
    }
}

struct ActiveRun<'a> {
    job: Job<'a>,
    testbed: &'a Testbed,
    machine: &'a Machine,
    child: Child,
    started: Instant,
    started_at: i64,
    around: ActiveConditions,
    stdout: Reader<PipeReader>,
    /// The write end of the pipe. It shows when no process reads from the pipe.
    stdout_writer: PipeWriter,
    stderr: Reader<ChildStderr>,
    /// The number of requests before the start of this run.
    earlier_requests: usize,
    records_before: usize,
    record_seen: bool,
    sent: usize,
    broken: bool,
    broken_late: bool,
}

impl<'a> ActiveRun<'a> {
    fn start(job: Job<'a>, testbed: &'a Testbed, machine: &'a Machine) -> Self {
        let earlier_requests = testbed.sandbox.requests().len();
        let records_before = count(&machine.records());
        let mut command = machine.home.command(&job.arguments);
        let usual = RunConditions::default();
        let run_conditions = job.watch.run_conditions.unwrap_or(&usual);
        let around = ActiveConditions::new(run_conditions, &mut command, &machine.home);
        let mut command = wrapped(command, &[around.shell(), job.wrapper.clone()].concat());
        let (stdout, stdout_writer) = std::io::pipe().expect("a pipe");
        let of_the_run = stdout_writer.try_clone().expect("a copy of its end");
        command.stdout(of_the_run).stderr(Stdio::piped());
        if job.full {
            command.stdout(
                fs::File::options()
                    .write(true)
                    .open("/dev/full")
                    .expect("a full disk"),
            );
        }
        let mut child = command.spawn().expect("the binary starts");
        Self {
            stdout: Reader::of(Some(stdout)),
            stdout_writer,
            stderr: Reader::of(child.stderr.take()),
            job,
            testbed,
            machine,
            child,
            started: Instant::now(),
            started_at: testbed.sandbox.now(),
            around,
            earlier_requests,
            records_before,
            record_seen: false,
            sent: 0,
            broken: false,
            broken_late: false,
        }
    }

    /// Breaks the sinks and sends signals when their time has come.
    fn poll(&mut self) {
        self.change_run_conditions();
        if let Some(breakage) = self.job.watch.breakage
            && !self.broken
            && self.create_status() == Some(None)
        {
            self.broken = true;
            self.break_sinks(breakage);
            // If the manager has responded by now, the run may have delivered the secret before the breakage.
            self.broken_late = self.create_status() != Some(None);
        }
        let Some(kill) = self.job.watch.kill else {
            return;
        };
        if self.sent < kill.signals.len() && (self.sent > 0 || self.reached(&kill.point)) {
            let id = Pid::from_child(&self.child);
            // The process has not been reaped, so that no other process can have its ID.
            let _ = kill_process(id, unix(kill.signals[self.sent]));
            self.sent += 1;
            if self.around.ignores_signals() {
                self.around.conditions.push("a signal was ignored");
            }
            if self.sent == kill.signals.len() {
                self.machine.relay.release();
            }
        }
    }

    fn change_run_conditions(&mut self) {
        if self.around.changes() && self.create_status().is_some() {
            let sink = self.job.files.first().and_then(|file| file.parent());
            let state = self.machine.home.path("state");
            self.around.change(&state, sink);
        }
        self.around.rename(self.testbed, self.job.run);
    }

    /// Returns the status of the first create or reset of this run. The inner value is none until the manager has responded.
    fn create_status(&self) -> Option<Option<u16>> {
        let requests = self.testbed.sandbox.requests();
        (requests.iter().skip(self.earlier_requests))
            .find(|request| match self.job.run {
                Some(run) if request.route() == CREATE => {
                    String::from_utf8_lossy(&request.body).contains(zone(run))
                }
                _ => request.path.ends_with("/secretkey"),
            })
            .map(|request| request.status)
    }

    fn reached(&mut self, point: &Point) -> bool {
        match point {
            Point::After(time) => self.started.elapsed() >= *time,
            Point::RecordExists => self.record_is_there(),
            Point::RecordRemoved => {
                self.record_seen |= self.record_is_there();
                self.record_seen && !self.record_is_there()
            }
            Point::Received(route, times) => self.request_count_of(route) >= *times,
            Point::Held => self.machine.relay.is_holding(),
            Point::FileExists => self.job.files.iter().any(|file| file.exists()),
            Point::StdoutWritten => !self.stdout.bytes.is_empty(),
        }
    }

    fn record_is_there(&self) -> bool {
        count(&self.machine.records()) > self.records_before
    }

    fn request_count_of(&self, route: &str) -> usize {
        let (head, tail) = route.split_once('*').unwrap_or((route, ""));
        (self
            .testbed
            .sandbox
            .requests()
            .iter()
            .skip(self.earlier_requests))
        .map(swp_keys::sandbox::Request::route)
        .filter(|request_count_of| match route.contains('*') {
            true => request_count_of.starts_with(head) && request_count_of.ends_with(tail),
            false => request_count_of == route,
        })
        .count()
    }

    fn break_sinks(&mut self, breakage: Breakage) {
        let file = self.job.files.last();
        let folder = file.and_then(|file| file.parent());
        match (breakage, folder, file) {
            (Breakage::ReaderCloses, ..) => self.stdout.leave(&self.stdout_writer),
            (Breakage::FolderRemoved, Some(folder), _) => {
                fs::remove_dir_all(folder).expect("the folder is removed");
            }
            (Breakage::FolderBecomesFile, Some(folder), _) => {
                fs::remove_dir_all(folder).expect("the folder is removed");
                fs::write(folder, "in the way").expect("a file");
            }
            (Breakage::FileAppears, _, Some(file)) => {
                fs::write(file, "another's").expect("a file");
            }
            _ => unreachable!("files are broken where there are some"),
        }
    }
}

/// Returns the secret in a text: the last line, or the value that it assigns. A truncated line contains no secret.
fn secret_in(text: &str) -> Option<String> {
    let line = text.strip_suffix('\n').unwrap_or(text).lines().last()?;
    let line = line
        .strip_prefix("SWP_API_KEY=")
        .unwrap_or(line)
        .trim_matches(['\'', '"']);
    // Secrets of all shapes end with 32 bytes in base64.
    let (_, random) = line.rsplit_once(':')?;
    (random.len() == 44 && random.ends_with('=')).then(|| line.to_owned())
}

/// Returns the secret of one run in a dotenv file that several runs share.
fn secret_in_line_of(variable: &str, text: &str) -> Option<String> {
    let own = |line: &&str| line.starts_with(&format!("{variable}="));
    let line = text.lines().find(own)?;
    secret_in(line.split_once('=')?.1)
}

/// Returns the same command, started by a wrapper program.
fn wrapped(command: Command, wrapper: &[OsString]) -> Command {
    let Some((program, arguments)) = wrapper.split_first() else {
        return command;
    };
    let mut outer = Command::new(program);
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().expect("a home"))
        .stdin(Stdio::null());
    outer
}

/// Returns the number of records in a folder.
fn count(records: &Path) -> usize {
    let names = fs::read_dir(records).into_iter().flatten().flatten();
    names
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .count()
}

fn unix(signal: Signal) -> UnixSignal {
    match signal {
        Signal::Hangup => UnixSignal::HUP,
        Signal::Interrupt => UnixSignal::INT,
        Signal::Kill => UnixSignal::KILL,
        Signal::Quit => UnixSignal::QUIT,
        Signal::Terminate => UnixSignal::TERM,
        Signal::User1 => UnixSignal::USR1,
    }
}
