//! A secret in the wrong place of the command line. These tests walk every command and argument of the parser, so that they cover new ones too.

use crate::support::wording::BUG;
use crate::support::{RunResult, TestEnv};

/// The secret is long enough to be masked. It matches no word of the program, no path and no number, and is lower case like a flag.
const SECRET: &str = "hunter2hunter2";

/// Arguments that name an object of the manager, a host, a run or a path. An error may repeat their values. No error repeats the value of any other
/// argument.
const NAMES: [&str; 19] = [
    "from_manager",
    "ca_cert",
    "deliver_cmd",
    "description",
    "dotenv",
    "host",
    "key",
    "keys",
    "name",
    "operation",
    "out_dir",
    "out_file",
    "profile",
    "role",
    "roles",
    "tenant",
    "time_zone",
    "url",
    "username",
];

/// A command without subcommands: its words and its arguments.
struct Leaf {
    words: Vec<String>,
    command: clap::Command,
}

impl Leaf {
    /// Returns the arguments that the command needs to pass the parser.
    fn base(&self) -> &'static [&'static str] {
        match self.words[0].as_str() {
            "create-key" => &["--role", "Auditor"],
            "find-role" => &["Auditor"],
            "show-key" | "lock-key" | "unlock-key" | "delete-key" => &["there"],
            _ => &[],
        }
    }

    fn takes_many(&self) -> bool {
        let many = |argument: &clap::Arg| {
            (argument.get_num_args()).is_some_and(|number| number.max_values() > 1)
                || matches!(argument.get_action(), clap::ArgAction::Append)
        };
        self.command.get_positionals().any(many)
    }
}

fn leaves(command: &clap::Command, above: &[String], found: &mut Vec<Leaf>) {
    for below in command.get_subcommands() {
        let words = [above, &[below.get_name().to_owned()]].concat();
        if below.has_subcommands() {
            leaves(below, &words, found);
        } else if below.get_name() != "help" {
            let command = below.clone();
            found.push(Leaf { words, command });
        }
    }
}

fn all() -> Vec<Leaf> {
    let mut found = Vec::new();
    leaves(&swp_keys::command_line(), &[], &mut found);
    assert!(found.len() >= 10);
    found
}

/// Returns an environment with a manager, because errors after the parser count too.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.sandbox.add_key("there", 2);
    env
}

fn run(env: &TestEnv, words: &[String], more: &[&str]) -> RunResult {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(more);
    if words.first() == Some(&"sandbox") {
        // Without a command, the sandbox would run forever.
        words.extend(["--", "true"]);
    }
    env.run(words)
}

#[track_caller]
fn assert_silent(what: &[&str], result: &RunResult) {
    let output = format!("{}{}", result.stdout, result.stderr);
    assert!(!output.contains(SECRET), "{what:?}: {output}");
    assert!(!output.contains(BUG), "{what:?}: {output}");
}

#[test]
fn unexpected_arguments_are_never_repeated() {
    let env = env();
    let strays: [&[&str]; 8] = [
        &["-p", SECRET],
        &["-phunter2hunter2"],
        &["-u", SECRET],
        &["--hunter2hunter2"],
        &["--password", SECRET],
        &["--password=hunter2hunter2"],
        &["--passwordhunter2hunter2"],
        &["--api-key", SECRET],
    ];
    for leaf in all() {
        let name = leaf.words.join(" ");
        for stray in strays {
            let result = run(&env, &leaf.words, stray);
            assert_silent(&[&name, stray[0]], &result);
            assert_eq!(result.code(), 2, "{name} {stray:?}: {result:?}");
        }
        // One more positional argument than the command accepts.
        if !leaf.takes_many() && name != "sandbox" {
            let room = leaf.command.get_positionals().count();
            let filled = ["there", "there"][..room.min(2)].to_vec();
            let result = run(&env, &leaf.words, &[filled, vec![SECRET]].concat());
            assert_silent(&[&name, "one more"], &result);
            assert_eq!(result.code(), 2, "{name}: {result:?}");
        }
    }
    // The secret is in the place of a command.
    for words in [
        &[SECRET][..],
        &["trust", SECRET],
        &["-v", SECRET, "--role", "x"],
    ] {
        let result = env.run(words);
        assert_silent(words, &result);
        assert_eq!(result.code(), 2, "{words:?}: {result:?}");
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn no_argument_repeats_a_value_that_is_not_a_name() {
    let env = env();
    let mut tried = 0;
    for leaf in all() {
        for argument in leaf.command.get_arguments() {
            // Global flags are tried with only one command.
            let elsewhere = argument.is_global_set() && leaf.words != ["list-roles"];
            if elsewhere || NAMES.contains(&argument.get_id().as_str()) {
                continue;
            }
            let base = leaf.base();
            for words in ways_to_write(argument) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let alone = run(&env, &leaf.words, &words);
                assert_silent(&[&leaf.words.join(" "), words[0]], &alone);
                let whole = run(&env, &leaf.words, &[base, &words].concat());
                assert_silent(&[&leaf.words.join(" "), words[0]], &whole);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Returns the ways to write a value: after a space and after `=`, with the long name and with the short one.
fn ways_to_write(argument: &clap::Arg) -> Vec<Vec<String>> {
    let mut ways = Vec::new();
    if let Some(long) = argument.get_long() {
        ways.push(vec![format!("--{long}={SECRET}")]);
        if argument.get_action().takes_values() {
            ways.push(vec![format!("--{long}"), SECRET.to_owned()]);
        }
    }
    if let Some(short) = argument.get_short() {
        ways.push(vec![format!("-{short}{SECRET}")]);
    }
    if ways.is_empty() {
        ways.push(vec![SECRET.to_owned()]);
    }
    ways
}

#[test]
fn no_variable_is_repeated_that_is_not_a_name() {
    let tree = swp_keys::command_line();
    let leaf = tree.find_subcommand("list-roles").expect("it is there");
    let mut variables: Vec<_> = leaf
        .get_arguments()
        .filter(|argument| !NAMES.contains(&argument.get_id().as_str()))
        .filter_map(|argument| argument.get_env()?.to_str())
        .map(str::to_owned)
        .collect();
    variables
        .extend(["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE", "HTTPS_PROXY"].map(str::to_owned));
    assert!(variables.len() > 15, "{variables:?}");
    for variable in variables {
        let mut env = env();
        env.home.set(&variable, SECRET);
        assert_silent(&[&variable], &env.run(["list-roles", "-vv"]));
    }
}
