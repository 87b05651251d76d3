//! Draws the fault families that concern more than one request: altered texts, search lag, requests that are processed twice or late, exchanged
//! responses, shared files, and conditions of a run.
//!
//! These families have a separate random generator, so that adding them did not change the rest of a seed.

use swp_keys::sandbox::{SearchLag, StoredText};

use super::conditions::{RunConditions, SmallDisk, WrongClock, disks, faketime};
use super::execution::Outcome;
use super::random::Random;
use super::scenario::{
    CHANGE, CREATE, DELETE, IfExists, Naming, RESET, Run, Scenario, Signal, Sink,
};

/// Longer than the settle time of every run, with a margin for slow machines.
pub(super) const LATE: i64 = 2000;

impl Scenario {
    /// Adds the families that are drawn from this seed.
    pub(super) fn with_families(mut self, seed: u64) -> Self {
        let random = &Random::new(seed.rotate_left(17) ^ 0x0fa3_11e5);
        let rotates = self.runs.iter().any(|run| run.rotates);
        if !rotates && random.chance(5) {
            self.share_a_file(random);
        }
        self.draw_manager(random, rotates);
        self.draw_requests(random, rotates);
        for run in &mut self.runs {
            run.draw_run_conditions(random, rotates);
        }
        let clock = faketime().and(random.chance(12).then(|| wrong_clock(random)));
        self.recovery.run_conditions.clock = clock;
        self.recovery.disk_is_full = random.chance(50);
        self.recovery.keys_are_renamed = !rotates && random.chance(5);
        self.keep_names_of_duplicates();
        self
    }

    /// Returns true if the manager processes a create twice.
    pub(super) fn creates_duplicates(&self) -> bool {
        let twice = format!("{CREATE} twice");
        self.faults.iter().any(|fault| fault.starts_with(&twice))
    }

    /// Returns true if the manager processes a create twice, or exchanges the responses of two runs.
    pub(super) fn confuses_keys(&self) -> bool {
        let exchanged = format!("{CREATE} swap");
        self.creates_duplicates()
            || self
                .faults
                .iter()
                .any(|fault| fault.starts_with(&exchanged))
    }

    /// Disables renames, because `list-keys` recognizes duplicates by their common name.
    fn keep_names_of_duplicates(&mut self) {
        if self.creates_duplicates() {
            self.recovery.keys_are_renamed = false;
            self.runs
                .iter_mut()
                .for_each(|run| run.run_conditions.renamed = false);
        }
    }

    /// Turns the scenario into several simultaneous runs that write to one dotenv file.
    fn share_a_file(&mut self, random: &Random) {
        let first = self.runs[0].clone();
        self.existing = 0;
        self.together = true;
        self.runs = (0..3 + random.below(3))
            .map(|machine| Run {
                machine,
                naming: Naming::Default,
                if_exists: IfExists::Fail,
                sink: Sink::Shared,
                breakage: None,
                verify: random.chance(30),
                // Only the first run has network faults and is killed.
                network_faults: if machine == 0 {
                    first.network_faults.clone()
                } else {
                    Vec::new()
                },
                kill: first.kill.clone().filter(|_| machine == 0),
                ..first.clone()
            })
            .collect();
    }

    fn draw_manager(&mut self, random: &Random, rotates: bool) {
        let mut names = vec![
            (88, StoredText::Kept),
            (3, StoredText::Upper),
            (3, StoredText::Lower),
            (2, StoredText::NoBlanks),
            (2, StoredText::NoBrackets),
        ];
        // A manager that truncates names cannot distinguish the two names of a rotation, which begin with the same text.
        names.push((if rotates { 0 } else { 2 }, StoredText::Cut));
        self.manager.key_names = random.weigh(&names);
        self.manager.descriptions = random.weigh(&[
            (86, StoredText::Kept),
            (2, StoredText::Upper),
            (2, StoredText::Lower),
            (2, StoredText::NoBlanks),
            (2, StoredText::NoBrackets),
            (2, StoredText::Cut),
            (4, StoredText::Dropped),
        ]);
        self.manager.search_lag = random.weigh(&[(92, SearchLag::None), (8, SearchLag::Short)]);
    }

