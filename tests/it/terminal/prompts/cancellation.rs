//! All ways to cancel a prompt. The terminal is restored, and no partial input is sent.

use serde_json::Value;
use swp_keys::sandbox::Settings;

use super::dialogs::{PASSWORD, env, out, sign_ins, with};
use crate::support::pty::{Pty, terminate};
use crate::support::snapshot::snapshot;
use crate::support::wording::{
    ADMIN_PASSWORD_PROMPT, CODE_PROMPT, FINGERPRINT_PROMPT, KEY_UNCHANGED, UNCHANGED,
    USER_NAME_PROMPT,
};
use crate::support::{TestEnv, contains};

struct Question {
    text: &'static str,
    /// The prompts before it, with their input.
    before: &'static [(&'static str, &'static str)],
    /// The number of sign-ins that were sent by then.
    sent: usize,
}

const QUESTIONS: [Question; 3] = [
    Question {
        text: USER_NAME_PROMPT,
        before: &[],
        sent: 0,
    },
    Question {
        text: ADMIN_PASSWORD_PROMPT,
        before: &[(USER_NAME_PROMPT, "admin")],
        sent: 0,
    },
    Question {
        text: CODE_PROMPT,
        before: &[
            (USER_NAME_PROMPT, "admin"),
            (ADMIN_PASSWORD_PROMPT, PASSWORD),
        ],
        sent: 1,
    },
];

/// Goes to each prompt in a terminal, ends the run with `leave`, and checks that everything is as before.
fn leave_at_each_question(code: i32, leave: impl Fn(&TestEnv, &mut Pty)) {
    for question in QUESTIONS {
        let mut env = with(Settings {
            mfa_code: Some("004211".to_owned()),
            ..Settings::default()
        });
        env.home.unset("SWP_USERNAME");
        let mut terminal = Pty::start(
            &env.home,
            r#"stty -a > before; sh -c 'echo $$ > pid; exec "$SWP_KEYS" create --role Auditor > out'; echo "code=$?"
               stty -a > after; echo "type now"; read line; echo "done""#,
        );
        for (earlier, answer) in question.before {
            terminal.see(earlier);
            terminal.type_line(answer);
        }
        terminal.see(question.text);
        leave(&env, &mut terminal);
        terminal.see(&format!("code={code}"));
        terminal.see("type now");
        terminal.type_line("this is seen");
        terminal.see("this is seen");
        terminal.see("done");
        let screen = terminal.end();
        assert_on_its_own_line(&screen);
        let state = |name| std::fs::read_to_string(env.home.path(name)).expect("stty's output");
        assert_eq!(state("before"), state("after"), "after `{}`", question.text);
        contains(&state("after"), &[" echo ", "icanon", "isig"]);
        assert_eq!(out(&env), "");
        assert_eq!(
            sign_ins(&env).len(),
            question.sent,
            "after `{}`",
            question.text
        );
        assert_eq!(env.sandbox.live_sessions(), 0);
        if question.text.starts_with("Password") {
            assert!(!screen.contains("half-typed"), "{screen}");
        }
    }
}

/// Asserts that the error is on its own line.
#[track_caller]
fn assert_on_its_own_line(shown: &str) {
    let errors: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{shown}");
    assert!(errors[0].starts_with("error: "), "{shown}");
    for broken in ["[y/N]", "paste", "?", "unexpected end of file"] {
        assert!(!errors[0].contains(broken), "{shown}");
    }
}

#[test]
fn ctrl_c_at_any_prompt_exits_with_130_and_restores_the_terminal() {
    leave_at_each_question(130, |_, terminal| {
        terminal.type_text("half-typed");
        terminal.control('c');
    });
}

#[test]
fn sigterm_at_any_prompt_exits_with_143_and_restores_the_terminal() {
    leave_at_each_question(143, |env, _| terminate(&env.home.path("pid")));
}

#[test]
fn the_echo_is_off_before_the_prompt_appears() {
    let env = env();
    let mut terminal = Pty::start(
        &env.home,
        r#"echo ready; read line; "$SWP_KEYS" find-role Auditor; echo "code=$?""#,
    );
    terminal.see("ready");
    // Ctrl-S stops the output, so the prompt is not shown before Ctrl-Q. It is typed before the line that starts the run, because the prompt might
    // appear earlier otherwise.
    terminal.control('s');
    terminal.type_line("go");
    terminal.wait_for_silence();
    terminal.type_text(PASSWORD);
    terminal.control('q');
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_line("");
    terminal.see("code=0");
    let screen = terminal.end();
    assert!(!screen.contains(PASSWORD), "{screen}");
    assert_eq!(sign_ins(&env)[0]["password"], PASSWORD);
}

