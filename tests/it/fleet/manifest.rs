//! The manifest `keys.toml`: every field, every default and every problem, which is reported by line and column.

use super::manifest_keys::two_keys;
use super::{NEEDED, offline, with_key_lines};
use crate::support::{Home, TestEnv, contains};

const SECRET: &str = "hunter2";

const ONE_MANAGER: &str = r#"
#:schema ./keys.schema.json
fleet = "payments"
[defaults]
role = "Auditor"
expires = "90d"
rotate = "60d"
out-file = "secrets/{name}.key"
[keys]
reporting = { description = "nightly report" }
grafana = { dotenv = "grafana.env", env-name = "DS_KEY", on-missing = "rotate" }
backup = { expires = 2027-06-30, rotate = "60d", overlap = "7d" }
"break glass" = { role = "Full Access", allow-full-access = true, locked = true, expires = "never", rotate = false }
[keys.siem]
role = "SIEM Reader"
deliver-cmd = "vault kv put -mount=secret dsm/siem key=-"
read-cmd = "bin/read-from-vault dsm/siem"
"#;

const THREE_MANAGERS: &str = r#"
fleet = "edge"
[defaults]
on = ["eu", "us", "ap"]
role = "Auditor"
expires = "30d"
rotate = "20d"
deliver-cmd = "vault kv put -mount=secret dsm/{profile}/{name} key=-"
read-cmd = "bin/read-from-vault dsm/{profile}/{name}"
on-missing = "rekey"
[keys]
inventory = {}
siem = { on = "eu", role-id = 7 }
siem-us = { name = "siem", on = "us", role-id = 12 }
"#;

const TENANTS: &str = r#"
fleet = "mssp-2027"
[bridge]
allow-full-access = true
[defaults]
on = "mssp/*"
role = "Auditor"
expires = "90d"
rotate = "60d"
out-file = "/srv/keys/{tenant}/{name}.key"
[keys]
collector = {}
health = { on = ["mssp/acme", "mssp/globex"] }
"#;

/// The problems of a manifest: each is `LINE:COLUMN: MESSAGE`.
pub(super) fn problems(home: &Home, text: &str) -> Vec<String> {
    let result = offline(home, text);
    let stderr = result.failure(2);
    assert!(!stderr.contains(SECRET), "{text}: {stderr}");
    assert_eq!(result.stdout, "");
    let lines = stderr.lines();
    let found: Vec<String> = lines
        .filter_map(|line| line.strip_prefix("error: keys.toml:"))
        .map(str::to_owned)
        .collect();
    let count = match found.len() {
        1 => "keys.toml has 1 problem\n".to_owned(),
        count => format!("keys.toml has {count} problems\n"),
    };
    contains(stderr, &[&count]);
    found
}

