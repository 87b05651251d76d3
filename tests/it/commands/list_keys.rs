//! `list-keys`: filters, pages and formats.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, ApiKey, Fault, Settings};

use crate::support::requests::{SEARCH_KEYS, SEARCH_ROLES, bodies, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;
/// The number of keys on a page.
const PAGE: usize = 1000;

/// Returns an environment with keys in every state. They are created in this order, so that their IDs count from 1.
pub(super) fn with_keys(settings: Settings) -> TestEnv {
    let env = TestEnv::with(settings);
    let now = env.sandbox.now();
    let add = |name: &str, role, edit: &dyn Fn(&mut ApiKey)| {
        let key = env.sandbox.add_key(name, role);
        env.sandbox.edit_key(key.id, |key| edit(key));
    };
    add("fresh", 2, &|_| {});
    add("old-unused", 2, &|key| key.created = now - 100 * DAY);
    add("old-used", 1, &|key| {
        key.created = now - 100 * DAY;
        key.last_sign_in = Some(now - 60_000);
    });
    add("stale", 1, &|key| {
        key.created = now - 200 * DAY;
        key.last_sign_in = Some(now - 91 * DAY);
    });
    add("ending", 2, &|key| {
        key.expiry_date = Some(now + 5 * DAY + 60_000)
    });
    add("ended", 2, &|key| key.expiry_date = Some(now - 60_000));
    add("locked", 2, &|key| key.active = false);
    add("guessed", 2, &|key| key.unlock_time = Some(now + 600_000));
    add("later", 2, &|key| {
        key.expiry_date = Some(now + 300 * DAY + 60_000)
    });
    env
}

pub(super) fn ids(env: &TestEnv, arguments: &[&str]) -> Vec<i64> {
    let words = [&["list-keys", "-o", "json"], arguments].concat();
    let document = env.run(words).json();
    let keys = document["apiKeys"].as_array().expect("a list");
    keys.iter()
        .map(|key| key["ID"].as_i64().expect("a number"))
        .collect()
}

fn criteria(env: &TestEnv) -> Value {
    bodies(&env.sandbox, SEARCH_KEYS).pop().expect("a search")["searchCriteria"].take()
}

/// In a pipe, each key is a line of cells separated by tabs, without a header.
#[test]
fn the_table_has_a_line_for_each_key() {
    let env = with_keys(Settings::default());
    let result = env.run(["list-keys"]);
    let rows = rows(result.success());
    let row = |name: &str| -> &[String] {
        let row = rows.iter().find(|row| row[1] == name);
        row.unwrap_or_else(|| panic!("{name}: {}", result.stdout))
    };
    assert_eq!(rows.len(), 9);
    assert_eq!(
        row("fresh")[..5],
        ["1", "fresh", "Auditor", "active", "never"]
    );
    assert_eq!(row("fresh")[6], "never");
    assert_eq!(row("old-used")[2], "Full Access");
    let is_rfc3339 =
        |text: &str| text.starts_with("20") && text.contains('T') && text.ends_with('Z');
    assert!(is_rfc3339(&row("old-used")[6]), "{}", result.stdout);
    for (name, state) in [
        ("ending", "active"),
        ("ended", "expired"),
        ("guessed", "locked"),
    ] {
        assert_eq!(row(name)[3], state);
    }
    assert!(is_rfc3339(&row("ended")[4]), "{}", result.stdout);
    assert_eq!(row("locked")[3], "locked");
    assert_eq!(result.stderr, "");
    assert!(!result.stdout.contains('\x1b'));
    assert_eq!(env.run(["list"]).success(), result.success());
    assert_eq!(
        env.run(["list", "--color", "always"]).success(),
        result.success()
    );
    assert_eq!(env.sandbox.live_sessions(), 0);
    let tsv = env.run(["list-keys", "-o", "tsv"]);
    let (header, lines) = tsv.stdout.split_once('\n').expect("a header");
    assert_eq!(
        header,
        "id\tname\trole\tstate\texpires\tcreated\tlast-sign-in"
    );
    assert_eq!(lines.trim_end(), result.success().trim_end());
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.split('\t').map(String::from).collect();
    text.lines().map(cells).collect()
}

/// If the manager ignores the criteria, it sends more keys, but the output is the same.
#[test]
fn filters_apply_even_if_the_manager_ignores_them() {
    for ignore_search in ["no", "yes"] {
        let env = with_keys(answering_unknowns(&[("ignore-search", ignore_search)]));
        for (arguments, expected) in [
            (&[][..], &[1, 2, 3, 4, 5, 6, 7, 8, 9][..]),
            (&["--stale", "90d"], &[2, 4]),
            (&["--stale", "150d"], &[]),
            (&["--expiring", "14d"], &[5]),
            (&["--expiring", "52w"], &[5, 9]),
            (&["--locked"], &[7, 8]),
            (&["--role", "Full Access"], &[3, 4]),
            (&["--role-id", "1", "--stale", "90d"], &[4]),
            (&["--name", "old-%"], &[2, 3]),
            (&["--name", "_resh"], &[1]),
            (&["--name", "stale"], &[4]),
            (&["--name", "STALE"], &[]),
        ] {
            assert_eq!(ids(&env, arguments), expected, "{arguments:?}");
        }
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn the_search_contains_every_supported_criterion() {
    let env = with_keys(Settings::default());
    env.run(["list-keys"]).success();
    let everything = json!({"maxItems": PAGE, "sortByObjectID": true});
    assert_eq!(bodies(&env.sandbox, SEARCH_KEYS), [everything]);
    ids(&env, &["--name", "old-%", "--role", "Full Access"]);
    let expected = json!([
        {"fieldName": "keyName", "stringTest": "equal", "stringValue": "old-%", "stringWildcards": true},
        {"fieldName": "roleID", "numericTest": "equal", "numericValue": 1}
    ]);
    assert_eq!(criteria(&env), expected);
    ids(&env, &["--expiring", "14d"]);
    let dates = criteria(&env)[0].take();
    assert_eq!(dates["fieldName"], "expiryDate");
    let date = |name: &str| dates[name].as_i64().expect("a time");
    assert_eq!(date("lastDateValue") - date("firstDateValue"), 14 * DAY);
    ids(&env, &["--stale", "90d"]);
    let dates = criteria(&env)[0].take();
    assert_eq!(dates["fieldName"], "created");
    assert_eq!(dates.get("firstDateValue"), None);
    assert!(dates["lastDateValue"].as_i64().expect("a time") < env.sandbox.now() - 89 * DAY);
}

/// With an API key there is no sign-in response that contains the manager's time, so the run asks for it. A wrong local clock must not change the
/// list.
#[test]
fn times_depend_on_the_managers_clock() {
    for skew in [-20 * 86_400, 20 * 86_400] {
        let settings = Settings {
            clock_skew_seconds: skew,
            ..Settings::default()
        };
        let mut env = with_keys(settings);
        assert_eq!(ids(&env, &["--expiring", "14d"]), [5]);
        let key = env.sandbox.add_key("mine", 1);
        env.use_key(&key.secret);
        env.sandbox.forget_requests();
        assert_eq!(ids(&env, &["--expiring", "14d"]), [5]);
        assert_eq!(ids(&env, &["--stale", "90d"]), [2, 4]);
        let searches = bodies(&env.sandbox, SEARCH_KEYS);
        assert_eq!(searches[0], json!({"maxItems": 1}));
        let result = env.run(["list-keys", "--name", "ending"]);
        assert_eq!(rows(result.success())[0][3], "active");
    }
}

#[test]
fn a_name_in_other_case_gets_a_note() {
    let env = with_keys(Settings::default());
    let result = env.run(["list-keys", "--name", "FRESH"]);
    contains(&result.stderr, &["note:"]);
    let result = env.run(["list-keys", "--name", "nothing"]);
    contains(&result.stderr, &["note: no key matches", "`%`"]);
    assert_eq!(result.success(), "");
    let result = env.run(["list-keys", "--name", "%nothing%"]);
    assert_eq!(result.stderr, "note: no key matches\n");
    assert_eq!(count(&env.sandbox, SEARCH_ROLES), 0, "nothing to name");
}

#[test]
fn json_and_lines_are_the_managers_objects_with_meta() {
    let env = with_keys(Settings::default());
    let document = env.run(["list-keys", "-o", "json"]).json();
    assert_eq!(document["meta"], json!({"manager": env.sandbox.url()}));
    let keys = document["apiKeys"].as_array().expect("a list");
    assert_eq!(keys[0]["keyName"], "fresh");
    let created = &keys[0]["meta"]["createdAt"];
    assert!(created.is_string(), "{created}");
    assert_eq!(
        keys[0]["meta"],
        json!({
            "state": "active", "role": "Auditor", "createdAt": created, "lastSignInAt": null, "expiresAt": null, "unlocksAt": null, "retiring": false
        })
    );
    assert_eq!(keys[5]["meta"]["state"], "expired");
    assert_eq!(keys[7]["meta"]["state"], "locked");
    let result = env.run(["list-keys", "-o", "jsonl"]);
    let lines: Vec<Value> = (result.success().lines())
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(&lines, keys);
    assert_eq!(count(&env.sandbox, SEARCH_ROLES), 2, "one search each");
    let result = env.run(["list-keys", "--name", "nothing", "-o", "jsonl"]);
    assert_eq!(result.success(), "");
}

#[test]
fn without_permission_to_view_roles_their_ids_are_shown() {
    for choice in ["401", "403"] {
        let env = with_keys(answering_unknowns(&[("session-roles", choice)]));
        contains(env.run(["list-keys"]).success(), &["ID 2", "ID 1"]);
        let stderr = env.run(["list-keys", "--role", "Auditor"]);
        contains(&stderr.stderr, &["--role-id"]);
        assert_eq!(ids(&env, &["--role-id", "1"]), [3, 4]);
    }
}

#[test]
fn a_missing_right_to_view_keys_is_reported() {
    let env = TestEnv::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    for format in ["text", "jsonl"] {
        let result = env.run(["list-keys", "--stale", "90d", "-o", format]);
        contains(result.failure(5), &["Not authorized to view API keys"]);
    }
    for (choice, code) in [("401", 4), ("403", 5)] {
        let env = TestEnv::with(answering_unknowns(&[("session-keys", choice)]));
        contains(env.run(["list-keys"]).failure(code), &["--api-key-file"]);
    }
}

#[test]
fn omitted_keys_without_a_time_are_reported() {
    let env = with_keys(answering_unknowns(&[("answer-fields", "sparse")]));
    let result = env.run(["list-keys", "--stale", "90d"]);
    snapshot(&result.stderr);
    result.success();
    contains(env.run(["list-keys"]).success(), &["fresh", "unknown"]);
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    for arguments in [
        &["-o", "env"][..],
        &["--stale", "soon"],
        &["--stale", "5000000000w"],
        &["--expiring", "200y"],
        &["--role", "Auditor", "--role-id", "2"],
        &["--role-id", "0"],
        &["ci"],
    ] {
        let env = TestEnv::new();
        env.run([&["list-keys"], arguments].concat()).failure(2);
        nothing_was_sent(&env.sandbox);
    }
    let env = TestEnv::new();
    env.run(["list-keys", "--role", "Audtior"]).failure(3);
}

#[test]
fn more_than_a_page_is_fetched_page_by_page() {
    for (count, pages) in [(2_500, 3), (2_000, 3), (999, 1), (0, 1)] {
        let env = TestEnv::new();
        env.sandbox.add_keys(count);
        let all = i64::from(count);
        assert_eq!(ids(&env, &[]), (1..=all).collect::<Vec<i64>>());
        let sent = bodies(&env.sandbox, SEARCH_KEYS);
        assert_eq!(sent.len(), pages, "{count}");
        if pages == 3 {
            let after = json!([{"idTest": "greater-than", "idValue": 2_000}]);
            assert_eq!(sent[2]["searchCriteria"], after);
        }
    }
}

/// A manager that ignores the criteria sends the first page again and again.
#[test]
fn endless_pages_are_an_error() {
    let env = TestEnv::with(answering_unknowns(&[("ignore-search", "yes")]));
    env.sandbox.add_keys(1_500);
    for format in ["text", "json"] {
        env.sandbox.forget_requests();
        let result = env.run(["list-keys", "-o", format]);
        snapshot(result.failure(1));
        assert_eq!(count(&env.sandbox, SEARCH_KEYS), 2);
    }
    let result = env.run(["list-keys", "-o", "jsonl"]);
    assert_eq!(result.code(), 1);
    assert_eq!(result.stdout.lines().count(), PAGE, "no key twice");
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// Each line is complete when it is written. After a failure, the exit code shows that lines are missing.
#[test]
fn after_a_failure_lines_are_kept_and_a_document_is_omitted() {
    let env = TestEnv::new();
    env.sandbox.add_keys(1_500);
    let broken = Action::status(403, "Not authorized to view API keys.");
    let second = || Fault::new("POST", "/api/apikeys/search", broken.clone()).nth(2);
    env.sandbox.inject(second());
    env.run(["list-keys", "-o", "json"]).failure(5);
    env.sandbox.clear_faults();
    env.sandbox.inject(second());
    let result = env.run(["list-keys", "-o", "jsonl"]);
    assert_eq!(result.code(), 5, "{}", result.stderr);
    let whole = |line| serde_json::from_str::<Value>(line).is_ok();
    assert!(result.stdout.lines().all(whole));
    assert_eq!(result.stdout.lines().count(), PAGE);
}

#[cfg(unix)]
mod streaming {
    use std::io::{BufRead as _, BufReader};

    use rustix::process::Signal;

    use super::*;
    use crate::support::held_manager::HeldManager;
    use crate::support::running::Running;

    /// Returns the peak memory of a run that lists `keys` keys, measured before the last page is read. The run cannot end earlier, because a pipe
    /// holds less than a page.
    #[cfg(target_os = "linux")]
    fn peak(keys: u32) -> u64 {
        let env = TestEnv::new();
        env.sandbox.add_keys(keys);
        let mut child = env.home.start_piped(["list-keys", "-o", "jsonl"]);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        for number in 1..=keys - 600 {
            let line = lines.next().expect("a line").expect("text");
            assert!(line.contains(&format!("\"ID\":{number},")), "{line}");
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.expect("the run is active");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = peak.expect("a peak").trim().trim_end_matches(" kB");
        assert_eq!(lines.count(), 600);
        assert!(child.wait().expect("the run ends").success());
        digits.parse().expect("a number")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn twelve_thousand_keys_take_no_more_memory_than_two_thousand() {
        let (few, many) = (peak(2_000), peak(12_000));
        assert!(many < few + 4_000, "{few} kB and {many} kB");
    }

    /// In `swp-keys list-keys -o jsonl | head`, no more pages are requested after the reader has gone.
    #[test]
    fn a_closed_pipe_ends_the_list() {
        let held = HeldManager::new(SEARCH_ROLES);
        held.sandbox.add_keys(5_000);
        let mut running: Running = held.start(["list-keys", "-o", "jsonl"]);
        held.wait_until_held();
        running.stop_reading_stdout();
        held.release();
        let result = running.finish();
        assert_eq!((result.code(), result.stderr.as_str()), (0, ""));
        assert_eq!(count(&held.sandbox, SEARCH_KEYS), 1);
    }

    #[test]
    fn a_signal_ends_the_list_immediately() {
        let held = HeldManager::new(SEARCH_KEYS);
        held.sandbox.add_key("ci", 2);
        let running = held.start(["list-keys"]);
        held.wait_until_held();
        running.signal(Signal::INT);
        running.finish().failure(130);
        assert_eq!(held.sandbox.live_sessions(), 0);
    }
}
