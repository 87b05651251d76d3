//! `verify-key` prompts for the key on a terminal if no key is set.

use swp_keys::sandbox::Settings;

use super::verify_key::with_key;
use crate::support::pty::Pty;
use crate::support::wording::{FINGERPRINT_PROMPT, KEY_PROMPT, OMIT_TO_BE_PROMPTED};
use crate::support::{TestEnv, contains};

#[test]
fn a_missing_key_is_prompted_for_without_echo() {
    let (env, id, secret) = with_key(1, Settings::default());
    let script = r#""$SWP_KEYS" verify-key -vv; echo "code=$?""#;
    for (typed, code) in [(secret.as_str(), 0), ("wrong-secret", 13)] {
        let mut terminal = Pty::start(&env.home, script);
        terminal.see(KEY_PROMPT);
        assert_eq!(env.calls(), [] as [String; 0]);
        terminal.type_line(typed);
        terminal.see(&format!("code={code}"));
        let screen = terminal.end();
        assert!(!screen.contains(typed), "{screen}");
        assert_eq!(
            screen.contains(&format!("(ID {id})")),
            code == 0,
            "{screen}"
        );
        env.sandbox.forget_requests();
    }
    let mut terminal = Pty::start(
        &env.home,
        r#""$SWP_KEYS" verify-key --no-input; echo "code=$?""#,
    );
    terminal.see("code=2");
    contains(&terminal.end(), &["--key-file"]);
}

#[test]
fn a_key_is_prompted_for_only_after_the_manager_is_trusted() {
    let (mut env, _, _) = with_key(1, Settings::default());
    env.home.unset("SWP_CA_CERT");
    let script = r#""$SWP_KEYS" verify-key; echo "code=$?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see(FINGERPRINT_PROMPT);
    terminal.type_line("no");
    terminal.see("code=7");
    assert!(!terminal.end().contains(KEY_PROMPT));
}

#[test]
fn only_a_command_that_prompts_for_the_key_offers_the_prompt() {
    let (env, _, _) = with_key(1, Settings::default());
    for (arguments, is_offered) in [
        ("verify-key --key-file -", true),
        ("list-keys --api-key-file -", false),
    ] {
        let script = format!(r#""$SWP_KEYS" {arguments}; echo "code=$?""#);
        let mut terminal = Pty::start(&env.home, &script);
        terminal.see("code=2");
        let screen = terminal.end();
        assert_eq!(screen.contains(OMIT_TO_BE_PROMPTED), is_offered, "{screen}");
    }
}

/// A key that was redirected to stdin is not ignored, and the prompt does not wait for a key on the terminal.
#[test]
fn redirected_input_needs_the_flag() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("ci", 2).secret;
    env.home.write_secret("key", &key);
    for script in [
        r#""$SWP_KEYS" verify-key < key; echo "exit $?""#,
        r#"cat key | "$SWP_KEYS" verify-key; echo "exit $?""#,
    ] {
        let screen = Pty::start(&env.home, script).end();
        contains(&screen, &["exit 2", "`--key-file -`"]);
    }
    let script = r#""$SWP_KEYS" verify-key --key-file - < key; echo "exit $?""#;
    contains(&Pty::start(&env.home, script).end(), &["exit 0"]);
}