/// The kernel decides whether the read fails or ends as at the end of a line. The test therefore repeats it.
#[cfg(target_os = "linux")]
#[test]
fn a_partial_password_is_not_sent_when_the_terminal_closes() {
    for _ in 0..10 {
        close_the_terminal();
    }
}

#[cfg(target_os = "linux")]
fn close_the_terminal() {
    use crate::support::pty::Window;
    let env = env();
    // stdout is a pipe, whose end shows that the run has ended.
    let path = env.home.path("end");
    let status = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(status.expect("mkfifo runs").success());
    let mut terminal = Window::start(&env.home, r#""$SWP_KEYS" find-role Auditor > end 2> err"#);
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(std::fs::read_to_string(path)));
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_text(&PASSWORD[..5]);
    let mut shell = terminal.close();
    let stdout = end.recv_timeout(std::time::Duration::from_secs(30));
    let stdout = stdout.expect("the run ends when its terminal does");
    assert_eq!(stdout.expect("stdout"), "");
    shell.wait().expect("the shell ends");
    let nothing: [Value; 0] = [];
    assert_eq!(
        sign_ins(&env),
        nothing,
        "half a password counts as a wrong one"
    );
    let stderr = std::fs::read_to_string(env.home.path("err")).expect("stderr");
    contains(&stderr, &["admin"]);
}

#[test]
fn ctrl_backslash_at_any_prompt_exits_with_131_and_restores_the_terminal() {
    leave_at_each_question(131, |_, terminal| {
        terminal.type_text("half-typed");
        terminal.control('\\');
    });
}

/// Returns an environment with a key that can be deleted, a command and its prompt, for every kind of prompt.
fn prompt_cases() -> Vec<(TestEnv, &'static str, &'static str)> {
    let mut no_name = env();
    no_name.home.unset("SWP_USERNAME");
    let mut code = TestEnv::with(Settings {
        mfa_code: Some("004211".to_owned()),
        ..Settings::default()
    });
    code.home.set("SWP_NO_SIGN_OUT", "1");
    let deletion = TestEnv::new();
    deletion.sandbox.add_key("ci", 2);
    let mut stranger = TestEnv::new();
    stranger.home.unset("SWP_CA_CERT");
    vec![
        (no_name, "find-role Auditor", USER_NAME_PROMPT),
        (env(), "find-role Auditor", ADMIN_PASSWORD_PROMPT),
        (code, "find-role Auditor", CODE_PROMPT),
        (deletion, "delete-key ci", "[y/N] "),
        (stranger, "find-role Auditor", FINGERPRINT_PROMPT),
    ]
}

