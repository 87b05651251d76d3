//! The manifest `keys.toml`: every field, every default and every problem, which is reported by line and column.

use super::{NEEDED, offline, with_key_lines};
use crate::support::profiles::configure;
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
fn problems(home: &Home, text: &str) -> Vec<String> {
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
fn problem(home: &Home, text: &str, place: &str, parts: &[&str]) {
    let found = problems(home, text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    assert!(found[0].starts_with(&format!("{place}: ")), "{found:?}");
    contains(&found[0], parts);
}

/// The only problem of a key with these lines after the required fields, which take the lines 3 to 5.
#[track_caller]
fn problem_of_key(lines: &str, place: &str, parts: &[&str]) {
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
        (
            "github-output = \"x\"",
            "6:1",
            &["`github-output`", "one job"],
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
fn a_name_that_would_be_misread_is_refused() {
    for name in ["", " a", "a "] {
        problem_of_key(&format!("name = \"{name}\""), "6:8", &["a space"]);
    }
    let retiring = "name = \"ci (retiring 2026-11-24T09:00Z)\"";
    problem_of_key(retiring, "6:8", &["retiring"]);
    problem_of_key("name = \"17\"", "6:8", &["only digits"]);
    problem_of_key("name = \"id:17\"", "6:8", &["`id:`"]);
    let text = format!("fleet = \"ops\"\n[keys.\" a\"]\n{NEEDED}");
    problem(&Home::new(), &text, "2:7", &["a space"]);
}

/// Two keys with these fields, in the lines 7 and 8.
fn two_keys(one: &str, two: &str) -> String {
    format!(
        "fleet = \"ops\"\n[defaults]\nrole-id = 2\nexpires = \"1d\"\nout-file = \"{{name}}.key\"\n[keys]\n{one}\n{two}\n"
    )
}

#[test]
fn names_and_destinations_of_keys_are_different() {
    let home = Home::new();
    for (one, two, place, parts) in [
        (
            "a = {}",
            "b = {name = \"a\"}",
            "8:1",
            &["line 7", "same name"][..],
        ),
        ("a = {}", "A = {}", "8:1", &["only in case", "line 7"]),
        (
            "a = {out-file = \"x\"}",
            "b = {out-file = \"./x\"}",
            "8:17",
            &["same file", "line 7"],
        ),
        (
            "a = {dotenv = \"x\"}",
            "b = {dotenv = \"x\"}",
            "8:15",
            &["same file"],
        ),
        (
            "a = {deliver-cmd = \"put x\"}",
            "b = {deliver-cmd = \"put  x\"}",
            "8:20",
            &["same command", "line 7"],
        ),
        (
            "a = {}",
            "b = {was = \"a\"}",
            "8:12",
            &["`was`", "declares"],
        ),
    ] {
        let found = problems(&home, &two_keys(one, two));
        let found: Vec<_> = found.iter().filter(|one| one.starts_with(place)).collect();
        assert_eq!(found.len(), 1, "{one} {two}");
        contains(found[0], parts);
    }
    for (one, two) in [
        (
            "a = {dotenv = \"x\", env-name = \"A\"}",
            "b = {dotenv = \"x\", env-name = \"B\"}",
        ),
        ("a = {was = \"c\"}", "b = {was = \"d\"}"),
        (
            "a = {on = \"eu\", out-file = \"1\"}",
            "b = {on = \"us\", name = \"a\"}",
        ),
    ] {
        offline(&home, &two_keys(one, two)).success();
    }
    let same = two_keys("a = {was = \"c\"}", "b = {was = \"c\"}");
    let found = problems(&home, &same);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn placeholders_are_filled_in_and_cannot_leave_the_folder() {
    let home = Home::new();
    for name in ["a/b", "..", ".a", "a\\\\b"] {
        let text = two_keys(&format!("\"{name}\" = {{}}"), "b = {}");
        problem(&home, &text, "5:12", &["`out-file`", "`{name}`", "path"]);
    }
    let text = two_keys("a = {out-file = \"{profile}\"}", "b = {}");
    problem(&home, &text, "7:17", &["`{profile}` has no value", "`on`"]);
    let text = two_keys("a = {description = \"{tenant}\"}", "b = {}");
    problem(&home, &text, "7:20", &["`description`", "`{tenant}`"]);
    let text = two_keys("a-b = {dotenv = \"x\", env-name = \"K_{name}\"}", "b = {}");
    problem(&home, &text, "7:33", &["`env-name`"]);
    let text = two_keys("a = {deliver-cmd = \"put {name} {.data}\"}", "b = {}");
    offline(&home, &text).success();
}

#[test]
fn the_groups_of_fields_are_inherited_whole() {
    let home = Home::new();
    let text = "fleet = \"ops\"\n[defaults]\nrole = \"Auditor\"\nexpires = \"10d\"\nrotate = \"5d\"\noverlap = \"5d\"\nout-file = \"{name}\"\n[keys]\n";
    // Its own role replaces the role of the defaults, and its own `rotate` is without the overlap of the defaults.
    for key in ["a = {role-id = 2}", "a = {rotate = \"9d\"}", "a = {}"] {
        offline(&home, &format!("{text}{key}")).success();
    }
    let key = "a = {deliver-timeout = \"5s\"}";
    problem(&home, &format!("{text}{key}"), "9:1", &["no destination"]);
    let key = "a = {overlap = \"1h\", expires = \"1h\"}";
    offline(&home, &format!("{text}{key}")).success();
}

#[test]
fn a_problem_of_the_defaults_is_reported_once() {
    let home = Home::new();
    let text = "fleet = \"ops\"\n[defaults]\nrole = 7\nexpires = \"10d\"\nrotate = \"10d\"\nout-file = \"{name}\"\nname = \"x\"\n[keys]\na = {}\nb = {}\n";
    let found = problems(&home, text);
    assert_eq!(found.len(), 3, "{found:?}");
    for (found, part) in found
        .iter()
        .zip(["3:8: `role`", "5:10: `rotate`", "7:1: `name`"])
    {
        contains(found, &[part]);
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
fn on_names_profiles_of_the_settings_file() {
    let mut home = Home::new();
    configure(
        &mut home,
        "[profiles.eu]\nurl = \"a\"\n[profiles.us]\nurl = \"b\"\n",
    );
    let key = |on: &str| two_keys("a = {on = \"eu\"}", &format!("b = {{on = \"{on}\"}}"));
    offline(&home, &key("us")).success();
    problem(&home, &key("hunter2"), "8:11", &["`on`", "config.toml"]);
    let found = problems(&home, &two_keys("a = {on = \"eu\"}", "b = {}"));
    contains(&found.concat(), &["8:1: `on` is missing"]);
    problem(&home, &key("us/acme"), "8:11", &["`[bridge]` is missing"]);
    let mut without = Home::new();
    without.set("SWP_CONFIG_DIR", without.path("none"));
    let result = offline(&without, &key("us"));
    result.success();
    contains(&result.stderr, &["`on` are not checked"]);
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
    contains(result.failure(2), &["none.toml", "`--file`"]);
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
