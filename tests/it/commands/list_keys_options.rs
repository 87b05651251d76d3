//! `list-keys`: the order, the limit and the columns, and the table on a terminal.

use serde_json::Value;
use swp_keys::sandbox::Settings;

use super::list_keys::{ids, with_keys};
use crate::support::requests::{SEARCH_KEYS, count, nothing_was_sent};
use crate::support::{TestEnv, contains};

#[test]
fn keys_can_be_sorted_limited_and_shown_with_fewer_columns() {
    let env = with_keys(Settings::default());
    let column = |arguments: &[&str]| -> Vec<String> {
        let words = [&["list-keys", "--columns", "name"], arguments].concat();
        let result = env.run(words);
        result.success().lines().map(String::from).collect()
    };
    for (arguments, expected) in [
        (&["--expired"][..], &["ended"][..]),
        (&["--limit", "2"], &["fresh", "old-unused"]),
        (&["--reverse", "--limit", "2"], &["later", "guessed"]),
        (&["--sort", "name", "--limit", "2"], &["ended", "ending"]),
        (&["--sort", "name", "--reverse", "--limit", "1"], &["stale"]),
        (
            &["--sort", "expires", "--limit", "4"],
            &["ended", "ending", "later", "fresh"],
        ),
        (
            &["--sort", "expires", "--reverse", "--limit", "2"],
            &["later", "ending"],
        ),
        (
            &["--sort", "created", "--limit", "3"],
            &["stale", "old-unused", "old-used"],
        ),
        (
            &["--sort", "last-sign-in", "--limit", "2"],
            &["stale", "old-used"],
        ),
        (
            &["--sort", "role", "--role", "Full Access"],
            &["old-used", "stale"],
        ),
        (&["--sort", "state", "--limit", "1"], &["fresh"]),
    ] {
        assert_eq!(column(arguments), expected, "{arguments:?}");
    }
}

#[test]
fn the_order_and_the_limit_apply_to_every_format() {
    let env = with_keys(Settings::default());
    assert_eq!(ids(&env, &["--sort", "expires", "--limit", "2"]), [6, 5]);
    let lines = env.run([
        "list-keys",
        "--sort",
        "expires",
        "--limit",
        "2",
        "-o",
        "jsonl",
    ]);
    let first: Value =
        serde_json::from_str(lines.success().lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["keyName"], "ended");
    assert_eq!(lines.stdout.lines().count(), 2);
    let lines = env.run(["list-keys", "--limit", "3", "-o", "jsonl"]);
    assert_eq!(lines.success().lines().count(), 3);
    let two = env.run(["list-keys", "--columns", "state,id", "--limit", "1"]);
    assert_eq!(two.success(), "active\t1");
    // The names in the header of the table are accepted.
    let two = env.run(["list-keys", "--columns", "STATE,ID", "--limit", "1"]);
    assert_eq!(two.success(), "active\t1");
    let with_description = env.run([
        "list-keys",
        "--columns",
        "id,description",
        "-o",
        "tsv",
        "--limit",
        "1",
    ]);
    contains(with_description.success(), &["id\tdescription\n1\t"]);
}

#[test]
fn columns_are_rejected_if_they_have_no_effect() {
    let env = TestEnv::new();
    for arguments in [
        &["list-keys", "--columns", "id", "-o", "json"][..],
        &["list-keys", "--columns", "secret"],
        &["list-keys", "--sort", "secret"],
        &["list-keys", "--limit", "0"],
        &["list-keys", "--expired", "--expiring", "14d"],
        &["list-keys", "-o", "yaml"],
        &["create", "--role", "Auditor", "-o", "tsv"],
        &["whoami", "-o", "tsv"],
        &["recover", "-o", "tsv"],
        &["trust", "show", "-o", "tsv"],
    ] {
        env.run(arguments).failure(2);
    }
    nothing_was_sent(&env.sandbox);
}

/// A variable for the commands that print tables must not break `create`.
#[test]
fn a_variable_with_tsv_does_not_apply_to_commands_without_a_table() {
    let mut env = TestEnv::new();
    env.home.set("SWP_OUTPUT", "tsv");
    contains(env.run(["list-roles"]).success(), &["id\t"]);
    env.run(["create", "--role", "Auditor"]).success();
    env.run(["whoami"]).success();
    let result = env.run(["create", "--role", "Auditor", "-o", "tsv"]);
    contains(result.failure(2), &["`-o tsv`", "jsonl or env"]);
}

/// A limit fetches no more pages than it needs.
#[test]
fn a_limit_stops_the_search() {
    let env = TestEnv::new();
    env.sandbox.add_keys(2_500);
    assert_eq!(ids(&env, &["--limit", "5"]), [1, 2, 3, 4, 5]);
    assert_eq!(count(&env.sandbox, SEARCH_KEYS), 1);
    env.sandbox.forget_requests();
    assert_eq!(
        ids(&env, &["--sort", "id", "--reverse", "--limit", "1"]),
        [2_500]
    );
    assert_eq!(count(&env.sandbox, SEARCH_KEYS), 3);
}

/// On a terminal, each row fits into one line. In a pipe, the name is complete.
#[cfg(unix)]
#[test]
fn the_table_fits_the_terminal() {
    use crate::support::pty::Pty;
    let env = TestEnv::new();
    let long = format!("nightly-{}", "build-of-everything-".repeat(5));
    env.sandbox.add_key(&long, 2);
    let script = r#"stty cols 90; "$SWP_KEYS" list-keys; echo END"#;
    let screen = Pty::start(&env.home, script).end();
    assert!(!screen.contains('\x1b'), "{screen}");
    let table: Vec<&str> = screen
        .lines()
        .take_while(|line| !line.contains("END"))
        .collect();
    let fits = |line: &&str| line.trim_end().chars().count() <= 90;
    assert!(table.iter().all(fits), "{screen}");
    assert_eq!(table.len(), 3, "a header, a key and a summary: {screen}");
    contains(&screen, &["…", "1 key"]);
    let narrow = Pty::start(&env.home, r#"stty cols 5; "$SWP_KEYS" list-keys"#).end();
    assert!(!narrow.contains("panicked"), "{narrow}");
    let piped = env.run(["list-keys"]);
    contains(piped.success(), &[&long]);
    assert_eq!(piped.success().lines().count(), 1);
}

/// The last line says how many keys there are, if the run knows it without another request.
#[cfg(unix)]
#[test]
fn a_limit_is_shown_below_the_table() {
    use crate::support::pty::Pty;
    let env = with_keys(Settings::default());
    let last_line = |env: &TestEnv, arguments: &str| {
        let script = format!(r#""$SWP_KEYS" list-keys --columns id {arguments}"#);
        let screen = Pty::start(&env.home, &script).end();
        screen.lines().last().unwrap_or_default().to_owned()
    };
    for (arguments, expected) in [
        ("--limit 2", "2 of 9 keys"),
        ("--limit 9", "9 keys"),
        ("--limit 3 --sort name", "3 of 9 keys"),
        ("--name %ed --limit 1", "1 of 5 keys"),
    ] {
        contains(&last_line(&env, arguments), &[expected]);
    }
    let many = TestEnv::new();
    many.sandbox.add_keys(2_500);
    contains(
        &last_line(&many, "--limit 2"),
        &["the first 2 keys; there are more"],
    );
    contains(
        &last_line(&many, "--limit 1000"),
        &["the first 1000 keys; there may be more"],
    );
    assert_eq!(count(&many.sandbox, SEARCH_KEYS), 2);
}
