//! Values that cannot be a password, code, key or user name are rejected before anything is sent, because each attempt would count towards the
//! lockout.

use std::ffi::OsString;

use swp_keys::sandbox::Settings;

use super::sources::{FIND, TOKEN, env, run, sign_in};
use crate::support::snapshot::snapshot;
use crate::support::wording::{ADMIN_PASSWORD_PROMPT, CODE_PROMPT};
use crate::support::{RunResult, TestEnv, contains};

/// Values that cannot be a password, an MFA code or a key.
const UNFIT: [&[u8]; 12] = [
    b"Sandbox-Passw0rd!\nsecond\n",
    b"Sandbox-Passw0rd!\r\nsecond",
    b"Sandbox-Passw0rd!\n\n",
    b"Sandbox-Passw0rd!\r\n\r\n",
    b"Sandbox-Passw0rd!\r",
    b"Sandbox-\rPassw0rd!",
    b"Sandbox-Passw0rd!\0",
    b"\xef\xbb\xbfSandbox-Passw0rd!",
    b"\xff\xfeS\0a\0n\0d\0",
    b"\xfe\xff\0S\0a\0n\0d",
    b"S\0a\0n\0d\0\r\0\n\0",
    b"Sandbox-Passw\xf6rd!",
];

/// Asserts that the run exits with 2 and reports `words`, that it sent nothing, and that it recorded no sign-in.
#[track_caller]
fn refused(env: &TestEnv, result: &RunResult, words: &[&str]) {
    contains(result.failure(2), words);
    contains(&result.stderr, &["hint: "]);
    assert!(!result.stderr.contains("Passw"), "{}", result.stderr);
    assert!(!result.stderr.contains(TOKEN), "{}", result.stderr);
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
    assert!(!env.home.path("state/sign-ins").exists());
}

