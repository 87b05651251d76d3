//! `plan --verify` and `apply --verify`: each secret is used once, and a rejected secret is not used again.

use serde_json::Value;
use swp_keys::sandbox::{Action, ApiKey, Fault};

use super::apply::{apply, is_as_declared, is_unconfirmed, key, secret};
use super::plan::{add, fleet, plan, with_keys};
use crate::support::requests::CREATE;
use crate::support::{TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;

/// The request that uses a secret which names its key.
const USE: &str = "POST /api/policies/search";

/// A manifest whose only key has these destinations.
fn with(lines: &str) -> String {
    format!("fleet = \"ops\"\n[keys.a]\nrole-id = 2\nexpires = \"90d\"\n{lines}\n")
}

/// Plans with `--verify`. Returns the exit code, and `meta` of the first key.
fn verify(env: &TestEnv, text: &str) -> (i32, Value) {
    env.home.write("keys.toml", text);
    let result = env.run(["plan", "-f", "keys.toml", "--verify", "-o", "json"]);
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    (result.code(), document["apiKeys"][0]["meta"].clone())
}

/// The states of the secrets.
fn states(meta: &Value) -> Vec<&str> {
    let states = meta["secret"].as_array().expect("a list").iter();
    states
        .map(|one| one["state"].as_str().expect("a word"))
        .collect()
}

/// The fleet `ops` with the key `a`, whose secret is in `a.key`.
fn with_secret() -> (TestEnv, ApiKey) {
    let env = with_keys(&["a"]);
    let key = key(&env, "a");
    env.home.write_secret("a.key", &format!("{}\n", key.secret));
    (env, key)
}

#[test]
fn each_secret_is_used_once_with_its_own_key() {
    let (env, before) = with_secret();
    env.home
        .write_secret("env", &format!("KEY={}\n", before.secret));
    let text = with(
        "out-file = \"a.key\"\ndotenv = \"env\"\nenv-name = \"KEY\"\ndeliver-cmd = \"true\"\nread-cmd = \"cat a.key\"",
    );
    let (code, meta) = verify(&env, &text);
    assert_eq!((code, states(&meta)), (0, vec!["works"; 3]));
    assert_eq!(env.count(USE), 1);
    assert!(key(&env, "a").last_sign_in.is_some());
    assert_eq!(key(&env, "a").unsuccessful_sign_in_attempts, 0);
    assert!(!meta.to_string().contains(&before.secret));
    let (env, _) = with_secret();
    plan(&env, &text, &[]);
    assert_eq!(env.count(USE), 0);
    assert_eq!(key(&env, "a").last_sign_in, None);
}

#[test]
fn a_dead_secret_is_used_once_and_reported_each_time() {
    let (env, before) = with_secret();
    let dead = format!("{}:dead", before.id);
    env.home.write_secret("a.key", &dead);
    let text = fleet("a = {}");
    for _ in 0..10 {
        let (code, meta) = verify(&env, &text);
        assert_eq!((code, states(&meta)), (12, vec!["rejected"]));
        let problem = meta["problems"][0].as_str().expect("a text");
        contains(problem, &["does not work", "a.key"]);
    }
    let now = key(&env, "a");
    assert_eq!((now.unsuccessful_sign_in_attempts, now.active), (1, true));
    let plain = env.run(["plan", "-f", "keys.toml", "--verify"]);
    assert_eq!(plain.code(), 12);
    contains(&plain.stdout, &["! a", "does not work", "`on-missing`"]);
    // The state folder does not contain the secret.
    let folder = env.home.path("state/rejected-secrets");
    for file in crate::support::files::files(&folder) {
        let content = crate::support::files::read(&file);
        assert!(!content.contains("dead"), "{}", file.display());
    }
    // Another secret is used.
    env.home.write_secret("a.key", &before.secret);
    let (code, meta) = verify(&env, &text);
    assert_eq!((code, states(&meta)), (0, vec!["works"]));
    assert_eq!(key(&env, "a").unsuccessful_sign_in_attempts, 0);
}

#[test]
fn a_secret_that_does_not_belong_to_the_key_counts_as_missing() {
    let (env, before) = with_secret();
    let other = env.sandbox.add_key("other", 2);
    let dead = format!("{}:dead", before.id);
    for (content, state) in [(&other.secret, "other-key"), (&dead, "rejected")] {
        env.home.write_secret("a.key", content);
        for (word, action, code) in [
            ("report", "problem", 12),
            ("rotate", "rotate", 0),
            ("rekey", "rekey", 0),
        ] {
            let text = fleet(&format!("a = {{ on-missing = \"{word}\" }}"));
            let (found, meta) = verify(&env, &text);
            assert_eq!(states(&meta), [state], "{word}");
            assert_eq!((found, meta["action"].as_str()), (code, Some(action)));
        }
    }
    assert_eq!(key(&env, "a").unsuccessful_sign_in_attempts, 1);
}

#[test]
fn what_cannot_be_used_is_reported_as_unknown() {
    let (env, before) = with_secret();
    for (lines, reason) in [
        ("", "neither `read-cmd` nor `check-cmd`"),
        ("check-cmd = \"cat a.key\"", "`check-cmd` does not print"),
        ("read-cmd = \"printf 'a\\\\nb'\"", "no secret"),
        ("read-cmd = \"false\"", "`false` failed"),
    ] {
        let text = with(&format!(
            "deliver-cmd = \"true\"\non-missing = \"rekey\"\n{lines}"
        ));
        let (code, meta) = verify(&env, &text);
        assert_eq!((code, states(&meta)), (0, vec!["not-known"]), "{lines}");
        contains(meta["notes"][0].as_str().expect("a note"), &[reason]);
    }
    let text = fleet("a = { on-missing = \"rekey\", locked = true }");
    env.sandbox.edit_key(before.id, |key| key.active = false);
    let (code, meta) = verify(&env, &text);
    assert_eq!((code, states(&meta)), (0, vec!["not-known"]));
    contains(meta["notes"][0].as_str().expect("a note"), &["locked"]);
    assert_eq!(env.count(USE), 0);
    // A manager that does not answer shows nothing.
    env.sandbox.edit_key(before.id, |key| key.active = true);
    let failing = Fault::new(
        "POST",
        "/api/policies/search",
        Action::status(500, "failed"),
    );
    env.sandbox.inject(failing.times(99));
    let (code, meta) = verify(&env, &fleet("a = { on-missing = \"rekey\" }"));
    assert_eq!((code, states(&meta)), (0, vec!["not-known"]));
    let both = ["plan", "-f", "keys.toml", "--verify", "--no-look"];
    env.run(both).failure(2);
}

#[test]
fn apply_replaces_a_dead_secret_and_uses_the_new_one() {
    let (env, before) = with_secret();
    env.home
        .write_secret("a.key", &format!("{}:dead", before.id));
    let text = fleet("a = { on-missing = \"rekey\" }\nb = {}");
    // Without `--verify`, a secret that is there is not used.
    apply(&env, &fleet("a = { on-missing = \"rekey\" }"), &["--yes"]).success();
    assert_eq!(key(&env, "a"), before);
    is_unconfirmed(&apply(&env, &text, &["--verify"]));
    contains(
        apply(&env, &text, &["--verify", "--yes"]).success(),
        &["rekey: done", "create: done"],
    );
    for name in ["a", "b"] {
        let now = key(&env, name);
        assert_eq!(secret(&env, &format!("{name}.key")), now.secret);
        assert!(now.last_sign_in.is_some(), "{name}");
    }
    is_as_declared(&env);
}

#[test]
fn a_new_secret_that_does_not_work_is_not_delivered() {
    let env = TestEnv::new();
    let refused = Action::status(401, "The API key is invalid.");
    let fault = Fault::new("GET", "/api/apikeys/current", refused.clone());
    env.sandbox.inject(fault);
    let fault = Fault::new("POST", "/api/apikeys/current", refused);
    env.sandbox.inject(fault);
    let result = apply(&env, &fleet("a = {}\nb = {}"), &["--verify"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["1 done", "1 failed"]);
    assert_eq!(env.count(CREATE), 2);
    let names: Vec<_> = env.sandbox.api_keys();
    let [only] = names.as_slice() else {
        panic!("{names:?}")
    };
    let name = only.name.as_deref().expect("a name");
    assert_eq!(secret(&env, &format!("{name}.key")), only.secret);
    let other = if name == "a" { "b.key" } else { "a.key" };
    assert!(!env.home.path(other).exists());
}

#[test]
fn a_locked_key_gets_a_new_secret_that_is_not_used() {
    let env = with_keys(&["a"]);
    let before = key(&env, "a");
    env.sandbox.edit_key(before.id, |key| key.active = false);
    let text = fleet("a = { on-missing = \"rekey\", locked = true }");
    apply(&env, &text, &["--verify", "--yes"]).success();
    let now = key(&env, "a");
    assert_ne!(now.secret, before.secret);
    assert_eq!((secret(&env, "a.key"), now.active), (now.secret, false));
}

/// A file that is not kept on this machine, or a store that does not answer, never leads to a new secret.
#[test]
fn apply_changes_nothing_if_a_destination_is_unknown() {
    let env = with_keys(&["a"]);
    let before = env.sandbox.api_keys();
    for word in ["report", "rotate", "rekey"] {
        for verify in [&["--yes"][..], &["--yes", "--verify"]] {
            let text = with(&format!(
                "deliver-cmd = \"true\"\nread-cmd = \"false\"\non-missing = \"{word}\""
            ));
            let result = apply(&env, &text, verify);
            contains(
                result.success(),
                &["the secret is not known", "`false` failed"],
            );
            assert_eq!(env.sandbox.api_keys(), before);
        }
    }
    assert_eq!(env.count(CREATE), 0);
}

/// A gateway rejects the request that uses the secret.
pub(super) fn gateway_refusal() -> Action {
    Action::Answer {
        status: 401,
        headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
        body: b"authentication required".to_vec(),
    }
}

/// A gateway or a proxy may reject a request. That says nothing about the secret.
#[test]
fn a_401_response_of_a_gateway_never_counts_as_a_rejected_secret() {
    let (env, before) = with_secret();
    let text = fleet("a = { on-missing = \"rekey\" }");
    let fault = Fault::new("POST", "/api/policies/search", gateway_refusal());
    env.sandbox.inject(fault.times(2));
    let (code, meta) = verify(&env, &text);
    assert_eq!((code, states(&meta)), (0, vec!["not-known"]));
    contains(
        meta["notes"][0].as_str().expect("a note"),
        &["other than the manager", "401"],
    );
    apply(&env, &text, &["--verify", "--yes"]).success();
    assert_eq!(key(&env, "a").secret, before.secret);
    env.sandbox.clear_faults();
    // The secret was not remembered as rejected.
    let (code, meta) = verify(&env, &text);
    assert_eq!((code, states(&meta)), (0, vec!["works"]));
}

/// The manager rejects every secret of a locked or expired key, and accepts the correct secret again when the key works again.
#[test]
fn the_secret_of_a_locked_or_expired_key_is_never_remembered_as_rejected() {
    type Edit = fn(&mut ApiKey);
    let edits: [(Edit, &str); 3] = [
        (|key| key.active = false, "locked"),
        (
            |key| {
                key.active = false;
                key.unlock_time = Some(key.created + DAY);
            },
            "locked for a time",
        ),
        (|key| key.expiry_date = Some(key.created - 1), "expired"),
    ];
    for (edit, reason) in edits {
        let env = TestEnv::with(answering_unknowns(&[("unusable-key", "401")]));
        add(&env, "a", |_| {});
        // The file contains the secret of another key.
        let other = env.sandbox.add_key("other", 2);
        env.home.write_secret("a.key", &other.secret);
        env.sandbox.edit_key(other.id, edit);
        let text = fleet("a = {}");
        // The key `a` works, so the manager would accept its secret.
        let (code, meta) = verify(&env, &text);
        assert_eq!((code, states(&meta)), (12, vec!["other-key"]), "{reason}");
        let problem = meta["problems"][0].as_str().expect("a text");
        contains(problem, &["belongs to the key with ID 2", "a.key"]);
        // The other key works again, so its secret is used again.
        env.sandbox.edit_key(other.id, |key| {
            key.active = true;
            key.unlock_time = None;
            key.expiry_date = None;
        });
        let (_, meta) = verify(&env, &text);
        assert_eq!(states(&meta), ["other-key"], "{reason}");
        let text = fleet("a = { on-missing = \"rekey\" }");
        env.sandbox.edit_key(other.id, edit);
        apply(&env, &text, &["--verify", "--yes"]).success();
        assert_eq!(secret(&env, "a.key"), key(&env, "a").secret, "{reason}");
    }
}

/// The lock ends on its own, and the new secret works then.
#[test]
fn a_key_that_is_locked_for_a_time_gets_a_new_secret_that_is_not_used() {
    for flags in [&["--yes"][..], &["--yes", "--verify"]] {
        let env = TestEnv::new();
        // A manager may report the lock only by its end.
        add(&env, "a", |key| key.unlock_time = Some(key.created + DAY));
        for (method, path) in [
            ("POST", "/api/policies/search"),
            ("GET", "/api/apikeys/current"),
        ] {
            let refused = Action::status(401, "Invalid API Key");
            env.sandbox
                .inject(Fault::new(method, path, refused).times(9));
        }
        let text = fleet("a = { on-missing = \"rekey\" }");
        apply(&env, &text, flags).success();
        assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    }
}

#[test]
fn a_new_secret_that_a_gateway_rejects_is_delivered_with_a_warning() {
    let env = TestEnv::new();
    let fault = Fault::new("POST", "/api/policies/search", gateway_refusal());
    env.sandbox.inject(fault.times(9));
    let fault = Fault::new("GET", "/api/apikeys/current", gateway_refusal());
    env.sandbox.inject(fault.times(9));
    let result = apply(&env, &fleet("a = {}"), &["--verify"]);
    contains(
        &result.stderr,
        &["could not check whether the new secret works"],
    );
    result.success();
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
}

/// The manager rejects every secret of an expired key, so the rejection of the new secret would show nothing.
#[test]
fn a_new_secret_of_an_expired_key_is_not_used() {
    let env = with_keys(&["a"]);
    let id = key(&env, "a").id;
    env.sandbox.edit_key(id, |key| {
        key.created -= 20 * 60_000;
        key.description = Some("[swp-keys 1a2b3c4d ops pending]".to_owned());
        key.expiry_date = Some(key.created + 60_000);
    });
    let text = with("out-file = \"a.key\"");
    let before = env.sandbox.requests().len();
    apply(&env, &text, &["--verify"]);
    let now = key(&env, "a");
    assert_eq!(secret(&env, "a.key"), now.secret);
    let later = env.sandbox.requests().split_off(before);
    let uses = later.iter().filter(|one| one.route() == USE);
    assert_eq!(uses.count(), 0);
}
