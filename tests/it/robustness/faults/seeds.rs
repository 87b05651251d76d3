//! Plays seeds: `SEED=7` that one, `SEEDS=10000` so many, else 500, each a scenario of its own.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use swp_keys::sandbox::ApiKey;

use super::audit::Books;
use super::conditions::{disks, faketime};
use super::execution::Ended;
use super::families::{LATE, families, late_create};
use super::known_limits::Limit;
use super::machines::Stage;
use super::pool::each;
use super::recovery::{forget, recover};
use super::scenario::{CREATE, Scenario};
use super::summary::told;

/// So many in the normal suite.
const SEEDS: u64 = 500;
/// So many failures are told in full.
const TOLD: usize = 3;

/// What must come about among so many: else nothing was tried, and a harness that tries nothing is always content.
const MUST_COME: [&str; 17] = [
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

/// Families that must be drawn.
pub(super) const MUST_BE_DRAWN: [&str; 7] = [
    "a request came twice",
    "answers were exchanged",
    "a request was late",
    "searches lagged",
    "names were altered",
    "descriptions were altered",
    "few descriptors",
];

/// What must come about if this machine has what it takes.
fn possible() -> impl Iterator<Item = &'static &'static str> {
    let clocks: &[&str] = match faketime() {
        Some(_) => &["a wrong clock", "a clock jumped"],
        None => &[],
    };
    let disk: &[&str] = if disks() { &["a disk got full"] } else { &[] };
    clocks.iter().chain(disk)
}

#[test]
fn every_key_is_delivered_or_gone_or_in_a_record_under_every_fault() {
    match number("SEED") {
        Some(seed) => one(seed),
        None => many(number("SEEDS").unwrap_or(SEEDS)),
    }
}

pub(super) fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

/// Past the test runner, which would keep it back.
pub(super) fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn one(seed: u64) {
    let played = play(seed);
    tell(&played.story);
    assert_eq!(played.wrong, [""; 0], "seed {seed}");
}

fn many(seeds: u64) {
    let begun = Instant::now();
    let failed = AtomicUsize::new(0);
    let ends = Mutex::new(BTreeMap::<String, usize>::new());
    each(0..seeds, |seed| {
        let played = play(seed);
        let mut ends = ends.lock().expect("no thread has panicked");
        for end in played.ends {
            *ends.entry(end).or_default() += 1;
        }
        drop(ends);
        if played.wrong.is_empty() {
            return;
        }
        if failed.fetch_add(1, Ordering::Relaxed) < TOLD {
            tell(&played.story);
        } else {
            tell(&format!(
                "SEED={seed} fails too: {}",
                played.wrong.join("; ")
            ));
        }
    });
    let ends = ends.into_inner().expect("no thread has panicked");
    let took = begun.elapsed().as_secs_f64();
    tell(&format!("{seeds} seeds in {took:.1} s: {ends:?}"));
    assert_eq!(failed.into_inner(), 0, "of {seeds} seeds");
    let families = MUST_BE_DRAWN.iter().chain(possible());
    for end in MUST_COME.iter().chain(families).filter(|_| seeds >= SEEDS) {
        assert!(ends.contains_key(*end), "`{end}` never came about");
    }
}

struct Played {
    wrong: Vec<String>,
    story: String,
    ends: Vec<String>,
}

fn play(seed: u64) -> Played {
    let scenario = Scenario::of(seed);
    let stage = Stage::of(&scenario);
    let runs = stage.play(&scenario);
    wait_for_late_work(&scenario, &stage, &runs);
    let mut books = Books::open(&scenario, &stage, &runs);
    let mut ends = came_about(&scenario, &stage, &runs);
    if books.has_records() {
        ends.push("a record was left".to_owned());
    }
    let mut wrong = books.after_the_runs();
    let mut limits = books.limits().to_vec();
    let first = told(&stage);
    if scenario.recovery.finds_renamed {
        let renamed = (0..runs.len())
            .filter(|index| stage.rename_key(*index))
            .count();
        ends.extend((renamed > 0).then(|| "a key was renamed".to_owned()));
    }
    let recovered = recover(&stage, &scenario);
    ends.extend(recovered.runs.iter().map(|ended| end("recover", ended)));
    let mut books = Books::open(&scenario, &stage, &runs);
    wrong.extend(books.after_recovering(&recovered));
    limits.extend(books.limits());
    ends.extend(limits.iter().map(Limit::to_string));
    let second = told(&stage);
    wrong.extend(forget(&stage, &recovered));
    let again = format!("SEED={seed} cargo test faults\n");
    let stories = |ended: &[Ended]| ended.iter().map(Ended::story).collect::<String>();
    let story = [
        again.clone(),
        format!("{scenario:#?}\n"),
        stories(&runs),
        format!("After the runs,\n{first}\n"),
        stories(&recovered.runs),
        format!("After recovering,\n{second}\n"),
        wrong
            .iter()
            .map(|what| format!("WRONG: {what}\n"))
            .collect(),
        again,
    ];
    Played {
        wrong,
        story: story.concat(),
        ends,
    }
}

/// A create that is worked on after the settle time comes when its run is over, so it is waited for, if there is one.
fn wait_for_late_work(scenario: &Scenario, stage: &Stage, runs: &[Ended]) {
    let drawn = late_create();
    let asked = (stage.sandbox.requests().iter()).any(|request| request.route() == CREATE);
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
    while stage.sandbox.now() < last && !stage.sandbox.api_keys().iter().any(late) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(what: &str, ended: &Ended) -> String {
    match (ended.code, ended.signal) {
        (Some(code), _) => format!("{what} {code}"),
        (None, signal) => format!("{what} signal {}", signal.unwrap_or_default()),
    }
}

/// What the runs met, for the count of what was tried.
fn came_about(scenario: &Scenario, stage: &Stage, runs: &[Ended]) -> Vec<String> {
    let mut ends: Vec<_> = runs.iter().map(|ended| end("run", ended)).collect();
    ends.extend(families(scenario, runs));
    let requests = stage.sandbox.requests();
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
