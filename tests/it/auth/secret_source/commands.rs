//! `--password-command` and `--mfa-command`: how they are run, what they may know, and what becomes of their failures.

use swp_keys::sandbox::Settings;

use super::sources::{run, world};
use crate::support::{Ran, World, contains};

/// A program of the test's own, as the beginning of a command. It is not executable itself: a file that was just written cannot be
/// run while another thread's child still has it open.
fn program(world: &World, name: &str, lines: &str) -> String {
    let path = world.home.write(name, lines);
    format!("sh {}", path.to_str().expect("UTF-8"))
}

#[test]
fn a_command_is_split_as_a_shell_would_and_nothing_in_it_is_expanded() {
    let mut world = world();
    let password = Settings::DEFAULT_PASSWORD;
    let show = program(
        &world,
        "show",
        &format!("for word; do printf '%s\\n' \"$word\"; done > words; echo '{password}'"),
    );
    let command = format!(
        r#"{show} plain 'single $HOME "x"' "double \"y\" $z" back\ slash '' *.pem \$HOME '`id`' ";" \| ~ #no >"#
    );
    world.home.set("SWP_PASSWORD_COMMAND", &command);
    run(&world, &[]).success();
    let words = std::fs::read_to_string(world.home.path("words")).expect("what the command got");
    let words: Vec<&str> = words.lines().collect();
    let expected = [
        "plain",
        r#"single $HOME "x""#,
        r#"double "y" $z"#,
        "back slash",
        "",
        "*.pem",
        "$HOME",
        "`id`",
        ";",
        "|",
        "~",
    ];
    assert_eq!(words[..expected.len()], expected);
}

#[test]
fn a_command_that_fails_is_named_and_nothing_is_sent() {
    let world = world();
    let fails = program(&world, "fails", "echo half-a-password; exit 7");
    let nothing = program(&world, "nothing", "exit 0");
    let killed = program(&world, "killed", "echo half-a-password; kill -9 $$");
    let latin = program(&world, "latin", r"printf 'half-a-password\351'");
    let large = program(&world, "large", "head -c 65537 /dev/zero | tr '\\0' x");
    let endless = program(&world, "endless", "yes half-a-password");
    let absent = world.home.path("absent").display().to_string();
    let cases = [
        (fails.as_str(), "exit status: 7"),
        (&nothing, "empty"),
        (&killed, "signal: 9"),
        (&latin, "UTF-8"),
        (&large, "64 KiB"),
        (&endless, "64 KiB"),
        ("no-such-program", "there is no such program"),
        (&absent, &absent),
        ("'not closed", "closing quote"),
        ("  ", "not name a program"),
        ("# a comment", "not name a program"),
    ];
    for (command, says) in cases {
        for flag in ["--password-command", "--mfa-command"] {
            let mut arguments = vec![flag, command];
            let password = world
                .home
                .write_secret("password", Settings::DEFAULT_PASSWORD);
            let password = password.to_str().expect("UTF-8");
            if flag == "--mfa-command" {
                arguments.extend(["--password-file", password]);
            }
            let ran = run(&world, &arguments);
            contains(ran.failure(2), &[flag, says, "hint: "]);
            assert!(!ran.stderr.contains("half-a"), "{}", ran.stderr);
        }
    }
    assert_eq!(world.sandbox.connections().tcp, 0, "nothing is sent");
}

