//! `recover`: the destination of the new secret, and the answers to its questions.

use swp_keys::sandbox::{Action, Fault};

use crate::support::files::{names, read, record_count};
use crate::support::requests::count;
use crate::support::running::Running;
use crate::support::{TestEnv, contains, wait_until};

const NAMED: [&str; 5] = ["create", "--role", "Auditor", "--name", "ci"];
const RESET: &str = "POST /api/apikeys/1/secretkey";

/// Returns an environment with the record of a run that was killed during its create request, and the key of that run.
fn interrupted(to: &[&str]) -> TestEnv {
    let env = TestEnv::new();
    let minute = std::time::Duration::from_secs(60);
    let held = Fault::new("POST", "/api/apikeys", Action::Delay(minute));
    env.sandbox.inject(held.after());
    let running = Running::start(&mut env.home.command(NAMED.iter().chain(to)));
    wait_until("the key", || !env.sandbox.api_keys().is_empty());
    drop(running);
    env.sandbox.clear_faults();
    assert_eq!(record_count(&env.home), 1);
    env
}

fn operation(env: &TestEnv) -> String {
    let names = names(&env.home.path("state/unfinished"));
    let record = names.iter().find_map(|name| name.strip_suffix(".json"));
    record.expect("a record").to_owned()
}

/// The log of a job must not contain a secret that the interrupted run would have written to a file.
#[test]
fn without_a_terminal_the_secret_of_a_file_is_not_printed() {
    for to in [&["--out-file", "key"][..], &["--deliver-cmd", "tee key"]] {
        let env = interrupted(to);
        let recover = ["recover", "--yes", "--settle-timeout", "300ms"];
        let operation = operation(&env);
        let named = [&recover[..], &[&operation, "--rekey"]].concat();
        for words in [&recover[..], &named] {
            let result = env.run(words);
            contains(
                result.failure(2),
                &["`ci`", "--out-file FILE", "--out-file -"],
            );
            assert_eq!(count(&env.sandbox, RESET), 0);
            assert_eq!(record_count(&env.home), 1);
        }
        let result = env.run(recover.iter().chain(&["--out-file", "new"]));
        assert_eq!(result.success(), "1");
        let secret = read(env.home.path("new"));
        assert_eq!(secret.trim_end(), env.sandbox.api_keys()[0].secret);
        assert_eq!(record_count(&env.home), 0);
    }
}

#[test]
fn stdout_is_used_if_it_is_requested() {
    for (to, more) in [
        (&["--out-file", "key"][..], &["--out-file", "-"][..]),
        (&["--out-file", "-"], &[]),
        (&[], &[]),
    ] {
        let env = interrupted(to);
        let recover = ["recover", "--yes", "--settle-timeout", "300ms"];
        let result = env.run(recover.iter().chain(more));
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        contains(&result.stderr, &["secret written to stdout"]);
        assert_eq!(record_count(&env.home), 0);
    }
    let env = interrupted(&["--out-file", "key"]);
    env.run(["recover", "--yes", "--delete"]).success();
    assert_eq!(env.sandbox.api_keys(), []);
}

#[cfg(unix)]
mod asked {
    use super::*;
    use crate::support::pty::Pty;

    /// On a terminal, the user sees where the secret goes.
    #[test]
    fn a_declined_recovery_is_an_error_with_a_command_that_works() {
        for (flags, again) in [("", ""), ("--forget", " --forget")] {
            let env = interrupted(&["--out-file", "key"]);
            let script =
                format!(r#""$SWP_KEYS" recover --settle-timeout 300ms {flags}; echo "exit $?""#);
            let mut terminal = Pty::start(&env.home, &script);
            terminal.see("[y/N] ");
            terminal.type_line("n");
            let hint = format!("swp-keys recover {}{again}", operation(&env));
            contains(&terminal.end(), &["exit 2", &hint]);
            assert_eq!(record_count(&env.home), 1);
            let script = format!(
                r#""$SWP_KEYS" {} --settle-timeout 300ms; echo "exit $?""#,
                &hint[9..]
            );
            let mut terminal = Pty::start(&env.home, &script);
            terminal.see("[y/N] ");
            terminal.type_line("y");
            contains(&terminal.end(), &["exit 0"]);
            assert_eq!(record_count(&env.home), 0);
        }
    }
}