fn file(env: &TestEnv, content: &[u8]) -> String {
    let path = env.home.write_secret("secret", "");
    std::fs::write(&path, content).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

#[cfg(unix)]
fn bytes(value: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(value.to_vec())
}

#[cfg(unix)]
#[test]
fn in_a_file_on_stdin_or_from_a_command() {
    for content in UNFIT {
        let env = env();
        let path = file(&env, content);
        for flag in ["--password-file", "--api-key-file"] {
            let result = run(&env, &[flag, &path]);
            refused(&env, &result, &[flag]);
            snapshot(&result.stderr);
        }
        for flags in [
            &["--password-stdin"][..],
            &["--password-file", "-"],
            &["--api-key-file", "-"],
        ] {
            let mut command = env.home.command(FIND.iter().chain(flags));
            command.stdin(std::fs::File::open(&path).expect("a file"));
            refused(&env, &RunResult::of(&mut command), &[flags[0]]);
        }
        let command = format!("cat '{path}'");
        let result = run(&env, &["--password-command", &command]);
        refused(&env, &result, &["--password-command"]);
        for words in [
            &["login", "--password-file", &path][..],
            &["login", "--api-key-file", &path],
            &["create", "--role", "Auditor", "--password-file", &path],
            &["verify-key", "--key-file", &path],
        ] {
            refused(&env, &env.run(words), &[words[words.len() - 2]]);
        }
    }
}

#[cfg(unix)]
#[test]
fn in_a_variable() {
    let at_the_end: &[u8] = b"Sandbox-Passw0rd!\n";
    let no_nul = |value: &&[u8]| !value.contains(&0);
    for value in UNFIT.into_iter().filter(no_nul).chain([at_the_end]) {
        for variable in ["SWP_PASSWORD", "SWP_API_KEY"] {
            let mut env = env();
            env.home.set(variable, bytes(value));
            refused(&env, &run(&env, &[]), &[variable]);
        }
    }
}

#[test]
fn in_a_name() {
    for name in [
        "admin\r",
        "admin\n",
        "admin\r\n",
        "ad\nmin",
        "\u{feff}admin",
    ] {
        for (flag, variable, field) in [
            ("--username", "SWP_USERNAME", "username"),
            ("--tenant", "SWP_TENANT", "tenant"),
        ] {
            let mut env = TestEnv::new();
            let result = env.run(FIND.iter().chain(&[flag, name]));
            refused(&env, &result, &[flag]);
            env.home.set(variable, name);
            refused(&env, &env.run(FIND), &[variable]);
            env.home.unset(variable);
            let folder = env.home.path("config");
            std::fs::create_dir(&folder).expect("a folder");
            let (url, name) = (env.sandbox.url(), serde_json::json!(name));
            let text = format!("[profiles.p]\nurl = \"{url}\"\n{field} = {name}\n");
            std::fs::write(folder.join("config.toml"), text).expect("a file");
            env.home.set("SWP_CONFIG_DIR", folder);
            let result = env.run(FIND.iter().chain(&["--profile", "p"]));
            refused(&env, &result, &[field, "config.toml:3:"]);
            contains(env.run(["config", "check"]).failure(2), &[field]);
        }
    }
}

/// The values are checked before a prompt asks for the missing ones.
#[cfg(unix)]
#[test]
fn existing_values_are_checked_before_any_prompt() {
    use crate::support::pty::Pty;
    for (variable, value) in [("SWP_PASSWORD", "Passw\r"), ("SWP_MFA_CODE", "Passw")] {
        let mut env = env();
        env.home.unset("SWP_USERNAME");
        env.home.set(variable, value);
        let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("code=2");
        let screen = terminal.end();
        contains(&screen, &[variable]);
        assert!(!screen.contains("User name"), "{screen}");
        assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
    }
}

#[test]
fn a_code_is_sent_without_spaces_and_an_invalid_code_is_not_sent() {
    for (code, sent) in [
        ("004 211", "004211"),
        (" 004211 ", "004211"),
        ("0042\u{a0}11", "004211"),
        ("0042 1177", "00421177"),
        ("004211\r\n", "004211"),
    ] {
        let mut env = TestEnv::new();
        let settings = Some(sent.to_owned());
        (env.sandbox).change(|manager| manager.mfa_code = settings.clone());
        run(&env, &["--mfa-code", code]).success();
        assert_eq!(sign_in(&env)["mfaCode"], sent);
        // The same code in a different form is not sent a second time.
        env.home.set("SWP_MFA_CODE", code);
        run(&env, &[]).failure(4);
        run(&env, &["--mfa-code", sent]).failure(4);
        assert_eq!(env.count("POST /api/sessions"), 1);
    }
    for code in [
        "1",
        "00421",
        "004211771",
        "abcdef",
        "004-211",
        "004211\n004211",
        "\0",
        "é",
    ] {
        let mut env = TestEnv::new();
        if cfg!(unix) {
            let command = format!("cat '{}'", file(&env, code.as_bytes()));
            let result = run(&env, &["--mfa-command", &command]);
            refused(&env, &result, &["--mfa-command"]);
        }
        if !code.contains('\0') {
            let result = run(&env, &["--mfa-code", code]);
            refused(&env, &result, &["--mfa-code"]);
            env.home.set("SWP_MFA_CODE", code);
            refused(&env, &run(&env, &[]), &["SWP_MFA_CODE"]);
        }
    }
}

#[test]
fn a_vision_one_token_is_rejected_with_the_page_that_creates_keys() {
    let page = "Server & Workload Protection > Administration > User Management > API Keys";
    let mut env = env();
    let path = file(&env, format!("{TOKEN}\n").as_bytes());
    for words in [
        &["find-role", "Auditor", "--api-key-file", &path][..],
        &["find-role", "Auditor", "--password-file", &path],
        &["login", "--api-key-file", &path],
        &["verify-key", "--key-file", &path],
    ] {
        refused(&env, &env.run(words), &["Vision One", page]);
    }
    for variable in ["SWP_API_KEY", "SWP_PASSWORD"] {
        env.home.set(variable, TOKEN);
        refused(&env, &run(&env, &[]), &[variable, page]);
        env.home.unset(variable);
    }
    // A key or a password may look similar to a token.
    env.home.set("SWP_API_KEY", "eyJ:QUJD+/=");
    run(&env, &[]).failure(4);
    env.home.unset("SWP_API_KEY");
    (env.sandbox).change(|settings| settings.password = "eyJ. .!".to_owned());
    env.home.set("SWP_PASSWORD", "eyJ. .!");
    run(&env, &[]).success();
}

#[cfg(unix)]
#[test]
fn typed_values_are_checked() {
    use crate::support::pty::Pty;
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let first = env();
    let mut terminal = Pty::start(&first.home, script);
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(TOKEN);
    terminal.see("code=2");
    contains(&terminal.end(), &["Vision One"]);
    // The run may have connected to show the certificate before it asked the question.
    assert_eq!(first.calls(), [] as [String; 0], "nothing is sent");

    let mut second = env();
    (second.sandbox).change(|settings| settings.mfa_code = Some("004211".to_owned()));
    second.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    for (typed, code) in [("nothing", "code=2"), (" 004 211", "code=0")] {
        second.sandbox.forget_requests();
        let mut terminal = Pty::start(&second.home, script);
        terminal.see(CODE_PROMPT);
        terminal.type_line(typed);
        terminal.see(code);
        terminal.end();
        let with_code = second.count("POST /api/sessions") - 1;
        assert_eq!(with_code, usize::from(code == "code=0"), "{typed}");
    }
}

/// A password may be passed by mistake instead of the path of its file. A random password may begin with a slash.
#[test]
fn a_password_that_begins_with_a_slash_is_not_shown() {
    let mut env = TestEnv::new();
    for (value, is_shown) in [("/hunter2hunter2", false), ("/no/such/file", true)] {
        env.home.set("SWP_PASSWORD_FILE", value);
        let result = env.run(["list-roles"]);
        result.failure(2);
        assert_eq!(result.stderr.contains(value), is_shown, "{}", result.stderr);
    }
}
