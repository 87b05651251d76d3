//! Prompts in a real terminal: what they show and hide. The terminal is restored afterwards.

use serde_json::{Value, json};
use swp_keys::sandbox::{Settings, SignInWording};

use crate::support::pty::Pty;
use crate::support::wording::{
    ADMIN_PASSWORD_PROMPT, CODE_PROMPT, EMPTY_INPUT, PASSWORD_PROMPT, USER_NAME_PROMPT,
};
use crate::support::{TestEnv, contains};

pub(super) const PASSWORD: &str = "Typed-Passw0rd";

/// Returns a manager whose administrator has `PASSWORD`, and a home without the password.
pub(super) fn env() -> TestEnv {
    with(Settings::default())
}

pub(super) fn with(settings: Settings) -> TestEnv {
    let mut env = TestEnv::with(Settings {
        password: PASSWORD.to_owned(),
        ..settings
    });
    env.home.unset("SWP_PASSWORD_FILE");
    env
}

/// Returns the bodies of the received sign-ins.
pub(super) fn sign_ins(env: &TestEnv) -> Vec<Value> {
    (env.sandbox.requests().iter())
        .filter(|request| request.route() == "POST /api/sessions")
        .map(|request| serde_json::from_slice(&request.body).expect("JSON"))
        .collect()
}

pub(super) fn out(env: &TestEnv) -> String {
    std::fs::read_to_string(env.home.path("out")).expect("the file that stdout went to")
}

/// The flags and the variable that the error names if no password is available.
const PASSWORD_SOURCES: [&str; 4] = [
    "--password-file",
    "--password-stdin",
    "--password-command",
    "SWP_PASSWORD",
];

/// A script that runs a command with a password prompt, and prints its exit code.
const FIND_ROLE: &str = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;

/// Runs `script` in a terminal, types the password at its prompt, and waits for success. Returns the screen.
fn type_password(env: &TestEnv, script: &str) -> String {
    let mut terminal = Pty::start(&env.home, script);
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(PASSWORD);
    terminal.see("code=0");
    terminal.end()
}

#[test]
fn a_password_prompt_uses_the_terminal_if_stdin_and_stdout_are_pipes() {
    let env = env();
    let script = r#"echo from-stdin | "$SWP_KEYS" create --role Auditor > out; echo "code=$?""#;
    let screen = type_password(&env, script);
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1, "{screen}");
    assert_eq!(out(&env), format!("{}\n", keys[0].secret));
    assert!(!screen.contains(PASSWORD), "{screen}");
    assert!(!screen.contains(&keys[0].secret), "{screen}");
    assert_eq!(
        sign_ins(&env),
        [json!({"userName": "admin", "password": PASSWORD})]
    );
}

#[test]
fn with_a_prompt_stdout_contains_only_the_document() {
    let env = env();
    let script =
        r#""$SWP_KEYS" find-role Auditor -o json < /dev/null > out 2> err; echo "code=$?""#;
    type_password(&env, script);
    let role: Value = serde_json::from_str(&out(&env)).expect("one JSON document");
    assert_eq!(role["ID"], 2);
    let stderr = std::fs::read_to_string(env.home.path("err")).expect("stderr");
    assert_eq!(stderr, "", "the question goes to the terminal itself");
}

#[test]
fn a_typed_password_arrives_exactly() {
    let passwords = [
        r#"it's "quoted" \ $HOME `x` 100% {} <&>"#,
        "Prüfung-監査-🙂",
        " blanks at both ends ",
        &"long ".repeat(40),
    ];
    for password in passwords {
        let env = env();
        (env.sandbox).change(|settings| settings.password = password.to_owned());
        let mut terminal = Pty::start(&env.home, FIND_ROLE);
        terminal.see(ADMIN_PASSWORD_PROMPT);
        terminal.type_line(password);
        terminal.see("code=0");
        let screen = terminal.end();
        assert!(!screen.contains(password.trim()), "{screen}");
        assert_eq!(sign_ins(&env)[0]["password"], password);
    }
}

#[test]
fn a_missing_user_name_is_prompted_for_with_echo() {
    let mut env = env();
    env.home.unset("SWP_USERNAME");
    let mut terminal = Pty::start(
        &env.home,
        r#"echo from-stdin | "$SWP_KEYS" find-role Auditor > out; echo "code=$?""#,
    );
    terminal.see(USER_NAME_PROMPT);
    terminal.type_line("admin");
    // The terminal echoes the input.
    terminal.see("admin");
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(PASSWORD);
    terminal.see("code=0");
    let screen = terminal.end();
    assert!(!screen.contains(PASSWORD), "{screen}");
    assert_eq!(out(&env), "2\n");
}

