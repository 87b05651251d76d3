//! The lockout guard: two rejected sign-ins stop the next run before it sends anything. Also covers what resumes sign-ins.

use std::path::PathBuf;
use std::thread;

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault, Settings, SignInWording};

use crate::support::files::files;
use crate::support::files::read;
use crate::support::snapshot::snapshot;
use crate::support::wording::PAUSED;
use crate::support::{RunResult, TestEnv, contains};

pub(super) const FIND: [&str; 2] = ["find-role", "Auditor"];
pub(super) const MINUTE: i64 = 60 * 1000;

/// Returns a manager that never locks the account, so that only the guard can stop a sign-in, and a home with a wrong password.
pub(super) fn env_with_wrong_password() -> TestEnv {
    let mut env = TestEnv::with(Settings {
        sign_in_attempts: 99,
        ..Settings::default()
    });
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    env
}

/// Returns the same environment after two rejected sign-ins.
pub(super) fn refused_twice() -> TestEnv {
    let env = env_with_wrong_password();
    for _ in 0..2 {
        env.run(FIND).failure(4);
    }
    env
}

pub(super) fn give_the_right_password(env: &mut TestEnv) {
    let right = env.home.path("password");
    env.home.set("SWP_PASSWORD_FILE", right);
}

pub(super) fn sign_ins(env: &TestEnv) -> usize {
    env.count("POST /api/sessions")
}

/// Asserts that the guard stopped the run before it connected.
#[track_caller]
pub(super) fn stopped(env: &TestEnv, run: impl FnOnce() -> RunResult) -> RunResult {
    let before = env.sandbox.connections().tcp;
    let result = run();
    contains(result.failure(4), &["`--force-login`"]);
    assert_eq!(env.sandbox.connections().tcp, before, "nothing is sent");
    result
}

/// Returns the record files of the guard, without its key.
pub(super) fn records(env: &TestEnv) -> Vec<PathBuf> {
    let mut records = files(&env.home.path("state/sign-ins"));
    records.retain(|path| !path.ends_with("key"));
    records
}

pub(super) fn record(env: &TestEnv) -> Value {
    let [record] = &records(env)[..] else {
        panic!("one record is there: {:?}", records(env));
    };
    serde_json::from_str(&read(record)).expect("JSON")
}

/// Makes all records of the guard older by this time.
pub(super) fn age_records(env: &TestEnv, time: i64) {
    fn age(value: &mut Value, time: i64) {
        match value {
            Value::Number(_) => *value = (value.as_i64().expect("whole") - time).into(),
            Value::Array(values) => values.iter_mut().for_each(|value| age(value, time)),
            Value::Object(fields) => fields.values_mut().for_each(|value| age(value, time)),
            _ => {}
        }
    }
    for path in records(env) {
        let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
        age(&mut record, time);
        std::fs::write(path, record.to_string()).expect("a file");
    }
}

#[test]
fn two_rejections_stop_every_command_that_signs_in_before_it_reads_a_secret() {
    let mut env = refused_twice();
    assert_eq!(sign_ins(&env), 2);
    // The run must not run the password command, and must not wait for the manager.
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.set("SWP_PASSWORD_COMMAND", "touch asked");
    env.home.set("SWP_MFA_COMMAND", "touch asked");
    for command in [
        &["create", "--role", "Auditor"][..],
        &["create", "--role-id", "2", "--dry-run"],
        &FIND,
        &["list-roles", "--wait", "1s"],
        &["login"],
        &["recover", "--yes"],
    ] {
        if command[0] == "recover" {
            leave_record(&env);
        }
        let result = stopped(&env, || env.run(command));
        contains(
            &result.stderr,
            &["sign-ins", "admin", "https://127.0.0.1", " UTC"],
        );
        assert!(!env.home.path("asked").exists(), "{command:?}");
    }
    let error = stopped_json(&env);
    assert_eq!(error["code"], "sign-in-paused");
    assert_eq!(error["retryable"], false);
    assert_eq!(error["http"], Value::Null, "no request was sent");
    let last = record(&env)["refused"][1].as_i64().expect("a time");
    assert_eq!(error["retryAt"], last + 15 * MINUTE);
}

fn stopped_json(env: &TestEnv) -> Value {
    let words = [&FIND[..], &["-o", "json"]].concat();
    env.run(words).json_error(4)
}

