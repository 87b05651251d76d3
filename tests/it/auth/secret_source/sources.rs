//! Sources of a password, an MFA code and a key: what the manager receives, which source takes precedence, and which values are rejected.

use serde_json::Value;
use swp_keys::sandbox::{Request, Settings};

use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

pub(super) const FIND: [&str; 2] = ["find-role", "Auditor"];

/// A token of the Vision One platform, which no Deep Security Manager accepts.
pub(super) const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJjaWQiOiJ4In0.c2lnbmF0dXJl-_";

/// Returns an environment that sets the manager and the user name, but no password.
pub(super) fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.home.unset("SWP_PASSWORD_FILE");
    env
}

pub(super) fn run(env: &TestEnv, more: &[&str]) -> RunResult {
    env.run(FIND.iter().chain(more))
}

pub(super) fn sent(env: &TestEnv, predicate: impl Fn(&Request) -> bool) -> Request {
    let requests = env.sandbox.requests();
    let found = requests.into_iter().find(predicate);
    found.expect("the manager saw the request")
}

pub(super) fn sign_in(env: &TestEnv) -> Value {
    let request = sent(env, |request| request.route() == "POST /api/sessions");
    serde_json::from_slice(&request.body).expect("JSON")
}

/// Asserts that nothing was sent.
#[track_caller]
fn nothing_was_sent(env: &TestEnv) {
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn a_password_of_any_characters_arrives_exactly_from_every_source() {
    let long = "0123456789".repeat(20);
    let passwords = [
        r#"it's "quoted" \n \\ back"#,
        r"$HOME ${PATH} $(id) `id` %s !! ~ *",
        "Prüfung 監査 🙂 \u{202e}",
        " blanks at both ends ",
        "\ttab\tand\u{1}control",
        "--password-stdin",
        "-",
        &long,
    ];
    for password in passwords {
        let mut env = env();
        (env.sandbox).change(|settings| settings.password = password.to_owned());
        let file = env.home.write_secret("password", password);
        let file = file.to_str().expect("UTF-8");
        let stdin = [&FIND[..], &["--password-stdin"]].concat();
        let dash = [&FIND[..], &["--password-file", "-"]].concat();
        let mut runs = vec![
            run(&env, &["--password-file", file]),
            env.home.run_with_stdin(stdin, &format!("{password}\n")),
            env.home.run_with_stdin(dash, password),
        ];
        if cfg!(unix) {
            let command = format!("cat '{file}'");
            runs.push(run(&env, &["--password-command", &command]));
        }
        env.home.set("SWP_PASSWORD", password);
        runs.push(run(&env, &[]));
        for result in &runs {
            assert_eq!(result.success(), "2", "{password}");
            assert!(
                !result.stderr.contains(password) || password == "-",
                "{}",
                result.stderr
            );
        }
        let requests = env.sandbox.requests();
        let sign_ins = requests
            .iter()
            .filter(|request| request.path == "/api/sessions");
        let bodies: Vec<Value> = sign_ins
            .map(|request| serde_json::from_slice(&request.body).expect("JSON"))
            .collect();
        assert_eq!(bodies.len(), runs.len());
        assert!(
            bodies.iter().all(|body| body["password"] == password),
            "{bodies:?}"
        );
    }
}

#[test]
fn exactly_one_line_ending_is_removed() {
    for (content, password) in [
        ("pass", "pass"),
        ("pass\n", "pass"),
        ("pass\r\n", "pass"),
        (" pass \n", " pass "),
    ] {
        let env = env();
        (env.sandbox).change(|settings| settings.password = password.to_owned());
        let file = env.home.write_secret("password", content);
        let file = file.to_str().expect("UTF-8");
        run(&env, &["--password-file", file]).success();
        let stdin = [&FIND[..], &["--password-stdin"]].concat();
        env.home.run_with_stdin(stdin, content).success();
        assert_eq!(sign_in(&env)["password"], password, "{content:?}");
    }
}

#[test]
fn an_invalid_password_is_refused_and_nothing_is_sent() {
    let env = env();
    let file = |name: &str, content: &[u8]| {
        let path = env.home.write_secret(name, "");
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let largest = 64 * 1024;
    let cases = [
        file("empty", b""),
        file("line", b"\n"),
        file("crlf", b"\r\n"),
        file("latin", b"pass\xe9\n"),
        file("large", &vec![b'x'; largest + 1]),
        env.home.path("missing").display().to_string(),
        env.home.path("").display().to_string(),
    ];
    for path in &cases {
        let result = run(&env, &["--password-file", path]);
        contains(result.failure(2), &["`--password-file`", "hint: "]);
        snapshot(&result.stderr);
        assert!(!result.stderr.contains("xxxx"), "{}", result.stderr);
    }
    for stdin in ["", "\n", &"x".repeat(largest + 1)] {
        let result = env
            .home
            .run_with_stdin([&FIND[..], &["--password-stdin"]].concat(), stdin);
        contains(result.failure(2), &["`--password-stdin`"]);
        snapshot(&result.stderr);
    }
    nothing_was_sent(&env);
}

#[test]
fn a_password_may_have_64_kib() {
    let env = env();
    let password = "x".repeat(64 * 1024);
    (env.sandbox).change(|settings| settings.password = password.clone());
    let file = env.home.write_secret("password", &password);
    run(&env, &["--password-file", file.to_str().expect("UTF-8")]).success();
    assert_eq!(sign_in(&env)["password"], password);
}

#[cfg(unix)]
#[test]
fn a_file_that_other_users_can_read_is_rejected_with_a_chmod_command() {
    let mut env = env();
    let file = env.home.write_secret("key", "password");
    let path = file.to_str().expect("UTF-8").to_owned();
    let chmod = format!("chmod 600 {path}");
    for mode in [0o640, 0o604, 0o660, 0o601, 0o755] {
        crate::support::set_mode(&file, mode);
        for flag in ["--password-file", "--api-key-file"] {
            let result = run(&env, &[flag, &path]);
            let flag = format!("`{flag}`");
            let parts = [flag.as_str(), &chmod, "--allow-loose-permissions"];
            contains(result.failure(2), &parts);
        }
        for variable in ["SWP_PASSWORD_FILE", "SWP_API_KEY_FILE"] {
            env.home.set(variable, &path);
            contains(run(&env, &[]).failure(2), &[variable, &chmod]);
            env.home.unset(variable);
        }
    }
    nothing_was_sent(&env);
    for mode in [0o600, 0o400] {
        std::fs::remove_file(&file).expect("the file is there");
        env.home.write_secret("key", Settings::DEFAULT_PASSWORD);
        crate::support::set_mode(&file, mode);
        run(&env, &["--password-file", &path]).success();
    }
    crate::support::set_mode(&file, 0o644);
    run(
        &env,
        &["--password-file", &path, "--allow-loose-permissions"],
    )
    .success();
    env.home.set("SWP_ALLOW_LOOSE_PERMISSIONS", "1");
    run(&env, &["--password-file", &path]).success();
}

/// `chmod` would not fix such a file: it is not a regular file, and cannot be read a second time.
#[cfg(target_os = "linux")]
#[test]
fn a_password_file_can_be_a_pipe() {
    let env = env();
    let mut command = std::process::Command::new("bash");
    let template = env.home.command::<&str>([]);
    command.env_clear().envs(
        template
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .env("SWP_KEYS", crate::support::binary())
        .arg("-c")
        .arg(format!(
            r#""$SWP_KEYS" find-role Auditor --password-file <(printf '%s\n' '{}')"#,
            Settings::DEFAULT_PASSWORD
        ));
    assert_eq!(RunResult::of(&mut command).success(), "2");
}

#[test]
fn a_flag_wins_over_every_variable_and_swp_password_is_last() {
    let right = Settings::DEFAULT_PASSWORD;
    let mut env = env();
    let file = env.home.write_secret("right", right);
    let file = file.to_str().expect("UTF-8").to_owned();
    let wrong = env.home.write_secret("wrong", "wrong");
    env.home.set("SWP_PASSWORD", "wrong too");
    env.home.set("SWP_PASSWORD_FILE", &wrong);
    // Each flag takes precedence over a file in the environment.
    run(&env, &["--password-file", &file]).success();
    let stdin = [&FIND[..], &["--password-stdin"]].concat();
    env.home.run_with_stdin(stdin, right).success();
    if cfg!(unix) {
        run(&env, &["--password-command", &format!("cat '{file}'")]).success();
    }
    // A file and a command in the environment take precedence over the password variable.
    env.home.set("SWP_PASSWORD_FILE", &file);
    run(&env, &[]).success();
    if cfg!(unix) {
        env.home.unset("SWP_PASSWORD_FILE");
        env.home
            .set("SWP_PASSWORD_COMMAND", format!("cat '{file}'"));
        run(&env, &[]).success();
    }
    // The password variable is used if nothing else is set. Empty variables count as unset.
    for variable in [
        "SWP_PASSWORD_FILE",
        "SWP_PASSWORD_COMMAND",
        "SWP_API_KEY",
        "SWP_API_KEY_FILE",
        "SWP_MFA_CODE",
    ] {
        env.home.set(variable, "");
    }
    env.home.set("SWP_PASSWORD", right);
    run(&env, &[]).success();
}

#[test]
fn two_sources_of_one_secret_conflict() {
    let env = env();
    let cases: [(&[&str], [&str; 2]); 6] = [
        (
            &["--password-stdin", "--password-file", "x"],
            ["--password-stdin", "--password-file"],
        ),
        (
            &["--password-stdin", "--password-file", "-"],
            ["--password-stdin", "--password-file"],
        ),
        (
            &["--password-command", "x", "--password-file", "x"],
            ["--password-file", "--password-command"],
        ),
        (
            &["--mfa-code", "1", "--mfa-command", "x"],
            ["--mfa-code", "--mfa-command"],
        ),
        (
            &["--api-key-file", "x", "--password-stdin"],
            ["API key", "password"],
        ),
        (
            &["--api-key-file", "x", "--mfa-code", "1"],
            ["API key", "code"],
        ),
    ];
    for (flags, names) in cases {
        contains(run(&env, flags).failure(2), &names);
    }
    nothing_was_sent(&env);
}

#[test]
fn two_flags_that_read_stdin_conflict() {
    let mut env = env();
    let stdin = |env: &TestEnv, more: &[&str]| {
        let arguments = [&FIND[..], more].concat();
        env.home.run_with_stdin(arguments, "secret\n")
    };
    let result = stdin(&env, &["--password-stdin", "--api-key-file", "-"]);
    contains(
        result.failure(2),
        &["`--password-stdin`", "`--api-key-file`"],
    );
    let result = stdin(&env, &["--password-file", "-", "--api-key-file", "-"]);
    contains(
        result.failure(2),
        &["`--password-file`", "`--api-key-file`"],
    );
    env.home.set("SWP_API_KEY_FILE", "-");
    let result = stdin(&env, &["--password-stdin"]);
    contains(
        result.failure(2),
        &["`--password-stdin`", "`SWP_API_KEY_FILE`"],
    );
    env.home.set("SWP_PASSWORD_FILE", "-");
    contains(
        stdin(&env, &[]).failure(2),
        &["`SWP_PASSWORD_FILE`", "`SWP_API_KEY_FILE`"],
    );
    nothing_was_sent(&env);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_rejected_by_name() {
    use std::os::unix::ffi::OsStrExt as _;
    for variable in ["SWP_PASSWORD", "SWP_MFA_CODE", "SWP_API_KEY"] {
        let mut env = env();
        if variable == "SWP_MFA_CODE" {
            env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
        }
        env.home
            .set(variable, std::ffi::OsStr::from_bytes(b"caf\xe9"));
        let result = run(&env, &[]);
        contains(result.failure(2), &[variable, "UTF-8"]);
        assert!(!result.stderr.contains("caf"), "{}", result.stderr);
        nothing_was_sent(&env);
    }
}

#[test]
fn a_code_comes_from_a_flag_a_command_or_a_variable_and_stays_a_string() {
    let with_code = || {
        let mut env = env();
        env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
        env.sandbox
            .change(|settings| settings.mfa_code = Some("004211".to_owned()));
        env
    };
    let env = with_code();
    run(&env, &["--mfa-code", "004211"]).success();
    assert_eq!(sign_in(&env)["mfaCode"], "004211");
    let mut env = with_code();
    env.home.set("SWP_MFA_CODE", "004211");
    run(&env, &[]).success();
    // The flag takes precedence.
    run(&env, &["--mfa-code", "999999"]).failure(4);
    if cfg!(unix) {
        let mut env = with_code();
        env.home.set("SWP_MFA_CODE", "999999");
        run(&env, &["--mfa-command", "echo 004211"]).success();
        // Uses the next code, because no code is sent twice.
        (env.sandbox).change(|settings| settings.mfa_code = Some("004212".to_owned()));
        env.home.set("SWP_MFA_COMMAND", "echo 004212");
        run(&env, &[]).success();
        run(&env, &["--mfa-code", "999999"]).failure(4);
    }
}

#[test]
fn without_a_terminal_a_missing_code_names_the_flags() {
    let mut env = env();
    env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    env.sandbox
        .change(|settings| settings.mfa_code = Some("004211".to_owned()));
    contains(run(&env, &[]).failure(4), &["--mfa-code", "--mfa-command"]);
    assert_eq!(env.calls(), ["POST /api/sessions"]);
}
