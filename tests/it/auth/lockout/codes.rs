//! A code of the second factor is sent once, whatever came of it.

use std::thread;

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault, Settings};

use super::guard::{FIND, MINUTE, let_pass, record, records, sign_ins};
use crate::support::{Ran, World, contains};

const CODE: &str = "004211";

fn world() -> World {
    World::with(Settings {
        mfa_code: Some(CODE.to_owned()),
        ..Settings::default()
    })
}

fn find(world: &World, more: &[&str]) -> Ran {
    world.run([&FIND[..], more].concat())
}

/// The code was sent before: nobody is asked for a sign-in.
#[track_caller]
fn stale(world: &World, named_by: &str, run: impl FnOnce() -> Ran) {
    let before = sign_ins(world);
    let ran = run();
    contains(
        ran.failure(4),
        &[
            &format!("the code that `{named_by}` names was sent already, at "),
            "the next code",
            "`swp-keys login`",
            "`--force-login`",
        ],
    );
    assert!(!ran.stderr.contains(CODE), "{}", ran.stderr);
    assert_eq!(sign_ins(world), before, "nothing is sent");
}

#[test]
fn one_that_was_accepted_is_not_sent_again_from_anywhere() {
    let mut world = world();
    find(&world, &["--mfa-code", CODE]).success();
    let connections = world.sandbox.connections().tcp;
    stale(&world, "--mfa-code", || find(&world, &["--mfa-code", CODE]));
    stale(&world, "--mfa-code", || {
        world.run(["login", "--mfa-code", CODE])
    });
    // Nothing is asked for where it would be in vain.
    let password = world.home.path("password");
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.set("SWP_PASSWORD_COMMAND", "touch asked");
    world.home.set("SWP_MFA_CODE", CODE);
    stale(&world, "SWP_MFA_CODE", || find(&world, &[]));
    assert!(!world.home.path("asked").exists());
    assert_eq!(world.sandbox.connections().tcp, connections);
    world.home.unset("SWP_MFA_CODE");
    world.home.unset("SWP_PASSWORD_COMMAND");
    world.home.set("SWP_PASSWORD_FILE", password);
    if cfg!(unix) {
        let command = format!("echo {CODE}");
        stale(&world, "--mfa-command", || {
            find(&world, &["--mfa-command", &command])
        });
    }
    // The next one is, and whoever insists may do as he likes.
    (world.sandbox).change(|settings| settings.mfa_code = Some("004212".to_owned()));
    find(&world, &["--mfa-code", "004212"]).success();
    find(&world, &["--mfa-code", "004212", "--force-login"]).success();
}

#[test]
fn one_that_was_refused_or_whose_answer_was_lost_is_not_sent_again() {
    let world = world();
    contains(
        find(&world, &["--mfa-code", "111111"]).failure(4),
        &["the manager refused"],
    );
    stale(&world, "--mfa-code", || {
        find(&world, &["--mfa-code", "111111"])
    });
    find(&world, &["--mfa-code", CODE]).success();

    let world = self::world();
    let cut = Fault::new("POST", "/api/sessions", Action::Cut(20)).after();
    world.sandbox.inject(cut);
    find(&world, &["--mfa-code", CODE]).failure(8);
    stale(&world, "--mfa-code", || find(&world, &["--mfa-code", CODE]));
}

#[test]
fn one_that_did_not_reach_the_manager_is_still_good() {
    let unsent = |action: Action, code: i32| {
        let world = world();
        (world.sandbox).inject(Fault::new("POST", "/api/sessions", action));
        find(&world, &["--mfa-code", CODE, "--retries", "0"]).failure(code);
        world
    };
    let mut worlds = vec![
        unsent(Action::status(429, "slow down"), 9),
        unsent(Action::status(503, "starting"), 8),
    ];
    for (variable, value, code) in [
        ("SWP_CA_CERT", "", 7),
        ("SWP_URL", "https://127.0.0.1:1", 8),
    ] {
        let mut world = world();
        let right = match variable {
            "SWP_URL" => world.sandbox.url(),
            _ => world.home.path("manager.pem").display().to_string(),
        };
        world.home.set(variable, value);
        find(&world, &["--mfa-code", CODE, "--retries", "0"]).failure(code);
        assert!(records(&world).is_empty(), "{variable}");
        world.home.set(variable, right);
        worlds.push(world);
    }
    for world in worlds {
        find(&world, &["--mfa-code", CODE]).success();
    }
}

#[test]
fn it_is_another_for_another_user_and_forgotten_after_a_while() {
    let world = world();
    find(&world, &["--mfa-code", CODE]).success();
    let other = find(&world, &["--mfa-code", CODE, "--username", "kim"]);
    contains(other.failure(4), &["the manager refused"]);
    let_pass(&world, 14 * MINUTE);
    stale(&world, "--mfa-code", || find(&world, &["--mfa-code", CODE]));
    let_pass(&world, MINUTE);
    find(&world, &["--mfa-code", CODE]).success();
    let codes = record(&world)["codes"].as_array().map(Vec::len);
    assert_eq!(codes, Some(1), "what is old is forgotten, for others too");
}

#[test]
fn of_runs_at_the_same_time_one_sends_it() {
    let world = world();
    let rans: Vec<Ran> = thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| find(&world, &["--mfa-code", CODE])))
            .collect();
        let ended = runs.into_iter().map(|run| run.join().expect("it ends"));
        ended.collect()
    });
    let mut codes: Vec<i32> = rans.iter().map(Ran::code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 4, 4, 4, 4, 4]);
    assert_eq!(sign_ins(&world), 1);
}

#[cfg(unix)]
#[test]
fn who_types_one_that_was_sent_is_told_to_wait_for_the_next() {
    let world = world();
    find(&world, &["--mfa-code", CODE]).success();
    (world.sandbox).change(|settings| settings.mfa_code = Some("004212".to_owned()));
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let mut terminal = crate::support::pty::Pty::start(&world.home, script);
    terminal.see("Code of the second factor: ");
    terminal.type_line(CODE);
    terminal.see("this code was sent already, at ");
    terminal.see("wait for the next one");
    terminal.see("Code of the second factor: ");
    terminal.type_line("004212");
    terminal.see("code=0");
    terminal.end();
    let sent = world.sandbox.requests();
    let sent = sent
        .iter()
        .filter(|request| request.path == "/api/sessions");
    let codes: Vec<Value> = sent
        .map(|request| serde_json::from_slice::<Value>(&request.body).expect("JSON"))
        .map(|body| body["mfaCode"].clone())
        .collect();
    assert_eq!(codes, [CODE.into(), Value::Null, "004212".into()]);
}
