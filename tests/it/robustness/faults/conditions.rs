//! What surrounds a run and changes in the middle of it: its clock, its file descriptors, its disk, the signals that it ignores, and
//! people who rename its key.
//!
//! A clock that jumps takes libfaketime, and a disk of a few pages takes a mount. A machine that has one of them not prints that once,
//! and no scenario has that property there. `SWP_TEST_FAKETIME=required`, or the library's path there, and
//! `SWP_TEST_FIXED_FILES=required` make it a failure.

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

/// The name that somebody gives a key.
pub(super) const RENAMED: &str = "renamed by hand";
const FILLER: &str = ".filler";
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// What is unusual about where a run takes place.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) clock: Option<WrongClock>,
    /// `ulimit -n`.
    pub(super) descriptors: Option<u32>,
    /// It is started as `nohup` and `&` do: the signals that others send do nothing.
    pub(super) ignores_signals: bool,
    /// What gets full when the request that makes the secret has come in.
    pub(super) disk: Option<SmallDisk>,
    /// Its key is renamed as soon as the manager has made it.
    pub(super) renamed: bool,
}

/// How many seconds the wall clock is ahead. The clock of the boot is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongClock {
    pub(super) first: i64,
    /// From when the request that makes the secret has come in.
    pub(super) then: i64,
}

/// Where a disk of a few pages is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmallDisk {
    /// Under the state folder.
    State,
    /// Under the folder of the first sink.
    Sink,
}

/// The library that lets a clock be wrong, where it is here and works.
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

/// Whether a small disk can be mounted here.
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

/// The surroundings of a run that is going on.
pub(super) struct Around {
    surroundings: Surroundings,
    clock: Option<PathBuf>,
    changed: bool,
    renamed: bool,
    /// What came about.
    pub(super) conditions: Vec<&'static str>,
}

impl Around {
    /// Prepares the command, and says which program is to start it.
    pub(super) fn new(surroundings: &Surroundings, command: &mut Command, home: &Home) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mut conditions = Vec::new();
        let clock = surroundings.clock.zip(faketime()).map(|(clock, library)| {
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
        conditions.extend(surroundings.descriptors.map(|_| "few descriptors"));
        Self {
            surroundings: surroundings.clone(),
            clock,
            changed: false,
            renamed: false,
            conditions,
        }
    }

    /// The shell that sets limits and ignores signals, where it is needed.
    pub(super) fn shell(&self) -> Vec<OsString> {
        let mut words = String::new();
        if self.surroundings.ignores_signals {
            words.push_str("trap '' HUP INT QUIT TERM USR1; ");
        }
        if let Some(descriptors) = self.surroundings.descriptors {
            words.push_str(&format!("ulimit -n {descriptors}; "));
        }
        if words.is_empty() {
            return Vec::new();
        }
        words.push_str("exec \"$@\"");
        ["sh", "-c", &words, "sh"].map(OsString::from).to_vec()
    }

    /// Whether something is still to change in the middle of the run.
    pub(super) fn changes(&self) -> bool {
        !self.changed && (self.clock.is_some() || self.surroundings.disk.is_some())
    }

    /// The request that makes the secret has come in.
    pub(super) fn change(&mut self, state: &Path, sink: Option<&Path>) {
        self.changed = true;
        if let (Some(file), Some(clock)) = (&self.clock, self.surroundings.clock)
            && clock.first != clock.then
        {
            set_clock(file, clock.then);
            self.conditions.push("a clock jumped");
        }
        let full = match self.surroundings.disk {
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
        self.surroundings.ignores_signals
    }

    /// Renames the key of the run, once there is one.
    pub(super) fn rename(&mut self, testbed: &Testbed, index: Option<usize>) {
        if !self.surroundings.renamed || self.renamed {
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

    /// Takes away what the library leaves of a process that was killed.
    pub(super) fn clean_up(&self, process: u32) {
        if self.clock.is_some() {
            for name in ["faketime_shm_", "sem.faketime_sem_"] {
                // A process that ends by itself takes them away.
                let _ = fs::remove_file(format!("/dev/shm/{name}{process}"));
            }
        }
    }
}

impl Testbed {
    /// Renames the key that a run made, as somebody in the manager's console would; false: there is none.
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

/// In one step: a library that reads half a line ends its process.
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

/// Makes room again.
pub(super) fn make_room(folder: &Path) {
    // It was not filled, if its run did not come so far.
    let _ = fs::remove_file(folder.join(FILLER));
}