#[test]
fn an_end_of_input_prints_one_line_at_any_prompt() {
    for (env, command, question) in prompt_cases() {
        let mut terminal = Pty::start(
            &env.home,
            &format!(r#""$SWP_KEYS" {command}; echo "code=$?""#),
        );
        terminal.see(question);
        terminal.control('d');
        terminal.see("code=2");
        let screen = terminal.end();
        contains(&screen, &["hint: "]);
        assert_on_its_own_line(&screen);
        assert!(env.sandbox.api_keys().len() <= 1);
    }
}

#[test]
fn ctrl_c_prints_one_line_at_any_prompt() {
    for (env, command, question) in prompt_cases() {
        let mut terminal = Pty::start(
            &env.home,
            &format!(r#""$SWP_KEYS" {command}; echo "code=$?""#),
        );
        terminal.see(question);
        terminal.control('c');
        terminal.see("code=130");
        let screen = terminal.end();
        assert_on_its_own_line(&screen);
        // The output, including the prompt, is in `snapshots/`.
        snapshot(&screen);
    }
}

/// A shell that has stopped the run shows typed text again. When the run continues, it repeats the prompt, and does not show a secret.
#[test]
fn ctrl_z_stops_any_prompt_which_is_repeated_afterwards() {
    for (env, command, question) in prompt_cases() {
        let script = format!(
            r#"set -m; "$SWP_KEYS" {command}; echo "stopped"; stty sane; fg > shown; echo "code=$?""#
        );
        let mut terminal = Pty::start(&env.home, &script);
        terminal.see(question);
        terminal.type_text("half-typed");
        terminal.control('z');
        terminal.see("stopped");
        terminal.see(question);
        let is_password = question.starts_with("Password");
        if is_password {
            terminal.wait_for_silence();
        }
        let (answer, code) = match question {
            USER_NAME_PROMPT => ("\x04", 2),
            ADMIN_PASSWORD_PROMPT => (concat!("Typed-Passw0rd", "\n"), 0),
            CODE_PROMPT => ("004211\n", 0),
            "[y/N] " => ("y\n", 0),
            _ => ("yes\n", 0),
        };
        terminal.type_text(answer);
        terminal.see(&format!("code={code}"));
        let screen = terminal.end();
        assert!(!is_password || !screen.contains(PASSWORD), "{screen}");
    }
}

/// `timeout` runs its command in the background of the terminal, where the command is stopped when it prompts. The later signal must still end the
/// run.
#[test]
fn a_run_in_the_background_can_be_ended_at_any_prompt() {
    for (env, command, question) in prompt_cases() {
        let script = format!(
            r#"stty -a > before; timeout 2 "$SWP_KEYS" {command} 2> err; echo "code=$?"; stty -a > after"#
        );
        let mut terminal = Pty::start(&env.home, &script);
        terminal.see("code=124");
        let screen = terminal.end();
        let state = |name| std::fs::read_to_string(env.home.path(name)).expect("a file");
        assert_eq!(state("before"), state("after"), "at `{question}`");
        assert!(!screen.contains(question), "it cannot ask: {screen}");
        contains(
            &state("err"),
            &["error: interrupted; ", UNCHANGED, "background"],
        );
    }
}

/// A stopped run, in the foreground or in the background, can still be ended.
#[test]
fn a_stopped_prompt_can_be_ended() {
    for then in [":", "bg"] {
        for (env, command, question) in prompt_cases() {
            let script = format!(
                r#"set -m; sh -c 'echo $$ > pid; exec "$SWP_KEYS" {command}'; echo "stopped"; {then}
                   kill -TERM %1; kill -CONT %1; while kill -0 $(cat pid) 2> /dev/null; do sleep 0.1; done; echo "gone""#
            );
            let mut terminal = Pty::start(&env.home, &script);
            terminal.see(question);
            terminal.control('z');
            terminal.see("stopped");
            terminal.see("gone");
            terminal.end();
        }
    }
}

/// Input in a different encoding is not sent, because it would count as a wrong password.
#[test]
fn invalid_utf_8_is_not_sent() {
    let env = env();
    let mut terminal = Pty::start(
        &env.home,
        r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#,
    );
    terminal.see(ADMIN_PASSWORD_PROMPT);
    terminal.type_bytes(b"Pr\xfcfung\n");
    terminal.see("code=2");
    contains(&terminal.end(), &["admin", "UTF-8"]);
    let nothing: [Value; 0] = [];
    assert_eq!(sign_ins(&env), nothing);
}

/// The first run that was asked about may already be recovered, so the message is only about the key that the prompt asked about.
#[test]
fn ctrl_c_at_a_later_question_of_recover_is_about_the_key_in_the_question() {
    let env = TestEnv::new();
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    for operation in ["0a0b0c0d", "1a1b1c1d"] {
        let record = serde_json::json!({
            "operation": operation, "work": "create", "manager": env.sandbox.url(), "tenant": null, "keyName": operation,
            "roleID": 2, "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
        });
        let file = folder.join(operation.to_owned() + ".json");
        std::fs::write(file, record.to_string()).expect("a file");
    }
    let mut terminal = Pty::start(&env.home, r#""$SWP_KEYS" recover --forget; echo "code=$?""#);
    terminal.see("[y/N] ");
    terminal.type_line("y");
    terminal.see("[y/N] ");
    terminal.control('c');
    terminal.see("code=130");
    let screen = terminal.end();
    contains(&screen, &[KEY_UNCHANGED]);
    assert!(!screen.contains(UNCHANGED), "{screen}");
    assert_eq!(std::fs::read_dir(folder).expect("the folder").count(), 1);
}
