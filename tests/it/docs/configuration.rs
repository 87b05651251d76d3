//! docs/configuration.md lists exactly the existing settings. The page is compared with the parser and the schema of the settings file.

use std::collections::BTreeSet;

use clap::Arg;

use crate::support::{TestEnv, set_mode};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// Returns the cells of every row of the tables with this header.
fn rows(header: &str) -> Vec<Vec<&'static str>> {
    let tables = PAGE.split(header).skip(1);
    let lines = tables.flat_map(|table| table.lines().skip(2).take_while(|line| !line.is_empty()));
    lines
        .map(|line| {
            let cells = line
                .strip_prefix('|')
                .and_then(|line| line.strip_suffix('|'));
            let cells = cells.expect("a row of a table").split('|');
            cells.map(str::trim).collect()
        })
        .collect()
}

/// Returns the settings of every command: flag, variables, profile field and default of each.
fn settings() -> Vec<[&'static str; 4]> {
    let rows = rows("| setting | flag | variable | profile field | default |");
    rows.iter()
        .map(|row| [row[1], row[2], row[3], row[4]])
        .collect()
}

/// Returns the flag and the field of each default for new keys.
fn of_new_keys() -> Vec<[&'static str; 2]> {
    let rows = rows("| setting | flag of `create` | field of `create` |");
    rows.iter().map(|row| [row[1], row[2]]).collect()
}

/// Returns the names between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns the global flags. `list-roles` has no flags of its own.
fn global_flags() -> Vec<Arg> {
    let program = swp_keys::command_line();
    let command = program.find_subcommand("list-roles").expect("a command");
    let flags = command.get_arguments();
    flags
        .filter(|flag| flag.get_id() != "help")
        .cloned()
        .collect()
}

fn long(flag: &Arg) -> String {
    format!("--{}", flag.get_long().expect("a long flag"))
}

#[test]
fn the_page_lists_every_flag_with_its_variable_and_its_default() {
    let settings = settings();
    let documented: Vec<&str> = settings.iter().flat_map(|row| names(row[0])).collect();
    let real: Vec<String> = global_flags().iter().map(long).collect();
    assert_eq!(documented, real, "the flags, in the order of the help");
    for flag in global_flags() {
        let name = long(&flag);
        let [_, variables, _, default] = settings
            .iter()
            .find(|row| names(row[0]).any(|listed| listed == name))
            .expect("a row");
        if let Some(variable) = flag.get_env() {
            let listed: Vec<&str> = names(variables).collect();
            assert_eq!(listed, [variable], "{name}");
        }
        let takes_value = flag.get_action().takes_values();
        match flag.get_default_values() {
            [value] if takes_value => {
                let listed: Vec<&str> = names(default).collect();
                assert_eq!(listed, [value], "{name}");
            }
            _ if takes_value => {
                let is_a_value = default.starts_with('`') && default.ends_with('`');
                assert!(!is_a_value, "{name} has no default");
            }
            _ => assert_eq!(*default, "off", "{name}"),
        }
    }
}

/// Variables that the parser does not know: each with a value, and the setting for which `config show` then reports it as the source.
const OTHER_VARIABLES: [(&str, &str, &str); 9] = [
    ("SWP_PASSWORD", "x", "password"),
    ("SWP_MFA_CODE", "123456", "mfa-code"),
    ("SWP_API_KEY", "1:abc", "api-key"),
    ("HTTPS_PROXY", "http://proxy.example.com", "proxy"),
    ("https_proxy", "http://proxy.example.com", "proxy"),
    ("ALL_PROXY", "http://proxy.example.com", "proxy"),
    ("all_proxy", "http://proxy.example.com", "proxy"),
    ("NO_PROXY", "*", "proxy"),
    ("no_proxy", "*", "proxy"),
];

#[test]
fn the_page_lists_every_variable() {
    let settings = settings();
    let documented: BTreeSet<&str> = settings.iter().flat_map(|row| names(row[1])).collect();
    let flags = global_flags();
    let known = flags.iter().filter_map(Arg::get_env);
    let known = known.map(|name| name.to_str().expect("an ASCII name"));
    let others = OTHER_VARIABLES.iter().map(|(name, ..)| *name);
    assert_eq!(documented, known.chain(others).collect());
}

#[test]
fn variables_outside_of_the_parser_have_an_effect() {
    for (name, value, setting) in OTHER_VARIABLES {
        let mut env = TestEnv::new();
        env.home.set("SWP_URL", "https://dsm.example.com:4119");
        env.home.unset("SWP_PASSWORD_FILE");
        if name.eq_ignore_ascii_case("NO_PROXY") {
            env.home.set("HTTPS_PROXY", "http://proxy.example.com");
        }
        env.home.set(name, value);
        let document = env.run(["config", "show", "-o", "json"]).json();
        let found = document["settings"][setting]["source"]["name"].as_str();
        assert_eq!(found, Some(name), "{document}");
    }
}

#[test]
fn the_page_lists_every_field_of_a_profile() {
    let settings = settings();
    let of_profile = settings.iter().flat_map(|row| names(row[2]));
    let new_keys = of_new_keys();
    let of_create = new_keys.iter().flat_map(|row| names(row[1]));
    let documented: BTreeSet<String> = of_profile
        .map(str::to_owned)
        .chain(of_create.map(|field| format!("create.{field}")))
        .collect();
    assert_eq!(documented, swp_keys::profile_fields().collect());
    let program = swp_keys::command_line();
    let create = program.find_subcommand("create-key").expect("a command");
    let flags: BTreeSet<String> = create
        .get_arguments()
        .map(|flag| flag.get_id().to_string())
        .collect();
    for [flag, field] in new_keys {
        let name: Vec<&str> = names(field).collect();
        assert_eq!(flag, format!("`--{}`", name.concat()));
        assert!(flags.contains(&name.concat().replace('-', "_")), "{flag}");
    }
}

#[test]
fn the_settings_file_of_the_page_is_valid() {
    let env = TestEnv::new();
    let (_, block) = PAGE.split_once("```toml\n").expect("a settings file");
    let (text, _) = block.split_once("```").expect("its end");
    let folder = env.home.path(".config/swp-keys");
    std::fs::create_dir_all(&folder).expect("a folder");
    // The certificate that the profile `test` names.
    std::fs::copy(env.home.path("manager.pem"), folder.join("dsm-test.pem")).expect("a copy");
    // The API key that the profile `test` names.
    let key = env.home.write("dsm-test.key", "8:secret\n");
    set_mode(&key, 0o600);
    let file = env.home.write(".config/swp-keys/config.toml", text);
    set_mode(&file, 0o600);
    env.run(["config", "check"]).success();
}
