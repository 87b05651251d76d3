//! The manifest: the problems of `[bridge]` and `[defaults]`, the hints, and what `--offline` does not do.

use super::manifest::{problem, problem_of_key, problems};
use super::manifest_keys::two_keys;
#[cfg(unix)]
use super::plan::with_keys;
use super::{NEEDED, offline, with_key_lines};
use crate::support::profiles::configure;
use crate::support::{Home, TestEnv, contains};

#[test]
fn the_bridge_is_checked() {
    let home = Home::new();
    for (lines, place, part) in [
        ("", "2:1", "`[bridge]` sets neither `role-id` nor"),
        (
            "allow-full-access = false",
            "2:1",
            "`[bridge]` sets neither",
        ),
        ("role-id = 0", "3:11", "`role-id`: expected a number"),
        (
            "role-id = 2\nallow-full-access = \"hunter2\"",
            "4:21",
            "expected true or false",
        ),
        (
            "role-id = 2\nlife = \"4m\"",
            "4:8",
            "`life`: expected a duration from 5 minutes",
        ),
        ("role-id = 2\nlife = \"7h\"", "4:8", "to 6 hours"),
        ("role-id = 2\nlife = 15", "4:8", "`life`: expected"),
        ("role-id = 2\nlife = \"hunter2\"", "4:8", "`life`: expected"),
        ("role-id = 2\nlive = \"15m\"", "4:1", "`live` is unknown"),
        ("role-id = 2\nhunter2 = 1", "4:1", "this field is unknown"),
        (
            "role-id = 2\npassword = \"hunter2\"",
            "4:1",
            "`password` is not allowed",
        ),
    ] {
        let text = format!("fleet = \"ops\"\n[bridge]\n{lines}\n");
        // An empty table is shown where its name is.
        let place = place.replace("2:1", "2:2");
        problem(&home, &text, &place, &[part]);
    }
    let wrong_type = "bridge = \"hunter2\"\nfleet = \"ops\"\n";
    problem(&home, wrong_type, "1:10", &["`bridge`: expected a table"]);
    for valid in ["role-id = 2", "allow-full-access = true\nlife = \"6h\""] {
        let text = format!("fleet = \"ops\"\n[bridge]\n{valid}\n");
        offline(&home, &text).success();
    }
}

#[test]
fn the_defaults_are_checked() {
    let home = Home::new();
    for (line, part) in [
        (
            "expire = \"hunter2\"",
            "`expire` is unknown in `[defaults]`",
        ),
        ("hunter2 = 1", "this field is unknown in `[defaults]`"),
        ("was = \"hunter2\"", "`was` is not allowed in `[defaults]`"),
        ("github-env = \"hunter2\"", "`github-env` is not allowed"),
        ("api-key = \"hunter2\"", "`api-key` is not allowed"),
    ] {
        let text = format!("fleet = \"ops\"\n[defaults]\n{line}\n");
        problem(&home, &text, "3:1", &[part]);
    }
}

#[test]
fn a_hint_names_the_nearest_field_or_all_fields() {
    let home = Home::new();
    for (lines, parts) in [
        ("expire = \"90d\"", &["did you mean `expires`?"][..]),
        ("role_id = 2", &["did you mean `role-id`?"]),
        ("zzz = 2", &["use one of: name, was, on, role, role-id"]),
    ] {
        let text = with_key_lines(&format!("{NEEDED}{lines}"));
        contains(offline(&home, &text).failure(2), parts);
    }
}

