//! Three books, compared: the manager's keys, what was delivered, and the records.

use crate::support::wording::UNDELIVERED_SECRET_DROPPED;
use std::collections::HashSet;
use std::mem;

use serde_json::Value;
use swp_keys::sandbox::{AnswerFields, ApiKey};

use super::conditions::RENAMED;
use super::execution::Ended;
use super::known_limits::Limit;
use super::machines::{Stage, zone};
use super::recovery::Recovered;
use super::scenario::{IfExists, Scenario};
use super::summary::{records, shown};

/// Exit codes that say that nothing is left of the run.
const NOTHING_LEFT: [i32; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 131, 138, 143];
/// Exit codes of runs that a signal ended in order.
const SIGNALLED: [i32; 5] = [129, 130, 131, 138, 143];
/// Keys the manager has that nobody has the secret of, and why that is wrong.
pub(super) type Wrong = Vec<String>;

/// The books at one moment.
pub(super) struct Books<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) stage: &'a Stage,
    pub(super) runs: &'a [Ended],
    pub(super) keys: Vec<ApiKey>,
    /// Secrets that a run handed over and said so.
    delivered: HashSet<String>,
    /// The machine, the file's name, and what it holds.
    records: Vec<(usize, String, Value)>,
    wrong: Wrong,
    /// What no client can see, and was met.
    limits: Vec<Limit>,
}

