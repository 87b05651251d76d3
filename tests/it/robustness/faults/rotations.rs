//! Rotations under every fault: never three keys, the old one untouched or one living successor, and the same command again ends in
//! the same place. `ROTATION=7` plays one seed, `ROTATIONS=2000` so many.

use crate::support::wording::{IS_DELIVERED, UNDELIVERED_SECRET_DROPPED};
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::Value;
use swp_keys::sandbox::{AnswerFields, ApiKey, StoredText};

use super::conditions::Surroundings;
use super::execution::Ended;
use super::families::families;
use super::known_limits::Limit;
use super::machines::{Stage, patient_times};
use super::pool::each;
use super::recovery::{recover, unfinished};
use super::scenario::{CREATE, Run, Scenario, Sink};
use super::seeds::{MUST_BE_DRAWN, number, tell};
use super::summary::told;

/// So many in the normal suite.
const SEEDS: u64 = 120;
/// The old key's ID; the two after it are nobody's business.
const OLD: i64 = 1;
const BEFORE: usize = 3;
const DAY: i64 = 86_400_000;
/// Exit codes that say that nothing was changed.
const NOTHING_DONE: [i32; 12] = [2, 4, 5, 7, 8, 9, 10, 129, 130, 131, 138, 143];
/// What must come about among so many.
const MUST_COME: [&str; 8] = [
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
fn a_rotation_ends_in_one_living_successor_or_in_nothing_under_every_fault() {
    if let Some(seed) = number("ROTATION") {
        let played = Played::of(seed);
        tell(&played.story());
        assert_eq!(played.wrong, [""; 0], "seed {seed}");
        return;
    }
    let seeds = number("ROTATIONS").unwrap_or(SEEDS);
    let (failed, ends) = (
        Mutex::new(Vec::new()),
        Mutex::new(BTreeMap::<String, usize>::new()),
    );
    each(0..seeds, |seed| {
        let played = Played::of(seed);
        let mut ends = ends.lock().expect("no thread has panicked");
        for end in played.ends() {
            *ends.entry(end).or_default() += 1;
        }
        drop(ends);
        if !played.wrong.is_empty() {
            let mut failed = failed.lock().expect("no thread has panicked");
            if failed.len() < 2 {
                tell(&played.story());
            }
            failed.push(format!("ROTATION={seed}: {}", played.wrong.join("; ")));
        }
    });
    let failed = failed.into_inner().expect("no thread has panicked");
    let ends = ends.into_inner().expect("no thread has panicked");
    tell(&format!("{seeds} rotations: {ends:?}"));
    assert!(failed.is_empty(), "{failed:#?}");
    for end in MUST_COME
        .iter()
        .chain(&MUST_BE_DRAWN)
        .filter(|_| seeds >= SEEDS)
    {
        assert!(
            ends.contains_key(*end),
            "`{end}` never came about: {ends:?}"
        );
    }
}

/// A name as it is kept by managers that alter it.
fn folded(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

struct Played {
    seed: u64,
    scenario: Scenario,
    stage: Stage,
    /// The old key as it was.
    old: ApiKey,
    runs: Vec<Ended>,
    again: Vec<Ended>,
    first: String,
    wrong: Vec<String>,
    limits: Vec<Limit>,
}

impl Played {
    fn of(seed: u64) -> Self {
        let scenario = Scenario::rotation(seed);
        let stage = Stage::of(&scenario);
        let runs = stage.play(&scenario);
        let mut played = Self {
            seed,
            old: stage.before[0].clone(),
            first: told(&stage),
            scenario,
            stage,
            runs,
            again: Vec::new(),
            wrong: Vec::new(),
            limits: Vec::new(),
        };
        played.after_the_runs();
        played.stage.make_room();
        if seed.is_multiple_of(3) {
            played.recover();
        } else {
            played.go_on();
        }
        played.no_secret_is_told();
        played
    }

    fn key(&self, id: i64) -> Option<ApiKey> {
        self.stage
            .sandbox
            .api_keys()
            .into_iter()
            .find(|key| key.id == id)
    }

    /// Keys that were made.
    fn made(&self) -> Vec<ApiKey> {
        let mut keys = self.stage.sandbox.api_keys();
        keys.retain(|key| key.id > BEFORE as i64);
        keys
    }

    fn delivered(&self) -> HashSet<String> {
        (self.runs.iter().chain(&self.again))
            .filter(|ended| {
                matches!(ended.code, None | Some(0 | 12)) || ended.stderr.contains(IS_DELIVERED)
            })
            .flat_map(Ended::delivered)
            .collect()
    }

    /// Records of work that is open. One that is settled is dropped by the next run that recovers.
    fn records(&self) -> usize {
        let is_open = |record: &&Value| record["progress"]["stage"] != "settled";
        (0..self.stage.machines.len())
            .map(|machine| {
                unfinished(&self.stage, machine)
                    .iter()
                    .filter(is_open)
                    .count()
            })
            .sum()
    }

    /// Returns true if every undelivered key is a duplicate that a repeated create request made, and the manager shows no marker. A run
    /// that finds two keys with one name cannot tell then which of them is its own.
    fn has_unmarked_duplicates(&self) -> bool {
        let manager = &self.scenario.manager;
        let unmarked = manager.descriptions == StoredText::Dropped
            || manager.answer_fields == AnswerFields::Sparse;
        let delivered = self.delivered();
        let undelivered = (self.made().iter())
            .filter(|key| !delivered.contains(&key.secret))
            .count();
        let explained = (1..=self.surplus_keys()).contains(&undelivered);
        self.scenario.creates_duplicates() && unmarked && explained
    }

    /// Returns how many more keys the manager created than create requests that it received. It assigns consecutive IDs, so that the
    /// highest ID counts deleted keys too.
    fn surplus_keys(&self) -> usize {
        let requests = self.stage.sandbox.requests();
        let deleted = requests.iter().filter_map(|request| {
            let id = request.path.strip_prefix("/api/apikeys/")?;
            (request.method == "DELETE").then(|| id.parse::<i64>().ok())?
        });
        let highest = (self.made().iter().map(|key| key.id))
            .chain(deleted)
            .max()
            .unwrap_or_default();
        let created = usize::try_from(highest).unwrap_or_default();
        let requested = (requests.iter())
            .filter(|request| request.route() == CREATE)
            .count();
        created.saturating_sub(BEFORE + requested)
    }

    /// Of two machines, one finds the key moved aside by the other, which was cut off and has the record.
    fn is_told_of_the_other_machine(&self, run: &Ended) -> bool {
        self.runs.len() > 1 && run.code == Some(3) && run.stderr.contains("rotate-key 1")
    }

    fn broken_late(&self) -> bool {
        self.runs.iter().any(|run| run.broken_late)
    }

    fn after_the_runs(&mut self) {
        let mut wrong = Vec::new();
        let made = self.made();
        let (delivered, records) = (self.delivered(), self.records());
        // Cut off before it deletes the twin, a run leaves both and its record.
        let twice = usize::from(self.scenario.creates_duplicates());
        if made.len() > self.runs.len() + twice {
            wrong.push(format!("{} keys were made", made.len()));
        }
        for key in &made {
            let known = delivered.contains(&key.secret) || self.has_unmarked_duplicates();
            if !known && records == 0 && !self.broken_late() {
                wrong.push(format!("nobody has the secret of {}", key.id));
            }
        }
        match self.key(OLD) {
            Some(old) if old.secret == self.old.secret && old.active => {}
            other => wrong.push(format!("the old key was touched: {other:?}")),
        }
        let alone = self.runs.len() == 1;
        for run in &self.runs {
            match run.code {
                // Of two, the other may be in the middle of it.
                Some(0) if alone => wrong.extend(self.not_rotated()),
                Some(101) => wrong.push("it panicked".to_owned()),
                Some(code) if NOTHING_DONE.contains(&code) && alone => {
                    if !self.has_unmarked_duplicates() {
                        wrong.extend(self.not_untouched());
                    }
                    if records > 0 {
                        wrong.push(format!("exit {code}, and there is a record"));
                    }
                }
                _ => {}
            }
            // What was delivered is said where only the end of the old key is open.
            let open = run.code == Some(11) && run.stderr.contains(IS_DELIVERED);
            if !open && !matches!(run.code, None | Some(0 | 12)) && !run.stdout.is_empty() {
                wrong.push(format!("stdout is not empty: {}", run.stdout));
            }
        }
        self.wrong.extend(wrong);
    }

    /// Why it is not as it is to be in the end.
    fn not_rotated(&self) -> Option<String> {
        let keys = self.stage.sandbox.api_keys();
        let name = self.scenario.kept_name();
        let named = (keys.iter())
            .filter(|key| key.name.as_deref() == Some(&name))
            .count();
        let old = self.key(OLD)?;
        let end = old.expiry_date.unwrap_or_default() - self.stage.sandbox.now();
        let retires = (DAY - 120_000..=DAY).contains(&end);
        let made_way = old
            .name
            .as_deref()
            .is_some_and(|made| folded(made).starts_with(&folded(&format!("{name} (retiring "))));
        let one = keys.len() == BEFORE + 1 && named == 1;
        let known = self.broken_late()
            || (self.made().iter()).all(|key| self.delivered().contains(&key.secret));
        (!(retires && made_way && one && known)).then(|| {
            format!("not rotated: it retires: {retires}, made way: {made_way}, one of the name: {one}, known: {known}")
        })
    }

    fn not_untouched(&self) -> Option<String> {
        let old = self.key(OLD)?;
        let same = old.name == self.old.name && old.expiry_date == self.old.expiry_date;
        (!same || !self.made().is_empty()).then(|| format!("not untouched: {old:?}"))
    }

    /// The same command again, on each machine, with nothing in its way.
    fn go_on(&mut self) {
        self.stage.sandbox.clear_faults();
        for (index, run) in self.scenario.runs.iter().enumerate() {
            let run = Run {
                breakage: None,
                troubles: Vec::new(),
                kill: None,
                sink: match run.sink {
                    Sink::Full | Sink::FileAndRefusal => Sink::File,
                    sink => sink,
                },
                surroundings: Surroundings {
                    clock: self.scenario.recovery.surroundings.clock,
                    ..Surroundings::default()
                },
                ..run.clone()
            };
            let job = self.stage.job_in(10 + index, &run, patient_times());
            self.again.push(job.play(&self.stage));
        }
        if self.is_open_for_good() {
            return;
        }
        for run in &self.again {
            if !matches!(run.code, Some(0 | 6)) && !self.is_told_of_the_other_machine(run) {
                self.wrong.push(format!("again, it exits {:?}", run.code));
            }
        }
        let not = self.not_rotated();
        self.wrong.extend(not);
        if self.records() > 0 {
            self.wrong.push("a record is left".to_owned());
        }
    }

    /// Nothing tells whether a key is the successor, since the manager keeps no descriptions: each run says so, and the record stays.
    fn is_open_for_good(&mut self) -> bool {
        let said = self.again.iter().any(|run| run.code == Some(11));
        let unmarked = self.scenario.manager.descriptions == StoredText::Dropped;
        let open = said && unmarked && self.records() > 0 && !self.made().is_empty()
            || self.has_unmarked_duplicates();
        if open {
            self.limits.push(Limit::Alike);
        }
        open
    }

    fn recover(&mut self) {
        let recovered = recover(&self.stage, &self.scenario);
        self.again = recovered.runs;
        if self.is_open_for_good() {
            return;
        }
        if !recovered.left.is_empty() {
            self.wrong.push(format!("left: {:?}", recovered.left));
        }
        if let (Some(not_rotated), Some(not_untouched)) = (self.not_rotated(), self.not_untouched())
        {
            self.wrong
                .push(format!("recovered, {not_rotated}, {not_untouched}"));
        }
    }

    fn no_secret_is_told(&mut self) {
        let keys = self.stage.sandbox.api_keys();
        let told = |run: &Ended| {
            run.stderr.contains(UNDELIVERED_SECRET_DROPPED)
                || keys.iter().any(|key| run.stderr.contains(&key.secret))
        };
        if self.runs.iter().chain(&self.again).any(told) {
            self.wrong
                .push("a secret is on stderr, or was lost".to_owned());
        }
    }

    fn ends(&self) -> Vec<String> {
        let end = |what: &str, ended: &Ended| match (ended.code, ended.signal) {
            (Some(code), _) => format!("{what} {code}"),
            (None, signal) => format!("{what} signal {}", signal.unwrap_or_default()),
        };
        let runs = self.runs.iter().map(|ended| end("run", ended));
        let again = self.again.iter().map(|ended| end("again", ended));
        let families = families(&self.scenario, &self.runs);
        let limits = self.limits.iter().map(Limit::to_string);
        runs.chain(again).chain(families).chain(limits).collect()
    }

    fn story(&self) -> String {
        let stories = |ended: &[Ended]| ended.iter().map(Ended::story).collect::<String>();
        format!(
            "ROTATION={}\n{:#?}\n{}After the runs,\n{}\n{}In the end,\n{}\nWRONG: {:#?}\nROTATION={}\n",
            self.seed,
            self.scenario,
            stories(&self.runs),
            self.first,
            stories(&self.again),
            told(&self.stage),
            self.wrong,
            self.seed
        )
    }
}
