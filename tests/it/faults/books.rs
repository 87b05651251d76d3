//! Three books, compared: the manager's keys, what was delivered, and the records.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;
use swp_keys::sandbox::{AnswerFields, ApiKey};

use super::play::Ended;
use super::recovery::Recovered;
use super::scenario::{IfExists, NAME, Naming, Scenario};
use super::stage::{Stage, mark};

/// Exit codes that say that nothing is left of the run.
const NOTHING_LEFT: [i32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 143];
/// Keys the manager has that nobody has the secret of, and why that is wrong.
pub(super) type Wrong = Vec<String>;

/// The books at one moment.
pub(super) struct Books<'a> {
    scenario: &'a Scenario,
    stage: &'a Stage,
    runs: &'a [Ended],
    keys: Vec<ApiKey>,
    /// Secrets that a run handed over and said so.
    delivered: HashSet<String>,
    /// The machine, the file's name, and what it holds.
    records: Vec<(usize, String, Value)>,
    wrong: Wrong,
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
        }
    }

    /// Whether a run left a record.
    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// After the runs, before anything was recovered.
    pub(super) fn after_the_runs(mut self) -> Wrong {
        self.nothing_else_was_touched();
        self.each_key_is_delivered_or_recorded();
        for (index, ended) in self.runs.iter().enumerate() {
            self.the_exit_code_is_true(index, ended);
        }
        self.no_secret_is_where_it_does_not_belong(self.runs);
        self.wrong
    }

    /// After `recover` has said that it can do no more.
    pub(super) fn after_recovering(mut self, recovered: &Recovered) -> Wrong {
        self.delivered.extend(handed_over(&recovered.runs));
        self.nothing_else_was_touched();
        for (_, record) in &recovered.left {
            self.may_be_left(record, recovered);
        }
        for key in &self.keys {
            let excused = recovered.left.iter().any(|(_, record)| {
                record["keyName"].as_str() == key.name.as_deref() && self.is_of_a_run(key)
            });
            if !self.works(key) && self.changed(key) && !excused {
                let what = format!("after recovering, nobody has the secret of {}", shown(key));
                self.wrong.push(what);
            }
        }
        self.what_was_delivered_still_works();
        self.no_secret_is_where_it_does_not_belong(&recovered.runs);
        self.wrong
    }

    /// Keys that were there before stay, and keep their secret unless somebody asked for a new one.
    fn nothing_else_was_touched(&mut self) {
        for before in &self.stage.before {
            let now = self.keys.iter().find(|key| key.id == before.id);
            let may_change = self.scenario.rekeys() && before.name.as_deref() == Some(NAME);
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
            .filter(|key| self.is_of(key, index))
            .map(shown)
            .collect();
        let mut wrong = Vec::new();
        match ended.code {
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
                if let Some(key) = self.keys.iter().find(|key| self.is_of(key, index)) {
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
    fn may_be_left(&mut self, record: &Value, recovered: &Recovered) {
        let operation = record["operation"].as_str().unwrap_or_default();
        let named = record["keyName"].as_str() == Some(NAME);
        let unmarked = self
            .scenario
            .runs
            .iter()
            .any(|run| run.naming == Naming::Unmarked);
        let blind = self.scenario.manager.session_keys.is_some() && self.scenario.existing > 0;
        let unseen = self.scenario.manager.answer_fields == AnswerFields::Sparse;
        let excused = named && record["work"] == "create" && (unmarked || blind || unseen);
        if !excused {
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
            run.stderr.contains("panicked") || run.stderr.contains("fresh secret was dropped")
        }) {
            self.wrong.push(format!("stderr says: {}", run.stderr));
        }
    }

    fn is_of(&self, key: &ApiKey, index: usize) -> bool {
        let description = key.description.as_deref().unwrap_or_default();
        description == mark(index) || description.starts_with(&format!("{} ", mark(index)))
    }

    fn is_of_a_run(&self, key: &ApiKey) -> bool {
        (0..self.runs.len()).any(|index| self.is_of(key, index))
    }

    /// Whether it is not as it was before the runs.
    fn changed(&self, key: &ApiKey) -> bool {
        let before = self.stage.before.iter().find(|before| before.id == key.id);
        before.is_none_or(|before| before.secret != key.secret)
    }

    fn works(&self, key: &ApiKey) -> bool {
        self.delivered.contains(&key.secret)
    }

    /// Whether there is a record of it on the machine of the run that made or re-keyed it.
    fn is_recorded(&self, key: &ApiKey) -> bool {
        let of_a_run = self.is_of_a_run(key);
        self.records.iter().any(|(machine, _, record)| {
            let id = record["keyID"].as_i64();
            let made_here = (self.runs.iter().enumerate())
                .any(|(index, run)| run.machine == *machine && self.is_of(key, index));
            let named = record["keyName"].as_str() == key.name.as_deref();
            named && (id == Some(key.id) || id.is_none() && of_a_run && made_here)
        })
    }
}

/// What counts as delivered: what a run reported as such, and what one that was killed had written whole before that.
fn handed_over(runs: &[Ended]) -> HashSet<String> {
    (runs.iter())
        .filter(|ended| ended.code == Some(0) || ended.was_killed())
        .flat_map(Ended::delivered)
        .collect()
}

/// Every record that is there, read as a person would.
fn records(stage: &Stage, wrong: &mut Wrong) -> Vec<(usize, String, Value)> {
    let mut records = Vec::new();
    for (number, machine) in stage.machines.iter().enumerate() {
        for entry in fs::read_dir(machine.records())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A run that was killed while it wrote leaves a temporary file; nothing was asked then.
            if name.starts_with('.') {
                continue;
            }
            let content = fs::read(entry.path()).unwrap_or_default();
            match serde_json::from_slice(&content) {
                Ok(record) => records.push((number, name, record)),
                Err(error) => wrong.push(format!("the record {name} cannot be read: {error}")),
            }
        }
    }
    records
}

fn shown(key: &ApiKey) -> String {
    format!(
        "the key {} `{}` ({})",
        key.id,
        key.name.as_deref().unwrap_or_default(),
        key.description.as_deref().unwrap_or_default()
    )
}

/// The books in words, for a seed that failed.
pub(super) fn told(stage: &Stage) -> String {
    let keys: Vec<_> = (stage.sandbox.api_keys().iter())
        .map(|key| format!("  {} = {}\n", shown(key), key.secret))
        .collect();
    let records: Vec<_> = (records(stage, &mut Vec::new()).iter())
        .map(|(machine, name, record)| format!("  machine {machine}, {name}: {record}\n"))
        .collect();
    let requests: Vec<_> = (stage.sandbox.requests().iter())
        .map(|request| {
            format!(
                "  {} {} -> {:?}\n",
                request.connection,
                request.route(),
                request.status
            )
        })
        .collect();
    format!(
        "the manager's keys:\n{}the records:\n{}what the manager saw:\n{}",
        keys.concat(),
        records.concat(),
        requests.concat()
    )
}
