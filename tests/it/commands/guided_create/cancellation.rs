//! Runs that ask nothing, and runs that end at a question.

use swp_keys::sandbox::Settings;

use super::fixtures::{answer, nothing_is_left, sign_in, start, unconfigured};
use crate::support::pty::{Pty, terminate};
use crate::support::snapshot::snapshot;
use crate::support::wording::{
    ADDRESS_PROMPT, ADMIN_PASSWORD_PROMPT, EXPIRY_PROMPT, ROLE_PROMPT, USER_NAME_PROMPT,
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
