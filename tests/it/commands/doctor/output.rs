//! The output formats of `doctor`.

use super::fixture::{CHECKS, doctor, hint, message, status};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

#[test]
fn all_checks_pass_without_a_sign_in() {
    let env = TestEnv::new();
    let answer = doctor(&env.home, &[], 0);
    for name in CHECKS {
        let expected = match name {
            "sign-in" | "key-rights" | "roles" => "skipped",
            _ => "ok",
        };
        assert_eq!(status(&answer, name), expected, "{name}");
    }
    contains(message(&answer, "manager"), &["Deep Security/20.0.1003"]);
    contains(
        message(&answer, "address"),
        &[&env.sandbox.url(), "SWP_URL"],
    );
    contains(
        message(&answer, "tls"),
        &["manager.pem", "SWP_CA_CERT", "expires on"],
    );
    contains(hint(&answer, "sign-in"), &["--sign-in"]);
    assert_eq!(answer["meta"]["manager"], env.sandbox.url());
    assert_eq!(answer["meta"]["managerVersion"], "Deep Security/20.0.1003");
    assert_eq!(answer["meta"]["signedIn"], false);
    let text = env.run(["doctor"]);
    let text = text.success();
    assert_eq!(
        text.lines().filter(|line| !line.contains("hint: ")).count(),
        14
    );
    assert!(text.is_ascii());
    assert_eq!(env.run(["doctor", "-o", "jsonl"]).json()["ok"], true);
    env.run(["doctor", "-o", "env"]).failure(2);
}

#[cfg(unix)]
#[test]
fn results_are_colored_on_a_terminal_without_a_prompt() {
    use crate::support::pty::Pty;
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env.home.set("TERM", "xterm");
    let screen = Pty::start(
        &env.home,
        "unset NO_COLOR; \"$SWP_KEYS\" doctor --sign-in; echo code $?",
    )
    .end();
    contains(&screen, &["\x1b[32mok", "\x1b[31mfailed", "code 13"]);
    assert_eq!(env.sandbox.requests(), []);
}

/// Without the terminal's own line breaks, no word is cut.
#[cfg(unix)]
#[test]
fn long_messages_are_wrapped_on_a_terminal() {
    use crate::support::pty::Pty;
    let env = TestEnv::new();
    let script = "stty cols 80; \"$SWP_KEYS\" doctor; echo code $?";
    let screen = Pty::start(&env.home, script).end();
    contains(&screen, &["code 0", "note: "]);
    let findings = screen
        .lines()
        .filter(|line| line.contains("  tls  ") || line.starts_with("      "));
    let findings: Vec<&str> = findings.collect();
    assert!(findings.len() > 1, "{screen}");
    for line in findings {
        let is_one_word = line.trim().split(' ').count() == 1;
        assert!(
            line.trim_end().chars().count() <= 80 || is_one_word,
            "{line}"
        );
    }
}

#[test]
fn the_text_of_a_failed_check() {
    let mut env = TestEnv::new();
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env.home.unset("SWP_URL");
    let result = env.run(["doctor"]);
    let (text, error) = result.check_failed();
    snapshot(&format!("{text}{error}"));
}