/// They would become arguments, and what the command prints then is not the secret.
#[test]
fn operators_of_a_shell_are_refused_before_anything_is_asked_or_sent() {
    let operators = [
        "touch ran | head -n 1",
        "touch ran > out",
        "touch ran < out",
        "touch ran && true",
        "touch ran; true",
        "touch `ran`",
        "touch $RAN",
        "touch \"ran\"$RAN",
        "touch '$RAN' 2>/dev/null",
    ];
    let config = |world: &mut World, field: &str, command: &str| {
        let url = world.sandbox.url();
        let command = serde_json::json!(command);
        let text = format!("[profiles.p]\nurl = \"{url}\"\n{field} = {command}\n");
        let folder = world.home.path("config");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("config.toml"), text).expect("a file");
        world.home.set("SWP_CONFIG_DIR", folder);
        world.home.set("SWP_PROFILE", "p");
    };
    for command in operators {
        for name in [
            "--password-command",
            "--mfa-command",
            "SWP_PASSWORD_COMMAND",
            "SWP_MFA_COMMAND",
            "password-command",
            "mfa-command",
            "api-key-command",
        ] {
            let mut world = world();
            if name.contains("fa-command") || name == "SWP_MFA_COMMAND" {
                world.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
            }
            let ran = match name.strip_prefix("--") {
                Some(_) => run(&world, &[name, command]),
                None if name.starts_with("SWP") => {
                    world.home.set(name, command);
                    run(&world, &[])
                }
                None => {
                    config(&mut world, name, command);
                    let checked = world.run(["config", "check"]);
                    contains(checked.failure(2), &[name, "config.toml:3:", "sh -c '...'"]);
                    run(&world, &[])
                }
            };
            contains(ran.failure(2), &[name, "sh -c '...'"]);
            assert!(!ran.stderr.contains("ran"), "{name}: {}", ran.stderr);
            assert_eq!(world.sandbox.connections().tcp, 0, "nothing is sent");
            assert!(!world.home.path("ran").exists());
        }
    }
    // A command that does not count is not looked at, and a shell that is named may do all of this.
    let mut world = world();
    world.home.set("SWP_PASSWORD_COMMAND", operators[0]);
    let password = format!("sh -c 'echo \"{}\" | cat'", Settings::DEFAULT_PASSWORD);
    run(&world, &["--password-command", &password]).success();
}

#[test]
fn commands_know_no_secret_of_ours() {
    let mut world = world();
    let variables = ["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE"];
    for variable in variables {
        world.home.set(variable, format!("marked-{variable}"));
    }
    world
        .sandbox
        .change(|settings| settings.mfa_code = Some("004211".to_owned()));
    let password = program(
        &world,
        "password",
        &format!("env > env.password; echo '{}'", Settings::DEFAULT_PASSWORD),
    );
    let code = program(&world, "code", "env > env.code; echo 004211");
    run(
        &world,
        &["--password-command", &password, "--mfa-command", &code],
    )
    .success();
    for name in ["env.password", "env.code"] {
        let env = std::fs::read_to_string(world.home.path(name)).expect("the command ran");
        contains(&env, &["SWP_URL=", "PATH=", "HOME="]);
        assert!(!env.contains("marked-"), "{name}: {env}");
        for variable in variables {
            assert!(!env.contains(&format!("{variable}=")), "{name}: {env}");
        }
    }
}

#[test]
fn a_code_is_read_last_and_each_command_runs_once() {
    let world = world();
    world
        .sandbox
        .change(|settings| settings.mfa_code = Some("004211".to_owned()));
    let password = program(
        &world,
        "password",
        &format!(
            "echo password >> order; echo '{}'",
            Settings::DEFAULT_PASSWORD
        ),
    );
    let code = program(&world, "code", "echo code >> order; echo 004211");
    run(
        &world,
        &["--password-command", &password, "--mfa-command", &code],
    )
    .success();
    let order = std::fs::read_to_string(world.home.path("order")).expect("both ran");
    assert_eq!(order, "password\ncode\n");
}

#[test]
fn what_a_command_says_to_the_user_stays_on_stderr() {
    let world = world();
    let command = program(
        &world,
        "talks",
        &format!(
            "echo 'touch your token' >&2; echo '{}'",
            Settings::DEFAULT_PASSWORD
        ),
    );
    let ran = run(&world, &["--password-command", &command]);
    assert_eq!(ran.success(), "2");
    contains(&ran.stderr, &["touch your token"]);
}

#[test]
fn a_signal_ends_the_wait_for_a_command() {
    let world = world();
    // It tells that it runs, and would run until its stdin is at its end.
    let command = program(
        &world,
        "waits",
        "echo $PPID > parent; : > runs; cat > /dev/null",
    );
    let mut child =
        world
            .home
            .start_piped(["find-role", "Auditor", "--password-command", &command]);
    let stdin = child.stdin.take();
    let runs = world.home.path("runs");
    crate::support::wait_until("the command to run", || runs.exists());
    crate::support::pty::terminate(&world.home.path("parent"));
    child.wait().expect("the run ends");
    // The command holds on to stderr until its stdin is at its end.
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().expect("the run has ended"));
    contains(ran.failure(143), &["interrupted"]);
    assert_eq!(world.sandbox.connections().tcp, 0, "nothing is sent");
}
