//! Lines on a terminal: messages are wrapped between words, a secret is announced, and a bare ID is omitted.

use crate::support::pty::Pty;
use crate::support::{TestEnv, contains};

#[test]
fn messages_fit_the_terminal_and_commands_stay_whole() {
    let env = TestEnv::new();
    for columns in [40, 60] {
        let script = format!(r#"stty cols {columns}; "$SWP_KEYS" show-key 99"#);
        let screen = Pty::start(&env.home, &script).end();
        let fits = |line: &str| line.trim_end().chars().count() <= columns;
        assert!(screen.lines().all(fits), "{screen}");
        contains(
            &screen,
            &[
                "error: there is no key with the ID 99",
                "`swp-keys list-keys`",
            ],
        );
        let indented = |line: &str| {
            ["error: ", "hint: ", "    "]
                .iter()
                .any(|start| line.starts_with(start))
        };
        assert!(screen.lines().all(indented), "{screen}");
    }
    // In a pipe, each message is one line.
    let stderr = env.run(["show-key", "99"]).failure(3).to_owned();
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
}

#[test]
fn a_secret_is_announced_only_if_it_is_shown_among_other_lines() {
    for (script, is_announced) in [
        (r#""$SWP_KEYS" create --role Auditor"#, true),
        (r#""$SWP_KEYS" create --role Auditor -q"#, false),
        (
            r#""$SWP_KEYS" create --role Auditor 2> err; cat err"#,
            false,
        ),
        (r#""$SWP_KEYS" create --role Auditor > out; cat out"#, false),
    ] {
        let env = TestEnv::new();
        let screen = Pty::start(&env.home, script).end().replace('\r', "");
        let secret = &env.sandbox.api_keys()[0].secret;
        let announced = format!("\nnote: the next line is the secret of the key\n{secret}\n");
        assert_eq!(
            screen.contains(&announced),
            is_announced,
            "{script}: {screen}"
        );
        contains(&screen, &[&format!("{secret}\n")]);
    }
}

#[test]
fn a_bare_id_is_printed_only_in_a_pipe_or_without_notes() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    for (script, is_bare) in [
        (r#""$SWP_KEYS" lock-key ci"#, false),
        (r#""$SWP_KEYS" lock-key ci -q"#, true),
        (r#""$SWP_KEYS" lock-key ci | cat"#, true),
    ] {
        let screen = Pty::start(&env.home, script).end();
        let has_id = screen.lines().any(|line| line.trim() == "1");
        assert_eq!(has_id, is_bare, "{script}: {screen}");
    }
}

/// An expiry that changes within the same minute is shown with seconds.
#[test]
fn a_small_change_of_the_expiry_is_visible() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("ci", 2);
    let end = 4_102_444_810_000;
    env.sandbox
        .edit_key(key.id, |key| key.expiry_date = Some(end));
    let result = env.run(["update-key", "ci", "--expires", "2100-01-01T00:00:20Z"]);
    contains(
        result.success(),
        &["2100-01-01T00:00:10Z", "2100-01-01T00:00:20Z"],
    );
}
