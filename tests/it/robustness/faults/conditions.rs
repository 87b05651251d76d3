//! The conditions of a run, which may change while it is active: the clock, the file descriptors, the disk, ignored signals, and renames of its key.
//!
//! A clock that jumps requires libfaketime, and a disk of a few pages requires a mount. If the machine lacks one of them, the harness prints that
//! once and draws no scenario with that condition. `SWP_TEST_FAKETIME=required` (or the path of the library) and `SWP_TEST_FIXED_FILES=required` turn
//! this into a failure.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::machines::{Testbed, zone};
use super::seeds::print_line;
use crate::support::Home;
use crate::support::fixed_files::small_disk;

/// The name of a key after a rename by hand.
pub(super) const RENAMED: &str = "renamed by hand";
const FILLER: &str = ".filler";
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// The unusual conditions of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunConditions {
    pub(super) clock: Option<WrongClock>,
    /// `ulimit -n`.
    pub(super) descriptors: Option<u32>,
    /// The run ignores signals, as under `nohup` or in the background of a shell.
    pub(super) ignores_signals: bool,
    /// The disk that becomes full when the manager receives the create or reset.
    pub(super) disk: Option<SmallDisk>,
    /// The key is renamed as soon as it exists.
    pub(super) renamed: bool,
}

/// How many seconds the wall clock is ahead. The boot clock is correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongClock {
    pub(super) first: i64,
    /// The offset after the manager has received the create or reset.
    pub(super) then: i64,
}

/// The mount point of a disk of a few pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmallDisk {
    /// The state folder.
    State,
    /// The folder of the first sink.
    Sink,
}

/// Returns the path of libfaketime if it is installed and works.
pub(super) fn faketime() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let named = std::env::var_os("SWP_TEST_FAKETIME");
        let library = named.as_ref().filter(|named| *named != "required");
        let found = (library.map(PathBuf::from).into_iter())
            .chain(LIBRARIES.map(PathBuf::from))
            .find(|library| shifts_clocks(library));
        assert!(
            found.is_some() || named.is_none(),
            "libfaketime is required here"
        );
        if found.is_none() {
            print_line("no clock jumps in these runs, since libfaketime is not installed");
        }
        found
    });
    found.as_deref()
}

fn shifts_clocks(library: &Path) -> bool {
    if !library.exists() {
        return false;
    }
    let describe = Command::new("date")
        .arg("+%Y")
        .env("LD_PRELOAD", library)
        .env("FAKETIME", "2001-02-03 04:05:06")
        .stdin(Stdio::null())
        .output();
    describe.is_ok_and(|describe| describe.stdout.starts_with(b"2001"))
}

/// Returns true if a small disk can be mounted.
pub(super) fn disks() -> bool {
    static WORK: OnceLock<bool> = OnceLock::new();
    *WORK.get_or_init(|| {
        let home = Home::new();
        let works = small_disk(&home.path("")).is_some();
        if !works {
            print_line("no disk gets full in these runs, since none can be mounted");
        }
        works
    })
}

/// The conditions of an active run.
pub(super) struct ActiveConditions {
    run_conditions: RunConditions,
    clock: Option<PathBuf>,
    changed: bool,
    renamed: bool,
    /// The conditions that took effect.
    pub(super) conditions: Vec<&'static str>,
}

