//! Compares the keys of the manager with the delivered secrets and the records.

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

/// Exit codes that promise that the run left nothing behind.
const CLEAN_EXIT_CODES: [i32; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 131, 138, 143];
/// Exit codes of runs that cleaned up after a signal.
const SIGNAL_EXIT_CODES: [i32; 5] = [129, 130, 131, 138, 143];
/// Descriptions of what is wrong, for example a key whose secret was lost.
pub(super) type Problems = Vec<String>;

/// The keys, delivered secrets and records at one moment.
pub(super) struct Audit<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) testbed: &'a Testbed,
    pub(super) runs: &'a [Outcome],
    pub(super) keys: Vec<ApiKey>,
    /// The secrets that the runs delivered.
    delivered: HashSet<String>,
    /// The machine, the file name and the content of each record.
    records: Vec<(usize, String, Value)>,
    problems: Problems,
    /// The known limits that explain a lost key.
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

    /// Returns the known limits that explain a lost key.
    pub(super) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Returns true if a run left a record.
    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// Checks the state after the runs and before recovery.
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

    /// Checks the state after the last run of `recover`.
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
                    let what =
                        format!("`list-keys` does not show {} as a duplicate", describe(key));
                    self.problems.push(what);
                }
                Some(limit) => self.limits.push(limit),
                None => {
                    let what = format!("after recovering, the secret of {} is lost", describe(key));
                    self.problems.push(what);
                }
            }
        }
        self.check_delivered_secrets();
        self.check_for_leaks(&recovered.runs);
        mem::take(&mut self.problems)
    }

    /// Checks that existing keys still exist, and that their secrets changed only if a run had to reset them.
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
                    "the secret of {} is lost, and no record names the key",
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
        let run_conditions = &self.scenario.runs[index].run_conditions;
        let few_descriptors = run_conditions.descriptors.is_some();
        match outcome.code {
            Some(code) if run_conditions.ignores_signals && SIGNAL_EXIT_CODES.contains(&code) => {
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
                // A response without a marker may belong to a different run. Its secret is delivered then.
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
                // Of several resets, the last one determines the secret.
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

    /// Checks that `recover` revoked no secret that a run reported as delivered.
    fn check_delivered_secrets(&mut self) {
        let superseded = self.scenario.rekeys() && self.runs.len() > 1;
        for (index, outcome) in self.runs.iter().enumerate() {
            let good = outcome.code == Some(0) && !outcome.broken_late && !superseded;
            for secret in outcome.delivered().iter().filter(|_| good) {
                if !self.keys.iter().any(|key| key.secret == *secret) {
                    let what = format!("run {index} exited 0, and recovering revoked its secret");
                    self.problems.push(what);
                }
            }
        }
    }

    /// Checks that a record remains only if nothing proves whose key it names, and that `recover` exited with 11 for it.
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
                "the record {operation} is left, and `recover` did not exit with 11"
            ));
        }
    }

    /// Notes the limit of two machines: a run reported success, but a reset from a different machine replaced its secret.
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

    /// Returns true if the runs created the key or changed its secret.
    fn changed(&self, key: &ApiKey) -> bool {
        let before = self
            .testbed
            .before
            .iter()
            .find(|before| before.id == key.id);
        before.is_none_or(|before| before.secret != key.secret)
    }

    pub(super) fn works(&self, key: &ApiKey) -> bool {
        // If the sink was destroyed after the delivery, the secret went with it.
        let broken_late = (self.runs.iter().enumerate())
            .any(|(index, run)| run.broken_late && self.is_of(key, index));
        broken_late || self.delivered.contains(&key.secret)
    }

    /// Returns true if the machine that created or reset the key has a record of it.
    fn is_recorded(&self, key: &ApiKey) -> bool {
        (self.records.iter()).any(|(machine, _, record)| self.names(*machine, record, key))
    }

    /// Returns true if a record names this key by its ID. Without an ID, the name or marker must match, and a run on that machine must have created
    /// the key. The scenario may have renamed it.
    fn names(&self, machine: usize, record: &Value, key: &ApiKey) -> bool {
        match record["keyID"].as_i64() {
            Some(id) if id == key.id => return true,
            // The key may be a duplicate of the recorded one, or the recorded ID came from the response to a different run.
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

/// Returns the secrets that successful runs delivered, and those that killed runs had written completely.
fn delivered_secrets(runs: &[Outcome]) -> HashSet<String> {
    (runs.iter())
        .filter(|outcome| outcome.code == Some(0) || outcome.was_killed())
        .flat_map(Outcome::delivered)
        .collect()
}

/// Returns true if the description of a key contains the marker of the operation, as far as the manager stores it.
fn has_marker(key: &ApiKey, record: &Value) -> bool {
    let operation = record["operation"].as_str().unwrap_or("none");
    let texts = [&key.name, &key.description].into_iter().flatten();
    (texts.map(|text| text.to_lowercase())).any(|text| text.contains(operation))
}
