//! `recover`, called until it says that nothing is left: re-keying to stdout, to a file, and deleting, in turn.

use std::ffi::OsString;

use serde_json::Value;

use super::play::{Ended, Job, Watch};
use super::scenario::Scenario;
use super::stage::{Stage, times};

/// So often at the most; what is left then is left for good.
const ROUNDS: usize = 4;

/// What `recover` did.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) runs: Vec<Ended>,
    /// Operations that could not be finished: the machine and the record.
    pub(super) left: Vec<(usize, Value)>,
}

/// Recovers on every machine. The first round may suffer as the runs did; the later ones do not.
pub(super) fn recover(stage: &Stage, scenario: &Scenario) -> Recovered {
    let mut recovered = Recovered::default();
    stage.sandbox.clear_faults();
    stage.inject(&scenario.recovery.faults);
    let recovery = &scenario.recovery;
    for round in 0..ROUNDS {
        for machine in 0..stage.machines.len() {
            for (place, record) in unfinished(stage, machine).iter().enumerate() {
                let watch = match round {
                    0 => Watch {
                        troubles: &recovery.troubles,
                        kill: recovery.kill.as_ref(),
                        breakage: None,
                    },
                    _ => Watch::default(),
                };
                let way = recovery.first + round + place;
                let job = job(stage, machine, record, way, recovered.runs.len(), watch);
                recovered.runs.push(job.play(stage));
            }
        }
        stage.sandbox.clear_faults();
        // Who may not see keys cannot recover them: somebody who may does it.
        stage
            .sandbox
            .change(|settings| settings.unknowns.session_keys = None);
    }
    for machine in 0..stage.machines.len() {
        let left = unfinished(stage, machine);
        recovered
            .left
            .extend(left.into_iter().map(|record| (machine, record)));
    }
    recovered
}

/// What `recover --list` prints.
pub(super) fn unfinished(stage: &Stage, machine: usize) -> Vec<Value> {
    let mut listed = stage.machines[machine]
        .home
        .run(["recover", "--list", "-o", "json"])
        .json();
    match listed["unfinished"].take() {
        Value::Array(records) => records,
        other => panic!("no list: {other}"),
    }
}

fn job<'a>(
    stage: &Stage,
    machine: usize,
    record: &Value,
    way: usize,
    number: usize,
    watch: Watch<'a>,
) -> Job<'a> {
    let file = format!("recovered-{number}");
    let operation = record["operation"].as_str().expect("an operation");
    let mut words = vec!["recover", "-q", "--yes", operation];
    match way % 3 {
        0 => words.push("--rekey"),
        1 => words.extend(["--rekey", "--out-file", &file]),
        _ => words.push("--delete"),
    }
    let mut arguments: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    arguments.extend(times());
    let files = match way % 3 {
        1 => vec![stage.machines[machine].home.path(&file)],
        _ => Vec::new(),
    };
    Job {
        machine,
        mark: None,
        arguments,
        full: false,
        files,
        watch,
    }
}

/// A record that nothing can prove stays until it is forgotten.
pub(super) fn forget(stage: &Stage, recovered: &Recovered) -> Vec<String> {
    let mut wrong = Vec::new();
    for (machine, record) in &recovered.left {
        let operation = record["operation"].as_str().expect("an operation");
        let home = &stage.machines[*machine].home;
        let ran = home.run(["recover", "-q", "--yes", "--forget", operation]);
        if ran.code() != 0 {
            wrong.push(format!(
                "`recover --forget` exits {}: {}",
                ran.code(),
                ran.stderr
            ));
        }
    }
    for machine in 0..stage.machines.len() {
        if !unfinished(stage, machine).is_empty() {
            wrong.push("a record is there after `recover --forget`".to_owned());
        }
    }
    wrong
}
