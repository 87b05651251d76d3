//! Three books, compared: the manager's keys, what was delivered, and the records.

use crate::support::wording::UNDELIVERED_SECRET_DROPPED;
use std::collections::HashSet;
use std::mem;

use serde_json::Value;
use swp_keys::sandbox::{AnswerFields, ApiKey};

use super::conditions::RENAMED;
use super::execution::Outcome;
use super::known_limits::Limit;
use super::machines::{Testbed, zone};
use super::recovery::Recovered;
use super::scenario::{IfExists, Scenario};
use super::summary::{describe, records};

/// Exit codes that say that nothing is left of the run.
const CLEAN_EXIT_CODES: [i32; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 131, 138, 143];
/// Exit codes of runs that a signal ended in order.
const SIGNAL_EXIT_CODES: [i32; 5] = [129, 130, 131, 138, 143];
/// Keys the manager has that nobody has the secret of, and why that is wrong.
pub(super) type Problems = Vec<String>;

/// The books at one moment.
pub(super) struct Audit<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) testbed: &'a Testbed,
    pub(super) runs: &'a [Outcome],
    pub(super) keys: Vec<ApiKey>,
    /// Secrets that a run handed over and said so.
    delivered: HashSet<String>,
    /// The machine, the file's name, and what it holds.
    records: Vec<(usize, String, Value)>,
    problems: Problems,
    /// What no client can see, and was met.
    limits: Vec<Limit>,
}

impl<'a> Audit<'a> {
    pub(super) fn open(scenario: &'a Scenario, testbed: &'a Testbed, runs: &'a [Outcome]) -> Self {
        let mut problems = Vec::new();
        Self {
            scenario,
            testbed,
            runs,
            keys: testbed.sandbox.api_keys(),
            delivered: delivered_secrets(runs),
            records: records(testbed, &mut problems),
            problems,
            limits: Vec::new(),
        }
    }

    /// The limits that were met.
    pub(super) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether a run left a record.
    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// After the runs, before anything was recovered.
    pub(super) fn after_the_runs(&mut self) -> Problems {
        self.check_other_keys();
        self.check_every_key();
        for (index, outcome) in self.runs.iter().enumerate() {
            self.check_exit_code(index, outcome);
        }
        self.two_machines_at_once();
        self.check_for_leaks(self.runs);
        mem::take(&mut self.problems)
    }

    /// After `recover` has said that it can do no more.
    pub(super) fn after_recovering(&mut self, recovered: &Recovered) -> Problems {
        self.delivered.extend(delivered_secrets(&recovered.runs));
        self.check_other_keys();
        for (machine, record) in &recovered.remaining {
            self.check_remaining_record(*machine, record, recovered);
        }
        for key in &self.keys {
            let excused = (recovered.remaining.iter())
                .any(|(machine, record)| self.names(*machine, record, key));
            if self.works(key) || !self.changed(key) || excused {
                continue;
            }
            match self.limit_of(key) {
                Some(Limit::Duplicate) if !self.is_listed_as_duplicate(key) => {
                    let what = format!("`list-keys` shows no twin in {}", describe(key));
                    self.problems.push(what);
                }
                Some(limit) => self.limits.push(limit),
                None => {
                    let what = format!(
                        "after recovering, nobody has the secret of {}",
                        describe(key)
                    );
                    self.problems.push(what);
                }
            }
        }
        self.check_delivered_secrets();
        self.check_for_leaks(&recovered.runs);
        mem::take(&mut self.problems)
    }

    /// Keys that were there before stay, and keep their secret unless somebody asked for a new one.
    fn check_other_keys(&mut self) {
        for before in &self.testbed.before {
            let now = self.keys.iter().find(|key| key.id == before.id);
            let named = before.name.as_deref() == Some(&self.scenario.stored_name());
            let may_change = self.scenario.rekeys() && named;
            match now {
                None => self
                    .problems
                    .push(format!("{} was deleted", describe(before))),
                Some(now) if now.secret != before.secret && !may_change => {
                    self.problems
                        .push(format!("{} was given a new secret", describe(before)));
                }
                Some(_) => {}
            }
        }
    }

    fn check_every_key(&mut self) {
        let lost: Vec<_> = (self.keys.iter())
            .filter(|key| self.changed(key) && !self.works(key) && !self.is_recorded(key))
            .filter(|key| self.limit_of(key).is_none())
            .map(|key| {
                format!(
                    "nobody has the secret of {}, and no record names it",
                    describe(key)
                )
            })
            .collect();
        self.problems.extend(lost);
    }

