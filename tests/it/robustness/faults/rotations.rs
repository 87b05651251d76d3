//! Rotations with random faults. There are never three keys. The old key is unchanged or has one working successor. The same command, run again,
//! leads to the same result.
//!
//! `ROTATION=7` runs one seed, and `ROTATIONS=2000` runs that many.

use crate::support::wording::{IS_DELIVERED, UNDELIVERED_SECRET_DROPPED};
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::Value;
use swp_keys::sandbox::{AnswerFields, ApiKey, StoredText};

use super::conditions::RunConditions;
use super::execution::Outcome;
use super::families::families;
use super::known_limits::Limit;
use super::machines::{Testbed, long_timeouts};
use super::pool::each;
use super::recovery::{recover, unfinished};
use super::scenario::{CREATE, Run, Scenario, Sink};
use super::seeds::{REQUIRED_FAMILIES, number, print_line};
use super::summary::summary;

/// The number of seeds in the normal suite.
const SEEDS: u64 = 120;
/// The ID of the old key. No run may touch the two keys after it.
const OLD_ID: i64 = 1;
const BEFORE: usize = 3;
const DAY: i64 = 86_400_000;
/// Exit codes that promise that nothing was changed.
const UNCHANGED_EXIT_CODES: [i32; 12] = [2, 4, 5, 7, 8, 9, 10, 129, 130, 131, 138, 143];
/// Events that must occur among these seeds.
const REQUIRED_EVENTS: [&str; 8] = [
    "run 0",
    "run 8",
    "run 10",
    "run 12",
    "run 143",
    "run signal 9",
    "again 0",
    "again 6",
];

#[test]
fn under_every_fault_a_rotation_has_one_working_successor_or_changes_nothing() {
    if let Some(seed) = number("ROTATION") {
        let rotation = Rotation::of(seed);
        print_line(&rotation.report());
        assert_eq!(rotation.problems, [""; 0], "seed {seed}");
        return;
    }
    let seeds = number("ROTATIONS").unwrap_or(SEEDS);
    let (failed, ends) = (
        Mutex::new(Vec::new()),
        Mutex::new(BTreeMap::<String, usize>::new()),
    );
    each(0..seeds, |seed| {
        let rotation = Rotation::of(seed);
        let mut ends = ends.lock().expect("no thread has panicked");
        for end in rotation.ends() {
            *ends.entry(end).or_default() += 1;
        }
        drop(ends);
        if !rotation.problems.is_empty() {
            let mut failed = failed.lock().expect("no thread has panicked");
            if failed.len() < 2 {
                print_line(&rotation.report());
            }
            failed.push(format!("ROTATION={seed}: {}", rotation.problems.join("; ")));
        }
    });
    let failed = failed.into_inner().expect("no thread has panicked");
    let ends = ends.into_inner().expect("no thread has panicked");
    print_line(&format!("{seeds} rotations: {ends:?}"));
    assert!(failed.is_empty(), "{failed:#?}");
    for end in REQUIRED_EVENTS
        .iter()
        .chain(&REQUIRED_FAMILIES)
        .filter(|_| seeds >= SEEDS)
    {
        assert!(ends.contains_key(*end), "`{end}` never occurred: {ends:?}");
    }
}