#[test]
fn destinations_and_commands_are_checked() {
    for (lines, place, parts) in [
        ("dotenv = \"\"", "6:10", &["`dotenv`: it is empty"][..]),
        ("dotenv = []", "6:10", &["`dotenv`: the list is empty"]),
        (
            "dotenv = [\"a\", \" \"]",
            "6:10",
            &["`dotenv`: it is empty"],
        ),
        ("deliver-cmd = []", "6:15", &["the list is empty"]),
        (
            "deliver-cmd = [\"put\", \"hunter2 | b\"]",
            "6:15",
            &["contains `|`"],
        ),
        (
            "deliver-cmd = \"put\"\nread-cmd = \"hunter2 > x\"",
            "7:12",
            &["`read-cmd`", "contains `>`"],
        ),
        (
            "deliver-cmd = \"put\"\ncheck-cmd = \"'hunter2\"",
            "7:13",
            &["`check-cmd`", "no closing quote"],
        ),
        (
            "deliver-cmd = \"put\"\nread-cmd = 7",
            "7:12",
            &["expected a quoted string"],
        ),
        (
            "deliver-cmd = \"put\"\ndeliver-timeout = \"0s\"",
            "7:19",
            &["at most 2 minutes"],
        ),
        (
            "deliver-cmd = \"put\"\ndeliver-timeout = 10",
            "7:19",
            &["at most 2 minutes"],
        ),
        (
            "dotenv = \"a\"\nenv-name = 7",
            "7:12",
            &["expected a quoted string"],
        ),
        (
            "deliver-cmd = \"put {tenant}\"",
            "6:15",
            &["`deliver-cmd`", "`{tenant}` has no value"],
        ),
    ] {
        problem_of_key(lines, place, parts);
    }
}

#[test]
fn a_file_is_named_and_named_once() {
    let home = Home::new();
    for (line, part) in [
        ("out-file = 7", "a list of quoted strings"),
        ("out-file = \"\"", "it is empty"),
        ("out-file = [\"a\", \"a\"]", "same file"),
    ] {
        let text = with_key_lines(&format!("role-id = 2\nexpires = \"1d\"\n{line}"));
        problem(&home, &text, "5:12", &[part]);
    }
}

#[test]
fn each_manager_and_each_former_name_is_named_once() {
    let mut home = Home::new();
    configure(
        &mut home,
        "[profiles.eu]\nurl = \"a\"\n[profiles.us]\nurl = \"b\"\n",
    );
    let on = |one: &str, two: &str| {
        let key = |name: &str, on: &str| {
            format!("{name} = {{name = \"x\", out-file = \"{name}{{profile}}\", on = {on}}}")
        };
        two_keys(&key("a", one), &key("b", two))
    };
    problem(
        &home,
        &on("[\"eu\", \"us\"]", "\"us\""),
        "8:1",
        &["line 7", "same name on the same manager"],
    );
    offline(&home, &on("\"eu\"", "\"us\"")).success();
    // The names of the profiles are in the hint.
    let unknown = offline(&home, &on("\"eu\"", "\"hunter2\""));
    contains(unknown.failure(2), &["keys.toml:8:", "use one of: eu, us"]);
    let same = two_keys("a = {was = \"c\"}", "b = {was = \"c\"}");
    for (found, place) in problems(&home, &same).iter().zip(["7:12: ", "8:12: "]) {
        contains(found, &[place, "several keys have the same `was`"]);
    }
}

/// A manifest is valid today and tomorrow, so a time that has passed is a problem of the key.
#[test]
fn an_expiry_in_the_past_is_a_problem_of_the_key() {
    let env = TestEnv::new();
    let text = two_keys("a = {expires = \"2020-01-01\"}", "b = {}");
    offline(&env.home, &text).success();
    let plan = env.run(["plan", "-f", "keys.toml"]);
    assert_eq!(plan.code(), 12, "{plan:?}");
    contains(&plan.stdout, &["! a", "in the past", "+ b"]);
}

#[cfg(unix)]
#[test]
fn an_offline_check_runs_no_command() {
    let env = with_keys(&["a", "b"]);
    let touch = |file: &str| format!("sh -c 'echo x; touch {file}'");
    let text = two_keys(
        &format!(
            "a = {{deliver-cmd = \"{}\", read-cmd = \"{}\"}}",
            touch("delivered"),
            touch("read")
        ),
        &format!(
            "b = {{deliver-cmd = \"{}\", check-cmd = \"{}\"}}",
            touch("d2"),
            touch("checked")
        ),
    );
    offline(&env.home, &text).success();
    env.run(["plan", "-f", "keys.toml", "--no-look"]).success();
    for file in ["delivered", "read", "d2", "checked"] {
        assert!(!env.home.path(file).exists(), "{file}");
    }
    // Without these flags, the commands that read a secret run.
    env.run(["plan", "-f", "keys.toml"]).success();
    for (file, is_run) in [
        ("delivered", false),
        ("read", true),
        ("d2", false),
        ("checked", true),
    ] {
        assert_eq!(env.home.path(file).exists(), is_run, "{file}");
    }
}
