//! `plan`: what it prints, its exit codes, and that it changes nothing.

use serde_json::Value;
use swp_keys::sandbox::{ApiKey, Settings};

use crate::support::requests::{SEARCH_KEYS, SEARCH_ROLES};
use crate::support::snapshot::snapshot_file;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;

/// A manager with the keys of the fleet `ops`, which were created now.
pub(super) fn with_keys(names: &[&str]) -> TestEnv {
    let env = TestEnv::new();
    for name in names {
        add(&env, name, |_| {});
    }
    env
}

/// Adds a key of the fleet `ops`, and returns its ID.
pub(super) fn add(env: &TestEnv, name: &str, edit: impl FnOnce(&mut ApiKey)) -> i64 {
    let id = env.sandbox.add_key(name, 2).id;
    env.sandbox.edit_key(id, |key| {
        key.description = Some(format!("[swp-keys {id:08x} ops]"));
        key.expiry_date = Some(key.created + 90 * DAY);
        edit(key);
    });
    id
}

/// Adds a key that was used and does not belong to the fleet. It shows that the manager reports the last use of a key.
pub(super) fn add_used(env: &TestEnv) {
    let id = env.sandbox.add_key("used", 2).id;
    env.sandbox
        .edit_key(id, |key| key.last_sign_in = Some(key.created));
}

pub(super) fn plan(env: &TestEnv, text: &str, flags: &[&str]) -> RunResult {
    env.home.write("keys.toml", text);
    let before = env.sandbox.api_keys();
    let result = env.run([&["plan", "-f", "keys.toml"], flags].concat());
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(env.sandbox.live_sessions(), 0);
    result
}

/// A manifest whose keys have these tables.
pub(super) fn fleet(keys: &str) -> String {
    format!(
        "fleet = \"ops\"\n[defaults]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"{{name}}.key\"\n[keys]\n{keys}\n"
    )
}