/// Leaves the record of an interrupted run, so that `recover` needs a sign-in.
fn leave_record(env: &TestEnv) {
    let record = serde_json::json!({
        "operation": "0a0b0c0d", "work": "create", "manager": env.sandbox.url(), "tenant": null, "keyName": "n",
        "roleID": 2, "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a file");
}

#[test]
fn the_next_sign_in_is_allowed_at_the_time_in_the_message() {
    let mut env = refused_twice();
    give_the_right_password(&mut env);
    let result = stopped(&env, || env.run(FIND));
    let time = |before: &str| {
        let (_, rest) = result
            .stderr
            .split_once(before)
            .expect("a message reports it");
        let time = rest.get(..19).expect("a time");
        chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").expect("a time")
    };
    let wait = time("try again after ") - time("the last at ");
    assert_eq!(wait.num_minutes(), 15);
    age_records(&env, 14 * MINUTE);
    stopped(&env, || env.run(FIND));
    age_records(&env, MINUTE);
    env.run(FIND).success();
}

/// A paused run sends nothing. The record must therefore contain the reason of the last rejection.
#[test]
fn a_paused_run_reports_why_earlier_sign_ins_were_refused() {
    let stopped_by = |change: fn(&mut Settings), arguments: &[&str], wrong: bool| {
        let mut env = env_with_wrong_password();
        if !wrong {
            give_the_right_password(&mut env);
        }
        env.sandbox.change(change);
        let words = [&FIND[..], arguments].concat();
        for code in ["111111", "222222"] {
            let with_code = [&words[..], &["--mfa-code", code]].concat();
            let words = if arguments.is_empty() {
                &words
            } else {
                &with_code
            };
            env.run(words).failure(4);
        }
        stopped(&env, || env.run(FIND)).stderr
    };
    let none: &[&str] = &[];
    let stderr = stopped_by(|_| {}, none, true);
    snapshot(&stderr);
    let stderr = stopped_by(|settings| settings.password_expired = true, none, false);
    snapshot(&stderr);
    let code = |settings: &mut Settings| settings.mfa_code = Some("004211".to_owned());
    let stderr = stopped_by(code, &["--force-login"], false);
    snapshot(&stderr);
    let vague = |settings: &mut Settings| settings.unknowns.sign_in_wording = SignInWording::Vague;
    snapshot(&stopped_by(vague, none, true));
    let env = env_with_wrong_password();
    env.sandbox.set_locked(true);
    for _ in 0..2 {
        snapshot(env.run(FIND).failure(4));
    }
    let result = stopped(&env, || env.run(FIND));
    snapshot(&result.stderr);
}

#[cfg(unix)]
#[test]
fn on_a_terminal_a_paused_run_asks_once_whether_to_sign_in() {
    use crate::support::pty::Pty;
    for (answer, code, more) in [("y", "0", 1), ("n", "4", 0), ("", "4", 0)] {
        let mut env = refused_twice();
        give_the_right_password(&mut env);
        let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("`admin`");
        terminal.see("[y/N]");
        terminal.type_line(answer);
        terminal.see("code=");
        terminal.see(code);
        let screen = terminal.end();
        assert_eq!(screen.matches("[y/N]").count(), 1, "{screen}");
        assert_eq!(sign_ins(&env), 2 + more, "{screen}");
    }
    // A sign-in after `y` is counted if it is rejected. The question is asked only once.
    let env = refused_twice();
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see("[y/N]");
    terminal.type_line("y");
    terminal.see("code=4");
    let screen = terminal.end();
    assert_eq!(screen.matches("[y/N]").count(), 1, "{screen}");
    assert_eq!(record(&env)["refused"].as_array().map(Vec::len), Some(3));
}

#[test]
fn after_the_pause_two_more_sign_ins_are_allowed() {
    let env = refused_twice();
    age_records(&env, 15 * MINUTE);
    for _ in 0..2 {
        env.run(FIND).failure(4);
    }
    stopped(&env, || env.run(FIND));
    assert_eq!(sign_ins(&env), 4);
}

#[test]
fn rejections_that_are_far_apart_do_not_pause_sign_ins() {
    let env = env_with_wrong_password();
    for _ in 0..4 {
        env.run(FIND).failure(4);
        age_records(&env, 16 * MINUTE);
    }
}

#[test]
fn force_login_is_sent_and_counted() {
    let mut env = refused_twice();
    let forced = [&FIND[..], &["--force-login"]].concat();
    env.run(&forced).failure(4);
    assert_eq!(sign_ins(&env), 3);
    let result = stopped(&env, || env.run(FIND));
    contains(&result.stderr, &["3 sign-ins"]);
    give_the_right_password(&mut env);
    stopped(&env, || env.run(FIND));
    env.run(&forced).success();
    // A successful sign-in deletes the record.
    env.run(FIND).success();
    assert_eq!(records(&env), [] as [PathBuf; 0]);
}

#[test]
fn a_successful_sign_in_resets_the_count() {
    let mut env = env_with_wrong_password();
    for _ in 0..3 {
        let wrong = env.home.path("wrong");
        env.home.set("SWP_PASSWORD_FILE", wrong);
        env.run(FIND).failure(4);
        give_the_right_password(&mut env);
        env.run(FIND).success();
    }
}

#[test]
fn other_users_tenants_and_managers_are_not_paused() {
    let mut env = refused_twice();
    let other = TestEnv::new();
    let reaches = |env: &TestEnv, more: &[&str]| {
        let words = [&FIND[..], more].concat();
        env.run(words).failure(4);
    };
    reaches(&env, &["--username", "kim"]);
    reaches(&env, &["--tenant", "Acme"]);
    // It is unknown whether a manager distinguishes user names by case, so the guard does not.
    stopped(&env, || {
        env.run([&FIND[..], &["--username", "ADMIN"]].concat())
    });
    // An API key is not a password, and the guard does not count it.
    let key = env.sandbox.add_key("existing", 1).secret;
    let key = env.home.write_secret("key", &key);
    let key = key.to_str().expect("UTF-8");
    env.run([&FIND[..], &["--api-key-file", key]].concat())
        .success();
    // A different manager has a record of its own.
    let certificate = other.home.path("manager.pem");
    env.home.set("SWP_CA_CERT", certificate);
    env.home.set("SWP_URL", other.sandbox.url());
    give_the_right_password(&mut env);
    env.run(FIND).success();
    env.home.set("SWP_URL", env.sandbox.url());
    stopped(&env, || env.run(FIND));
}

#[test]
fn a_saved_session_works_while_sign_ins_are_paused() {
    let mut env = env_with_wrong_password();
    give_the_right_password(&mut env);
    env.run(["login"]).success();
    let (wrong, typed) = (env.home.path("wrong"), "--password-file");
    let wrong = wrong.to_str().expect("UTF-8");
    for _ in 0..2 {
        let words = [&FIND[..], &[typed, wrong]].concat();
        env.run(words).failure(4);
    }
    stopped(&env, || env.run([&FIND[..], &[typed, wrong]].concat()));
    env.run(FIND).success();
    env.run(["logout"]).success();
    stopped(&env, || env.run(FIND));
}

#[test]
fn only_a_rejection_by_the_manager_counts() {
    /// A reason why the sign-in fails, for three attempts.
    type Cause = fn(&mut TestEnv);
    let fault = |action: Action| Fault::new("POST", "/api/sessions", action).times(3);
    let injected = [
        (fault(Action::status(429, "slow down")), 9),
        (fault(Action::status(503, "starting")), 8),
        (fault(Action::status(502, "")), 8),
        (fault(Action::Drop), 8),
        (fault(Action::Cut(20)).after(), 8),
        (
            fault(Action::Raw(
                b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n"
                    .to_vec(),
            )),
            1,
        ),
        (
            fault(Action::Raw(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            )),
            1,
        ),
    ];
    let try_thrice = |env: &TestEnv, code: i32| {
        for _ in 0..3 {
            let result = env.run([&FIND[..], &["--retries", "0"]].concat());
            result.failure(code);
            assert!(!result.stderr.contains(PAUSED), "{}", result.stderr);
        }
    };
    for (fault, code) in injected {
        let env = TestEnv::new();
        env.sandbox.inject(fault);
        try_thrice(&env, code);
        env.run(FIND).success();
    }
    let causes: [(Cause, i32); 3] = [
        (|env| env.home.unset("SWP_CA_CERT"), 7),
        (|env| env.home.set("SWP_URL", "https://127.0.0.1:1"), 8),
        // The manager requires an MFA code, and the run has none.
        (
            |env| {
                (env.sandbox).change(|settings| settings.mfa_code = Some("004211".to_owned()));
            },
            4,
        ),
    ];
    for (trouble, code) in causes {
        let mut env = TestEnv::new();
        trouble(&mut env);
        try_thrice(&env, code);
        assert!(!env.home.path("state").exists(), "nothing is recorded");
    }
}

#[test]
fn concurrent_runs_record_all_rejections() {
    let env = env_with_wrong_password();
    let results: Vec<RunResult> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| env.run(FIND))).collect();
        let ended = runs.into_iter().map(|run| run.join().expect("it ends"));
        ended.collect()
    });
    for result in &results {
        result.failure(4);
    }
    let counted = record(&env)["refused"].as_array().map(Vec::len);
    assert_eq!(counted, Some(sign_ins(&env)));
    stopped(&env, || env.run(FIND));
}
