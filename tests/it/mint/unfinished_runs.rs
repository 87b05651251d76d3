//! Records of interrupted runs: a secret that may be in use is not revoked without a request, and a clock change does not make a record look old.
#![cfg(unix)]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault};

use super::lost_resets::REKEY;
use crate::support::files::read;
use crate::support::pty::Pty;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::running::Running;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains, wait_until};

const FIND: [&str; 2] = ["find-role", "Auditor"];
const NAMED: [&str; 5] = ["create", "--role", "Auditor", "--name", "ci"];
const RECOVER: [&str; 2] = ["recover", "--yes"];

/// Returns the paths of the records.
fn records(env: &TestEnv) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(env.home.path("state/unfinished"));
    let paths = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    paths
}

/// Returns the operation of the only record.
#[track_caller]
fn operation(env: &TestEnv) -> String {
    let records = records(env);
    assert_eq!(records.len(), 1, "{records:?}");
    let name = records[0].file_stem().expect("a name");
    name.to_str().expect("hex digits").to_owned()
}

/// A command that moves the secret into the file `key`, and runs until it is released.
struct SlowCommand {
    running: PathBuf,
    file: PathBuf,
    words: String,
}

impl SlowCommand {
    fn of(env: &TestEnv) -> Self {
        let (running, file) = (env.home.write("running", ""), env.home.path("key"));
        let (whole, there) = (file.with_extension("new"), file.display());
        let (whole, wait) = (whole.display(), running.display());
        let words = format!(
            "sh -c 'cat > {whole}; mv {whole} {there}; while [ -e {wait} ]; do sleep 0.05; done'"
        );
        Self {
            running,
            file,
            words,
        }
    }

    fn secret(&self) -> String {
        read(&self.file)
    }
}

impl Drop for SlowCommand {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.running);
    }
}

/// Kills a run whose command has already received the secret, and returns the secret.
#[track_caller]
fn kill_while_delivering(env: &TestEnv, words: &[&str]) -> String {
    let command = SlowCommand::of(env);
    let more = ["--deliver-cmd", &command.words];
    let running = Running::start(&mut env.home.command(words.iter().chain(&more)));
    wait_until("the secret", || command.file.exists());
    drop(running);
    let secret = command.secret();
    assert!(works(env, &secret), "it was delivered");
    secret
}

fn works(env: &TestEnv, secret: &str) -> bool {
    env.sandbox
        .api_keys()
        .iter()
        .any(|key| key.secret == secret)
}

#[test]
fn a_secret_that_may_be_in_use_is_revoked_only_by_operation() {
    for (words, existing) in [
        (&["create", "--role", "Auditor"][..], false),
        (&NAMED, false),
        (&REKEY, true),
        (&["rotate-key", "ci", "--in-place"], true),
        (&["rotate-key", "ci"], true),
    ] {
        let env = TestEnv::new();
        if existing {
            env.sandbox.add_key("ci", 2);
        }
        let secret = kill_while_delivering(&env, words);
        let operation = operation(&env);
        let keys = env.sandbox.api_keys();
        for more in [
            &[][..],
            &["-q"],
            &["--rekey"],
            &["--delete"],
            &["-q", "--out-file", "new"],
        ] {
            let result = env.run(RECOVER.iter().chain(more));
            let forget = format!("`swp-keys recover {operation} --forget --yes`");
            let rekey = format!("`swp-keys recover {operation} --rekey --yes --out-file FILE`");
            contains(result.failure(11), &[&forget, &rekey]);
            assert_eq!(env.sandbox.api_keys(), keys, "{words:?} {more:?}");
            assert_eq!(records(&env).len(), 1, "{words:?} {more:?}");
        }
        contains(&env.run(FIND).stderr, &[&operation, "--rekey", "--forget"]);
        let listed = env.run(["recover", "--list"]);
        contains(listed.success(), &[&operation, "delivering"]);
        let result = env.run(["recover", &operation, "--yes", "--rekey", "--out-file", "-"]);
        let new = result.success();
        assert!(works(&env, new) && !works(&env, &secret), "{words:?}");
        assert_eq!(records(&env).len(), 0, "{words:?}");
    }
}