    fn draw_requests(&mut self, random: &Random, rotates: bool) {
        let nth = random.weigh(&[(80, 1), (20, 2)]);
        if random.chance(14) {
            let route = random.weigh(&[
                (60, CREATE),
                (20, RESET),
                (10, DELETE),
                (10, if rotates { CHANGE } else { RESET }),
            ]);
            let when = random.weigh(&[(70, "before"), (30, "after")]);
            self.faults
                .insert(0, format!("{route} twice {when} nth={nth} times=1"));
        }
        if self.together && random.chance(25) {
            let route = if self.rekeys() { RESET } else { CREATE };
            self.faults.insert(0, format!("{route} swap times=2"));
        }
        if !rotates && random.chance(3) {
            self.faults
                .insert(0, format!("{} nth={nth} times=1", late_create()));
        }
    }
}

impl Run {
    fn draw_run_conditions(&mut self, random: &Random, rotates: bool) {
        let alone = self.machine == 0 && self.sink != Sink::Shared;
        let disk = random.weigh(&[
            (94, None),
            (3, Some(SmallDisk::State)),
            (
                3,
                Some(SmallDisk::Sink).filter(|_| !self.sink.places().is_empty()),
            ),
        ]);
        let polite = (self.kill.as_ref()).is_some_and(|kill| !kill.signals.contains(&Signal::Kill));
        let run_conditions = RunConditions {
            clock: faketime().and(random.chance(10).then(|| wrong_clock(random))),
            descriptors: random
                .chance(4)
                .then(|| random.pick(&[6, 12, 18, 19, 20, 21, 22, 23, 24, 26, 28, 32])),
            ignores_signals: polite && random.chance(25),
            disk: disk.filter(|_| alone && disks()),
            renamed: !rotates && random.chance(5),
        };
        if run_conditions.disk.is_some() {
            self.breakage = None;
        }
        self.run_conditions = run_conditions;
        if let Some(kill) = self.kill.as_mut().filter(|_| polite && random.chance(25)) {
            kill.signals
                .fill(random.pick(&[Signal::Quit, Signal::User1]));
        }
    }
}

/// Returns the families of a scenario, and the conditions that took effect in its runs.
pub(super) fn families(scenario: &Scenario, runs: &[Outcome]) -> Vec<String> {
    let drawn = |word: &str| {
        let word = format!(" {word}");
        scenario.faults.iter().any(|fault| fault.contains(&word))
    };
    let manager = &scenario.manager;
    let shared = scenario.runs.iter().any(|run| run.sink == Sink::Shared);
    let families = [
        (drawn("twice "), "a request came twice"),
        (drawn("swap "), "answers were exchanged"),
        (drawn("late="), "a request was late"),
        (manager.search_lag != SearchLag::None, "searches lagged"),
        (manager.key_names != StoredText::Kept, "names were altered"),
        (
            manager.descriptions != StoredText::Kept,
            "descriptions were altered",
        ),
        (shared, "runs shared a dotenv file"),
    ];
    let drawn = families
        .into_iter()
        .filter(|(drawn, _)| *drawn)
        .map(|(_, family)| family);
    let conditions = runs
        .iter()
        .flat_map(|outcome| outcome.conditions.iter().copied());
    drawn.chain(conditions).map(str::to_owned).collect()
}

/// Returns the fault of a create that the manager processes after the settle time.
pub(super) fn late_create() -> String {
    format!("{CREATE} late={LATE}ms")
}

/// Draws offsets of hours and days: daylight saving time, a suspended machine, and a machine with an empty clock battery. The certificates are valid
/// for longer.
fn wrong_clock(random: &Random) -> WrongClock {
    const HOUR: i64 = 3600;
    let times = [
        0,
        0,
        HOUR,
        -HOUR,
        12 * HOUR,
        -12 * HOUR,
        60 * HOUR,
        24 * 40 * HOUR,
    ];
    WrongClock {
        first: random.pick(&times),
        then: random.pick(&times),
    }
}
