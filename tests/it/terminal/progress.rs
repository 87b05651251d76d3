//! The line that shows what a run waits for, in a real terminal with a manager that holds its responses.

use rustix::process::Signal;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::held_manager::HeldManager;
use crate::support::proxy::ReservedPort;
use crate::support::pty::Pty;
use crate::support::requests::{CREATE, SEARCH_ROLES};
use crate::support::screen::screen;
use crate::support::wording::{CODE_PROMPT, FINISHING, RETRYING_IN};
use crate::support::{END_SESSION, TestEnv, contains, wait_until};

const SIGN_IN: &str = "POST /api/sessions";

/// Runs `swp-keys` with these arguments in a terminal, and prints its exit code.
fn start(home: &crate::support::Home, arguments: &str) -> Pty {
    let script = format!(r#"export TERM=xterm; "$SWP_KEYS" {arguments}; echo "code=$?""#);
    Pty::start(home, &script)
}

/// Returns the lines of the screen that are not empty.
fn lines(shown: &str) -> Vec<String> {
    let mut lines = screen(shown);
    lines.retain(|line| !line.is_empty());
    lines
}

/// Returns a fault that responds to a request with 429 and this pause.
fn limited(method: &str, path: &str, seconds: &str) -> Fault {
    let headers = vec![("Retry-After".to_owned(), seconds.to_owned())];
    let answer = Action::Answer {
        status: 429,
        headers,
        body: Vec::new(),
    };
    Fault::new(method, path, answer)
}

#[test]
fn a_slow_step_is_shown_and_erased() {
    for (route, step) in [
        (SIGN_IN, "Signing in to 127.0.0.1:"),
        (SEARCH_ROLES, "Searching roles"),
        (CREATE, "Creating the key"),
        (END_SESSION, "Signing out of 127.0.0.1:"),
    ] {
        let held = HeldManager::new(route);
        let mut terminal = start(&held.home, "create --role Auditor");
        terminal.see(step);
        terminal.see("... 1 s");
        terminal.see("... 2 s");
        held.release();
        let screen = terminal.end();
        let lines = lines(&screen);
        let secret = &held.sandbox.api_keys()[0].secret;
        assert!(lines.contains(secret), "{lines:#?}");
        assert_eq!(lines.last().map(String::as_str), Some("code=0"));
        assert!(
            !lines.iter().any(|line| line.contains("... ")),
            "{lines:#?}"
        );
    }
}

#[test]
fn a_rate_limit_pause_counts_down() {
    let env = TestEnv::new();
    env.sandbox
        .inject(limited("POST", "/api/roles/search", "3"));
    let mut terminal = start(&env.home, "list-roles");
    terminal.see(RETRYING_IN);
    // A busy machine may skip a second of the countdown.
    terminal.see("Waiting ");
    terminal.see(" s for the rate limit");
    let screen = terminal.end();
    contains(&screen, &["code=0"]);
    let lines = lines(&screen);
    assert!(
        !lines.iter().any(|line| line.contains("Waiting")),
        "{lines:#?}"
    );
}

#[test]
fn waiting_for_a_manager_is_shown() {
    let mut env = TestEnv::new();
    let port = ReservedPort::new();
    env.home.set("SWP_URL", port.url());
    let mut terminal = start(&env.home, "list-roles --wait 60s");
    terminal.see("Waiting for ");
    terminal.see("(connection refused)... 1 s");
    let _server = port.open_to(env.sandbox.address());
    contains(&terminal.end(), &["code=0"]);
}

#[test]
fn several_items_are_counted() {
    let held = HeldManager::new("DELETE /api/apikeys/2");
    for name in ["a", "b", "c"] {
        held.sandbox.add_key(name, 2);
    }
    let mut terminal = start(&held.home, "delete-key a b c --yes");
    terminal.see("Deleting keys [");
    terminal.see("] 1/3");
    terminal.control('c');
    terminal.see(FINISHING);
    held.release();
    let screen = terminal.end();
    contains(&screen, &["code=130"]);
    let lines = lines(&screen);
    assert!(!lines.iter().any(|line| line.contains("1/3")), "{lines:#?}");
}

#[test]
fn a_prompt_replaces_the_line() {
    let held = HeldManager::with(
        Settings {
            mfa_code: Some("004211".to_owned()),
            ..Settings::default()
        },
        SIGN_IN,
    );
    let mut terminal = start(&held.home, "list-roles");
    terminal.see("Signing in to ");
    terminal.see("... 1 s");
    held.release();
    terminal.see(CODE_PROMPT);
    terminal.type_line("004211");
    let screen = terminal.end();
    let lines = lines(&screen);
    assert!(
        lines.contains(&format!("{CODE_PROMPT}004211")),
        "{lines:#?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("Signing")),
        "{lines:#?}"
    );
}

#[test]
fn nothing_is_shown_with_quiet_or_json_or_in_a_pipe() {
    for arguments in [
        "list-roles -q",
        "list-roles -o json",
        "list-roles 2> err; cat err",
    ] {
        let env = TestEnv::new();
        let delay = Action::Delay(std::time::Duration::from_millis(1500));
        env.sandbox
            .inject(Fault::new("POST", "/api/sessions", delay));
        let screen = start(&env.home, arguments).end();
        contains(&screen, &["code=0"]);
        assert!(!screen.contains("Signing"), "{screen}");
        assert!(!screen.contains('\x1b'), "{screen}");
    }
}

#[test]
fn the_log_has_one_line_for_each_step() {
    let env = TestEnv::new();
    let result = env.run(["create", "--role", "Auditor", "-v"]);
    let host = env.sandbox.url().replace("https://", "");
    let steps: Vec<&str> = (result.stderr.lines())
        .filter_map(|line| line.strip_prefix("info: "))
        .filter(|line| !line.contains("certificates"))
        .collect();
    let (first, last) = (
        format!("signing in to {host}"),
        format!("signing out of {host}"),
    );
    assert_eq!(steps.first(), Some(&first.as_str()), "{}", result.stderr);
    assert_eq!(steps.last(), Some(&last.as_str()), "{}", result.stderr);
    for step in [first.as_str(), "searching roles", "creating the key", &last] {
        let count = steps.iter().filter(|one| **one == step).count();
        assert_eq!(count, 1, "{step}: {}", result.stderr);
    }
}

#[test]
fn the_first_signal_prints_the_current_step() {
    let held = HeldManager::new(END_SESSION);
    let mut running = held.start(["list-roles"]);
    held.wait_until_held();
    running.kill(Signal::INT);
    running.wait_for_line("interrupted; signing out of 127.0.0.1:");
    running.kill(Signal::INT);
    running.finish().success();
}

/// Ctrl-S stops the terminal. The work continues, because no write to the terminal is part of it.
#[test]
fn a_stopped_terminal_does_not_stop_the_work() {
    let held = HeldManager::new(SIGN_IN);
    let mut terminal = start(&held.home, "create --role Auditor --out-file key > id");
    terminal.see("Signing in to 127.0.0.1:");
    terminal.control('s');
    held.release();
    let key = held.home.path("key");
    wait_until("the secret in its file", || key.exists());
    wait_until("the sign-out", || held.sandbox.live_sessions() == 0);
    terminal.control('q');
    let shown = terminal.end();
    contains(&shown, &["(ID 1)", "code=0"]);
}

/// A command may leave an incomplete line on the terminal. No progress line is drawn over it.
#[test]
fn the_last_line_of_a_command_stays_on_the_screen() {
    let held = HeldManager::new(END_SESSION);
    let command =
        r#"create --role Auditor --deliver-cmd "sh -c 'cat > key; printf stored >&2'" > id"#;
    let mut terminal = start(&held.home, command);
    terminal.see("stored");
    held.wait_until_held();
    // The sign-out ends the run after three seconds without a response, so a progress line would be shown before that.
    let shown = terminal.end();
    held.release();
    let lines = lines(&shown);
    assert!(
        lines.iter().any(|line| line.starts_with("stored")),
        "{lines:#?}"
    );
    assert!(!shown.contains("Signing out"), "{shown}");
    contains(&shown, &["code=0"]);
}
