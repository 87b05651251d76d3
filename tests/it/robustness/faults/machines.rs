//! The testbed of a scenario: one manager, and machines that each have a state folder and a relay to the manager.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use swp_keys::sandbox::{ApiKey, Fault, Sandbox};

use super::conditions::{SmallDisk, make_room};
use super::execution::{Job, Outcome, Watch};
use super::relay::FaultyRelay;
use super::scenario::{IfExists, Naming, Place, Run, SETTLE, Scenario, Sink, TIMEOUT};
use crate::support::fixed_files::{Fixed, small_disk};
use crate::support::{Home, TestEnv, set_mode};

/// A machine: a home with a state folder, and a relay to the manager.
pub(super) struct Machine {
    pub(super) home: Home,
    pub(super) relay: FaultyRelay,
}

impl Machine {
    fn before(manager: &Home, sandbox: &Arc<Sandbox>) -> Self {
        let relay = FaultyRelay::before(sandbox);
        let mut home = Home::new();
        home.set("SWP_URL", relay.url());
        home.set("SWP_CA_CERT", manager.path("manager.pem"));
        home.set("SWP_USERNAME", "admin");
        home.set("SWP_PASSWORD_FILE", manager.path("password"));
        Self { home, relay }
    }

    /// Returns the folder of the records.
    pub(super) fn records(&self) -> PathBuf {
        self.home.path("state/unfinished")
    }
}

/// The manager, the machines, and the keys that existed before the first run.
pub(super) struct Testbed {
    /// The mounted small disks. They are unmounted before the folders that contain them are removed.
    disks: Mutex<Vec<(PathBuf, Fixed)>>,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) machines: Vec<Machine>,
    pub(super) before: Vec<ApiKey>,
    /// The requested name of the key, and the name that the manager stores.
    names: [String; 2],
    /// The home with the certificate, the password, and the shared dotenv file.
    home: Home,
}

impl Testbed {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let TestEnv { sandbox, home } = TestEnv::with(scenario.settings());
        let sandbox = Arc::new(sandbox);
        for _ in 0..scenario.existing {
            let id = sandbox.add_key(&scenario.stored_name(), 2).id;
            if scenario.runs.iter().any(|run| run.rotates) {
                // The successor inherits this time zone, which identifies the run of each request.
                sandbox.edit_key(id, |key| {
                    key.description = Some(run_marker(0));
                    key.time_zone = zone(0).to_owned();
                });
            }
        }
        // Two keys that no run may touch: a name that differs only in case, and a name with the same beginning.
        sandbox.add_key("CI", 2);
        sandbox.add_key("ci-2", 2);
        let machines = 1
            + (scenario.runs.iter().map(|run| run.machine))
                .max()
                .unwrap_or(0);
        write_dotenv(&home.path(SHARED));
        let testbed = Self {
            disks: Mutex::default(),
            names: [scenario.name().to_owned(), scenario.stored_name()],
            machines: (0..machines)
                .map(|_| Machine::before(&home, &sandbox))
                .collect(),
            before: {
                make_old(&sandbox);
                sandbox.api_keys()
            },
            sandbox,
            home,
        };
        testbed.inject(&scenario.faults);
        for run in &scenario.runs {
            if run.run_conditions.disk == Some(SmallDisk::State) {
                let state = testbed.machines[run.machine].home.path("state");
                std::fs::create_dir_all(&state).expect("a folder");
                set_mode(&state, 0o700);
                testbed.mount(state);
            }
        }
        testbed
    }

    pub(super) fn inject(&self, faults: &[String]) {
        for fault in faults {
            let fault: Fault = fault
                .parse()
                .unwrap_or_else(|error| panic!("{fault}: {error}"));
            self.sandbox.inject(fault);
        }
    }

    /// Mounts a small disk, once.
    fn mount(&self, folder: PathBuf) {
        let mut disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        if disks.iter().all(|(other, _)| *other != folder) {
            let disk = small_disk(&folder).expect("a disk can be mounted, as it could before");
            disks.push((folder, disk));
        }
    }

    /// Frees the full disks.
    pub(super) fn make_room(&self) {
        let disks = self.disks.lock().unwrap_or_else(PoisonError::into_inner);
        disks.iter().for_each(|(folder, _)| make_room(folder));
    }

    /// Runs all runs, simultaneously or one after the other.
    pub(super) fn run_to_end(&self, scenario: &Scenario) -> Vec<Outcome> {
        let run_to_end = |(index, run): (usize, &Run)| self.job(index, run).run_to_end(self);
        if !scenario.together {
            return scenario.runs.iter().enumerate().map(run_to_end).collect();
        }
        std::thread::scope(|scope| {
            let active: Vec<_> = (scenario.runs.iter().enumerate())
                .map(|run| scope.spawn(move || run_to_end(run)))
                .collect();
            (active.into_iter())
                .map(|run| run.join().expect("a run was executed"))
                .collect()
        })
    }

    pub(super) fn job<'a>(&self, index: usize, run: &'a Run) -> Job<'a> {
        self.job_in(index, run, times())
    }

    /// Returns the job of a run with these timeouts.
    pub(super) fn job_in<'a>(
        &self,
        index: usize,
        run: &'a Run,
        times: impl Iterator<Item = OsString>,
    ) -> Job<'a> {
        let home = &self.machines[run.machine].home;
        let mut arguments = arguments(index, run, &self.names);
        arguments.extend(times);
        let mut files = Vec::new();
        for (number, place) in run.sink.places().iter().enumerate() {
            if *place == Place::Shared {
                let file = self.home.path(SHARED);
                let variable = variable(index).into();
                let words = [
                    "--dotenv".into(),
                    file.clone().into(),
                    "--env-name".into(),
                    variable,
                ];
                arguments.extend(words);
                files.push(file);
                continue;
            }
            // Each sink has its own folder, so that it can be broken separately.
            let folder = home.path(&format!("sink-{index}-{number}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            if number == 0 && run.run_conditions.disk == Some(SmallDisk::Sink) {
                self.mount(folder.clone());
            }
            let file = folder.join("key");
            arguments.extend(sink(*place, &file));
            files.push(file);
        }
        Job {
            run: Some(if run.rotates { 0 } else { index }),
            variable: (run.sink == Sink::Shared).then(|| variable(index)),
            full: run.sink == Sink::Full,
            files,
            watch: Watch {
                network_faults: &run.network_faults,
                kill: run.kill.as_ref(),
                breakage: run.breakage,
                run_conditions: Some(&run.run_conditions),
            },
            ..Job::plain(run.machine, arguments)
        }
    }
}

