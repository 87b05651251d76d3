//! How the families are drawn that are about more than one request: what the manager makes of texts, how late its search is, requests
//! that are worked on twice or after the settle time, exchanged answers, many runs with one file, and what surrounds a run.
//!
//! They are drawn of dice of their own, so that a seed is beside them what it was before there were these.

use swp_keys::sandbox::{SearchLag, StoredText};

use super::conditions::{SmallDisk, Surroundings, WrongClock, disks, faketime};
use super::execution::Outcome;
use super::random::Random;
use super::scenario::{
    CHANGE, CREATE, DELETE, IfExists, Naming, RESET, Run, Scenario, Signal, Sink,
};

/// Longer than any run looks for what became of a lost answer, with time to spare for a machine that is slow.
pub(super) const LATE: i64 = 2000;

impl Scenario {
    /// With families drawn from this seed.
    pub(super) fn with_families(mut self, seed: u64) -> Self {
        let random = &Random::new(seed.rotate_left(17) ^ 0x0fa3_11e5);
        let rotates = self.runs.iter().any(|run| run.rotates);
        if !rotates && random.chance(5) {
            self.share_a_file(random);
        }
        self.draw_manager(random, rotates);
        self.draw_requests(random, rotates);
        for run in &mut self.runs {
            run.draw_surroundings(random, rotates);
        }
        let clock = faketime().and(random.chance(12).then(|| wrong_clock(random)));
        self.recovery.surroundings.clock = clock;
        self.recovery.disk_is_full = random.chance(50);
        self.recovery.keys_are_renamed = !rotates && random.chance(5);
        self.keep_names_of_duplicates();
        self
    }

    /// Whether a create is worked on twice.
    pub(super) fn creates_duplicates(&self) -> bool {
        let twice = format!("{CREATE} twice");
        self.faults.iter().any(|fault| fault.starts_with(&twice))
    }

    /// Whether a create is worked on twice, or answered with another run's answer.
    pub(super) fn confuses_keys(&self) -> bool {
        let exchanged = format!("{CREATE} swap");
        self.creates_duplicates()
            || self
                .faults
                .iter()
                .any(|fault| fault.starts_with(&exchanged))
    }

    /// Who renames one of two twins takes away what `list-keys` knows them by.
    fn keep_names_of_duplicates(&mut self) {
        if self.creates_duplicates() {
            self.recovery.keys_are_renamed = false;
            self.runs
                .iter_mut()
                .for_each(|run| run.surroundings.renamed = false);
        }
    }

    /// Several runs at once that write to one dotenv file.
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
                // The bytes of one of them suffer, and one of them is killed.
                troubles: if machine == 0 {
                    first.troubles.clone()
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
        // Two names of a rotation that begin alike cannot be told apart on a manager that cuts them.
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
    fn draw_surroundings(&mut self, random: &Random, rotates: bool) {
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
        let surroundings = Surroundings {
            clock: faketime().and(random.chance(10).then(|| wrong_clock(random))),
            descriptors: random
                .chance(4)
                .then(|| random.pick(&[6, 12, 18, 19, 20, 21, 22, 23, 24, 26, 28, 32])),
            ignores_signals: polite && random.chance(25),
            disk: disk.filter(|_| alone && disks()),
            renamed: !rotates && random.chance(5),
        };
        if surroundings.disk.is_some() {
            self.breakage = None;
        }
        self.surroundings = surroundings;
        if let Some(kill) = self.kill.as_mut().filter(|_| polite && random.chance(25)) {
            kill.signals
                .fill(random.pick(&[Signal::Quit, Signal::User1]));
        }
    }
}

/// Which of them a scenario has, and which its runs met.
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

/// The fault of a create that is worked on after the settle time.
pub(super) fn late_create() -> String {
    format!("{CREATE} late={LATE}ms")
}

/// Hours and days: a change to summer time, a machine that slept, and one whose battery is empty. The certificates hold so long.
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