/// Returns a name without everything that a manager may alter.
fn folded(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

struct Rotation {
    seed: u64,
    scenario: Scenario,
    testbed: Testbed,
    /// The old key before the runs.
    old: ApiKey,
    runs: Vec<Outcome>,
    again: Vec<Outcome>,
    first: String,
    problems: Vec<String>,
    limits: Vec<Limit>,
}

impl Rotation {
    fn of(seed: u64) -> Self {
        let scenario = Scenario::rotation(seed);
        let testbed = Testbed::of(&scenario);
        let runs = testbed.run_to_end(&scenario);
        let mut rotation = Self {
            seed,
            old: testbed.before[0].clone(),
            first: summary(&testbed),
            scenario,
            testbed,
            runs,
            again: Vec::new(),
            problems: Vec::new(),
            limits: Vec::new(),
        };
        rotation.after_the_runs();
        rotation.testbed.make_room();
        if seed.is_multiple_of(3) {
            rotation.recover();
        } else {
            rotation.repeat();
        }
        rotation.check_for_leaks();
        rotation
    }

    fn key(&self, id: i64) -> Option<ApiKey> {
        self.testbed
            .sandbox
            .api_keys()
            .into_iter()
            .find(|key| key.id == id)
    }

    /// Returns the keys that the runs created.
    fn created(&self) -> Vec<ApiKey> {
        let mut keys = self.testbed.sandbox.api_keys();
        keys.retain(|key| key.id > BEFORE as i64);
        keys
    }

    fn delivered(&self) -> HashSet<String> {
        (self.runs.iter().chain(&self.again))
            .filter(|outcome| {
                matches!(outcome.code, None | Some(0 | 12)) || outcome.stderr.contains(IS_DELIVERED)
            })
            .flat_map(Outcome::delivered)
            .collect()
    }

    /// Returns the number of records of unfinished work. Records of finished work are removed by the next recovery.
    fn records(&self) -> usize {
        let is_open = |record: &&Value| record["progress"]["stage"] != "settled";
        (0..self.testbed.machines.len())
            .map(|machine| {
                unfinished(&self.testbed, machine)
                    .iter()
                    .filter(is_open)
                    .count()
            })
            .sum()
    }

    /// Returns true if every undelivered key is a duplicate that a repeated create request created, and the manager shows no marker. A run
    /// that finds two keys with one name cannot tell then which of them is its own.
    fn has_unmarked_duplicates(&self) -> bool {
        let manager = &self.scenario.manager;
        let unmarked = manager.descriptions == StoredText::Dropped
            || manager.answer_fields == AnswerFields::Sparse;
        let delivered = self.delivered();
        let undelivered = (self.created().iter())
            .filter(|key| !delivered.contains(&key.secret))
            .count();
        let explained = (1..=self.surplus_keys()).contains(&undelivered);
        self.scenario.creates_duplicates() && unmarked && explained
    }

    /// Returns how many more keys the manager created than create requests that it received. It assigns consecutive IDs, so that the
    /// highest ID counts deleted keys too.
    fn surplus_keys(&self) -> usize {
        let requests = self.testbed.sandbox.requests();
        let deleted = requests.iter().filter_map(|request| {
            let id = request.path.strip_prefix("/api/apikeys/")?;
            (request.method == "DELETE").then(|| id.parse::<i64>().ok())?
        });
        let highest = (self.created().iter().map(|key| key.id))
            .chain(deleted)
            .max()
            .unwrap_or_default();
        let created = usize::try_from(highest).unwrap_or_default();
        let requested = (requests.iter())
            .filter(|request| request.route() == CREATE)
            .count();
        created.saturating_sub(BEFORE + requested)
    }

    /// Returns true if the run found the old key renamed by the other machine, whose run was interrupted and left a record.
    fn finds_key_renamed_by_other_machine(&self, run: &Outcome) -> bool {
        self.runs.len() > 1 && run.code == Some(3) && run.stderr.contains("rotate-key 1")
    }

    fn broken_late(&self) -> bool {
        self.runs.iter().any(|run| run.broken_late)
    }

    fn after_the_runs(&mut self) {
        let mut problems = Vec::new();
        let created = self.created();
        let (delivered, records) = (self.delivered(), self.records());
        // A run that is interrupted before it deletes a duplicate leaves two keys and a record.
        let twice = usize::from(self.scenario.creates_duplicates());
        if created.len() > self.runs.len() + twice {
            problems.push(format!("{} keys were made", created.len()));
        }
        for key in &created {
            let known = delivered.contains(&key.secret) || self.has_unmarked_duplicates();
            if !known && records == 0 && !self.broken_late() {
                problems.push(format!("the secret of key {} is lost", key.id));
            }
        }
        match self.key(OLD_ID) {
            Some(old) if old.secret == self.old.secret && old.active => {}
            other => problems.push(format!("the old key was touched: {other:?}")),
        }
        let name = Some(self.scenario.stored_name());
        let is_named = (self.testbed.sandbox.api_keys().iter()).any(|key| key.name == name);
        if !is_named && records == 0 {
            problems.push("no key has the name, and there is no record".to_owned());
        }
        let alone = self.runs.len() == 1;
        for run in &self.runs {
            match run.code {
                // With two runs, the other one may be in progress.
                Some(0) if alone => problems.extend(self.unfinished_rotation()),
                Some(101) => problems.push("it panicked".to_owned()),
                Some(code) if UNCHANGED_EXIT_CODES.contains(&code) && alone => {
                    if !self.has_unmarked_duplicates() {
                        problems.extend(self.changes_to_old_key());
                    }
                    if records > 0 {
                        problems.push(format!("exit {code}, and there is a record"));
                    }
                }
                _ => {}
            }
            // The secret may be on stdout if only the expiry of the old key is missing.
            let open = run.code == Some(11) && run.stderr.contains(IS_DELIVERED);
            if !open && !matches!(run.code, None | Some(0 | 12)) && !run.stdout.is_empty() {
                problems.push(format!("stdout is not empty: {}", run.stdout));
            }
        }
        self.problems.extend(problems);
    }

    /// Describes how the keys differ from a finished rotation, if they do.
    fn unfinished_rotation(&self) -> Option<String> {
        let keys = self.testbed.sandbox.api_keys();
        let name = self.scenario.stored_name();
        let named = (keys.iter())
            .filter(|key| key.name.as_deref() == Some(&name))
            .count();
        let old = self.key(OLD_ID)?;
        let end = old.expiry_date.unwrap_or_default() - self.testbed.sandbox.now();
        let retires = (DAY - 120_000..=DAY).contains(&end);
        let made_way = old.name.as_deref().is_some_and(|created| {
            folded(created).starts_with(&folded(&format!("{name} (retiring ")))
        });
        let one = keys.len() == BEFORE + 1 && named == 1;
        let known = self.broken_late()
            || (self.created().iter()).all(|key| self.delivered().contains(&key.secret));
        (!(retires && made_way && one && known)).then(|| {
            format!("not rotated: it retires: {retires}, made way: {made_way}, one of the name: {one}, known: {known}")
        })
    }

    fn changes_to_old_key(&self) -> Option<String> {
        let old = self.key(OLD_ID)?;
        let same = old.name == self.old.name && old.expiry_date == self.old.expiry_date;
        (!same || !self.created().is_empty()).then(|| format!("the old key changed: {old:?}"))
    }

    /// Runs the same command again on each machine, without faults.
    fn repeat(&mut self) {
        self.testbed.sandbox.clear_faults();
        for (index, run) in self.scenario.runs.iter().enumerate() {
            let run = Run {
                breakage: None,
                network_faults: Vec::new(),
                kill: None,
                sink: match run.sink {
                    Sink::Full | Sink::FileAndRefusal => Sink::File,
                    sink => sink,
                },
                run_conditions: RunConditions {
                    clock: self.scenario.recovery.run_conditions.clock,
                    ..RunConditions::default()
                },
                ..run.clone()
            };
            let job = self.testbed.job_in(10 + index, &run, long_timeouts());
            self.again.push(job.run_to_end(&self.testbed));
        }
        if self.is_open_for_good() {
            return;
        }
        for run in &self.again {
            if !matches!(run.code, Some(0 | 6)) && !self.finds_key_renamed_by_other_machine(run) {
                self.problems
                    .push(format!("again, it exits {:?}", run.code));
            }
        }
        let not = self.unfinished_rotation();
        self.problems.extend(not);
        if self.records() > 0 {
            self.problems.push("a record is left".to_owned());
        }
    }

    /// Returns true if nothing proves which key is the successor, because the manager shows no markers. Each run reports this, and the record stays.
    fn is_open_for_good(&mut self) -> bool {
        let reported = self.again.iter().any(|run| run.code == Some(11));
        let unmarked = self.scenario.manager.descriptions == StoredText::Dropped;
        let open = reported && unmarked && self.records() > 0 && !self.created().is_empty()
            || self.has_unmarked_duplicates();
        if open {
            self.limits.push(Limit::Ambiguous);
        }
        open
    }

    fn recover(&mut self) {
        let recovered = recover(&self.testbed, &self.scenario);
        self.again = recovered.runs;
        if self.is_open_for_good() {
            return;
        }
        if !recovered.remaining.is_empty() {
            self.problems
                .push(format!("left: {:?}", recovered.remaining));
        }
        if let (Some(unfinished_rotation), Some(changes_to_old_key)) =
            (self.unfinished_rotation(), self.changes_to_old_key())
        {
            self.problems.push(format!(
                "recovered, {unfinished_rotation}, {changes_to_old_key}"
            ));
        }
    }

    fn check_for_leaks(&mut self) {
        let keys = self.testbed.sandbox.api_keys();
        let leaks = |run: &Outcome| {
            run.stderr.contains(UNDELIVERED_SECRET_DROPPED)
                || keys.iter().any(|key| run.stderr.contains(&key.secret))
        };
        if self.runs.iter().chain(&self.again).any(leaks) {
            self.problems
                .push("a secret is on stderr, or was lost".to_owned());
        }
    }

    fn ends(&self) -> Vec<String> {
        let end = |what: &str, outcome: &Outcome| match (outcome.code, outcome.signal) {
            (Some(code), _) => format!("{what} {code}"),
            (None, signal) => format!("{what} signal {}", signal.unwrap_or_default()),
        };
        let runs = self.runs.iter().map(|outcome| end("run", outcome));
        let again = self.again.iter().map(|outcome| end("again", outcome));
        let families = families(&self.scenario, &self.runs);
        let limits = self.limits.iter().map(Limit::to_string);
        runs.chain(again).chain(families).chain(limits).collect()
    }

    fn report(&self) -> String {
        let reports = |outcome: &[Outcome]| outcome.iter().map(Outcome::report).collect::<String>();
        format!(
            "ROTATION={}\n{:#?}\n{}After the runs,\n{}\n{}In the end,\n{}\nWRONG: {:#?}\nROTATION={}\n",
            self.seed,
            self.scenario,
            reports(&self.runs),
            self.first,
            reports(&self.again),
            summary(&self.testbed),
            self.problems,
            self.seed
        )
    }
}