#[test]
fn a_code_is_prompted_for_without_repeating_the_password_prompt() {
    let env = with(Settings {
        mfa_code: Some("004211".to_owned()),
        ..Settings::default()
    });
    let mut terminal = Pty::start(
        &env.home,
        r#"echo from-stdin | "$SWP_KEYS" find-role Auditor > out; echo "code=$?""#,
    );
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line(PASSWORD);
    terminal.see(CODE_PROMPT);
    terminal.type_line("004211");
    terminal.see("code=0");
    let screen = terminal.end();
    assert_eq!(screen.matches(PASSWORD_PROMPT).count(), 1, "{screen}");
    assert_eq!(out(&env), "2\n");
    let without = json!({"userName": "admin", "password": PASSWORD});
    let with = json!({"userName": "admin", "password": PASSWORD, "mfaCode": "004211"});
    assert_eq!(sign_ins(&env), [without, with]);
}

#[test]
fn rejected_input_is_neither_prompted_for_nor_sent_again() {
    const RIGHT: (&str, &str) = (ADMIN_PASSWORD_PROMPT, PASSWORD);
    struct Case {
        what: &'static str,
        answers: &'static [(&'static str, &'static str)],
        wording: SignInWording,
        sign_ins: usize,
        says: &'static str,
    }
    let cases = [
        Case {
            what: "a wrong password",
            answers: &[(ADMIN_PASSWORD_PROMPT, "wrong")],
            wording: SignInWording::Cause,
            sign_ins: 1,
            says: "the manager rejected the sign-in",
        },
        Case {
            what: "a wrong code",
            answers: &[RIGHT, (CODE_PROMPT, "999999")],
            wording: SignInWording::Cause,
            sign_ins: 2,
            says: "code is incorrect",
        },
        Case {
            what: "a refusal that does not say that a code is wanted",
            answers: &[RIGHT],
            wording: SignInWording::Vague,
            sign_ins: 1,
            says: "`--mfa-code`",
        },
    ];
    for case in cases {
        let env = with(Settings {
            mfa_code: Some("004211".to_owned()),
            ..Settings::default()
        });
        (env.sandbox).change(|settings| settings.unknowns.sign_in_wording = case.wording);
        let mut terminal = Pty::start(&env.home, FIND_ROLE);
        for (question, answer) in case.answers {
            terminal.see(question);
            terminal.type_line(answer);
        }
        // If the run prompted again, the test would time out.
        terminal.see("code=4");
        let screen = terminal.end();
        contains(&screen, &[case.says]);
        assert_eq!(sign_ins(&env).len(), case.sign_ins, "{}", case.what);
    }
}

