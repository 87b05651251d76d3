//! Lines on a terminal: messages are wrapped between words, a secret is announced, and a bare ID is omitted.

use crate::support::pty::Pty;
use crate::support::{TestEnv, contains, set_mode};

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

/// The path of the settings file is shown once on a terminal, and as a part of each source in a pipe.
#[test]
fn the_path_of_the_settings_file_is_shown_once() {
    let mut env = TestEnv::new();
    let folder = env.home.path("config");
    std::fs::create_dir(&folder).expect("a folder");
    set_mode(&folder, 0o700);
    let text = format!(
        "default-profile = \"dsm\"\n[profiles.dsm]\nurl = \"{}\"\nusername = \"admin\"\n",
        env.sandbox.url()
    );
    let file = env.home.write("config/config.toml", &text);
    set_mode(&file, 0o600);
    env.home.set("SWP_CONFIG_DIR", folder);
    env.home.unset("SWP_URL");
    env.home.unset("SWP_USERNAME");
    let path = file.display().to_string();
    let screen = Pty::start(&env.home, r#""$SWP_KEYS" whoami"#).end();
    contains(&screen, &["profile dsm", &format!("settings file: {path}")]);
    assert_eq!(screen.matches(&path).count(), 1, "{screen}");
    let piped = env.run(["whoami"]);
    assert_eq!(
        piped.success().matches(&path).count(),
        2,
        "{}",
        piped.stdout
    );
}

#[test]
fn an_empty_list_of_unfinished_runs_is_a_note() {
    let env = TestEnv::new();
    let screen = Pty::start(&env.home, r#""$SWP_KEYS" recover --list"#).end();
    contains(&screen, &["note: "]);
    let piped = env.run(["recover", "--list"]);
    assert_eq!((piped.success(), piped.stderr.as_str()), ("", ""));
}
