//! Plays seeds: `SEED=7` that one, `SEEDS=10000` so many, else 500, each a scenario of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use super::books::{Books, told};
use super::play::Ended;
use super::recovery::{forget, recover};
use super::scenario::Scenario;
use super::stage::Stage;

/// So many in the normal suite.
const SEEDS: u64 = 500;
/// A run waits most of its time, so many go at once.
const AT_ONCE: usize = 8;
/// So many failures are told in full.
const TOLD: usize = 3;

#[test]
fn every_key_is_delivered_or_gone_or_in_a_record_under_every_fault() {
    let number = |name: &str| -> Option<u64> {
        let value = std::env::var(name).ok()?;
        Some(
            value
                .parse()
                .unwrap_or_else(|error| panic!("{name}={value}: {error}")),
        )
    };
    match number("SEED") {
        Some(seed) => one(seed),
        None => many(number("SEEDS").unwrap_or(SEEDS)),
    }
}

fn one(seed: u64) {
    let played = play(seed);
    eprintln!("{}", played.story);
    assert_eq!(played.wrong, [""; 0], "seed {seed}");
}

fn many(seeds: u64) {
    let begun = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicUsize::new(0));
    let ends = Mutex::new(BTreeMap::<String, usize>::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * AT_ONCE;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let played = play(seed);
                    let mut ends = ends.lock().expect("no thread has panicked");
                    for end in played.ends {
                        *ends.entry(end).or_default() += 1;
                    }
                    if !played.wrong.is_empty() && failed.fetch_add(1, Ordering::Relaxed) < TOLD {
                        eprintln!("{}", played.story);
                    } else if !played.wrong.is_empty() {
                        eprintln!("SEED={seed} fails too: {}", played.wrong.join("; "));
                    }
                }
            });
        }
    });
    let ends = ends.into_inner().expect("no thread has panicked");
    eprintln!(
        "{seeds} seeds in {:.1} s: {ends:?}",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(failed.into_inner(), 0, "of {seeds} seeds");
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
    let mut wrong = Books::open(&scenario, &stage, &runs).after_the_runs();
    let first = told(&stage);
    let recovered = recover(&stage, &scenario);
    wrong.extend(Books::open(&scenario, &stage, &runs).after_recovering(&recovered));
    let second = told(&stage);
    wrong.extend(forget(&stage, &recovered));
    let end = |what: &str, ended: &Ended| match (ended.code, ended.signal) {
        (Some(code), _) => format!("{what} {code}"),
        (None, signal) => format!("{what} signal {}", signal.unwrap_or_default()),
    };
    let ends = (runs.iter().map(|ended| end("run", ended)))
        .chain(recovered.runs.iter().map(|ended| end("recover", ended)))
        .collect();
    let mut story = format!("SEED={seed} cargo test faults\n{scenario:#?}\n");
    for ended in &runs {
        let _ = writeln!(story, "{ended:#?}");
    }
    let _ = writeln!(story, "After the runs,\n{first}");
    for ended in &recovered.runs {
        let _ = writeln!(story, "{ended:#?}");
    }
    let _ = writeln!(story, "After recovering,\n{second}");
    for what in &wrong {
        let _ = writeln!(story, "WRONG: {what}");
    }
    let _ = writeln!(story, "SEED={seed} cargo test faults");
    Played { wrong, story, ends }
}
