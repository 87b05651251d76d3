//! Runs that ask nothing, and runs that end at a question.

use swp_keys::sandbox::Settings;

use super::fixtures::{answer, nothing_is_left, sign_in, start, unconfigured};
use crate::support::pty::{Pty, terminate};
use crate::support::snapshot::snapshot;
use crate::support::wording::{
    ADDRESS_PROMPT, ADMIN_PASSWORD_PROMPT, EXPIRY_PROMPT, PROFILE_NAME_PROMPT, PROFILE_OFFER,
    ROLE_PROMPT, USER_NAME_PROMPT,
};
use crate::support::{TestEnv, contains};

#[test]
fn wrong_flags_are_found_before_the_first_question() {
    let env = unconfigured(Settings::default());
    env.home.write("there", "already");
    for (arguments, code) in [
        ("create --no-input", 2),
        ("create --role Auditor --no-input", 2),
        ("list-keys --no-input", 2),
        ("create --expires 2001-01-01", 2),
        ("create --out-file there", 2),
        ("create --description '[swp-keys 0011aabb]'", 2),
        ("list-keys -o env", 2),
    ] {
        let mut terminal = start(&env, arguments);
        // A question would be waited at forever.
        terminal.see(&format!("code={code}"));
        let shown = terminal.end();
        assert!(!shown.contains(ADDRESS_PROMPT), "{arguments}: {shown}");
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}

#[test]
fn a_run_without_a_terminal_names_the_flags() {
    let env = unconfigured(Settings::default());
    contains(env.run(["create"]).failure(2), &["--role"]);
    contains(
        env.run(["create", "--role", "Auditor"]).failure(2),
        &["--url", "SWP_URL"],
    );
    contains(env.run(["list-keys"]).failure(2), &["--url", "SWP_URL"]);
}

#[test]
fn every_command_that_needs_a_manager_asks_for_its_address() {
    for arguments in [
        "list-keys",
        "list-roles",
        "show-key 1",
        "find-role Auditor",
        "show-role Auditor",
        "update-key 1 --name b",
        "lock-key 1",
        "unlock-key 1 2",
        "delete-key 1",
        "rotate-key 1",
        "rotate-key 1 --in-place",
        "exec --role Auditor --ttl 5m -- true",
        "login",
        "logout",
        "whoami",
        "recover",
        "trust show",
    ] {
        let env = unconfigured(Settings::default());
        let mut terminal = start(&env, arguments);
        terminal.see(ADDRESS_PROMPT);
        terminal.control('c');
        terminal.see("code=130");
        terminal.end();
        nothing_is_left(&env);
    }
}

#[test]
fn a_session_that_ends_during_a_question_leaves_nothing() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "2")]);
    terminal.see(EXPIRY_PROMPT);
    env.sandbox.end_sessions();
    terminal.type_line("");
    terminal.see("code=4");
    snapshot(&terminal.end());
    nothing_is_left(&env);
}

/// Leads to each question before the key is created, lets `leave` end the run there, and checks that nothing is left.
fn leave_at_each_question(code: i32, leave: impl Fn(&TestEnv, &mut Pty)) {
    let before = [
        (ADDRESS_PROMPT, ""),
        (USER_NAME_PROMPT, "admin"),
        (ADMIN_PASSWORD_PROMPT, Settings::DEFAULT_PASSWORD),
        (ROLE_PROMPT, "1"),
        ("[y/N] ", "y"),
        (EXPIRY_PROMPT, ""),
    ];
    for last in 0..before.len() {
        let env = unconfigured(Settings::default());
        let mut terminal = Pty::start(
            &env.home,
            r#"sh -c 'echo $$ > pid; exec "$SWP_KEYS" create --out-file dsm.key > out'; echo "code=$?""#,
        );
        for (question, text) in &before[..last] {
            terminal.see(question);
            if *question == ADDRESS_PROMPT {
                terminal.type_line(&env.sandbox.url());
            } else {
                terminal.type_line(text);
            }
        }
        terminal.see(before[last].0);
        leave(&env, &mut terminal);
        terminal.see(&format!("code={code}"));
        terminal.end();
        nothing_is_left(&env);
        assert!(!env.home.path("dsm.key").exists());
    }
}

