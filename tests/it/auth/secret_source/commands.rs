//! `--password-command` and `--mfa-command`: how they are started, which environment they get, and how their failures are reported.

use swp_keys::sandbox::Settings;

use super::sources::{env, run};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

/// Returns the beginning of a command that runs a script of the test. The script is not executable itself: the kernel cannot execute a file while
/// another thread's child has it open for writing.
fn program(env: &TestEnv, name: &str, lines: &str) -> String {
    let path = env.home.write(name, lines);
    format!("sh {}", path.to_str().expect("UTF-8"))
}

#[test]
fn a_command_is_split_as_a_shell_would_and_nothing_in_it_is_expanded() {
    let mut env = env();
    let password = Settings::DEFAULT_PASSWORD;
    let show = program(
        &env,
        "show",
        &format!("for word; do printf '%s\\n' \"$word\"; done > words; echo '{password}'"),
    );
    let command = format!(
        r#"{show} plain 'single $HOME "x"' "double \"y\" $z" back\ slash '' *.pem \$HOME '`id`' ";" \| ~ #no >"#
    );
    env.home.set("SWP_PASSWORD_COMMAND", &command);
    run(&env, &[]).success();
    let words = std::fs::read_to_string(env.home.path("words")).expect("what the command got");
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
fn a_failing_command_is_reported_and_nothing_is_sent() {
    let env = env();
    let fails = program(&env, "fails", "echo half-a-password; exit 7");
    let nothing = program(&env, "nothing", "exit 0");
    let killed = program(&env, "killed", "echo half-a-password; kill -9 $$");
    let latin = program(&env, "latin", r"printf 'half-a-password\351'");
    let large = program(&env, "large", "head -c 65537 /dev/zero | tr '\\0' x");
    let endless = program(&env, "endless", "yes half-a-password");
    let absent = env.home.path("absent").display().to_string();
    let cases = [
        fails.as_str(),
        &nothing,
        &killed,
        &latin,
        &large,
        &endless,
        "no-such-program",
        &absent,
        "'not closed",
        "  ",
        "# a comment",
    ];
    for command in cases {
        for flag in ["--password-command", "--mfa-command"] {
            let mut arguments = vec![flag, command];
            let password = env
                .home
                .write_secret("password", Settings::DEFAULT_PASSWORD);
            let password = password.to_str().expect("UTF-8");
            if flag == "--mfa-command" {
                arguments.extend(["--password-file", password]);
            }
            let result = run(&env, &arguments);
            contains(result.failure(2), &[flag, "hint: "]);
            snapshot(&result.stderr);
            assert!(!result.stderr.contains("half-a"), "{}", result.stderr);
        }
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

/// Selects a profile that sets `field` to `command`.
fn select_profile(env: &mut TestEnv, field: &str, command: &str) {
    let url = env.sandbox.url();
    let command = serde_json::json!(command);
    let text = format!("[profiles.p]\nurl = \"{url}\"\n{field} = {command}\n");
    let folder = env.home.path("config");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), text).expect("a file");
    env.home.set("SWP_CONFIG_DIR", folder);
    env.home.set("SWP_PROFILE", "p");
}

/// Without a shell, the operators would be passed as arguments, and the output would not be the secret.
#[test]
fn shell_operators_are_rejected_before_any_prompt_or_request() {
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
            let mut env = env();
            if name.contains("fa-command") || name == "SWP_MFA_COMMAND" {
                env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
            }
            let result = match name.strip_prefix("--") {
                Some(_) => run(&env, &[name, command]),
                None if name.starts_with("SWP") => {
                    env.home.set(name, command);
                    run(&env, &[])
                }
                None => {
                    select_profile(&mut env, name, command);
                    let checked = env.run(["config", "check"]);
                    contains(checked.failure(2), &[name, "config.toml:3:", "sh -c '...'"]);
                    run(&env, &[])
                }
            };
            contains(result.failure(2), &[name, "sh -c '...'"]);
            assert!(!result.stderr.contains("ran"), "{name}: {}", result.stderr);
            assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
            assert!(!env.home.path("ran").exists());
        }
    }
    // A command that a flag overrides is not checked. A command that starts a shell may contain operators.
    let mut env = env();
    env.home.set("SWP_PASSWORD_COMMAND", operators[0]);
    let password = format!("sh -c 'echo \"{}\" | cat'", Settings::DEFAULT_PASSWORD);
    run(&env, &["--password-command", &password]).success();
}

#[test]
fn commands_do_not_get_the_programs_secrets() {
    let mut env = env();
    let variables = ["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE"];
    for variable in variables {
        env.home.set(variable, format!("marked-{variable}"));
    }
    env.sandbox
        .change(|settings| settings.mfa_code = Some("004211".to_owned()));
    let password = program(
        &env,
        "password",
        &format!("env > env.password; echo '{}'", Settings::DEFAULT_PASSWORD),
    );
    let code = program(&env, "code", "env > env.code; echo 004211");
    run(
        &env,
        &["--password-command", &password, "--mfa-command", &code],
    )
    .success();
    for name in ["env.password", "env.code"] {
        let environment = std::fs::read_to_string(env.home.path(name)).expect("the command ran");
        contains(&environment, &["SWP_URL=", "PATH=", "HOME="]);
        assert!(!environment.contains("marked-"), "{name}: {environment}");
        for variable in variables {
            assert!(
                !environment.contains(&format!("{variable}=")),
                "{name}: {environment}"
            );
        }
    }
}

#[test]
fn a_code_is_read_last_and_each_command_runs_once() {
    let env = env();
    env.sandbox
        .change(|settings| settings.mfa_code = Some("004211".to_owned()));
    let password = program(
        &env,
        "password",
        &format!(
            "echo password >> order; echo '{}'",
            Settings::DEFAULT_PASSWORD
        ),
    );
    let code = program(&env, "code", "echo code >> order; echo 004211");
    run(
        &env,
        &["--password-command", &password, "--mfa-command", &code],
    )
    .success();
    let order = std::fs::read_to_string(env.home.path("order")).expect("both ran");
    assert_eq!(order, "password\ncode\n");
}

#[test]
fn messages_of_a_command_stay_on_stderr() {
    let env = env();
    let command = program(
        &env,
        "talks",
        &format!(
            "echo 'touch your token' >&2; echo '{}'",
            Settings::DEFAULT_PASSWORD
        ),
    );
    let result = run(&env, &["--password-command", &command]);
    assert_eq!(result.success(), "2");
    contains(&result.stderr, &["touch your token"]);
}

#[test]
fn a_signal_ends_the_wait_for_a_command() {
    let env = env();
    // The command reports that it has started, and runs until the end of its stdin.
    let command = program(
        &env,
        "waits",
        "echo $PPID > parent; : > runs; cat > /dev/null",
    );
    let mut child = env
        .home
        .start_piped(["find-role", "Auditor", "--password-command", &command]);
    let stdin = child.stdin.take();
    let runs = env.home.path("runs");
    crate::support::wait_until("the command to run", || runs.exists());
    crate::support::pty::terminate(&env.home.path("parent"));
    child.wait().expect("the run ends");
    // The command keeps stderr open until the end of its stdin.
    drop(stdin);
    let result = RunResult::from(child.wait_with_output().expect("the run has ended"));
    result.failure(143);
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}
