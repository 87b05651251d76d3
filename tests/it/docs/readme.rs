//! Every command that the README shows is run here, as it stands but for the host and the places of secrets.
#![cfg(unix)]

use std::process::Command;

use crate::support::files::read;
use crate::support::github::be_a_step;
use crate::support::{RunResult, TestEnv, binary, contains, set_mode};

const README: &str = include_str!("../../../README.md");

/// The blocks that a reader would type.
fn blocks() -> Vec<String> {
    README
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .map(str::to_owned)
        .collect()
}

/// A stand-in where a machine has Rust and nothing else; jq itself is used where it is there.
const JQ: &str = "#!/bin/sh\nexec sed -n -e 's/^ *\"secretKey\": \"\\(.*\\)\",*$/\\1/p' -e 's/^{\"ID\":\\([0-9]*\\),.*/\\1/p'\n";
const PASS: &str = "#!/bin/sh\n[ \"$1 $2\" = 'show dsm/admin' ] && cat \"$SWP_README_PASSWORD\"\n";
const GH: &str = "#!/bin/sh\n[ \"$*\" = 'secret set DSM_KEY' ] && cat > \"$HOME/github-secret\"\n";
const VAULT: &str = "#!/bin/sh\n[ \"$*\" = 'kv put secret/dsm key=-' ] && cat > \"$HOME/vault\"\n";

/// The folder that stands first in PATH: the binary under its name, and the other programs that the README mentions.
fn programs(env: &TestEnv) -> std::path::PathBuf {
    let folder = env.home.path("bin");
    std::fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink(binary(), folder.join("swp-keys")).expect("a link");
    let mut programs = vec![("pass", PASS), ("vault", VAULT), ("gh", GH)];
    if Command::new("jq").arg("--version").output().is_err() {
        programs.push(("jq", JQ));
    }
    for (name, script) in programs {
        let path = env.home.write(&format!("bin/{name}"), script);
        set_mode(&path, 0o700);
    }
    folder
}

/// So many keys are there before a block is run.
const STANDING: usize = 2;

fn run(block: &str) -> (TestEnv, RunResult) {
    run_in(TestEnv::new(), block)
}

fn run_in(mut env: TestEnv, block: &str) -> (TestEnv, RunResult) {
    be_a_step(&mut env.home);
    let programs = programs(&env);
    let password = env.home.path("password");
    let key = env.sandbox.add_key("the administrator's", 1);
    env.home.write_secret("dsm-admin.key", &key.secret);
    env.sandbox.add_key("nightly", 2);
    if block.contains("rotate-key reporting") {
        env.sandbox.add_key("reporting", 2);
    }
    // The certificate that the profile names was copied from the manager.
    if block.contains("ca-cert = \"prod.pem\"") {
        let folder = env.home.path(".config/swp-keys");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(env.home.path("manager.pem"), folder.join("prod.pem")).expect("a copy");
    }
    env.home.set("SWP_README_PASSWORD", &password);
    env.home.set(
        "DSM_PASSWORD",
        swp_keys::sandbox::Settings::DEFAULT_PASSWORD,
    );
    let script = block
        .replace("cargo run --release --", "swp-keys")
        .replace("https://dsm.example.com:4119", &env.sandbox.url())
        .replace("dsm.example.com:4119", &env.sandbox.address().to_string())
        .replace("/run/secrets/dsm", &password.display().to_string());
    let mut shell = env.home.command(["-eu", "-c", &script]);
    let path = std::env::var("PATH").unwrap_or_default();
    // The command of `home` is the binary; the same surroundings are wanted for a shell.
    let surroundings: Vec<_> = shell
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let mut shell_command = Command::new("sh");
    shell_command
        .args(shell.get_args())
        .env_clear()
        .envs(surroundings)
        .env("PATH", format!("{}:{path}", programs.display()))
        .current_dir(env.home.path("."))
        .stdin(std::process::Stdio::null());
    shell = shell_command;
    let result = RunResult::of(&mut shell);
    (env, result)
}