/// Makes all existing keys one day old, so that every search finds them.
fn make_old(sandbox: &Sandbox) {
    const DAY: i64 = 86_400_000;
    for key in sandbox.api_keys() {
        sandbox.edit_key(key.id, |key| key.created -= DAY);
    }
}

/// The dotenv file that several runs write to.
const SHARED: &str = "shared.env";

fn variable(index: usize) -> String {
    format!("KEY_{index}")
}

/// Returns the time zone of the keys that a run creates. No manager alters it, so that it identifies the run.
pub(super) fn zone(index: usize) -> &'static str {
    const ZONES: [&str; 6] = [
        "Asia/Tokyo",
        "Europe/Berlin",
        "Europe/London",
        "America/Chicago",
        "Asia/Kolkata",
        "Africa/Cairo",
    ];
    ZONES[index % ZONES.len()]
}

/// Returns the text that a run puts into the description of its keys.
fn run_marker(index: usize) -> String {
    format!("run-{index}")
}

/// Returns the flag of one target and its value. The secret ends up in `file`.
fn sink(place: Place, file: &Path) -> [OsString; 2] {
    let path = file.display();
    match place {
        Place::File => ["--out-file".into(), file.into()],
        Place::Dotenv => {
            write_dotenv(file);
            ["--dotenv".into(), file.into()]
        }
        Place::Command => {
            let command = format!("sh -c 'umask 077; cat > {path}'");
            ["--deliver-cmd".into(), command.into()]
        }
        Place::Refusal => {
            let command = "sh -c 'cat > /dev/null; exit 3'";
            ["--deliver-cmd".into(), command.into()]
        }
        Place::Shared => unreachable!("its name is its run's"),
    }
}

fn write_dotenv(file: &Path) {
    std::fs::write(file, "# mine\nOTHER=1\n").expect("a file");
    set_mode(file, 0o600);
}

fn arguments(index: usize, run: &Run, [name, stored_name]: &[String; 2]) -> Vec<OsString> {
    if run.rotates {
        let verify = run.verify.then_some("--verify");
        let words = ["rotate-key", "-q", stored_name.as_str()]
            .into_iter()
            .chain(verify);
        return words.map(OsString::from).collect();
    }
    let mut words = vec!["create-key", "-q"];
    words.extend(match run.role_by_name {
        true => ["--role", "Auditor"],
        false => ["--role-id", "2"],
    });
    let run_marker = run_marker(index);
    words.extend(["--description", &run_marker, "--time-zone", zone(index)]);
    match run.naming {
        Naming::Default => {}
        Naming::Named => words.extend(["--name", name]),
        Naming::Unmarked => words.extend(["--name", name, "--no-mark"]),
    }
    match run.if_exists {
        IfExists::Fail => {}
        IfExists::Skip => words.extend(["--if-exists", "skip"]),
        IfExists::Rekey => words.extend(["--if-exists", "rekey"]),
    }
    if run.verify {
        words.push("--verify");
    }
    words.into_iter().map(OsString::from).collect()
}

/// Returns flags with timeouts that are short enough for hundreds of runs.
pub(super) fn times() -> impl Iterator<Item = OsString> {
    waiting(TIMEOUT)
}

/// Returns flags with long timeouts, for runs without faults on a machine that may be slow.
pub(super) fn long_timeouts() -> impl Iterator<Item = OsString> {
    waiting(Duration::from_secs(30))
}

fn waiting(timeout: Duration) -> impl Iterator<Item = OsString> {
    let wait = format!("{}ms", timeout.as_millis());
    let settle = format!("{}ms", SETTLE.as_millis());
    [
        "--timeout",
        &wait,
        "--connect-timeout",
        &wait,
        "--settle-timeout",
        &settle,
        "--retries",
        "2",
    ]
    .map(OsString::from)
    .into_iter()
}
