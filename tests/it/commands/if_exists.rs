//! `create-key --name` if a key with this name already exists.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault};

use crate::support::requests::{CREATE, count};
use crate::support::running::Running;
use crate::support::snapshot::snapshot;
use crate::support::wording::DIFFERENCES;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains, wait_until};

fn run(env: &TestEnv, more: &[&str]) -> RunResult {
    let first = ["create", "--role", "Auditor", "--name", "ci"];
    env.run(first.iter().chain(more))
}

#[test]
fn by_default_the_run_fails_and_names_the_key() {
    let env = TestEnv::new();
    let existing = env.sandbox.add_key("ci", 2);
    for more in [&[][..], &["--if-exists", "fail"]] {
        let result = run(&env, more);
        contains(result.failure(6), &["ci", "ID 1", "--if-exists"]);
    }
    let error = run(&env, &["-o", "json"]).json_error(6);
    assert_eq!(error["keyID"], json!(existing.id));
    assert_eq!(count(&env.sandbox, CREATE), 0);
    assert_eq!(env.sandbox.api_keys(), [existing]);
}

#[test]
fn skip_succeeds_without_a_secret() {
    let env = TestEnv::new();
    let existing = env.sandbox.add_key("ci", 2);
    for (format, more) in [("text", "-v"), ("env", "-v"), ("text", "-q"), ("env", "-q")] {
        let result = run(&env, &["--if-exists", "skip", "-o", format, more]);
        result.success();
        assert_eq!(result.stdout, "", "there is no secret to print");
        contains(&result.stderr, &["ci", "ID 1"]);
        assert!(!result.stderr.contains(DIFFERENCES), "{}", result.stderr);
    }
    run(&env, &["--if-exists", "skip", "-o", "jsonl", "-q"]).json();
    let result = run(&env, &["--if-exists", "skip", "-o", "json", "-q"]);
    snapshot(&result.stderr);
    let key = result.json();
    assert_eq!((&key["ID"], &key["keyName"]), (&json!(1), &json!("ci")));
    assert_eq!(key.get("secretKey"), None);
    assert_eq!(key["meta"]["created"], json!(false));
    assert_eq!(key["meta"]["drift"], json!([]));
    assert_eq!(count(&env.sandbox, CREATE), 0);
    assert_eq!(env.sandbox.api_keys(), [existing]);
}

#[test]
fn skip_creates_no_file() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    let result = run(&env, &["--if-exists", "skip", "--out-file", "key"]);
    result.success();
    assert_eq!(result.stdout, "");
    assert!(!env.home.path("key").exists());
}

#[test]
fn skip_changes_no_destination() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    let path = env.home.write_secret("key", "SWP_API_KEY=old\n");
    for to in [
        &["--out-file", "key", "--force"][..],
        &["--dotenv", "key"],
        &["--deliver-cmd", "tee key"],
        &["--out-file", "-"],
        &["--dotenv", "-"],
    ] {
        let result = run(&env, &[&["--if-exists", "skip"], to].concat());
        result.success();
        assert_eq!(result.stdout, "");
        contains(&result.stderr, &["ID 1"]);
        let content = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(content, "SWP_API_KEY=old\n");
    }
    assert_eq!(env.sandbox.api_keys().len(), 1);
}

/// `skip` warns only if the destination certainly has no secret, or if the key does not work, expires soon or differs from the request. `--quiet`
/// suppresses only the note.
#[test]
fn skip_warns_if_the_destination_may_have_no_secret_that_works() {
    let hour = 3_600_000;
    let file = ["--out-file", "key", "--force"];
    for (edit, to, part) in [
        (Edit::Nothing, &file[..], None),
        (Edit::Nothing, &["--dotenv", "key"], None),
        (Edit::Nothing, &["--out-file", "new"], Some("the file new")),
        (Edit::Nothing, &["--dotenv", "new"], Some("the file new")),
        (Edit::Nothing, &[], Some("stdout")),
        (Edit::Locked, &file, Some("the key is locked")),
        (Edit::Ends(-hour), &file, Some("the key expired at")),
        (
            Edit::Ends(3 * hour + hour / 2),
            &file,
            Some("the key expires in 3 hours"),
        ),
        (Edit::Ends(15 * 24 * hour), &file, None),
    ] {
        let env = TestEnv::new();
        edit.apply(&env, env.sandbox.add_key("ci", 2).id);
        env.home.write_secret("key", "SWP_API_KEY=old\n");
        let skip = [&["--if-exists", "skip"], to].concat();
        let loud = run(&env, &skip);
        let quiet = run(&env, &[&skip[..], &["-q"]].concat());
        for result in [&loud, &quiet] {
            assert_eq!(result.success(), "");
        }
        contains(&loud.stderr, &["ID 1"]);
        let expected = match part {
            Some(part) => {
                contains(&loud.stderr, &["warning:", part]);
                loud.stderr.as_str()
            }
            None => {
                contains(&loud.stderr, &["note:"]);
                ""
            }
        };
        assert_eq!(quiet.stderr, expected, "{edit:?} {to:?}");
    }
}