impl<'a> Books<'a> {
    pub(super) fn open(scenario: &'a Scenario, stage: &'a Stage, runs: &'a [Ended]) -> Self {
        let mut wrong = Vec::new();
        Self {
            scenario,
            stage,
            runs,
            keys: stage.sandbox.api_keys(),
            delivered: handed_over(runs),
            records: records(stage, &mut wrong),
            wrong,
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
    pub(super) fn after_the_runs(&mut self) -> Wrong {
        self.nothing_else_was_touched();
        self.each_key_is_delivered_or_recorded();
        for (index, ended) in self.runs.iter().enumerate() {
            self.the_exit_code_is_true(index, ended);
        }
        self.two_machines_at_once();
        self.no_secret_is_where_it_does_not_belong(self.runs);
        mem::take(&mut self.wrong)
    }

    /// After `recover` has said that it can do no more.
    pub(super) fn after_recovering(&mut self, recovered: &Recovered) -> Wrong {
        self.delivered.extend(handed_over(&recovered.runs));
        self.nothing_else_was_touched();
        for (machine, record) in &recovered.left {
            self.may_be_left(*machine, record, recovered);
        }
        for key in &self.keys {
            let excused =
                (recovered.left.iter()).any(|(machine, record)| self.names(*machine, record, key));
            if self.works(key) || !self.changed(key) || excused {
                continue;
            }
            match self.limit_of(key) {
                Some(Limit::Twin) if !self.is_listed_as_twin(key) => {
                    let what = format!("`list-keys` shows no twin in {}", shown(key));
                    self.wrong.push(what);
                }
                Some(limit) => self.limits.push(limit),
                None => {
                    let what = format!("after recovering, nobody has the secret of {}", shown(key));
                    self.wrong.push(what);
                }
            }
        }
        self.what_was_delivered_still_works();
        self.no_secret_is_where_it_does_not_belong(&recovered.runs);
        mem::take(&mut self.wrong)
    }

    /// Keys that were there before stay, and keep their secret unless somebody asked for a new one.
    fn nothing_else_was_touched(&mut self) {
        for before in &self.stage.before {
            let now = self.keys.iter().find(|key| key.id == before.id);
            let named = before.name.as_deref() == Some(&self.scenario.kept_name());
            let may_change = self.scenario.rekeys() && named;
            match now {
                None => self.wrong.push(format!("{} was deleted", shown(before))),
                Some(now) if now.secret != before.secret && !may_change => {
                    self.wrong
                        .push(format!("{} was given a new secret", shown(before)));
                }
                Some(_) => {}
            }
        }
    }

    fn each_key_is_delivered_or_recorded(&mut self) {
        let lost: Vec<_> = (self.keys.iter())
            .filter(|key| self.changed(key) && !self.works(key) && !self.is_recorded(key))
            .filter(|key| self.limit_of(key).is_none())
            .map(|key| {
                format!(
                    "nobody has the secret of {}, and no record names it",
                    shown(key)
                )
            })
            .collect();
        self.wrong.extend(lost);
    }

    fn the_exit_code_is_true(&mut self, index: usize, ended: &Ended) {
        let left: Vec<_> = (self.keys.iter())
            .filter(|key| self.is_of(key, index) && self.limit_of(key).is_none())
            .map(shown)
            .collect();
        let mut wrong = Vec::new();
        let surroundings = &self.scenario.runs[index].surroundings;
        let few_descriptors = surroundings.descriptors.is_some();
        match ended.code {
            Some(code) if surroundings.ignores_signals && SIGNALLED.contains(&code) => {
                wrong.push("it ignores that signal".to_owned());
            }
            Some(1) if few_descriptors && !left.is_empty() => {
                wrong.push(format!("something was asked for: {}", left.join(", ")));
            }
            Some(0) => self.success_is_true(index, ended, &mut wrong),
            Some(101) => wrong.push("it panicked".to_owned()),
            Some(code) => {
                if NOTHING_LEFT.contains(&code) && !left.is_empty() {
                    wrong.push(format!(
                        "nothing should be left, and there is {}",
                        left.join(", ")
                    ));
                }
                let alone = self
                    .runs
                    .iter()
                    .filter(|run| run.machine == ended.machine)
                    .count()
                    == 1;
                let records = self
                    .records
                    .iter()
                    .filter(|(machine, ..)| *machine == ended.machine);
                if NOTHING_LEFT.contains(&code) && alone && records.count() > 0 {
                    wrong.push("nothing should be left, and there is a record".to_owned());
                }
                if !ended.stdout.is_empty() {
                    wrong.push(format!("stdout is not empty: {}", ended.stdout));
                }
                if ended.delivered().iter().any(|secret| !secret.is_empty()) {
                    wrong.push("a secret was left in a file".to_owned());
                }
            }
            None => {}
        }
        for what in wrong {
            let code = ended.code.unwrap_or_default();
            self.wrong.push(format!("run {index} exits {code}: {what}"));
        }
    }

    fn success_is_true(&self, index: usize, ended: &Ended, wrong: &mut Wrong) {
        let run = &self.scenario.runs[index];
        let secrets: HashSet<String> = ended.delivered().into_iter().collect();
        if ended.broken_late {
            return;
        }
        match secrets.iter().collect::<Vec<_>>()[..] {
            [] if run.if_exists == IfExists::Skip => {
                // Without a mark in it, an answer of another run is taken for the own one, and delivered.
                let undelivered = |key: &&ApiKey| {
                    self.is_of(key, index) && !self.works(key) && self.limit_of(key).is_none()
                };
                if let Some(key) = self.keys.iter().find(undelivered) {
                    wrong.push(format!(
                        "no secret was delivered, and there is {}",
                        shown(key)
                    ));
                }
            }
            [secret] => {
                let alive = self.keys.iter().any(|key| key.secret == *secret);
                // The last of several that ask for a new secret wins.
                let overtaken = self.scenario.rekeys() && self.runs.len() > 1;
                if !alive && !overtaken {
                    wrong.push("its secret does not work".to_owned());
                }
            }
            _ => wrong.push(format!("{} secrets were delivered", secrets.len())),
        }
        let places = ended.files.len().max(1);
        if !secrets.is_empty() && !ended.files.is_empty() && ended.delivered().len() != places {
            wrong.push("not all files hold the secret".to_owned());
        }
    }

    /// What a run reported as done stays done, whatever `recover` does about others.
    fn what_was_delivered_still_works(&mut self) {
        let overtaken = self.scenario.rekeys() && self.runs.len() > 1;
        for (index, ended) in self.runs.iter().enumerate() {
            let good = ended.code == Some(0) && !ended.broken_late && !overtaken;
            for secret in ended.delivered().iter().filter(|_| good) {
                if !self.keys.iter().any(|key| key.secret == *secret) {
                    let what = format!("run {index} exited 0, and recovering took its key away");
                    self.wrong.push(what);
                }
            }
        }
    }

    /// Only what nothing proves may be left, and it must have been said with exit 11.
    fn may_be_left(&mut self, machine: usize, record: &Value, recovered: &Recovered) {
        let operation = record["operation"].as_str().unwrap_or_default();
        let unmarked = self.marks_are_lost()
            || (self.keys.iter())
                .any(|key| self.names(machine, record, key) && !is_marked(key, record));
        let blind = self.scenario.manager.session_keys.is_some() && self.scenario.existing > 0;
        let unseen = self.scenario.manager.answer_fields == AnswerFields::Sparse;
        let excused = record["work"] == "create" && (unmarked || blind || unseen);
        if excused {
            self.limits.push(Limit::Alike);
        } else {
            self.wrong
                .push(format!("the record {operation} is left after recovering"));
        }
        let last = (recovered.runs.iter()).rfind(|run| {
            run.arguments
                .iter()
                .any(|argument| argument.to_str() == Some(operation))
        });
        if last.and_then(|run| run.code) != Some(11) {
            self.wrong.push(format!(
                "the record {operation} is left, and that was not said"
            ));
        }
    }

    /// A run reported success, and the secret of another one, from another machine at the same time, is the one that works.
    fn two_machines_at_once(&mut self) {
        let resets = (self.stage.sandbox.requests().iter())
            .filter(|request| request.path.ends_with("/secretkey"))
            .count();
        if !self.scenario.together || !self.scenario.rekeys() || resets < 2 {
            return;
        }
        for ended in self.runs.iter().filter(|ended| ended.code == Some(0)) {
            let delivered = ended.delivered();
            if (delivered.iter()).any(|secret| self.keys.iter().all(|key| key.secret != *secret)) {
                self.limits.push(Limit::TwoMachines);
            }
        }
    }

    fn no_secret_is_where_it_does_not_belong(&mut self, ended: &[Ended]) {
        let secrets = (self.keys.iter())
            .chain(&self.stage.before)
            .map(|key| key.secret.as_str())
            .chain(self.delivered.iter().map(String::as_str));
        let secrets: Vec<_> = secrets.map(str::to_owned).collect();
        for secret in secrets {
            if ended.iter().any(|run| run.stderr.contains(&secret)) {
                self.wrong.push("a secret is on stderr".to_owned());
            }
            if self
                .records
                .iter()
                .any(|(.., record)| record.to_string().contains(&secret))
            {
                self.wrong.push("a secret is in a record".to_owned());
            }
        }
        for run in ended.iter().filter(|run| {
            run.stderr.contains("panicked") || run.stderr.contains(UNDELIVERED_SECRET_DROPPED)
        }) {
            self.wrong.push(format!("stderr says: {}", run.stderr));
        }
    }

    fn is_of(&self, key: &ApiKey, index: usize) -> bool {
        index < self.runs.len() && key.time_zone == zone(index)
    }

    /// Whether it is not as it was before the runs.
    fn changed(&self, key: &ApiKey) -> bool {
        let before = self.stage.before.iter().find(|before| before.id == key.id);
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
        let named = name == asked || name == self.scenario.kept_name() || name == RENAMED;
        made_here && (named || is_marked(key, record))
    }
}

/// What counts as delivered: what a run reported as such, and what one that was killed had written whole before that.
fn handed_over(runs: &[Ended]) -> HashSet<String> {
    (runs.iter())
        .filter(|ended| ended.code == Some(0) || ended.was_killed())
        .flat_map(Ended::delivered)
        .collect()
}

/// Whether a key bears the mark of the operation, as far as a manager keeps it.
fn is_marked(key: &ApiKey, record: &Value) -> bool {
    let operation = record["operation"].as_str().unwrap_or("none");
    let texts = [&key.name, &key.description].into_iter().flatten();
    (texts.map(|text| text.to_lowercase())).any(|text| text.contains(operation))
}