    fn check_exit_code(&mut self, index: usize, outcome: &Outcome) {
        let remaining: Vec<_> = (self.keys.iter())
            .filter(|key| self.is_of(key, index) && self.limit_of(key).is_none())
            .map(describe)
            .collect();
        let mut problems = Vec::new();
        let surroundings = &self.scenario.runs[index].surroundings;
        let few_descriptors = surroundings.descriptors.is_some();
        match outcome.code {
            Some(code) if surroundings.ignores_signals && SIGNAL_EXIT_CODES.contains(&code) => {
                problems.push("it ignores that signal".to_owned());
            }
            Some(1) if few_descriptors && !remaining.is_empty() => {
                problems.push(format!("something was asked for: {}", remaining.join(", ")));
            }
            Some(0) => self.check_success(index, outcome, &mut problems),
            Some(101) => problems.push("it panicked".to_owned()),
            Some(code) => {
                if CLEAN_EXIT_CODES.contains(&code) && !remaining.is_empty() {
                    problems.push(format!(
                        "nothing should be left, and there is {}",
                        remaining.join(", ")
                    ));
                }
                let alone = self
                    .runs
                    .iter()
                    .filter(|run| run.machine == outcome.machine)
                    .count()
                    == 1;
                let records = self
                    .records
                    .iter()
                    .filter(|(machine, ..)| *machine == outcome.machine);
                if CLEAN_EXIT_CODES.contains(&code) && alone && records.count() > 0 {
                    problems.push("nothing should be left, and there is a record".to_owned());
                }
                if !outcome.stdout.is_empty() {
                    problems.push(format!("stdout is not empty: {}", outcome.stdout));
                }
                if outcome.delivered().iter().any(|secret| !secret.is_empty()) {
                    problems.push("a secret was left in a file".to_owned());
                }
            }
            None => {}
        }
        for what in problems {
            let code = outcome.code.unwrap_or_default();
            self.problems
                .push(format!("run {index} exits {code}: {what}"));
        }
    }

    fn check_success(&self, index: usize, outcome: &Outcome, problems: &mut Problems) {
        let run = &self.scenario.runs[index];
        let secrets: HashSet<String> = outcome.delivered().into_iter().collect();
        if outcome.broken_late {
            return;
        }
        match secrets.iter().collect::<Vec<_>>()[..] {
            [] if run.if_exists == IfExists::Skip => {
                // Without a mark in it, an answer of another run is taken for the own one, and delivered.
                let undelivered = |key: &&ApiKey| {
                    self.is_of(key, index) && !self.works(key) && self.limit_of(key).is_none()
                };
                if let Some(key) = self.keys.iter().find(undelivered) {
                    problems.push(format!(
                        "no secret was delivered, and there is {}",
                        describe(key)
                    ));
                }
            }
            [secret] => {
                let alive = self.keys.iter().any(|key| key.secret == *secret);
                // The last of several that ask for a new secret wins.
                let superseded = self.scenario.rekeys() && self.runs.len() > 1;
                if !alive && !superseded {
                    problems.push("its secret does not work".to_owned());
                }
            }
            _ => problems.push(format!("{} secrets were delivered", secrets.len())),
        }
        let places = outcome.files.len().max(1);
        if !secrets.is_empty() && !outcome.files.is_empty() && outcome.delivered().len() != places {
            problems.push("not all files hold the secret".to_owned());
        }
    }

    /// What a run reported as done stays done, whatever `recover` does about others.
    fn check_delivered_secrets(&mut self) {
        let superseded = self.scenario.rekeys() && self.runs.len() > 1;
        for (index, outcome) in self.runs.iter().enumerate() {
            let good = outcome.code == Some(0) && !outcome.broken_late && !superseded;
            for secret in outcome.delivered().iter().filter(|_| good) {
                if !self.keys.iter().any(|key| key.secret == *secret) {
                    let what = format!("run {index} exited 0, and recovering took its key away");
                    self.problems.push(what);
                }
            }
        }
    }

    /// Only what nothing proves may be left, and it must have been said with exit 11.
    fn check_remaining_record(&mut self, machine: usize, record: &Value, recovered: &Recovered) {
        let operation = record["operation"].as_str().unwrap_or_default();
        let unmarked = self.markers_are_lost()
            || (self.keys.iter())
                .any(|key| self.names(machine, record, key) && !has_marker(key, record));
        let blind = self.scenario.manager.session_keys.is_some() && self.scenario.existing > 0;
        let unseen = self.scenario.manager.answer_fields == AnswerFields::Sparse;
        let excused = record["work"] == "create" && (unmarked || blind || unseen);
        if excused {
            self.limits.push(Limit::Ambiguous);
        } else {
            self.problems
                .push(format!("the record {operation} is left after recovering"));
        }
        let last = (recovered.runs.iter()).rfind(|run| {
            run.arguments
                .iter()
                .any(|argument| argument.to_str() == Some(operation))
        });
        if last.and_then(|run| run.code) != Some(11) {
            self.problems.push(format!(
                "the record {operation} is left, and that was not said"
            ));
        }
    }