/// On a terminal, the commands in the hint ask for confirmation. Without a terminal, they need `--yes`.
#[test]
fn on_a_terminal_the_hint_omits_yes() {
    let env = TestEnv::new();
    kill_while_delivering(&env, &NAMED);
    let operation = operation(&env);
    let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" recover --yes; echo "code=$?""#);
    terminal.see("code=11");
    let output = terminal.end();
    contains(&output, &[&format!("recover {operation} --forget`")]);
}

#[test]
fn forget_removes_the_record_and_keeps_the_secret() {
    let env = TestEnv::new();
    let secret = kill_while_delivering(&env, &NAMED);
    let operation = operation(&env);
    env.run(["recover", &operation, "--forget", "--yes"])
        .success();
    assert!(works(&env, &secret));
    assert_eq!(records(&env).len(), 0);
}

/// The same command continues the rotation, which it finds by the name of the key.
#[test]
fn a_rotation_that_was_killed_during_the_delivery_continues() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    kill_while_delivering(&env, &["rotate-key", "ci"]);
    let result = env.run(["rotate-key", "ci"]);
    assert!(works(&env, result.success()));
    assert_eq!(env.sandbox.api_keys().len(), 2);
    assert_eq!(records(&env).len(), 0);
}

/// The records of two runs for the same key are finished with one new secret.
#[test]
fn two_records_of_one_key_are_finished_with_one_secret() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    let rekey = [&NAMED[..], &["--if-exists", "rekey"]].concat();
    let reset = "/api/apikeys/1/secretkey";
    for _ in 0..2 {
        let held = Fault::new("POST", reset, Action::Delay(Duration::from_secs(60))).after();
        env.sandbox.inject(held);
        let before = count(&env.sandbox, &format!("POST {reset}"));
        let running = Running::start(&mut env.home.command(&rekey));
        wait_until("the reset", || {
            count(&env.sandbox, &format!("POST {reset}")) > before
        });
        drop(running);
        env.sandbox.clear_faults();
    }
    assert_eq!(records(&env).len(), 2);
    let result = env.run(["recover", "--yes", "-o", "jsonl"]);
    result.success();
    let delivered: Vec<_> = (result.stdout.lines())
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["secretKey"].take())
        .collect();
    assert_eq!(delivered, [json!(env.sandbox.api_keys()[0].secret)]);
    assert_eq!(records(&env).len(), 0);
}

/// A clock change that could make a record look old.
#[derive(Clone, Copy, Debug)]
enum Jump {
    /// The wall clock jumps one hour ahead.
    WallClock,
    /// The machine was restarted, and the new boot clock shows a later time.
    Boot,
}

/// Changes the record as if the clock had jumped.
fn jump(env: &TestEnv, jump: Jump) {
    let path = records(env).remove(0);
    let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
    match jump {
        Jump::WallClock => {
            let started = record["started"].as_i64().expect("a time");
            record["started"] = json!(started - 3_600_000);
        }
        Jump::Boot => {
            record["progress"]["boot"] = json!("another boot");
            record["progress"]["asked"] = json!(-3_600_000);
        }
    }
    std::fs::write(&path, record.to_string()).expect("a record");
    let file = std::fs::File::options()
        .write(true)
        .open(&path)
        .expect("a record");
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).expect("a time");
}

/// The run is killed before the manager processes its create. `recover` waits for the create and finds the key.
#[test]
fn no_clock_change_makes_a_create_in_progress_look_finished() {
    for jumped in [Jump::WallClock, Jump::Boot] {
        let env = TestEnv::new();
        let late = Action::Delay(Duration::from_millis(2500));
        env.sandbox.inject(Fault::new("POST", "/api/apikeys", late));
        let running = Running::start(&mut env.home.command(NAMED));
        env.wait_for(CREATE);
        drop(running);
        jump(&env, jumped);
        let result = env.run(RECOVER.iter().chain(&["--settle-timeout", "8s"]));
        let secret = result.success();
        assert!(works(&env, secret), "{jumped:?}: {}", result.stderr);
        assert_eq!(records(&env).len(), 0, "{jumped:?}");
    }
}