#[test]
fn an_empty_password_is_not_sent() {
    let env = env();
    // Enter at each of the three prompts, and Ctrl-D at the first prompt and at a later one.
    for keys in [&["\n"; 3][..], &["\x04"], &["\n", "\x04"]] {
        let mut terminal = Pty::start(&env.home, FIND_ROLE);
        for key in keys {
            terminal.see(ADMIN_PASSWORD_PROMPT);
            terminal.type_text(key);
        }
        terminal.see("code=2");
        contains(&terminal.end(), &["--password-file"]);
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}

#[test]
fn after_an_empty_input_the_user_is_prompted_again() {
    let mut env = env();
    env.home.unset("SWP_USERNAME");
    let mut terminal = Pty::start(&env.home, FIND_ROLE);
    terminal.see(USER_NAME_PROMPT);
    terminal.type_line("");
    terminal.see(EMPTY_INPUT);
    terminal.see(USER_NAME_PROMPT);
    terminal.type_line("admin");
    for answer in ["", ""] {
        terminal.see(ADMIN_PASSWORD_PROMPT);
        terminal.type_line(answer);
        terminal.see(EMPTY_INPUT);
    }
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.wait_for_silence();
    terminal.type_line(PASSWORD);
    terminal.see("code=0");
    let screen = terminal.end();
    assert!(!screen.contains(PASSWORD), "{screen}");
    assert_eq!(sign_ins(&env).len(), 1);
}

#[test]
fn errors_that_need_no_input_are_reported_before_a_prompt() {
    let env = env();
    env.home.write("there", "already");
    let cases = [
        ("SWP_URL=dsm:x ", "create --role Auditor", 2),
        ("", "create --role Auditor --out-file there", 2),
        ("", "create --role Auditor --expires 2001-01-01", 2),
        ("", "find-role Auditor --ca-cert missing.pem", 2),
        ("", "list-roles -o env", 2),
        ("", "login -o env", 2),
    ];
    for (variable, arguments, code) in cases {
        let script = format!(r#"{variable}"$SWP_KEYS" {arguments} > out; echo "code=$?""#);
        let mut terminal = Pty::start(&env.home, &script);
        // If the run prompted, the test would time out.
        terminal.see(&format!("code={code}"));
        let screen = terminal.end();
        assert!(!screen.contains("Password"), "{arguments}: {screen}");
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}

#[test]
fn with_no_input_the_terminal_is_not_used() {
    let mut env = env();
    for script in [
        r#""$SWP_KEYS" find-role Auditor --no-input > out; echo "code=$?""#,
        r#"SWP_NO_INPUT=1 "$SWP_KEYS" find-role Auditor > out; echo "code=$?""#,
    ] {
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("code=2");
        contains(&terminal.end(), &PASSWORD_SOURCES);
    }
    env.home.unset("SWP_USERNAME");
    let mut terminal = Pty::start(
        &env.home,
        r#""$SWP_KEYS" find-role Auditor --no-input; echo "code=$?""#,
    );
    terminal.see("code=2");
    contains(&terminal.end(), &["--username", "SWP_USERNAME"]);
    assert_eq!(env.calls(), [] as [String; 0]);
}

/// The run has no terminal and no `--no-input`. It has its own session, as in a service or a CI job.
#[cfg(target_os = "linux")]
#[test]
fn without_a_terminal_the_flags_are_named() {
    let mut env = env();
    let run = |env: &TestEnv| {
        let template = env.home.command(["find-role", "Auditor"]);
        let mut command = std::process::Command::new("setsid");
        command.arg("--wait").arg(template.get_program());
        command.args(template.get_args()).env_clear();
        let variables = (template.get_envs()).filter(|(name, _)| *name != "SWP_NO_INPUT");
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        crate::support::RunResult::of(command.stdin(std::process::Stdio::null()))
    };
    contains(run(&env).failure(2), &PASSWORD_SOURCES);
    env.home.unset("SWP_USERNAME");
    contains(run(&env).failure(2), &["--username", "SWP_USERNAME"]);
    assert_eq!(env.calls(), [] as [String; 0]);
}

#[test]
fn a_password_is_not_read_from_a_stdin_that_is_a_terminal() {
    let env = env();
    for source in ["--password-stdin", "--password-file -"] {
        let script = format!(r#""$SWP_KEYS" find-role Auditor {source}; echo "code=$?""#);
        let mut terminal = Pty::start(&env.home, &script);
        terminal.see("code=2");
        let flag = source.split(' ').next().unwrap_or_default();
        contains(&terminal.end(), &[flag]);
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}

#[test]
fn a_name_cannot_control_the_terminal_at_a_prompt() {
    let mut env = env();
    env.home.set("SWP_USERNAME", "a\x1b]0;b\x07\x08User");
    let mut terminal = Pty::start(&env.home, FIND_ROLE);
    terminal.see(&(PASSWORD_PROMPT.to_owned() + r"a\u{1b}]0;b\u{7}\u{8}User at "));
    terminal.control('c');
    terminal.see("code=130");
    let screen = terminal.end();
    assert!(!screen.contains(['\x1b', '\x07']), "{screen:?}");
}

/// An http address of a port that requires https is reported before any question.
#[test]
fn an_http_address_is_rejected_before_the_questions() {
    let mut env = TestEnv::new();
    for variable in ["SWP_USERNAME", "SWP_PASSWORD_FILE", "SWP_CA_CERT"] {
        env.home.unset(variable);
    }
    let url = env.sandbox.url().replacen("https:", "http:", 1);
    env.home.set("SWP_URL", url);
    let screen = Pty::start(&env.home, r#""$SWP_KEYS" list-roles; echo "code=$?""#).end();
    contains(&screen, &["requires https", &env.sandbox.url()]);
    assert!(!screen.contains("User name"), "{screen}");
}

/// The error names the reason why no question is asked.
#[test]
fn disabled_prompts_are_named_in_the_error() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_USERNAME");
    let script =
        r#""$SWP_KEYS" list-roles --no-input; "$SWP_KEYS" delete 1 --no-input; echo "code=$?""#;
    let screen = Pty::start(&env.home, script).end();
    assert_eq!(screen.matches("`--no-input`").count(), 2, "{screen}");
    contains(&screen, &["user name", "deletion", "code=2"]);
}