/// The action of each key by its name.
fn actions(document: &Value) -> Vec<(String, String)> {
    let keys = document["apiKeys"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    keys.map(|key| (text(&key["meta"]["name"]), text(&key["meta"]["action"])))
        .collect()
}

/// A fleet with a key of each kind.
fn mixed() -> (TestEnv, String) {
    let env = with_keys(&["same", "changed", "gone"]);
    let now = env.sandbox.now();
    let long = "a name that is longer than the column";
    for name in ["same", "changed", "aged", "adopted", "foreign", long] {
        env.home.write_secret(&format!("{name}.key"), "T:secret\n");
    }
    add(&env, "aged", |key| {
        key.created = now - 62 * DAY - DAY / 24;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    add(&env, "empty", |_| {});
    add(&env, "former", |_| {});
    env.sandbox.add_key("adopted", 2);
    env.sandbox.add_key("foreign", 2);
    let keys = "new = { locked = true }\n\
        same = {}\n\
        changed = { role = \"Full Access\", allow-full-access = true, description = \"the nightly build of the whole fleet\" }\n\
        aged = { rotate = \"60d\", overlap = \"7d\" }\n\
        empty = {}\n\
        \"a name that is longer than the column\" = { was = \"former\" }\n\
        adopted = { adopt = true }\n\
        foreign = {}\n\
        unknown = { role = \"No Such Role\" }\n";
    (env, fleet(keys))
}

#[test]
fn the_plan_names_what_would_be_done_with_each_key() {
    let (env, text) = mixed();
    let result = plan(&env, &text, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    let stable = |text: &str| {
        let lines = text.lines().map(|line| match line.split_once(": ") {
            Some((start, rest)) if start.starts_with("plan ") => format!("plan NUMBER: {rest}\n"),
            _ => format!("{line}\n").replace(&env.sandbox.url(), "https://MANAGER"),
        });
        lines.collect::<String>()
    };
    let stdout = stable(&result.stdout);
    for line in stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    snapshot_file("messages/plan", &stdout);
    contains(
        &stdout,
        &[
            "+ new",
            "~ changed",
            "> aged",
            "! empty",
            "~ a name that is longer than the column",
            "~ adopted",
            "! foreign",
            "! unknown",
            "? gone",
            "1 key is as declared",
            "the old key works for 7 days",
        ],
    );
    contains(&result.stderr, &["3 keys have problems", "hint: "]);
    let all = plan(&env, &text, &["-v"]);
    contains(&all.stdout, &["same", "as declared"]);
}

#[test]
fn the_plan_as_json_has_every_key() {
    let (env, text) = mixed();
    let result = plan(&env, &text, &["-o", "json"]);
    assert_eq!(result.code(), 12, "{result:?}");
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    let expected = [
        ("new", "create"),
        ("same", "none"),
        ("changed", "change"),
        ("aged", "rotate"),
        ("empty", "problem"),
        ("a name that is longer than the column", "rename"),
        ("adopted", "adopt"),
        ("foreign", "problem"),
        ("unknown", "problem"),
        ("gone", "left-over"),
    ];
    let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned()));
    assert_eq!(actions(&document), expected);
    let keys = &document["apiKeys"];
    assert_eq!(keys[0]["keyName"], "new");
    assert_eq!(keys[0]["roleID"], 2);
    assert_eq!(keys[2]["roleID"], 2);
    assert_eq!(keys[2]["meta"]["changes"][0]["field"], "roleID");
    assert_eq!(keys[2]["meta"]["changes"][0]["to"], 1);
    assert_eq!(keys[4]["meta"]["secret"][0]["state"], "missing");
    assert_eq!(keys[1]["meta"]["secret"][0]["state"], "there");
    assert_eq!(keys[1]["meta"]["target"]["manager"], env.sandbox.url());
    let meta = &document["meta"];
    assert_eq!(meta["fleet"], "ops");
    assert_eq!(meta["plan"].as_str().map(str::len), Some(16));
    assert_eq!(meta["changed"], true);
    assert_eq!(meta["counts"]["create"], 1);
    assert_eq!(meta["counts"]["asDeclared"], 1);
    assert_eq!(meta["counts"]["problem"], 3);
    let counts = meta["counts"].as_object().expect("an object");
    let total: u64 = counts.values().filter_map(Value::as_u64).sum();
    assert_eq!(total, expected.len() as u64);
    let lines = plan(&env, &text, &["-o", "jsonl"]);
    assert_eq!(lines.stdout.lines().count(), 10);
    assert!(!result.stdout.contains("T:secret"));
}

#[test]
fn the_exit_code_shows_whether_the_keys_are_as_declared() {
    let env = with_keys(&["a"]);
    env.home.write_secret("a.key", "x");
    let same = fleet("a = {}");
    plan(&env, &same, &["--exit-code"]).success();
    let differs = fleet("a = { locked = true }");
    plan(&env, &differs, &[]).success();
    let result = plan(&env, &differs, &["--exit-code"]);
    assert_eq!(result.code(), 13);
    contains(&result.stdout, &["~ a  lock"]);
    let problem = fleet("a = { role = \"None\" }");
    assert_eq!(plan(&env, &problem, &[]).code(), 12);
    assert_eq!(plan(&env, &problem, &["--exit-code"]).code(), 12);
    // A key that the file does not declare is a difference.
    let env = with_keys(&["a", "b"]);
    env.home.write_secret("a.key", "x");
    plan(&env, &same, &[]).success();
    assert_eq!(plan(&env, &same, &["--exit-code"]).code(), 13);
}

#[test]
fn a_plan_costs_a_search_for_each_role_and_a_list() {
    let env = with_keys(&["a", "b"]);
    let text =
        fleet("a = {}\nb = {}\nc = {}\nd = { role = \"Full Access\", allow-full-access = true }");
    plan(&env, &text, &["--no-look"]).success();
    let expected = [
        "POST /api/sessions",
        SEARCH_ROLES,
        SEARCH_ROLES,
        SEARCH_KEYS,
    ];
    assert_eq!(env.calls(), expected);
}

#[test]
fn all_pages_are_read() {
    let env = TestEnv::new();
    env.sandbox.add_keys(2100);
    add(&env, "last", |_| {});
    let result = plan(&env, &fleet("first = {}\nlast = {}"), &["--no-look"]);
    contains(result.success(), &["+ first", "1 key is as declared"]);
    assert_eq!(env.count(SEARCH_KEYS), 3);
}

#[test]
fn a_role_that_grants_every_right_must_be_allowed() {
    let env = TestEnv::new();
    for role in ["role = \"Full Access\"", "role-id = 1"] {
        let result = plan(&env, &fleet(&format!("a = {{ {role} }}")), &[]);
        assert_eq!(result.code(), 12);
        contains(
            &result.stdout,
            &["! a", "grants every", "allow-full-access"],
        );
        let allowed = format!("a = {{ {role}, allow-full-access = true }}");
        contains(plan(&env, &fleet(&allowed), &[]).success(), &["+ a"]);
    }
    let result = plan(&env, &fleet("a = { role-id = 77 }"), &[]);
    assert_eq!(result.code(), 12);
    contains(&result.stdout, &["! a", "role with ID 77"]);
}

#[test]
fn a_list_that_cannot_be_read_is_an_error_and_no_plan() {
    for (unknown, choice, code) in [
        ("session-roles", "403", 5),
        ("session-keys", "403", 5),
        ("session-roles", "401", 4),
        ("session-keys", "401", 4),
    ] {
        let env = TestEnv::with(answering_unknowns(&[(unknown, choice)]));
        let result = plan(&env, &fleet("a = {}"), &[]);
        assert_eq!(result.code(), code, "{unknown} {choice}: {result:?}");
        assert_eq!(result.stdout, "");
    }
    let mut env = TestEnv::new();
    env.home.set("SWP_URL", "https://127.0.0.1:1");
    let result = plan(&env, &fleet("a = {}"), &[]);
    assert_eq!(result.code(), 8, "{result:?}");
    assert_eq!(result.stdout, "");
}

#[test]
fn left_overs_are_deleted_only_with_prune() {
    let env = TestEnv::new();
    let old = env.sandbox.now() - 30 * DAY;
    for name in ["a", "b", "c", "d"] {
        add(&env, name, |key| key.created = old);
    }
    add_used(&env);
    let keep = fleet("a = { expires = \"never\" }\nb = {}");
    let result = plan(&env, &keep, &["--no-look"]);
    contains(result.success(), &["? c", "? d", "2 not in the file"]);
    let result = plan(&env, &keep, &["--no-look", "--prune"]);
    contains(result.success(), &["- c", "- d", "2 delete"]);
    let result = plan(&env, "fleet = \"ops\"\n", &["--prune"]);
    assert_eq!(result.code(), 12);
    contains(&result.stdout, &["--prune-at-most 4"]);
    let result = plan(
        &env,
        "fleet = \"ops\"\n",
        &["--prune", "--prune-at-most", "4"],
    );
    contains(result.success(), &["4 delete"]);
    for flags in [&["--prune-used"][..], &["--prune", "--only", "a"]] {
        plan(&env, &keep, flags).failure(2);
    }
}

#[test]
fn only_the_named_keys_are_planned() {
    let env = with_keys(&["a", "b", "z"]);
    let text = fleet("a = {}\nb = { locked = true }\nc = {}");
    let result = plan(&env, &text, &["--no-look", "--only", "a", "c"]);
    let stdout = result.success();
    contains(stdout, &["+ c", "1 key is as declared"]);
    assert!(
        !stdout.contains("~ b") && !stdout.contains("? z"),
        "{stdout}"
    );
    let result = plan(&env, &text, &["--only", "nothing"]);
    contains(
        result.failure(2),
        &["`--only`", "`nothing`", "case and spaces"],
    );
    let result = plan(&env, &text, &["--only", "a,c"]);
    contains(
        result.failure(2),
        &["`a,c`", "`--only A B`", "repeat the flag"],
    );
    let result = plan(&env, &text, &["--no-look", "--only", "a", "--only", "c"]);
    contains(result.success(), &["+ c", "1 key is as declared"]);
    // A comma can be part of a name.
    let comma = fleet("a = {}\n\"a,c\" = {}");
    let result = plan(&env, &comma, &["--no-look", "--only", "a,c"]);
    contains(result.success(), &["+ a,c", ": 1 create"]);
}

#[test]
fn the_number_of_a_plan_is_the_same_for_the_same_work() {
    let number = |env: &TestEnv, text: &str| {
        let document = plan(env, text, &["--no-look", "-o", "json"]).json();
        document["meta"]["plan"]
            .as_str()
            .expect("a number")
            .to_owned()
    };
    let env = with_keys(&["a"]);
    let text = fleet("a = { locked = true }\nb = {}");
    let first = number(&env, &text);
    assert_eq!(number(&env, &text), first);
    assert_ne!(number(&env, &fleet("a = { locked = true }")), first);
    let text = plan(&env, &text, &["--no-look"]);
    contains(
        text.success(),
        &[&format!("plan {first}: 1 create, 1 lock")],
    );
}

#[test]
fn a_plan_is_printed_in_text_and_json_only() {
    let env = TestEnv::new();
    for format in ["env", "tsv"] {
        plan(&env, &fleet("a = {}"), &["-o", format]).failure(2);
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn an_interrupted_run_on_this_machine_is_a_problem_of_its_key() {
    let env = TestEnv::with(Settings::default());
    let folder = env.home.path("state/unfinished");
    plan(&env, &fleet("a = {}"), &[]).success();
    std::fs::create_dir_all(&folder).expect("a folder");
    crate::support::set_mode(&env.home.path("state"), 0o700);
    crate::support::set_mode(&folder, 0o700);
    let record = format!(
        "{{\"operation\":\"1a2b3c4d\",\"work\":\"create\",\"manager\":\"{}\",\"tenant\":null,\"keyName\":\"a\",\"roleID\":2,\"keyID\":null,\"existingIDs\":[],\"marked\":true,\"unique\":false,\"sinks\":[],\"started\":1}}",
        env.sandbox.url()
    );
    let path = env
        .home
        .write_secret("state/unfinished/1a2b3c4d.json", &record);
    assert!(path.exists());
    let result = plan(&env, &fleet("a = {}\nb = {}"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "swp-keys recover 1a2b3c4d", "+ b"]);
}
