//! `--in-place` and `--current` give the same key a new secret. The old secret stops working immediately.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, ApiKey, Fault};

use super::successor::{env, key, name, rotate};
use crate::support::files::record_count;
use crate::support::held_manager::HeldManager;
use crate::support::requests::{count, nothing_was_sent};
use crate::support::running::run_at_once;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

#[test]
fn in_place_the_old_secret_stops_working() {
    let env = env("accepted");
    let before = key(&env.sandbox, 1);
    let result = rotate(&env, &["--in-place"]);
    let now = key(&env.sandbox, 1);
    assert_eq!(result.success(), now.secret);
    assert_ne!(now.secret, before.secret);
    assert_eq!((now.expiry_date, name(&now)), (before.expiry_date, "ci"));
    contains(&result.stderr, &["`ci` (ID 1)"]);
    assert_eq!(env.sandbox.api_keys().len(), 1);
    assert_eq!(record_count(&env.home), 0);
}

fn with_its_own_key(role: i64, choices: &[(&str, &str)]) -> (TestEnv, ApiKey) {
    let mut env = TestEnv::with(answering_unknowns(choices));
    let own = env.sandbox.add_key("own", role);
    env.use_key(&own.secret);
    (env, own)
}

#[test]
fn the_key_that_authenticates_the_run_gets_a_new_secret() {
    let (env, own) = with_its_own_key(1, &[]);
    let result = env.run(["rotate-key", "--current", "--verify"]);
    let now = key(&env.sandbox, own.id);
    assert_eq!(result.success(), now.secret);
    assert_ne!(now.secret, own.secret);
    assert_eq!(
        count(&env.sandbox, "POST /api/apikeys/current/secretkey"),
        1
    );
    assert_eq!(record_count(&env.home), 0);
    // No request was sent with the revoked secret, so the manager counted no failed attempt.
    assert_eq!(now.unsuccessful_sign_in_attempts, 0);
}

#[test]
fn a_lost_response_about_the_own_key_is_reported() {
    let (env, own) = with_its_own_key(1, &[]);
    let lost = Fault::new("POST", "/api/apikeys/current/secretkey", Action::Drop).after();
    env.sandbox.inject(lost);
    let result = env.run(["rotate-key", "--current"]);
    contains(
        result.failure(11),
        &["`own` (ID 1)", "rotate-key 1 --in-place"],
    );
    assert_ne!(key(&env.sandbox, own.id).secret, own.secret);
    assert_eq!(record_count(&env.home), 1);
    assert!(key(&env.sandbox, own.id).unsuccessful_sign_in_attempts <= 1);
}

/// The manager did not process the first request, so the key still works.
#[test]
fn a_lost_reset_of_the_own_key_is_sent_again() {
    let (env, own) = with_its_own_key(1, &[]);
    env.sandbox.inject(Fault::new(
        "POST",
        "/api/apikeys/current/secretkey",
        Action::Reset,
    ));
    let result = env.run(["rotate-key", "--current"]);
    assert_eq!(result.success(), key(&env.sandbox, own.id).secret);
}

#[test]
fn current_requires_a_key_that_can_view_itself() {
    let env = TestEnv::new();
    contains(
        env.run(["rotate-key", "--current"]).failure(2),
        &["--api-key-file"],
    );
    nothing_was_sent(&env.sandbox);
    let (env, own) = with_its_own_key(2, &[]);
    contains(
        env.run(["rotate-key", "--current"]).failure(5),
        &["--in-place"],
    );
    assert_eq!(key(&env.sandbox, own.id).secret, own.secret);
}

/// The saved secret does not work any more, so the run says how to replace it.
#[test]
fn a_key_that_login_saved_can_replace_its_secret() {
    for words in [
        &["rotate-key", "--current"][..],
        &["rotate-key", "own", "--in-place"],
        &["rotate-key", "own"],
    ] {
        let mut env = TestEnv::new();
        let own = env.sandbox.add_key("own", 1);
        env.home.unset("SWP_PASSWORD_FILE");
        env.home.unset("SWP_USERNAME");
        env.home.write_secret("key", &own.secret);
        env.run(["login", "--api-key-file", "key"]).success();
        let result = env.run(words.iter().chain(&["--out-file", "new"]));
        result.success();
        let again = "swp-keys login --api-key-file FILE";
        contains(&result.stderr, &["warning:", "ID 1", again]);
        env.run(["login", "--api-key-file", "new"]).success();
        env.run(["list-keys"]).success();
        // A key that this run does not use is not mentioned.
        env.sandbox.add_key("other", 2);
        let result = env.run(["rotate-key", "other", "--in-place"]);
        result.success();
        assert!(!result.stderr.contains(again), "{}", result.stderr);
    }
}