    /// A run reported success, and the secret of another one, from another machine at the same time, is the one that works.
    fn two_machines_at_once(&mut self) {
        let resets = (self.testbed.sandbox.requests().iter())
            .filter(|request| request.path.ends_with("/secretkey"))
            .count();
        if !self.scenario.together || !self.scenario.rekeys() || resets < 2 {
            return;
        }
        for outcome in self.runs.iter().filter(|outcome| outcome.code == Some(0)) {
            let delivered = outcome.delivered();
            if (delivered.iter()).any(|secret| self.keys.iter().all(|key| key.secret != *secret)) {
                self.limits.push(Limit::TwoMachines);
            }
        }
    }

    fn check_for_leaks(&mut self, outcome: &[Outcome]) {
        let secrets = (self.keys.iter())
            .chain(&self.testbed.before)
            .map(|key| key.secret.as_str())
            .chain(self.delivered.iter().map(String::as_str));
        let secrets: Vec<_> = secrets.map(str::to_owned).collect();
        for secret in secrets {
            if outcome.iter().any(|run| run.stderr.contains(&secret)) {
                self.problems.push("a secret is on stderr".to_owned());
            }
            if self
                .records
                .iter()
                .any(|(.., record)| record.to_string().contains(&secret))
            {
                self.problems.push("a secret is in a record".to_owned());
            }
        }
        for run in outcome.iter().filter(|run| {
            run.stderr.contains("panicked") || run.stderr.contains(UNDELIVERED_SECRET_DROPPED)
        }) {
            self.problems.push(format!("stderr says: {}", run.stderr));
        }
    }

    fn is_of(&self, key: &ApiKey, index: usize) -> bool {
        index < self.runs.len() && key.time_zone == zone(index)
    }

    /// Whether it is not as it was before the runs.
    fn changed(&self, key: &ApiKey) -> bool {
        let before = self
            .testbed
            .before
            .iter()
            .find(|before| before.id == key.id);
        before.is_none_or(|before| before.secret != key.secret)
    }

    pub(super) fn works(&self, key: &ApiKey) -> bool {
        // A sink that was broken after the delivery took the secret with it.
        let broken_late = (self.runs.iter().enumerate())
            .any(|(index, run)| run.broken_late && self.is_of(key, index));
        broken_late || self.delivered.contains(&key.secret)
    }

    /// Whether there is a record of it on the machine of the run that made or re-keyed it.
    fn is_recorded(&self, key: &ApiKey) -> bool {
        (self.records.iter()).any(|(machine, _, record)| self.names(*machine, record, key))
    }

    /// Whether a record is about this key: by its ID, else by its name or mark, if a run on that machine made it. Somebody may have renamed it.
    fn names(&self, machine: usize, record: &Value, key: &ApiKey) -> bool {
        match record["keyID"].as_i64() {
            Some(id) if id == key.id => return true,
            // It may be the twin of the one that the record knows, or the answer that told the ID was another run's.
            Some(_) if !self.scenario.confuses_keys() => return false,
            _ => {}
        }
        let made_here = (self.runs.iter().enumerate())
            .any(|(index, run)| run.machine == machine && self.is_of(key, index));
        let name = key.name.as_deref().unwrap_or_default();
        let asked = record["keyName"].as_str().unwrap_or_default();
        let named = name == asked || name == self.scenario.stored_name() || name == RENAMED;
        made_here && (named || has_marker(key, record))
    }
}

/// What counts as delivered: what a run reported as such, and what one that was killed had written whole before that.
fn delivered_secrets(runs: &[Outcome]) -> HashSet<String> {
    (runs.iter())
        .filter(|outcome| outcome.code == Some(0) || outcome.was_killed())
        .flat_map(Outcome::delivered)
        .collect()
}

/// Whether a key bears the mark of the operation, as far as a manager keeps it.
fn has_marker(key: &ApiKey, record: &Value) -> bool {
    let operation = record["operation"].as_str().unwrap_or("none");
    let texts = [&key.name, &key.description].into_iter().flatten();
    (texts.map(|text| text.to_lowercase())).any(|text| text.contains(operation))
}
