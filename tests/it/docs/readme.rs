//! README.md: its commands work, its table of exit codes is correct, and it has at most 200 lines.

#[cfg(unix)]
use super::pages::{Case, a_month_passes, adapt, check_complete, run, scripts, set_up};

const README: &str = include_str!("../../../README.md");

#[cfg(unix)]
const CASES: &[Case] = &[
    Case {
        heading: "Try it",
        ..Case::READS
    },
    Case {
        heading: "Install",
        ..Case::READS
    },
    Case {
        heading: "Create your first key",
        secrets: &["stdout"],
        ..Case::CREATES
    },
    Case {
        heading: "Use it in a script",
        ..Case::CREATES
    },
    Case {
        heading: "Use it in CI",
        keys: 3,
        secrets: &["dsm.key", "GITHUB_ENV", "vault"],
        prepare: |env| drop(env.sandbox.add_key("reporting", 2)),
        between: a_month_passes,
        ..Case::READS
    },
    Case {
        heading: "Use it with jq",
        secrets: &["stdout"],
        ..Case::CREATES
    },
    Case {
        heading: "Trust a self-signed certificate",
        ..Case::CREATES
    },
    Case {
        heading: "Manage your keys",
        keys: -1,
        between: |env| drop(env.sandbox.add_key("nightly", 2)),
        ..Case::READS
    },
    Case {
        heading: "Declare your keys in a file",
        keys: 1,
        secrets: &["ci.key"],
        prepare: |env| {
            let manifest = "fleet = \"ops\"\n[keys.ci]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"ci.key\"\n";
            env.home.write("keys.toml", manifest);
        },
        ..Case::READS
    },
];

#[cfg(unix)]
#[test]
fn every_command_of_the_readme_works() {
    check_complete(README, CASES);
    run(README, CASES);
}

/// The sentences about questions on a terminal: the certificate comes first, then the password, and only the secret is printed on stdout.
#[cfg(unix)]
#[test]
fn the_first_command_asks_as_the_readme_describes() {
    use crate::support::pty::Pty;
    use crate::support::wording::{ADMIN_PASSWORD_PROMPT, FINGERPRINT_PROMPT};
    use crate::support::{TestEnv, contains};
    use swp_keys::sandbox::Settings;
    let text = README.split_whitespace().collect::<Vec<_>>().join(" ");
    contains(
        &text,
        &[
            "With these flags, the command asks only for the password. It prints only the secret on stdout",
            "On a terminal, the first command shows the certificate before it asks for the password.",
            "answer `yes`, and the public key is pinned",
        ],
    );
    let mut env = TestEnv::new();
    set_up(&mut env);
    let script = adapt(&env, &scripts(README, "Create your first key").concat());
    env.home.unset("SWP_CA_CERT");
    env.home.unset("SWP_PASSWORD_FILE");
    let home = env.home.path(".").display().to_string();
    let script = format!(
        "PATH={home}/bin:$PATH; {} > secret; cat secret",
        script.trim()
    );
    let mut terminal = Pty::start(&env.home, &script);
    terminal.see(FINGERPRINT_PROMPT);
    terminal.type_line("yes");
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(Settings::DEFAULT_PASSWORD);
    terminal.end();
    let keys = env.sandbox.api_keys();
    let secret = &keys.last().expect("a key").secret;
    let written = std::fs::read_to_string(env.home.path("secret"));
    assert_eq!(written.expect("stdout"), format!("{secret}\n"));
    // The key is pinned, and the next command asks only for the password.
    let mut terminal = Pty::start(&env.home, &script);
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(Settings::DEFAULT_PASSWORD);
    assert!(!terminal.end().contains(FINGERPRINT_PROMPT));
}

#[test]
fn the_table_of_exit_codes_is_correct() {
    let listed: Vec<&str> = README
        .lines()
        .filter(|line| {
            line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
        })
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|codes| codes.split(','))
        .map(str::trim)
        .collect();
    let known = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "126", "127",
        "129", "130", "131", "138", "140", "142", "143", "152",
    ];
    assert_eq!(listed, known);
}

#[test]
fn the_readme_has_at_most_200_lines() {
    assert!(README.lines().count() <= 200);
}