impl ActiveConditions {
    /// Prepares the command for these conditions.
    pub(super) fn new(run_conditions: &RunConditions, command: &mut Command, home: &Home) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mut conditions = Vec::new();
        let clock = run_conditions
            .clock
            .zip(faketime())
            .map(|(clock, library)| {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let file = home.path(&format!("clock-{number}"));
                set_clock(&file, clock.first);
                command
                    .env("LD_PRELOAD", library)
                    .env("FAKETIME_TIMESTAMP_FILE", &file)
                    .env("FAKETIME_NO_CACHE", "1")
                    .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                    .env("NO_FAKE_STAT", "1");
                conditions.push("a wrong clock");
                file
            });
        conditions.extend(run_conditions.descriptors.map(|_| "few descriptors"));
        Self {
            run_conditions: run_conditions.clone(),
            clock,
            changed: false,
            renamed: false,
            conditions,
        }
    }

    /// Returns the shell command that sets limits and ignores signals, or nothing if neither is needed.
    pub(super) fn shell(&self) -> Vec<OsString> {
        let mut words = String::new();
        if self.run_conditions.ignores_signals {
            words.push_str("trap '' HUP INT QUIT TERM USR1; ");
        }
        if let Some(descriptors) = self.run_conditions.descriptors {
            words.push_str(&format!("ulimit -n {descriptors}; "));
        }
        if words.is_empty() {
            return Vec::new();
        }
        words.push_str("exec \"$@\"");
        ["sh", "-c", &words, "sh"].map(OsString::from).to_vec()
    }

    /// Returns true if a condition changes during the run.
    pub(super) fn changes(&self) -> bool {
        !self.changed && (self.clock.is_some() || self.run_conditions.disk.is_some())
    }

    /// Applies the changes that are due when the manager has received the create or reset.
    pub(super) fn change(&mut self, state: &Path, sink: Option<&Path>) {
        self.changed = true;
        if let (Some(file), Some(clock)) = (&self.clock, self.run_conditions.clock)
            && clock.first != clock.then
        {
            set_clock(file, clock.then);
            self.conditions.push("a clock jumped");
        }
        let full = match self.run_conditions.disk {
            Some(SmallDisk::State) => Some(state),
            Some(SmallDisk::Sink) => sink,
            None => None,
        };
        if let Some(folder) = full {
            fill(folder);
            self.conditions.push("a disk got full");
        }
    }

    pub(super) fn ignores_signals(&self) -> bool {
        self.run_conditions.ignores_signals
    }

    /// Renames the key of the run as soon as it exists.
    pub(super) fn rename(&mut self, testbed: &Testbed, index: Option<usize>) {
        if !self.run_conditions.renamed || self.renamed {
            return;
        }
        let Some(index) = index else {
            return;
        };
        if testbed.rename_key(index) {
            self.renamed = true;
            self.conditions.push("a key was renamed");
        }
    }

    /// Removes the shared memory that libfaketime leaves after a kill.
    pub(super) fn clean_up(&self, process: u32) {
        if self.clock.is_some() {
            for name in ["faketime_shm_", "sem.faketime_sem_"] {
                // A process that exits by itself has removed them.
                let _ = fs::remove_file(format!("/dev/shm/{name}{process}"));
            }
        }
    }
}

impl Testbed {
    /// Renames the key that a run created, as in the manager's console. Returns false if there is no key.
    pub(super) fn rename_key(&self, index: usize) -> bool {
        let keys = self.sandbox.api_keys();
        let own = |key: &&swp_keys::sandbox::ApiKey| {
            key.time_zone == zone(index) && key.name.as_deref() != Some(RENAMED)
        };
        keys.iter().find(own).is_some_and(|key| {
            (self.sandbox).edit_key(key.id, |key| key.name = Some(RENAMED.to_owned()))
        })
    }
}

/// Replaces the file in one step, because libfaketime aborts its process if it reads half a line.
fn set_clock(file: &Path, ahead: i64) {
    let whole = file.with_extension("new");
    fs::write(&whole, format!("{ahead:+}\n")).expect("a file");
    fs::rename(whole, file).expect("a file");
}

/// Fills a disk to the last byte.
fn fill(folder: &Path) {
    let mut file = fs::File::create(folder.join(FILLER)).expect("a file");
    while file.write_all(&[0; 512]).is_ok() {}
}

/// Frees the disk again.
pub(super) fn make_room(folder: &Path) {
    // The file is absent if the run ended before the disk became full.
    let _ = fs::remove_file(folder.join(FILLER));
}