/// The only problem of a manifest.
#[track_caller]
pub(super) fn problem(home: &Home, text: &str, place: &str, parts: &[&str]) {
    let found = problems(home, text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    contains(&found[0], parts);
}

/// The only problem of a key with these lines after the required fields, which take the lines 3 to 5.
#[track_caller]
pub(super) fn problem_of_key(lines: &str, place: &str, parts: &[&str]) {
    let text = with_key_lines(&format!("{NEEDED}{lines}"));
    problem(&Home::new(), &text, place, parts);
}

#[test]
fn the_manifests_of_the_documentation_are_valid() {
    let home = Home::new();
    for (text, keys) in [(ONE_MANAGER, 5), (THREE_MANAGERS, 5), (TENANTS, 3)] {
        let result = offline(&home, text);
        result.success();
        assert_eq!(result.stdout, "");
        contains(
            &result.stderr,
            &[&format!("keys.toml is valid ({keys} keys)")],
        );
        let json = home.run(["plan", "-f", "keys.toml", "--offline", "-o", "json"]);
        assert_eq!(json.json()["keys"], keys);
    }
}

#[test]
fn a_manifest_can_come_from_stdin() {
    let home = Home::new();
    let result = home.run_with_stdin(["plan", "-f", "-", "--offline"], ONE_MANAGER);
    result.success();
    let result = home.run_with_stdin(["plan", "-f", "-", "--offline"], "fleet = 1");
    contains(result.failure(2), &["stdin:1:9: `fleet`"]);
}

#[test]
fn a_manifest_without_keys_is_valid() {
    let home = Home::new();
    for text in ["fleet = \"ops\"", "fleet = \"ops\"\n[keys]\n[defaults]\n"] {
        let result = offline(&home, text);
        result.success();
        contains(&result.stderr, &["keys.toml is valid (0 keys)"]);
    }
}

#[test]
fn a_field_of_the_file_is_checked() {
    let home = Home::new();
    problem(&home, "", "1:1", &["`fleet` is missing"]);
    for name in ["", "Ops", "1a", "a_b", "a234567890123456789012345"] {
        let text = format!("fleet = \"{name}\"");
        problem(&home, &text, "1:9", &["`fleet`", "1 to 24"]);
    }
    for (text, place, part) in [
        ("fleets = \"x\"\n", "1:1", "`fleets` is unknown"),
        ("hunter2 = \"x\"\n", "1:1", "this field is unknown"),
        ("keys = 1\n", "1:8", "`keys`: expected a table"),
        ("defaults = []\n", "1:12", "`defaults`: expected a table"),
        (
            "password = \"hunter2\"\n",
            "1:1",
            "`password` is not allowed",
        ),
    ] {
        problem(&home, &format!("{text}fleet = \"ops\"\n"), place, &[part]);
    }
    let text = "fleet = \"ops\"\n[keys]\nci = \"hunter2\"\n";
    problem(&home, text, "3:6", &["a key must be a table"]);
    let text = "fleet = \"ops\"\n[keys\n";
    assert_eq!(problems(&home, text).len(), 1);
}

#[test]
fn the_text_of_the_toml_parser_repeats_no_value() {
    let home = Home::new();
    for text in [
        "fleet = hunter2",
        "fleet = \"hunter2",
        "fleet = \"ops\"\n[keys.ci]\npassword = hunter2\n",
        "hunter2",
        "fleet = \"ops\"\nx = '''hunter2",
    ] {
        assert!(!problems(&home, text).is_empty(), "{text}");
    }
}

#[test]
fn each_value_of_a_key_is_checked() {
    for (field, value, expected) in [
        ("name", "7", "expected a quoted string"),
        ("was", "\"\"", "it is empty"),
        ("on", "\"/hunter2\"", "expected PROFILE or PROFILE/TENANT"),
        ("on", "[]", "the list is empty"),
        ("on", "[\"eu\", \"eu\"]", "twice"),
        ("allow-full-access", "\"hunter2\"", "expected true or false"),
        ("description", "1", "expected a quoted string"),
        ("locale", "\"hunter2\"", "expected one of: en-US, ja-JP"),
        ("time-zone", "\"hunter2\"", "expected an IANA name"),
        ("rotate", "\"hunter2\"", "at least an hour"),
        ("rotate", "\"59m\"", "at least an hour"),
        ("rotate", "true", "at least an hour"),
        ("rotate", "\"2027-01-01\"", "at least an hour"),
        ("overlap", "\"59s\"", "at least a minute"),
        ("locked", "1", "expected true or false"),
        ("dotenv", "7", "a list of quoted strings"),
        ("dotenv", "[\"a\", 7]", "expected a quoted string"),
        ("deliver-cmd", "\"hunter2 > x\"", "contains `>`"),
        ("deliver-cmd", "\"'hunter2\"", "no closing quote"),
        ("on-missing", "\"hunter2\"", "expected one of: report"),
        ("adopt", "\"Hunter2\"", "the name of a fleet"),
        ("adopt", "1", "the name of a fleet"),
    ] {
        let column = field.len() + 4;
        let line = format!("{field} = {value}\n");
        let (place, field) = (format!("6:{column}"), format!("`{field}`: "));
        problem_of_key(&line, &place, &[&field, expected]);
    }
    let with = |lines: &str| with_key_lines(&format!("out-file = \"a\"\n{lines}"));
    let home = Home::new();
    for (lines, place, expected) in [
        (
            "role = \"\"\nexpires = \"1d\"",
            "4:8",
            "`role`: it is empty",
        ),
        ("role-id = 0\nexpires = \"1d\"", "4:11", "at least 1"),
        ("role-id = \"2\"\nexpires = \"1d\"", "4:11", "at least 1"),
        ("role-id = 2\nexpires = \"hunter2\"", "5:11", "`expires`"),
        ("role-id = 2\nexpires = 90", "5:11", "`expires`"),
    ] {
        problem(&home, &with(lines), place, &[expected]);
    }
}

#[test]
fn a_required_field_is_missing() {
    let home = Home::new();
    let found = problems(&home, "fleet = \"ops\"\n[keys]\n  ci = {}\n");
    assert_eq!(found.len(), 3, "{found:?}");
    for (found, part) in found.iter().zip(["`expires`", "`role`", "no destination"]) {
        assert!(found.starts_with("3:3: "), "{found}");
        contains(found, &[part]);
    }
}

#[test]
fn fields_that_contradict_each_other_are_reported() {
    for (lines, place, parts) in [
        ("role-id = 2", "6:11", &["`role` and `role-id`"][..]),
        (
            "rotate = \"90d\"",
            "6:10",
            &["`rotate` and `overlap`", "`expires`"],
        ),
        (
            "rotate = \"60d\"\noverlap = \"31d\"",
            "6:10",
            &["`rotate` and `overlap`"],
        ),
        (
            "read-cmd = \"cat x\"",
            "6:12",
            &["`read-cmd`", "`deliver-cmd`"],
        ),
        ("check-cmd = \"cat x\"", "6:13", &["`check-cmd`"]),
        ("env-name = \"KEY\"", "6:12", &["`env-name`", "`dotenv`"]),
        (
            "deliver-timeout = \"10s\"",
            "6:19",
            &["`deliver-timeout`", "`deliver-cmd`"],
        ),
        (
            "deliver-cmd = \"a\"\nread-cmd = \"b\"\ncheck-cmd = \"c\"",
            "8:13",
            &["`read-cmd` and `check-cmd`"],
        ),
        (
            "deliver-cmd = \"a\"\ndeliver-timeout = \"3m\"",
            "7:19",
            &["at most 2 minutes"],
        ),
        (
            "dotenv = \"a\"\nenv-name = \"a-b\"",
            "7:12",
            &["`env-name`", "underscores"],
        ),
        ("dotenv = \"./ci.key\"", "6:10", &["same file", "line 5"]),
        (
            "description = \"x [swp-keys 1a2b3c4d]\"",
            "6:15",
            &["`description`", "marker"],
        ),
    ] {
        problem_of_key(lines, place, parts);
    }
}

#[test]
fn a_field_that_a_manifest_cannot_have_is_reported() {
    for (lines, place, parts) in [
        (
            "github-output = \"x\"",
            "6:1",
            &["`github-output`", "one job"][..],
        ),
        ("github-env = \"x\"", "6:1", &["`github-env`"]),
        ("expire = \"hunter2\"", "6:1", &["`expire` is unknown"]),
        ("hunter2 = 1", "6:1", &["this field is unknown"]),
        (
            "api-key = \"hunter2\"",
            "6:1",
            &["`api-key` is not allowed"],
        ),
    ] {
        problem_of_key(lines, place, parts);
    }
}

#[test]
fn all_problems_are_reported_in_the_order_of_lines() {
    let home = Home::new();
    let text = "fleet = 7\nkey = 1\n[keys.b]\nexpires = \"x\"\nlocked = 7\n[keys.a]\nrole = \"x\"\npassword = \"hunter2\"\n[bridge]\nlife = \"1m\"\n";
    let found = problems(&home, text);
    let lines: Vec<&str> = (found.iter())
        .filter_map(|problem| problem.split(':').next())
        .collect();
    let expected = ["1", "2", "3", "3", "4", "5", "6", "6", "8", "9", "10"];
    assert_eq!(lines, expected, "{found:#?}");
    let json = home.run(["plan", "-f", "keys.toml", "--offline", "-o", "json"]);
    let error = json.json_error(2);
    assert_eq!(error["code"], "usage");
    contains(
        &error["message"].to_string(),
        &["11 problems", "keys.toml:10:8: "],
    );
}

#[test]
fn the_size_of_a_manifest_is_limited() {
    let home = Home::new();
    let result = offline(&home, &"#\n".repeat(3 * 1024 * 1024));
    contains(result.failure(2), &["keys.toml", "4 MiB"]);
    let keys: String = (0..20_001)
        .map(|number| format!("k{number}={{}}\n"))
        .collect();
    let text = two_keys("a = {}", &keys);
    problem(&home, &text, "1:1", &["20002 keys", "20000"]);
}

#[test]
fn a_manifest_that_cannot_be_read_is_a_usage_error() {
    let home = Home::new();
    let result = home.run(["plan", "-f", "none.toml", "--offline"]);
    contains(result.failure(2), &["`--file`", "none.toml"]);
    let result = home.run(["plan", "-f", ".", "--offline"]);
    contains(result.failure(2), &["it is a folder"]);
    home.run(["plan"]).failure(2);
    std::fs::write(home.path("keys.toml"), b"fleet = \"\xff\"").expect("a file");
    let result = home.run(["plan", "-f", "keys.toml", "--offline"]);
    contains(result.failure(2), &["keys.toml:1:10: ", "UTF-8"]);
}

#[cfg(unix)]
#[test]
fn a_manifest_with_commands_is_not_writable_by_others() {
    let home = Home::new();
    let path = home.write(
        "keys.toml",
        &two_keys("a = {deliver-cmd = \"put\"}", "b = {}"),
    );
    let run =
        |flags: &[&str]| home.run([&["plan", "-f", "keys.toml", "--offline"], flags].concat());
    run(&[]).success();
    crate::support::set_mode(&path, 0o666);
    contains(run(&[]).failure(2), &["keys.toml", "write", "loose"]);
    run(&["--allow-loose-permissions"]).success();
    let path = home.write("keys.toml", &two_keys("a = {}", "b = {}"));
    crate::support::set_mode(&path, 0o666);
    run(&[]).success();
}

#[test]
fn an_offline_check_sends_nothing() {
    let env = TestEnv::new();
    offline(&env.home, ONE_MANAGER).success();
    assert_eq!(env.sandbox.connections().tcp, 0);
}

/// A date in the past is a problem of the key, and not of the file.
#[test]
fn a_past_expiry_is_noted_without_a_manager() {
    let home = Home::new();
    let lines = NEEDED.replace("\"90d\"", "\"2025-06-30\"");
    let result = offline(&home, &with_key_lines(&lines));
    result.success();
    contains(
        &result.stderr,
        &["is valid", "`expires` is in the past: `ci` (line 2)"],
    );
    let result = offline(&home, &with_key_lines(NEEDED));
    assert!(!result.stderr.contains("in the past"), "{result:?}");
}

#[test]
fn a_missing_manifest_is_named() {
    let home = Home::new();
    for command in ["plan", "apply"] {
        let result = home.run([command, "-f", "missing.toml"]);
        contains(result.failure(2), &["missing.toml", "`--file`"]);
        // A word that is no path of a manifest may be a secret.
        let result = home.run([command, "-f", "S3cret"]);
        assert!(!result.failure(2).contains("S3cret"));
    }
}