/// If the record is old by the clock of the same boot, `recover` does not wait.
#[test]
#[cfg(target_os = "linux")]
fn an_old_record_of_the_same_boot_is_not_waited_for() {
    let env = TestEnv::new();
    env.sandbox.inject(Fault::new(
        "POST",
        "/api/apikeys",
        Action::Delay(Duration::from_secs(60)),
    ));
    let running = Running::start(&mut env.home.command(NAMED));
    env.wait_for(CREATE);
    drop(running);
    env.sandbox.clear_faults();
    let path = records(&env).remove(0);
    let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
    let asked = record["progress"]["asked"].as_i64().expect("a time");
    record["progress"]["asked"] = json!(asked - 3_600_000);
    std::fs::write(&path, record.to_string()).expect("a record");
    let begun = std::time::Instant::now();
    let result = env.run(RECOVER.iter().chain(&["--settle-timeout", "5m"]));
    result.success();
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{}",
        result.stderr
    );
    assert_eq!(records(&env).len(), 0);
}

/// A record of an earlier version contains neither the boot nor the stage. It can still be finished.
#[test]
fn a_record_of_an_earlier_version_is_recovered() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("ci", 2);
    let record = json!({
        "operation": "0a0b0c0d", "work": "rekey", "manager": env.sandbox.url(), "tenant": null, "keyName": "ci",
        "roleID": null, "keyID": key.id, "existingIDs": [key.id], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a record");
    let result = env.run(RECOVER);
    assert!(works(&env, result.success()));
    assert_eq!(records(&env).len(), 0);
}

#[test]
fn a_name_too_long_for_a_record_is_refused_before_any_request() {
    let env = TestEnv::new();
    let long = "n".repeat(70_000);
    let refused = |result: RunResult, flag: &str| contains(result.failure(2), &[flag]);
    for command in ["create", "exec"] {
        let tail = if command == "exec" {
            &["--", "true"][..]
        } else {
            &[]
        };
        let name = [&[command, "--role", "Auditor", "--name", &long], tail].concat();
        refused(env.run(name), "--name");
        let role = [&[command, "--role", &long], tail].concat();
        refused(env.run(role), "--role");
    }
    let places: Vec<_> = (0..1200)
        .flat_map(|number| {
            [
                "--out-file".to_owned(),
                format!("{}{number}", "p".repeat(60)),
            ]
        })
        .collect();
    for words in [&["create", "--role", "Auditor"][..], &["rotate-key", "ci"]] {
        let words = words.iter().map(|word| (*word).to_owned());
        refused(env.run(words.chain(places.clone())), "targets");
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(records(&env).len(), 0);
}

/// The name of an existing key may be as long as the manager allows. Its name during a rotation is longer.
#[test]
fn a_rotation_with_a_record_that_is_too_large_creates_no_key() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "409")]));
    let id = env.sandbox.add_key("ci", 2).id;
    let long = "n".repeat(40_000);
    env.sandbox
        .edit_key(id, |key| key.name = Some(long.clone()));
    let before = env.sandbox.api_keys();
    let result = env.run(["rotate-key", "1"]);
    contains(result.failure(1), &["64 KiB"]);
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(records(&env).len(), 0);
}

/// The keys were created by `exec`, so `recover` has no secret to print.
#[test]
fn several_temporary_keys_are_deleted() {
    let env = TestEnv::new();
    let failing = Fault::new("DELETE", "/api/apikeys/*", Action::status(500, "Oops"));
    env.sandbox.inject(failing.times(999));
    for _ in 0..2 {
        env.run(["exec", "--role", "Auditor", "--", "true"])
            .failure(11);
    }
    env.sandbox.clear_faults();
    assert_eq!((records(&env).len(), env.sandbox.api_keys().len()), (2, 2));
    env.run(RECOVER).success();
    assert_eq!((records(&env).len(), env.sandbox.api_keys().len()), (0, 0));
}

/// The key was the only one with its name when it was delivered. A second key has the same name now.
#[test]
fn a_second_key_with_the_name_does_not_delete_the_recorded_key() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
    env.sandbox.add_key("other", 2);
    kill_while_delivering(&env, &NAMED);
    env.sandbox
        .edit_key(1, |key| key.name = Some("ci".to_owned()));
    let operation = operation(&env);
    let result = env.run(
        RECOVER
            .iter()
            .chain(&[operation.as_str(), "--rekey", "--out-file", "-"]),
    );
    assert_eq!(env.sandbox.api_keys().len(), 2, "{}", result.stderr);
    assert_eq!(result.success(), env.sandbox.api_keys()[1].secret);
    assert_eq!(records(&env).len(), 0);
}