#[test]
fn skip_creates_a_missing_key() {
    let env = TestEnv::new();
    let result = run(&env, &["--if-exists", "skip"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
}

#[test]
fn differences_are_reported() {
    let moment = 4_073_587_199_999;
    for (edit, more, drift) in [
        (Edit::Role(1), &[][..], json!(["roleID"])),
        (Edit::Locked, &[], json!(["active"])),
        (Edit::Expiry(moment), &[], json!([])),
        (
            Edit::Expiry(moment),
            &["--expires", "never"],
            json!(["expiryDate"]),
        ),
        (
            Edit::Expiry(moment),
            &["--expires", "2099-01-31"],
            json!([]),
        ),
        (
            Edit::Expiry(moment),
            &["--expires", "2099-01-30"],
            json!(["expiryDate"]),
        ),
        (
            Edit::Nothing,
            &["--expires", "2099-01-31"],
            json!(["expiryDate"]),
        ),
        (Edit::Nothing, &["--locale", "en-US"], json!([])),
        (
            Edit::Nothing,
            &["--locale", "ja-JP", "--time-zone", "Europe/Berlin"],
            json!(["locale", "timeZone"]),
        ),
    ] {
        assert_drift(edit, more, &drift);
    }
}

#[test]
fn a_lifetime_and_a_description_that_differ_are_reported() {
    let moment = 4_073_587_199_999;
    for (edit, more, drift) in [
        // The start of the key's lifetime is unknown. A key that works for longer than the requested lifetime differs in any case.
        (Edit::Expiry(moment), &["--expires", "999y"][..], json!([])),
        (
            Edit::Expiry(moment),
            &["--expires", "14d"],
            json!(["expiryDate"]),
        ),
        (Edit::Nothing, &["--expires", "14d"], json!(["expiryDate"])),
        (Edit::Expiry(1_600_000_000_000), &[], json!(["expiryDate"])),
        (
            Edit::Description("for ci [swp-keys 0badcafe]"),
            &["--description", "for ci"],
            json!([]),
        ),
        (
            Edit::Description("for ci [swp-keys 0badcafe]"),
            &[],
            json!([]),
        ),
        (
            Edit::Description("for tests [swp-keys 0badcafe]"),
            &["--description", "for ci", "--expires", "never"],
            json!(["description"]),
        ),
    ] {
        assert_drift(edit, more, &drift);
    }
}

/// Asserts that `--if-exists skip` and `--if-exists rekey` report these fields for a key with this edit.
#[track_caller]
fn assert_drift(edit: Edit, more: &[&str], drift: &Value) {
    let env = TestEnv::new();
    let id = env.sandbox.add_key("ci", 2).id;
    edit.apply(&env, id);
    let rekey = [&["rekey", "--dry-run"][..], &["rekey", "-q"]];
    // A locked or expired key does not get a new secret.
    let is_usable = !matches!(edit, Edit::Locked | Edit::Expiry(1_600_000_000_000));
    let rekey = rekey.into_iter().filter(|_| is_usable);
    for words in rekey.chain([&["skip"][..]]) {
        let arguments = [&["-o", "json", "--if-exists"], words, more].concat();
        let result = run(&env, &arguments);
        assert_eq!(
            result.json()["meta"]["drift"],
            *drift,
            "{edit:?} {arguments:?}"
        );
        assert_differences(&result.stderr, drift);
    }
}

/// Asserts that stderr describes the difference of each of these fields.
#[track_caller]
fn assert_differences(stderr: &str, drift: &Value) {
    let any = drift.as_array().is_some_and(|fields| !fields.is_empty());
    assert_eq!(stderr.contains(DIFFERENCES), any, "{stderr}");
    for field in drift.as_array().into_iter().flatten() {
        let label = match field.as_str().expect("a string") {
            "roleID" => "the role ID 1 instead of 2",
            "description" => "the description `for tests` instead of `for ci`",
            "expiryDate" => "expiry",
            "active" => "lock",
            "timeZone" => "instead of `Europe/Berlin`",
            name => name,
        };
        contains(stderr, &[label]);
    }
}

/// JSON output needs the name of the existing key's role, so the note names the role as well.
#[test]
fn rekey_warns_of_another_role_and_names_the_role_of_the_key() {
    let env = TestEnv::new();
    let id = env.sandbox.add_key("rk", 2).id;
    let create = ["create", "--role", "Full Access", "--allow-full-access"];
    let more = ["--name", "rk", "--expires", "30d", "--if-exists", "rekey"];
    let command = [&create[..], &more].concat();
    let result = env.run(&command);
    result.success();
    contains(
        &result.stderr,
        &["`rk` (ID 1)", "the role ID 2 instead of 1", "expiry never"],
    );
    let result = env.run([&command[..], &["-o", "json"]].concat());
    assert_eq!(
        result.json()["meta"]["drift"],
        json!(["roleID", "expiryDate"])
    );
    contains(&result.stderr, &[DIFFERENCES, "role Auditor"]);
    assert_eq!(env.sandbox.api_keys()[0].role_id, 2);
    assert_eq!(id, 1);
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Nothing,
    Role(i64),
    Locked,
    Expiry(i64),
    /// An expiry this many milliseconds from now.
    Ends(i64),
    Description(&'static str),
}

impl Edit {
    fn apply(self, env: &TestEnv, id: i64) {
        let now = env.sandbox.now();
        env.sandbox.edit_key(id, |key| match self {
            Self::Role(role) => key.role_id = role,
            Self::Locked => key.active = false,
            Self::Expiry(moment) => key.expiry_date = Some(moment),
            Self::Ends(left) => key.expiry_date = Some(now + left),
            Self::Description(text) => key.description = Some(text.to_owned()),
            Self::Nothing => {}
        });
    }
}

#[test]
fn several_keys_with_the_name_are_always_a_conflict() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    env.sandbox.add_key("other", 2);
    env.sandbox.add_key("ci", 2);
    for choice in ["fail", "skip"] {
        let result = run(&env, &["--if-exists", choice]);
        let stderr = result.failure(6);
        contains(stderr, &["ci", "1, 3"]);
    }
    assert_eq!(count(&env.sandbox, CREATE), 0);
}

/// The manager may ignore case, treat wildcards as patterns, or ignore the criteria. The run compares the exact names itself.
#[test]
fn only_an_equal_name_is_a_conflict() {
    for choices in [
        &[("ignore-case", "yes")][..],
        &[("ignore-case", "no")],
        &[("ignore-search", "yes")],
    ] {
        let env = TestEnv::with(answering_unknowns(choices));
        for name in ["CI", "ci ", "cj", "c_", "%"] {
            env.sandbox.add_key(name, 2);
        }
        run(&env, &[]).success();
        let newest = env.sandbox.api_keys().pop().expect("a key");
        assert_eq!(newest.name.as_deref(), Some("ci"), "{choices:?}");
    }
}

#[test]
fn without_permission_to_search_the_default_warns_and_skip_fails() {
    for (status, code) in [("403", 5), ("401", 4)] {
        let env = TestEnv::with(answering_unknowns(&[("session-keys", status)]));
        let result = run(&env, &[]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        contains(&result.stderr, &["warning:", "ci"]);
        run(&env, &["--if-exists", "skip"]).failure(code);
        assert_eq!(count(&env.sandbox, CREATE), 1);
    }
}

#[test]
fn a_name_that_the_manager_rejects_is_a_conflict() {
    let env = TestEnv::with(answering_unknowns(&[
        ("session-keys", "403"),
        ("duplicate-name", "409"),
    ]));
    let existing = env.sandbox.add_key("ci", 2);
    let error: Value = run(&env, &["-o", "json"]).json_error(6);
    assert_eq!(error["http"], json!(409));
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &["The requested username already exists."]);
    assert_eq!(env.sandbox.api_keys(), [existing]);
}

/// If the run that created the key was interrupted, its secret may be lost.
#[test]
fn a_key_of_an_interrupted_run_is_not_skipped() {
    let skip = ["--if-exists", "skip"];
    for (existing, words) in [(false, &[][..]), (true, &["--if-exists", "rekey"])] {
        let env = TestEnv::new();
        if existing {
            env.sandbox.add_key("ci", 2);
        }
        let held = Action::Delay(Duration::from_secs(60));
        let (route, path) = match existing {
            true => ("POST /api/apikeys/1/secretkey", "/api/apikeys/1/secretkey"),
            false => (CREATE, "/api/apikeys"),
        };
        env.sandbox.inject(Fault::new("POST", path, held).after());
        let first = ["create", "--role", "Auditor", "--name", "ci"];
        let running = Running::start(&mut env.home.command(first.iter().chain(words)));
        // The first run is still active, so whether it will deliver or delete the key is unknown.
        env.wait_for(route);
        wait_until("the key", || !env.sandbox.api_keys().is_empty());
        drop(running);
        env.sandbox.clear_faults();
        for more in [&[][..], &["-q"], &["--dry-run"], &["-o", "json"]] {
            let result = run(&env, &[&skip, more].concat());
            contains(result.failure(11), &["`ci` (ID 1)", "swp-keys recover"]);
        }
        assert_eq!(env.sandbox.api_keys().len(), 1);
        // A different key is not affected. After the recovery, this key is not affected either.
        let other = ["create", "--role", "Auditor", "--name", "other"];
        env.run(other.iter().chain(&skip)).success();
        env.run(other.iter().chain(&skip)).success();
        env.run(["recover", "--yes"]).success();
        run(&env, &skip).success();
    }
}
