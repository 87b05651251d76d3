//! The lock-out guard: two refusals stop the next run before it sends anything, and what lifts that again.

use std::path::PathBuf;
use std::thread;

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault, Settings, SignInWording};

use crate::support::files::files;
use crate::support::files::read;
use crate::support::{Ran, World, contains};

pub(super) const FIND: [&str; 2] = ["find-role", "Auditor"];
pub(super) const MINUTE: i64 = 60 * 1000;

/// A manager that locks nobody out, so that a test sees what the guard does, and a home that knows a wrong password.
pub(super) fn refusing() -> World {
    let mut world = World::with(Settings {
        sign_in_attempts: 99,
        ..Settings::default()
    });
    let wrong = world.home.write_secret("wrong", "hunter2");
    world.home.set("SWP_PASSWORD_FILE", wrong);
    world
}

/// One that was refused twice.
pub(super) fn refused_twice() -> World {
    let world = refusing();
    for _ in 0..2 {
        contains(world.run(FIND).failure(4), &["the manager refused"]);
    }
    world
}

pub(super) fn give_the_right_password(world: &mut World) {
    let right = world.home.path("password");
    world.home.set("SWP_PASSWORD_FILE", right);
}

pub(super) fn sign_ins(world: &World) -> usize {
    world.count("POST /api/sessions")
}

/// The guard stopped it: nobody was connected to.
#[track_caller]
pub(super) fn stopped(world: &World, run: impl FnOnce() -> Ran) -> Ran {
    let before = world.sandbox.connections().tcp;
    let ran = run();
    contains(
        ran.failure(4),
        &["were refused", "nothing is sent", "`--force-login`"],
    );
    assert_eq!(world.sandbox.connections().tcp, before, "nothing is sent");
    ran
}

/// The guard's files, without its key.
pub(super) fn records(world: &World) -> Vec<PathBuf> {
    let mut records = files(&world.home.path("state/sign-ins"));
    records.retain(|path| !path.ends_with("key"));
    records
}

pub(super) fn record(world: &World) -> Value {
    let [record] = &records(world)[..] else {
        panic!("one record is there: {:?}", records(world));
    };
    serde_json::from_str(&read(record)).expect("JSON")
}

/// Makes all that the guard remembers this much older.
pub(super) fn let_pass(world: &World, time: i64) {
    fn age(value: &mut Value, time: i64) {
        match value {
            Value::Number(_) => *value = (value.as_i64().expect("whole") - time).into(),
            Value::Array(values) => values.iter_mut().for_each(|value| age(value, time)),
            Value::Object(fields) => fields.values_mut().for_each(|value| age(value, time)),
            _ => {}
        }
    }
    for path in records(world) {
        let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
        age(&mut record, time);
        std::fs::write(path, record.to_string()).expect("a file");
    }
}

#[test]
fn two_refusals_stop_every_command_that_would_sign_in_before_it_asks_for_anything() {
    let mut world = refused_twice();
    assert_eq!(sign_ins(&world), 2);
    // Neither is a password read from where it is, nor the manager waited for.
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.set("SWP_PASSWORD_COMMAND", "touch asked");
    world.home.set("SWP_MFA_COMMAND", "touch asked");
    for command in [
        &["create", "--role", "Auditor"][..],
        &["create", "--role-id", "2", "--dry-run"],
        &FIND,
        &["list-roles", "--wait", "1s"],
        &["login"],
        &["recover", "--yes"],
    ] {
        if command[0] == "recover" {
            leave_record(&world);
        }
        let ran = stopped(&world, || world.run(command));
        contains(
            &ran.stderr,
            &["2 sign-ins as `admin` at https://127.0.0.1", " UTC"],
        );
        assert!(!world.home.path("asked").exists(), "{command:?}");
    }
    let error = stopped_json(&world);
    assert_eq!(error["code"], "sign-in-paused");
    assert_eq!(error["retryable"], false);
    assert_eq!(error["http"], Value::Null, "nobody answered");
    let last = record(&world)["refused"][1].as_i64().expect("a time");
    assert_eq!(error["retryAt"], last + 15 * MINUTE);
}

fn stopped_json(world: &World) -> Value {
    let words = [&FIND[..], &["-o", "json"]].concat();
    world.run(words).json_error(4)
}

