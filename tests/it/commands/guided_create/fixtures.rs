//! A terminal in which a guided run asks its questions.

use swp_keys::sandbox::Settings;

use crate::support::TestEnv;
use crate::support::pty::Pty;
use crate::support::wording::{ADDRESS_PROMPT, ADMIN_PASSWORD_PROMPT, USER_NAME_PROMPT};

/// A manager, and a home that has no setting except for the manager's certificate.
pub(super) fn unconfigured(settings: Settings) -> TestEnv {
    let mut env = TestEnv::with(settings);
    for variable in ["SWP_URL", "SWP_USERNAME", "SWP_PASSWORD_FILE"] {
        env.home.unset(variable);
    }
    let folder = env.home.path("config");
    env.home.set("SWP_CONFIG_DIR", folder);
    env
}

/// A run of these arguments with stdout in the file `out`, which shows its exit code.
pub(super) fn start(env: &TestEnv, arguments: &str) -> Pty {
    let script = format!(r#"stty cols 80; "$SWP_KEYS" {arguments} > out; echo "code=$?""#);
    Pty::start(&env.home, &script)
}

pub(super) fn out(env: &TestEnv) -> String {
    std::fs::read_to_string(env.home.path("out")).expect("the file that stdout went to")
}

pub(super) fn answer(terminal: &mut Pty, answers: &[(&str, &str)]) {
    for (question, answer) in answers {
        terminal.see(question);
        terminal.type_line(answer);
    }
}

/// The answers of a user who signs in to the manager of `env`.
pub(super) fn sign_in(env: &TestEnv, terminal: &mut Pty) {
    let password = env.sandbox.change(|settings| settings.password.clone());
    let answers = [
        (ADDRESS_PROMPT, env.sandbox.url()),
        (USER_NAME_PROMPT, "admin".to_owned()),
        (ADMIN_PASSWORD_PROMPT, password),
    ];
    for (question, text) in answers {
        answer(terminal, &[(question, &text)]);
    }
}

/// Neither a key nor a session, no record and no file.
#[track_caller]
pub(super) fn nothing_is_left(env: &TestEnv) {
    assert_eq!(env.sandbox.api_keys().len(), 0);
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(out(env), "");
    assert!(!env.home.path("config/config.toml").exists());
    let records = std::fs::read_dir(env.home.path("state/pending"));
    assert_eq!(records.map_or(0, Iterator::count), 0);
}