/// The password of a profile is only for the profile's own manager.
#[test]
fn no_address_is_asked_for_if_the_profile_has_one() {
    let env = crate::support::profiles::env_in_a_profile("");
    for arguments in [
        "create --profile here --url ''",
        "list-keys --profile here --url ''",
    ] {
        let mut terminal = start(&env, arguments);
        terminal.see("code=2");
        let shown = terminal.end();
        assert!(!shown.contains(ADDRESS_PROMPT), "{shown}");
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}

/// Runs a guided run in a terminal that is closed at the question `last`, and returns the exit code.
#[cfg(target_os = "linux")]
fn close_the_terminal_at(env: &TestEnv, last: &str) -> String {
    use crate::support::pty::Window;
    let mut terminal = Window::start(
        &env.home,
        r#""$SWP_KEYS" create > out 2> err; echo "$?" > code"#,
    );
    let url = env.sandbox.url();
    for (question, text) in [
        (ADDRESS_PROMPT, url.as_str()),
        (USER_NAME_PROMPT, "admin"),
        (ADMIN_PASSWORD_PROMPT, Settings::DEFAULT_PASSWORD),
        (ROLE_PROMPT, "2"),
        (EXPIRY_PROMPT, ""),
        (PROFILE_OFFER, "y"),
        (PROFILE_NAME_PROMPT, ""),
    ] {
        terminal.see(question);
        if question == last {
            break;
        }
        terminal.type_text(&format!("{text}\n"));
    }
    terminal.close().wait().expect("the shell ends");
    std::fs::read_to_string(env.home.path("code")).expect("the exit code")
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_at_a_question_leaves_nothing() {
    for question in [ADDRESS_PROMPT, ROLE_PROMPT, EXPIRY_PROMPT] {
        let env = unconfigured(Settings::default());
        let code = close_the_terminal_at(&env, question);
        assert!(["2\n", "129\n"].contains(&code.as_str()), "{code}");
        nothing_is_left(&env);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_closed_at_the_offer_does_not_fail_the_run() {
    for question in [PROFILE_OFFER, PROFILE_NAME_PROMPT] {
        let env = unconfigured(Settings::default());
        assert_eq!(close_the_terminal_at(&env, question), "0\n");
        assert_eq!(env.sandbox.api_keys().len(), 1);
        assert!(!env.home.path("config/config.toml").exists());
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

/// A run that is killed at a question has no record to recover and no file to remove.
#[test]
fn a_killed_run_leaves_no_record() {
    for question in [ROLE_PROMPT, EXPIRY_PROMPT] {
        let env = unconfigured(Settings::default());
        let script =
            r#"sh -c 'echo $$ > pid; exec "$SWP_KEYS" create --out-file dsm.key'; echo "code=$?""#;
        let mut terminal = Pty::start(&env.home, script);
        sign_in(&env, &mut terminal);
        terminal.see(ROLE_PROMPT);
        if question == EXPIRY_PROMPT {
            terminal.type_line("2");
            terminal.see(EXPIRY_PROMPT);
        }
        let pid = std::fs::read_to_string(env.home.path("pid")).expect("a process ID");
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().expect("a number"));
        rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::KILL)
            .expect("the process is there");
        terminal.see("code=137");
        terminal.end();
        assert_eq!(env.sandbox.api_keys().len(), 0);
        let files = std::fs::read_dir(env.home.path("")).expect("a folder");
        let names = files.map(|file| file.expect("a file").file_name());
        let names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
        let rest = names
            .iter()
            .filter(|name| name.contains("tmp") || name.contains("key"));
        assert_eq!(rest.count(), 0, "{names:?}");
        let records = std::fs::read_dir(env.home.path("state/unfinished"));
        assert_eq!(records.map_or(0, Iterator::count), 0);
    }
}

#[test]
fn ctrl_c_at_any_question_leaves_nothing() {
    leave_at_each_question(130, |_, terminal| terminal.control('c'));
}

#[test]
fn the_end_of_the_input_at_any_question_leaves_nothing() {
    leave_at_each_question(2, |_, terminal| terminal.control('d'));
}

#[test]
fn sigterm_at_any_question_leaves_nothing() {
    leave_at_each_question(143, |env, _| terminate(&env.home.path("pid")));
}