/// What a run that was cut off leaves, for `recover` to have something to do.
fn leave_record(world: &World) {
    let record = serde_json::json!({
        "operation": "0a0b0c0d", "work": "create", "manager": world.sandbox.url(), "tenant": null, "keyName": "n",
        "roleID": 2, "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = world.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a file");
}

#[test]
fn it_may_be_tried_again_when_the_message_says_so() {
    let mut world = refused_twice();
    give_the_right_password(&mut world);
    let ran = stopped(&world, || world.run(FIND));
    let time = |before: &str| {
        let (_, rest) = ran.stderr.split_once(before).expect("it is said");
        let time = rest.get(..19).expect("a time");
        chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").expect("a time")
    };
    let wait = time("try again after ") - time("the last at ");
    assert_eq!(wait.num_minutes(), 15);
    let_pass(&world, 14 * MINUTE);
    stopped(&world, || world.run(FIND));
    let_pass(&world, MINUTE);
    world.run(FIND).success();
}

/// A run that is stopped knows no more than the record: why the last sign-in was refused is in it.
#[test]
fn the_run_that_is_stopped_says_why_the_others_were_refused() {
    let stopped_by = |change: fn(&mut Settings), arguments: &[&str], wrong: bool| {
        let mut world = refusing();
        if !wrong {
            give_the_right_password(&mut world);
        }
        world.sandbox.change(change);
        let words = [&FIND[..], arguments].concat();
        for code in ["111111", "222222"] {
            let with_code = [&words[..], &["--mfa-code", code]].concat();
            let words = if arguments.is_empty() {
                &words
            } else {
                &with_code
            };
            world.run(words).failure(4);
        }
        stopped(&world, || world.run(FIND)).stderr
    };
    let none: &[&str] = &[];
    let said = stopped_by(|_| {}, none, true);
    contains(&said, &["the user name or the password was wrong"]);
    let said = stopped_by(|settings| settings.password_expired = true, none, false);
    contains(&said, &["the password had expired", "new password"]);
    let code = |settings: &mut Settings| settings.mfa_code = Some("004211".to_owned());
    let said = stopped_by(code, &["--force-login"], false);
    contains(&said, &["the code of the second factor was wrong"]);
    let vague = |settings: &mut Settings| settings.unknowns.sign_in_wording = SignInWording::Vague;
    contains(&stopped_by(vague, none, true), &["no known cause"]);
    let world = refusing();
    world.sandbox.set_locked(true);
    for _ in 0..2 {
        contains(world.run(FIND).failure(4), &["the account is locked"]);
    }
    let ran = stopped(&world, || world.run(FIND));
    contains(&ran.stderr, &["the account was locked", "unlocked"]);
}

#[cfg(unix)]
#[test]
fn on_a_terminal_the_run_asks_once_whether_to_sign_in_all_the_same() {
    use crate::support::pty::Pty;
    for (answer, code, more) in [("y", "0", 1), ("n", "4", 0), ("", "4", 0)] {
        let mut world = refused_twice();
        give_the_right_password(&mut world);
        let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
        let mut terminal = Pty::start(&world.home, script);
        terminal.see("2 sign-ins as `admin`");
        terminal.see("the password was wrong");
        terminal.see("[y/N]");
        terminal.type_line(answer);
        terminal.see("code=");
        terminal.see(code);
        let shown = terminal.end();
        assert_eq!(shown.matches("[y/N]").count(), 1, "{shown}");
        assert_eq!(sign_ins(&world), 2 + more, "{shown}");
    }
    // Whatever comes of it is counted, and it is not asked a second time.
    let world = refused_twice();
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let mut terminal = Pty::start(&world.home, script);
    terminal.see("[y/N]");
    terminal.type_line("y");
    terminal.see("code=4");
    let shown = terminal.end();
    assert_eq!(shown.matches("[y/N]").count(), 1, "{shown}");
    assert_eq!(record(&world)["refused"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_looping_job_gets_two_more_when_the_time_is_over_and_no_third() {
    let world = refused_twice();
    let_pass(&world, 15 * MINUTE);
    for _ in 0..2 {
        contains(world.run(FIND).failure(4), &["the manager refused"]);
    }
    stopped(&world, || world.run(FIND));
    assert_eq!(sign_ins(&world), 4);
}

#[test]
fn two_that_are_further_apart_stop_nobody() {
    let world = refusing();
    for _ in 0..4 {
        contains(world.run(FIND).failure(4), &["the manager refused"]);
        let_pass(&world, 16 * MINUTE);
    }
}

#[test]
fn who_insists_is_let_through_and_counted() {
    let mut world = refused_twice();
    let forced = [&FIND[..], &["--force-login"]].concat();
    contains(world.run(&forced).failure(4), &["the manager refused"]);
    assert_eq!(sign_ins(&world), 3);
    let ran = stopped(&world, || world.run(FIND));
    contains(&ran.stderr, &["3 sign-ins"]);
    give_the_right_password(&mut world);
    stopped(&world, || world.run(FIND));
    world.run(&forced).success();
    // A success clears it.
    world.run(FIND).success();
    assert_eq!(records(&world), [] as [PathBuf; 0]);
}

#[test]
fn a_success_in_between_starts_the_count_anew() {
    let mut world = refusing();
    for _ in 0..3 {
        let wrong = world.home.path("wrong");
        world.home.set("SWP_PASSWORD_FILE", wrong);
        contains(world.run(FIND).failure(4), &["the manager refused"]);
        give_the_right_password(&mut world);
        world.run(FIND).success();
    }
}

#[test]
fn others_are_not_stopped() {
    let mut world = refused_twice();
    let other = World::new();
    let reaches = |world: &World, more: &[&str]| {
        let words = [&FIND[..], more].concat();
        contains(world.run(words).failure(4), &["the manager refused"]);
    };
    reaches(&world, &["--username", "kim"]);
    reaches(&world, &["--tenant", "Acme"]);
    // Whether a manager tells them apart is unknown.
    stopped(&world, || {
        world.run([&FIND[..], &["--username", "ADMIN"]].concat())
    });
    // An existing key is no password, and counts for itself.
    let key = world.sandbox.add_key("existing", 1).secret;
    let key = world.home.write_secret("key", &key);
    let key = key.to_str().expect("UTF-8");
    world
        .run([&FIND[..], &["--api-key-file", key]].concat())
        .success();
    // Another manager.
    let certificate = other.home.path("manager.pem");
    world.home.set("SWP_CA_CERT", certificate);
    world.home.set("SWP_URL", other.sandbox.url());
    give_the_right_password(&mut world);
    world.run(FIND).success();
    world.home.set("SWP_URL", world.sandbox.url());
    stopped(&world, || world.run(FIND));
}

#[test]
fn a_kept_session_and_its_end_need_no_sign_in() {
    let mut world = refusing();
    give_the_right_password(&mut world);
    world.run(["login"]).success();
    let (wrong, typed) = (world.home.path("wrong"), "--password-file");
    let wrong = wrong.to_str().expect("UTF-8");
    for _ in 0..2 {
        let words = [&FIND[..], &[typed, wrong]].concat();
        contains(world.run(words).failure(4), &["the manager refused"]);
    }
    stopped(&world, || world.run([&FIND[..], &[typed, wrong]].concat()));
    world.run(FIND).success();
    world.run(["logout"]).success();
    stopped(&world, || world.run(FIND));
}

#[test]
fn only_a_refusal_of_the_manager_counts() {
    /// What stands in the way, three times.
    type Trouble = fn(&mut World);
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
    let try_thrice = |world: &World, code: i32| {
        for _ in 0..3 {
            let ran = world.run([&FIND[..], &["--retries", "0"]].concat());
            ran.failure(code);
            assert!(!ran.stderr.contains("nothing is sent"), "{}", ran.stderr);
        }
    };
    for (fault, code) in injected {
        let world = World::new();
        world.sandbox.inject(fault);
        try_thrice(&world, code);
        world.run(FIND).success();
    }
    let troubles: [(Trouble, i32); 3] = [
        (|world| world.home.unset("SWP_CA_CERT"), 7),
        (|world| world.home.set("SWP_URL", "https://127.0.0.1:1"), 8),
        // A code that is wanted, and that nobody gave.
        (
            |world| {
                (world.sandbox).change(|settings| settings.mfa_code = Some("004211".to_owned()));
            },
            4,
        ),
    ];
    for (trouble, code) in troubles {
        let mut world = World::new();
        trouble(&mut world);
        try_thrice(&world, code);
        assert!(!world.home.path("state").exists(), "nothing is remembered");
    }
}

#[test]
fn runs_at_the_same_time_lose_no_refusal_of_each_other() {
    let world = refusing();
    let rans: Vec<Ran> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| world.run(FIND))).collect();
        let ended = runs.into_iter().map(|run| run.join().expect("it ends"));
        ended.collect()
    });
    for ran in &rans {
        ran.failure(4);
    }
    let counted = record(&world)["refused"].as_array().map(Vec::len);
    assert_eq!(counted, Some(sign_ins(&world)));
    stopped(&world, || world.run(FIND));
}
