//! Runs `recover` until no record is left. It alternates between a reset to stdout, a reset to a file, and a deletion.

use std::ffi::OsString;

use serde_json::Value;

use super::conditions::RunConditions;
use super::execution::{Job, Outcome, Watch};
use super::machines::{Testbed, long_timeouts, times};
use super::scenario::{Recovery, Scenario};

/// The maximum number of rounds. A record that is left then stays forever.
const ROUNDS: usize = 4;

/// The result of all runs of `recover`.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) runs: Vec<Outcome>,
    /// The machine and the record of each operation that could not be finished.
    pub(super) remaining: Vec<(usize, Value)>,
}

/// Recovers on every machine. Only the first round may have faults.
pub(super) fn recover(testbed: &Testbed, scenario: &Scenario) -> Recovered {
    let mut recovered = Recovered::default();
    testbed.sandbox.clear_faults();
    testbed.inject(&scenario.recovery.faults);
    if !scenario.recovery.disk_is_full {
        testbed.make_room();
    }
    let run_conditions = &scenario.recovery.run_conditions;
    for round in 0..ROUNDS {
        for machine in 0..testbed.machines.len() {
            for (place, record) in unfinished(testbed, machine).iter().enumerate() {
                let attempt = Attempt {
                    machine,
                    operation: record["operation"].as_str().expect("an operation"),
                    way: scenario.recovery.first + round + place,
                    number: recovered.runs.len(),
                };
                let suffering = (round == 0).then_some(&scenario.recovery);
                recovered.runs.push(
                    attempt
                        .job(testbed, suffering, run_conditions)
                        .run_to_end(testbed),
                );
            }
        }
        testbed.sandbox.clear_faults();
        testbed.make_room();
        // Recovery requires the permission to view keys.
        (testbed.sandbox).change(|settings| settings.unknowns.session_keys = None);
    }
    for machine in 0..testbed.machines.len() {
        let remaining = unfinished(testbed, machine).into_iter();
        (recovered.remaining).extend(remaining.map(|record| (machine, record)));
    }
    recovered
}

/// Returns the records that `recover --list` prints.
pub(super) fn unfinished(testbed: &Testbed, machine: usize) -> Vec<Value> {
    let mut listed = testbed.machines[machine]
        .home
        .run(["recover", "--list", "-o", "json"])
        .json();
    match listed["unfinished"].take() {
        Value::Array(records) => records,
        other => panic!("no list: {other}"),
    }
}

/// One run of `recover` for one record.
struct Attempt<'a> {
    machine: usize,
    operation: &'a str,
    /// Selects a reset to stdout, a reset to a file, or a deletion.
    way: usize,
    /// The number of earlier attempts.
    number: usize,
}

impl Attempt<'_> {
    fn job<'a>(
        &self,
        testbed: &Testbed,
        suffering: Option<&'a Recovery>,
        run_conditions: &'a RunConditions,
    ) -> Job<'a> {
        let file = (self.way % 3 == 1).then(|| {
            let home = &testbed.machines[self.machine].home;
            home.path(&format!("recovered-{}", self.number))
        });
        let mut arguments: Vec<OsString> = ["recover", "-q", "--yes", self.operation]
            .map(OsString::from)
            .to_vec();
        arguments.push(
            if self.way % 3 == 2 {
                "--delete"
            } else {
                "--rekey"
            }
            .into(),
        );
        let to = file.as_ref().map_or_else(|| "-".into(), OsString::from);
        arguments.extend(["--out-file".into(), to]);
        match suffering {
            Some(_) => arguments.extend(times()),
            None => arguments.extend(long_timeouts()),
        }
        Job {
            files: file.into_iter().collect(),
            watch: Watch {
                network_faults: suffering.map_or(&[], |recovery| &recovery.network_faults),
                kill: suffering.and_then(|recovery| recovery.kill.as_ref()),
                breakage: None,
                run_conditions: Some(run_conditions),
            },
            ..Job::plain(self.machine, arguments)
        }
    }
}

/// Removes the remaining records with `recover --forget`.
pub(super) fn forget(testbed: &Testbed, recovered: &Recovered) -> Vec<String> {
    let mut problems = Vec::new();
    for (machine, record) in &recovered.remaining {
        let operation = record["operation"].as_str().expect("an operation");
        let home = &testbed.machines[*machine].home;
        let result = home.run(["recover", "-q", "--yes", "--forget", operation]);
        if result.code() != 0 {
            problems.push(format!(
                "`recover --forget` exits {}: {}",
                result.code(),
                result.stderr
            ));
        }
    }
    for machine in 0..testbed.machines.len() {
        if !unfinished(testbed, machine).is_empty() {
            problems.push("a record is there after `recover --forget`".to_owned());
        }
    }
    problems
}
