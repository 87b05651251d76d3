//! Runs random scenarios: 500 by default, `SEEDS=10000` for that many, or `SEED=7` for a single one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use swp_keys::sandbox::ApiKey;

use super::audit::Audit;
use super::conditions::{disks, faketime};
use super::execution::Outcome;
use super::families::{LATE, families, late_create};
use super::known_limits::Limit;
use super::machines::Testbed;
use super::pool::each;
use super::recovery::{forget, recover};
use super::scenario::{CREATE, Scenario};
use super::summary::summary;

/// The number of seeds in the normal suite.
const SEEDS: u64 = 500;
/// The number of failures that are reported in full.
const MAX_REPORTS: usize = 3;

/// Events that must occur among these seeds. Otherwise the harness would have tested nothing.
const REQUIRED_EVENTS: [&str; 17] = [
    "run 0",
    "run 6",
    "run 8",
    "run 10",
    "run 11",
    "run 129",
    "run 130",
    "run 143",
    "run signal 9",
    "recover 0",
    "recover 11",
    "a lost answer was settled by a new secret",
    "a key was deleted again",
    "a record was left",
    "a key was renamed",
    "runs shared a dotenv file",
    "a signal was ignored",
];

/// Fault families that must occur.
pub(super) const REQUIRED_FAMILIES: [&str; 7] = [
    "a request came twice",
    "answers were exchanged",
    "a request was late",
    "searches lagged",
    "names were altered",
    "descriptions were altered",
    "few descriptors",
];

/// Returns the conditions that must occur if this machine supports them.
fn possible() -> impl Iterator<Item = &'static &'static str> {
    let clocks: &[&str] = match faketime() {
        Some(_) => &["a wrong clock", "a clock jumped"],
        None => &[],
    };
    let disk: &[&str] = if disks() { &["a disk got full"] } else { &[] };
    clocks.iter().chain(disk)
}

#[test]
fn under_every_fault_each_key_is_delivered_deleted_or_recorded() {
    match number("SEED") {
        Some(seed) => run_seed(seed),
        None => run_seeds(number("SEEDS").unwrap_or(SEEDS)),
    }
}

pub(super) fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

/// Writes to stderr directly, because the test runner captures `eprintln!`.
pub(super) fn print_line(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn run_seed(seed: u64) {
    let verdict = run_to_end(seed);
    print_line(&verdict.report);
    assert_eq!(verdict.problems, [""; 0], "seed {seed}");
}

fn run_seeds(seeds: u64) {
    let begun = Instant::now();
    let failed = AtomicUsize::new(0);
    let ends = Mutex::new(BTreeMap::<String, usize>::new());
    each(0..seeds, |seed| {
        let verdict = run_to_end(seed);
        let mut ends = ends.lock().expect("no thread has panicked");
        for end in verdict.ends {
            *ends.entry(end).or_default() += 1;
        }
        drop(ends);
        if verdict.problems.is_empty() {
            return;
        }
        if failed.fetch_add(1, Ordering::Relaxed) < MAX_REPORTS {
            print_line(&verdict.report);
        } else {
            print_line(&format!(
                "SEED={seed} fails too: {}",
                verdict.problems.join("; ")
            ));
        }
    });
    let ends = ends.into_inner().expect("no thread has panicked");
    let took = begun.elapsed().as_secs_f64();
    print_line(&format!("{seeds} seeds in {took:.1} s: {ends:?}"));
    assert_eq!(failed.into_inner(), 0, "of {seeds} seeds");
    let families = REQUIRED_FAMILIES.iter().chain(possible());
    for end in REQUIRED_EVENTS
        .iter()
        .chain(families)
        .filter(|_| seeds >= SEEDS)
    {
        assert!(ends.contains_key(*end), "`{end}` never occurred");
    }
}

struct Verdict {
    problems: Vec<String>,
    report: String,
    ends: Vec<String>,
}

fn run_to_end(seed: u64) -> Verdict {
    let scenario = Scenario::of(seed);
    let testbed = Testbed::of(&scenario);
    let runs = testbed.run_to_end(&scenario);
    wait_for_late_work(&scenario, &testbed, &runs);
    let mut audit = Audit::open(&scenario, &testbed, &runs);
    let mut ends = events(&scenario, &testbed, &runs);
    if audit.has_records() {
        ends.push("a record was left".to_owned());
    }
    let mut problems = audit.after_the_runs();
    let mut limits = audit.limits().to_vec();
    let first = summary(&testbed);
    if scenario.recovery.keys_are_renamed {
        let renamed = (0..runs.len())
            .filter(|index| testbed.rename_key(*index))
            .count();
        ends.extend((renamed > 0).then(|| "a key was renamed".to_owned()));
    }
    let recovered = recover(&testbed, &scenario);
    ends.extend(recovered.runs.iter().map(|outcome| end("recover", outcome)));
    let mut audit = Audit::open(&scenario, &testbed, &runs);
    problems.extend(audit.after_recovering(&recovered));
    limits.extend(audit.limits());
    ends.extend(limits.iter().map(Limit::to_string));
    let second = summary(&testbed);
    problems.extend(forget(&testbed, &recovered));
    let again = format!("SEED={seed} cargo test faults\n");
    let reports = |outcome: &[Outcome]| outcome.iter().map(Outcome::report).collect::<String>();
    let report = [
        again.clone(),
        format!("{scenario:#?}\n"),
        reports(&runs),
        format!("After the runs,\n{first}\n"),
        reports(&recovered.runs),
        format!("After recovering,\n{second}\n"),
        problems
            .iter()
            .map(|what| format!("WRONG: {what}\n"))
            .collect(),
        again,
    ];
    Verdict {
        problems,
        report: report.concat(),
        ends,
    }
}

/// Waits for a create that the manager processes after the settle time, when its run has ended.
fn wait_for_late_work(scenario: &Scenario, testbed: &Testbed, runs: &[Outcome]) {
    let drawn = late_create();
    let asked = (testbed.sandbox.requests().iter()).any(|request| request.route() == CREATE);
    if !asked
        || !scenario
            .faults
            .iter()
            .any(|fault| fault.starts_with(&drawn))
    {
        return;
    }
    let last = runs.iter().map(|run| run.started).max().unwrap_or_default() + 2 * LATE;
    let late = |key: &ApiKey| runs.iter().any(|run| key.created >= run.started + LATE);
    while testbed.sandbox.now() < last && !testbed.sandbox.api_keys().iter().any(late) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(what: &str, outcome: &Outcome) -> String {
    match (outcome.code, outcome.signal) {
        (Some(code), _) => format!("{what} {code}"),
        (None, signal) => format!("{what} signal {}", signal.unwrap_or_default()),
    }
}

/// Returns the events of the runs, which are counted.
fn events(scenario: &Scenario, testbed: &Testbed, runs: &[Outcome]) -> Vec<String> {
    let mut ends: Vec<_> = runs.iter().map(|outcome| end("run", outcome)).collect();
    ends.extend(families(scenario, runs));
    let requests = testbed.sandbox.requests();
    if !scenario.rekeys()
        && requests
            .iter()
            .any(|request| request.path.ends_with("/secretkey"))
    {
        ends.push("a lost answer was settled by a new secret".to_owned());
    }
    if (requests.iter()).any(|request| request.route().starts_with("DELETE /api/apikeys/")) {
        ends.push("a key was deleted again".to_owned());
    }
    ends
}
