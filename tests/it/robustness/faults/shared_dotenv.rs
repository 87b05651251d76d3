//! Many runs share one dotenv file. Some fail after writing their line, some are killed, and the manager loses responses. Every line must belong to a
//! run that succeeded or was killed, and no delivered line may be missing.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use swp_keys::sandbox::{ApiKey, Fault, Settings};

use super::pool::each;
use super::random::Random;
use super::seeds::number;
use crate::support::files::{names, read};
use crate::support::{RunResult, TestEnv};

/// The number of rounds in the normal suite.
const ROUNDS: u64 = 24;
const RUNS: usize = 8;
const BEFORE: &str = "# settings\nOTHER='1 2'\n";

#[test]
fn no_run_loses_the_line_of_another() {
    let rounds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(ROUNDS),
    };
    each(rounds, |seed| {
        let problems = run_to_end(seed);
        assert_eq!(problems, [""; 0], "SEED={seed} cargo test shared_dotenv");
    });
}

struct Run {
    child: Child,
    kill: Option<(Duration, Signal)>,
    state: PathBuf,
}

/// The outcome of a run. A killed run has no exit code.
struct Outcome {
    code: Option<i32>,
    stderr: String,
    /// Whether the run left a record.
    recorded: bool,
}

fn run_to_end(seed: u64) -> Vec<String> {
    let random = Random::new(seed);
    let mut env = TestEnv::with(Settings {
        sessions_max: 100,
        rate_limit: None,
        ..Settings::default()
    });
    for _ in 0..random.below(3) {
        let action = random.pick(&["reset before", "reset after", "status=503 before"]);
        let fault = format!("POST /api/apikeys {action} nth={}", 1 + random.below(RUNS));
        let fault: Fault = fault.parse().unwrap_or_else(|why| panic!("{fault}: {why}"));
        env.sandbox.inject(fault);
    }
    env.home.write_secret(".env", BEFORE);
    let runs: Vec<_> = (0..RUNS)
        .map(|number| start(&mut env, &random, number))
        .collect();
    let outcome: Vec<_> = std::thread::scope(|scope| {
        let waiting: Vec<_> = (runs.into_iter())
            .map(|run| scope.spawn(move || end(run)))
            .collect();
        let outcome = waiting.into_iter().map(|run| run.join());
        outcome
            .map(|run| run.expect("a run was waited for"))
            .collect()
    });
    check_file(&env, &outcome)
}

fn start(env: &mut TestEnv, random: &Random, number: usize) -> Run {
    let state = env.home.path(&format!("state-{number}"));
    env.home.set("SWP_STATE_DIR", &state);
    let [name, key] = ["K", "key-"].map(|head| format!("{head}{number}"));
    let mut arguments = vec!["create", "-q", "--role-id", "2", "--name", &key];
    arguments.extend(["--dotenv", ".env", "--env-name", &name]);
    // A slow command delays the end of the run or its rollback after the write.
    arguments.extend(random.weigh(&[
        (50, &[][..]),
        (25, &["--deliver-cmd", "sh -c 'sleep 0.1'"]),
        (25, &["--deliver-cmd", "sh -c 'sleep 0.1; exit 1'"]),
    ]));
    let signal = random.weigh(&[
        (60, None),
        (25, Some(Signal::KILL)),
        (15, Some(Signal::TERM)),
    ]);
    let after = Duration::from_millis(u64::try_from(random.below(700)).unwrap_or_default());
    let mut command = env.home.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    Run {
        child: command.spawn().expect("the binary starts"),
        kill: signal.map(|signal| (after, signal)),
        state: state.join("unfinished"),
    }
}

fn end(run: Run) -> Outcome {
    if let Some((after, signal)) = run.kill {
        std::thread::sleep(after);
        // The process has not been reaped, so that no other process can have its ID.
        let _ = kill_process(Pid::from_child(&run.child), signal);
    }
    let output = run.child.wait_with_output().expect("the run ends");
    let code = output.status.code();
    let records = std::fs::read_dir(&run.state);
    Outcome {
        code,
        stderr: RunResult::from(output).stderr,
        recorded: records.is_ok_and(|records| records.count() > 0),
    }
}

fn check_file(env: &TestEnv, outcome: &[Outcome]) -> Vec<String> {
    let mut problems = Vec::new();
    let text = read(env.home.path(".env"));
    let Some(added) = text.strip_prefix(BEFORE) else {
        return vec![format!("what was there before is not there: {text}")];
    };
    let lines: Vec<_> = added
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    if lines.len() != added.lines().count() {
        problems.push(format!("there is a line that is not an assignment: {text}"));
    }
    let keys = env.sandbox.api_keys();
    for (number, outcome) in outcome.iter().enumerate() {
        let own: Vec<_> = (lines.iter())
            .filter(|(name, _)| *name == format!("K{number}"))
            .map(|(_, secret)| *secret)
            .collect();
        let key = keys
            .iter()
            .find(|key| key.name == Some(format!("key-{number}")));
        if let Err(what) = check_run(outcome, &own, key) {
            let (code, stderr) = (outcome.code, &outcome.stderr);
            problems.push(format!("run {number} exits {code:?}, {what}: {stderr}"));
        }
    }
    let killed = outcome.iter().any(|outcome| outcome.code.is_none());
    let remaining = names(&env.home.path(""));
    if remaining
        .iter()
        .any(|name| name.ends_with(".tmp") && !killed || name.ends_with("lock"))
    {
        problems.push(format!("there is {remaining:?}"));
    }
    problems
}

fn check_run(outcome: &Outcome, lines: &[&str], key: Option<&ApiKey>) -> Result<(), &'static str> {
    let line = match lines {
        [] => None,
        [line] => Some(*line),
        _ => return Err("and has several lines"),
    };
    let alive = key.is_some_and(|key| Some(key.secret.as_str()) == line);
    match outcome.code {
        Some(0) if !alive => Err("and its line is not there, or its secret does not work"),
        Some(0) => Ok(()),
        Some(_) if line.is_some() => Err("and its line is there"),
        Some(11) => Ok(()),
        Some(_) if key.is_some() => Err("and its key is there"),
        None if key.is_some() && !alive && !outcome.recorded => {
            Err("and its key has neither a line nor a record")
        }
        _ => Ok(()),
    }
}
