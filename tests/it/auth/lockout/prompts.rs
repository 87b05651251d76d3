//! The prompts of a run while sign-ins are paused.

use swp_keys::sandbox::Settings;

use super::guard::{refused_twice, sign_ins};
use crate::support::pty::Pty;
use crate::support::wording::{ADMIN_PASSWORD_PROMPT, SIGN_IN_ANYWAY};

#[test]
fn a_typed_password_is_hidden_although_sign_ins_are_paused() {
    for (answer, code) in [("n", 4), ("y", 0)] {
        let mut env = refused_twice();
        env.home.unset("SWP_PASSWORD_FILE");
        let sent = sign_ins(&env);
        let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see(ADMIN_PASSWORD_PROMPT);
        terminal.type_line(Settings::DEFAULT_PASSWORD);
        terminal.see(SIGN_IN_ANYWAY);
        assert_eq!(sign_ins(&env), sent, "nothing is sent before the answer");
        terminal.type_line(answer);
        terminal.see(&format!("code={code}"));
        let screen = terminal.end();
        assert!(!screen.contains(Settings::DEFAULT_PASSWORD), "{screen}");
        assert_eq!(screen.matches(SIGN_IN_ANYWAY).count(), 1, "{screen}");
        assert_eq!(sign_ins(&env) - sent, usize::from(code == 0));
    }
}

#[test]
fn a_password_command_does_not_run_before_the_question_about_the_pause() {
    let mut env = refused_twice();
    env.home.unset("SWP_PASSWORD_FILE");
    let script = r#""$SWP_KEYS" find-role Auditor --password-command 'touch ran'; echo "code=$?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see(SIGN_IN_ANYWAY);
    terminal.type_line("n");
    terminal.see("code=4");
    terminal.end();
    assert!(!env.home.path("ran").exists());
}