#[test]
fn every_command_of_the_readme_works_as_it_stands() {
    let blocks = blocks();
    assert!(
        blocks.len() >= 17,
        "the README shows {} blocks",
        blocks.len()
    );
    for block in blocks.iter().filter(|block| *block != "cargo test") {
        let (env, result) = run(block);
        assert_eq!(
            result.code(),
            0,
            "{block}\nstdout: {}\nstderr: {}",
            result.stdout,
            result.stderr
        );
        let keys = env.sandbox.api_keys();
        let rotated = usize::from(block.contains("rotate-key reporting"));
        let deleted = usize::from(block.contains("delete-key nightly"));
        let made = keys.len() + deleted - STANDING - rotated;
        let elsewhere =
            block.contains("sandbox") || block.contains("cargo run") || block.contains("--dry-run");
        let makes = block.contains("create")
            || block.contains("rotate-key") && !block.contains("--in-place");
        let wanted = usize::from(makes && !elsewhere);
        assert_eq!(
            made, wanted,
            "{block}\nstdout: {}\nstderr: {}",
            result.stdout, result.stderr
        );
        assert_eq!(env.sandbox.live_sessions(), 0, "{block}");
        for (mark, place) in [
            ("--dotenv", ".env"),
            ("vault", "vault"),
            ("--github-output", "GITHUB_OUTPUT"),
            ("--github-env", "GITHUB_ENV"),
        ] {
            if block.contains(mark) {
                contains(&read(env.home.path(place)), &[&keys[STANDING].secret]);
            }
        }
        let last = keys.len() - 1;
        for (mark, place, key) in [
            ("rotate-key reporting --overlap", "dsm.key", last),
            ("gh secret", "github-secret", last),
            ("--current", "dsm-admin.key", 0),
        ] {
            if block.contains(mark) {
                contains(&read(env.home.path(place)), &[&keys[key].secret]);
            }
        }
        if block.contains("jq -er .secretKey") {
            assert_eq!(result.stdout.trim_end(), keys[STANDING].secret, "{block}");
        }
    }
}

/// The blocks about keys that nobody uses, run one after the other.
#[test]
fn keys_that_nobody_uses_are_locked_and_then_deleted() {
    let with = |part: &str| -> String {
        let blocks = blocks();
        let found = blocks.iter().find(|block| block.contains(part));
        found.expect("a block of the README").clone()
    };
    let settings = swp_keys::sandbox::Settings::default();
    let old = |env: &TestEnv, name: &str| {
        let key = env.sandbox.add_key(name, 2);
        let aged = |key: &mut swp_keys::sandbox::ApiKey| key.created -= 91 * 86_400_000;
        env.sandbox.edit_key(key.id, aged);
    };
    let stale = |block: &str, locked: &[&str]| -> Vec<(String, bool)> {
        let env = TestEnv::with(settings.clone());
        for name in ["old", "older"] {
            old(&env, name);
        }
        for key in env.sandbox.api_keys() {
            let name = key.name.clone().unwrap_or_default();
            let lock = locked.contains(&name.as_str());
            env.sandbox.edit_key(key.id, |key| key.active = !lock);
        }
        let (env, result) = run_in(env, block);
        result.success();
        (env.sandbox.api_keys().into_iter())
            .map(|key| (key.name.unwrap_or_default(), key.active))
            .collect()
    };
    let named = |name: &str, active| (name.to_owned(), active);
    let (mine, nightly) = (named("the administrator's", true), named("nightly", true));
    let locked = stale(&with("-n 1 swp-keys lock-key"), &[]);
    let wanted = [named("old", false), named("older", false)];
    assert_eq!(
        locked,
        [&wanted[..], &[mine.clone(), nightly.clone()]].concat()
    );
    let left = stale(&with("--stale 90d --locked"), &["old"]);
    assert_eq!(left, [named("older", true), mine, nightly]);
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
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