/// An intermediary sends a request twice that resets the key that authenticates the run. The second request carries a revoked secret.
#[test]
fn a_repeated_reset_of_the_own_key_leaves_a_record() {
    for (words, route) in [
        (
            &["rotate-key", "--current"][..],
            "/api/apikeys/current/secretkey",
        ),
        (
            &["rotate-key", "1", "--in-place"],
            "/api/apikeys/1/secretkey",
        ),
        (
            &[
                "create",
                "--role-id",
                "2",
                "--name",
                "own",
                "--if-exists",
                "rekey",
            ],
            "/api/apikeys/1/secretkey",
        ),
    ] {
        for status in [401, 403] {
            let (env, own) = with_its_own_key(1, &[]);
            let answer = Action::status(status, "The API key is not valid.");
            let twice = Fault::new("POST", route, answer).after();
            env.sandbox.inject(twice);
            let result = env.run(words);
            contains(result.failure(11), &["`own` (ID 1)"]);
            assert_ne!(key(&env.sandbox, own.id).secret, own.secret);
            assert_eq!(record_count(&env.home), 1, "{words:?} {status}");
        }
    }
}

/// The key still authenticates the run, so the reset was not processed.
#[test]
fn a_role_without_permission_to_reset_leaves_no_record() {
    for (words, route) in [
        (
            &["rotate-key", "--current"][..],
            "/api/apikeys/current/secretkey",
        ),
        (
            &["rotate-key", "1", "--in-place"],
            "/api/apikeys/1/secretkey",
        ),
    ] {
        let (env, own) = with_its_own_key(1, &[]);
        let refused = Action::status(403, "Not permitted to generate keys.");
        env.sandbox.inject(Fault::new("POST", route, refused));
        env.run(words).failure(5);
        assert_eq!(key(&env.sandbox, own.id).secret, own.secret);
        assert_eq!(record_count(&env.home), 0, "{words:?}");
    }
}

const IN_PLACE: [&str; 4] = ["rotate-key", "ci", "--in-place", "-q"];
pub(super) const REKEY: [&str; 8] = [
    "create",
    "--role-id",
    "2",
    "--name",
    "ci",
    "--if-exists",
    "rekey",
    "-q",
];

/// All runs find the key before the first record is on disk.
#[test]
fn of_concurrent_resets_one_succeeds() {
    for words in [&IN_PLACE[..], &REKEY] {
        let env = env("accepted");
        for path in ["/api/apikeys/search", "/api/apikeys/1/secretkey"] {
            let delay = Action::Delay(std::time::Duration::from_millis(600));
            env.sandbox
                .inject(Fault::new("POST", path, delay).times(99));
        }
        let result = run_at_once((0..4).map(|_| env.home.command(words)));
        let (done, not): (Vec<_>, Vec<_>) = result.iter().partition(|result| result.code() == 0);
        // On a busy machine, one run may begin after another has ended.
        let last = key(&env.sandbox, 1).secret;
        assert!(
            done.iter().any(|result| result.success() == last),
            "{result:?}"
        );
        let resets = count(&env.sandbox, "POST /api/apikeys/1/secretkey");
        assert_eq!(resets, done.len(), "{result:?}");
        assert!(done.len() < 4, "nothing was tried: {result:?}");
        for result in not {
            contains(result.failure(6), &["ci"]);
        }
        assert_eq!(record_count(&env.home), 0);
    }
}

/// Of two machines that reset the same key, the one whose secret is already revoked does not deliver it.
#[test]
fn a_secret_that_another_machine_has_revoked_is_not_delivered() {
    let held = HeldManager::new("POST /api/apikeys/1/secretkey");
    super::successor::add_ci(&held.sandbox);
    let first = held.start(IN_PLACE);
    held.wait_until_held();
    // This run has its own state folder, so it does not see the record of the other run.
    let mut other = held.home.command(IN_PLACE);
    other.env("SWP_STATE_DIR", held.home.path("state-2"));
    other.env("SWP_URL", held.sandbox.url());
    let secret = RunResult::of(&mut other).success().to_owned();
    held.release();
    let result = first.finish();
    contains(result.failure(11), &["`ci` (ID 1)", "--forget"]);
    // `recover` must not revoke the secret that the other run delivered.
    let recovered = held.home.run(["recover", "--yes"]);
    snapshot(recovered.failure(11));
    assert_eq!(key(&held.sandbox, 1).secret, secret);
    assert_eq!(record_count(&held.home), 1);
}

