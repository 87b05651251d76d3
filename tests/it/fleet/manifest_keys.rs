//! What the keys of a manifest have in common: defaults, names, destinations and managers.

use super::manifest::{problem, problem_of_key, problems};
use super::{NEEDED, offline};
use crate::support::profiles::configure;
use crate::support::{Home, contains};

/// Two keys with these fields, in the lines 7 and 8.
pub(super) fn two_keys(one: &str, two: &str) -> String {
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
            &["same file", "the key `a` (line 7)"],
        ),
        (
            "a = {dotenv = \"x\"}",
            "b = {dotenv = \"x\"}",
            "8:15",
            &["same file", "the key `a` (line 7)"],
        ),
        (
            "a = {deliver-cmd = \"put x\"}",
            "b = {deliver-cmd = \"put  x\"}",
            "8:20",
            &["same command", "the key `a` (line 7)"],
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

#[test]
fn two_keys_can_share_a_dotenv_file_with_different_variables() {
    let keys = two_keys("a = {dotenv = \"x\"}", "b = {dotenv = \"x\"}");
    contains(
        &offline(&Home::new(), &keys).stderr,
        &["the key `a` (line 7)", "different `env-name`"],
    );
}