/// The new secret would not work, and the old secret would be lost. The suggested command helps.
#[test]
fn a_locked_or_expired_key_keeps_its_secret() {
    for (is_locked, hint) in [
        (true, &["unlock-key", "1"][..]),
        (false, &["update-key", "1", "--expires", "90d"]),
    ] {
        for words in [&IN_PLACE[..], &REKEY] {
            let env = env("accepted");
            env.home.write_secret("key", "old");
            env.sandbox.edit_key(1, |key| match is_locked {
                true => key.active = false,
                false => key.expiry_date = Some(1_600_000_000_000),
            });
            let before = key(&env.sandbox, 1);
            let to = ["--out-file", "key", "--force", "--verify"];
            for more in [&[][..], &["--dry-run"]] {
                let result = env.run(words.iter().chain(&to).chain(more));
                let hint = format!("swp-keys {}", hint.join(" "));
                contains(result.failure(6), &["ID 1", &hint]);
            }
            assert_eq!(key(&env.sandbox, 1), before);
            assert_eq!(record_count(&env.home), 0);
            let file = std::fs::read_to_string(env.home.path("key"));
            assert_eq!(file.expect("a file"), "old");
            env.run(hint).success();
            env.run(words.iter().chain(&to)).success();
            assert_ne!(key(&env.sandbox, 1).secret, before.secret);
        }
    }
}

/// `meta.verified` shows whether the new secret was used. The warning is printed even with `--quiet`.
#[test]
fn the_output_shows_whether_the_secret_was_verified() {
    for words in [&IN_PLACE[..], &REKEY, &["rotate-key", "ci", "-q"]] {
        for to in [&[][..], &["--out-file", "key"]] {
            let verified = |more: &[&str], answer: Option<Action>| {
                let env = env("accepted");
                if let Some(answer) = answer {
                    let fault = Fault::new("GET", "/api/apikeys/current", answer);
                    env.sandbox.inject(fault.times(9));
                }
                let flags = [words, to, more, &["-o", "json"]].concat();
                let result = env.run(flags);
                let document = result.json();
                (document["meta"].get("verified").cloned(), result.stderr)
            };
            let quiet = |(verified, stderr): (Option<Value>, String)| {
                assert_eq!(stderr.lines().count(), 0, "{stderr}");
                verified
            };
            let plain = verified(&[], None);
            assert_eq!(plain.0, None, "{words:?} {to:?}");
            assert_eq!(quiet(verified(&["--verify"], None)), Some(json!(true)));
            let busy = verified(&["--verify"], Some(Action::status(500, "busy")));
            assert_eq!(busy.0, Some(Value::Null));
            contains(&busy.1, &["warning"]);
        }
    }
}

/// The key existed before, and its secret may be in use on another machine. No hint must therefore advise to delete the key.
#[test]
fn without_a_record_no_deletion_of_an_existing_key_is_suggested() {
    let mut env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    env.home.set("SWP_STATE_DIR", "/dev/null/state");
    let refused = Action::status(401, "Invalid API Key");
    env.sandbox
        .inject(Fault::new("GET", "/api/apikeys/current", refused));
    let result = env.run(["rotate-key", "ci", "--in-place"]);
    contains(result.failure(11), &["swp-keys rotate-key 1 --in-place"]);
    assert!(!result.stderr.contains("delete"), "{}", result.stderr);
}

/// The same applies to a run that a second signal ends.
#[test]
#[cfg(unix)]
fn an_interrupted_run_without_a_record_does_not_suggest_a_deletion() {
    use crate::support::running::Running;
    use rustix::process::Signal;
    use swp_keys::sandbox::Action::Delay;
    let minute = std::time::Duration::from_secs(60);
    for (words, route, next) in [
        (
            &["rotate-key", "ci", "--in-place"][..],
            "/api/apikeys/1/secretkey",
            "swp-keys rotate-key 1 --in-place",
        ),
        (
            &["rotate-key", "ci"],
            "/api/apikeys/1",
            "swp-keys update-key 1 --expires 1day",
        ),
    ] {
        let mut env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        env.sandbox.add_key("ci", 2);
        env.home.set("SWP_STATE_DIR", "/dev/null/state");
        env.sandbox
            .inject(Fault::new("POST", route, Delay(minute)).after());
        let running = Running::start(&mut env.home.command(words));
        env.wait_for(&format!("POST {route}"));
        let result = running.signal_until_exit(Signal::TERM);
        assert_eq!(result.code(), 11, "{}", result.stderr);
        contains(&result.stderr, &[next]);
        assert!(!result.stderr.contains("delete"), "{}", result.stderr);
    }
}
