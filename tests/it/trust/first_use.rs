//! The first connection to a manager, in a real terminal. The certificate is shown before the password prompt, and pinned only after a complete `yes`
//! or a fingerprint.

use swp_keys::sandbox::CertificateKind;

use super::fixtures::{file, keep, other_pin, place, shown, unknown_manager};
use crate::support::pty::Pty;
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::snapshot::snapshot;
use crate::support::wording::{
    FINGERPRINT_PROMPT, INCOMPLETE_FINGERPRINT, INTERCEPTED, PASSWORD_PROMPT, UNCHANGED,
};
use crate::support::{TestEnv, contains};

const QUESTION: &str = FINGERPRINT_PROMPT;

/// Returns an unknown manager whose password must be typed, and the password.
fn unknown_manager_with_password(kind: CertificateKind) -> (TestEnv, String) {
    let mut env = unknown_manager(kind);
    env.home.unset("SWP_PASSWORD_FILE");
    let password = env.sandbox.change(|settings| settings.password.clone());
    (env, password)
}

fn start(env: &TestEnv, arguments: &str) -> Pty {
    let script = format!(r#""$SWP_KEYS" {arguments} > out; echo "code=$?""#);
    Pty::start(&env.home, &script)
}

fn out(env: &TestEnv) -> String {
    std::fs::read_to_string(env.home.path("out")).expect("stdout")
}

#[test]
fn an_unknown_certificate_is_shown_before_the_password_prompt() {
    let (env, password) = unknown_manager_with_password(CertificateKind::SelfSigned);
    let pin = shown(&env);
    let mut terminal = start(&env, "create --role Auditor");
    for text in [
        "is self-signed",
        "subject  CN=localhost",
        "issuer   itself",
        "names    localhost, 127.0.0.1, ::1",
        "valid    from 20",
        &pin,
        "openssl s_client -connect localhost:",
        QUESTION,
    ] {
        terminal.see(text);
    }
    assert_eq!(env.sandbox.requests(), [], "no HTTP before the answer");
    terminal.type_line("yes");
    terminal.see(PASSWORD_PROMPT);
    assert_eq!(env.sandbox.requests(), []);
    terminal.type_line(&password);
    terminal.see("code=0");
    terminal.end();
    let secret = &env.sandbox.api_keys()[0].secret;
    assert_eq!(out(&env), format!("{secret}\n"));
    assert!(file(&env.home).contains(&pin));
    // The manager is pinned now.
    let mut terminal = start(&env, "find-role Auditor");
    terminal.see(PASSWORD_PROMPT);
    terminal.type_line(&password);
    terminal.see("code=0");
    assert!(!terminal.end().contains("certificate"));
}

#[test]
fn the_fingerprint_can_be_pasted() {
    for prefix in ["sha256:", "", "SHA2-256(stdin)= "] {
        let (env, password) = unknown_manager_with_password(CertificateKind::UnknownCa);
        let pin = shown(&env);
        let digits = pin.trim_start_matches("sha256:");
        let mut terminal = start(&env, "find-role Auditor");
        terminal.see("`CN=swp-keys sandbox CA`");
        terminal.see(QUESTION);
        terminal.type_line(&format!("{prefix}{digits}"));
        terminal.see(PASSWORD_PROMPT);
        terminal.type_line(&password);
        terminal.see("code=0");
        terminal.end();
        assert!(file(&env.home).contains(&pin));
    }
}

#[test]
fn only_a_full_yes_is_accepted() {
    let other = other_pin();
    let pins = [other.as_str()];
    for answers in [&["y", "YES", ""][..], &["y", "no"], &["no"], &pins] {
        let (env, _) = unknown_manager_with_password(CertificateKind::SelfSigned);
        let mut terminal = start(&env, "create --role Auditor");
        for answer in answers {
            terminal.see(QUESTION);
            terminal.type_line(answer);
        }
        terminal.see("code=7");
        assert!(!terminal.end().contains("Password"));
        let left = (out(&env), file(&env.home));
        assert_eq!(left, (String::new(), String::new()));
        assert_eq!(env.sandbox.requests(), []);
    }
}

/// Returns the lines of the error and its hint.
fn error(screen: &str) -> &str {
    let (_, error) = screen.split_once("error: ").expect("an error");
    error.split("code=").next().unwrap_or_default()
}

#[test]
fn a_pasted_fingerprint_that_does_not_match_is_a_warning_of_an_interception() {
    let pasted = "AB:".repeat(31) + "AB";
    for arguments in ["find-role Auditor", "trust add"] {
        let env = unknown_manager(CertificateKind::SelfSigned);
        let mut terminal = start(&env, arguments);
        terminal.see(QUESTION);
        terminal.type_line(&pasted);
        terminal.see("code=7");
        let screen = terminal.end();
        let error = error(&screen);
        contains(error, &[&pasted, INTERCEPTED]);
        assert!(!error.contains(&shown(&env)), "{error}");
        assert!(!error.contains("sha256:"), "{error}");
        snapshot(error);
    }
}

#[test]
fn an_incomplete_fingerprint_is_named_when_the_question_is_repeated() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let sha_1 = "SHA1 Fingerprint=".to_owned() + &"AB:".repeat(19) + "AB";
    let pin = shown(&env);
    let mut terminal = start(&env, "find-role Auditor");
    for (answer, digits) in [(sha_1.as_str(), 40), (&pin[..pin.len() - 2], 62)] {
        terminal.see(QUESTION);
        terminal.type_line(answer);
        terminal.see(&format!("{digits}{INCOMPLETE_FINGERPRINT}"));
    }
    terminal.see(QUESTION);
    terminal.type_line("maybe");
    terminal.see("code=7");
    snapshot(error(&terminal.end()));
    assert_eq!(file(&env.home), "");
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn an_interruption_after_the_pinning_does_not_deny_the_pin() {
    let (env, _) = unknown_manager_with_password(CertificateKind::SelfSigned);
    let mut terminal = start(&env, "create --role Auditor");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see(PASSWORD_PROMPT);
    terminal.control('c');
    terminal.see("code=130");
    contains(&terminal.end(), &[UNCHANGED]);
    assert!(file(&env.home).contains(&shown(&env)));
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn a_second_answer_may_be_yes_or_a_fingerprint() {
    for fingerprint in [false, true] {
        let env = unknown_manager(CertificateKind::SelfSigned);
        let pin = shown(&env);
        let mut terminal = start(&env, "find-role Auditor");
        for answer in ["y", "", if fingerprint { &pin } else { "yes" }] {
            terminal.see(QUESTION);
            terminal.type_line(answer);
        }
        terminal.see("code=0");
        terminal.end();
        assert!(file(&env.home).contains(&pin));
    }
}

#[test]
fn the_question_fits_80_columns() {
    for kind in [CertificateKind::SelfSigned, CertificateKind::UnknownCa] {
        let (env, _) = unknown_manager_with_password(kind);
        let mut terminal = start(&env, "find-role Auditor");
        terminal.see(QUESTION);
        terminal.type_line("no");
        let screen = terminal.end();
        let question = screen.split(QUESTION).next().unwrap_or_default();
        for line in question.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn ctrl_c_at_the_question_saves_nothing() {
    let (env, _) = unknown_manager_with_password(CertificateKind::SelfSigned);
    let mut terminal = start(&env, "create --role Auditor");
    terminal.see(QUESTION);
    terminal.control('c');
    terminal.see("code=130");
    terminal.end();
    assert_eq!(file(&env.home), "");
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn a_run_without_a_password_prompt_still_asks_about_the_certificate() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let mut terminal = start(&env, "find-role Auditor");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    let key = env.sandbox.add_key("existing", 1).secret;
    env.use_key(&key);
    env.run(["trust", "remove"]).success();
    let mut terminal = start(&env, "find-role Auditor --wait 10s");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    assert!(file(&env.home).contains(&place(&env)));
}

#[test]
fn a_changed_key_is_rejected_without_a_question() {
    let (env, _) = unknown_manager_with_password(CertificateKind::SelfSigned);
    keep(&env, &other_pin());
    let mut terminal = start(&env, "find-role Auditor");
    terminal.see("code=7");
    let screen = terminal.end();
    assert!(!screen.contains(QUESTION), "{screen}");
    assert!(!screen.contains("Password"), "{screen}");
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn with_a_trust_setting_no_question_is_asked() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let other = unknown_manager(CertificateKind::SelfSigned);
    let pem = (env.home).write("other.pem", other.sandbox.certificate_pem());
    env.home.set("SWP_CA_CERT", pem);
    let unasked = |env: &TestEnv, arguments: &str| {
        let mut terminal = start(env, arguments);
        terminal.see("code=7");
        assert!(!terminal.end().contains(QUESTION));
    };
    unasked(&env, "find-role Auditor");
    env.home.unset("SWP_CA_CERT");
    unasked(&env, "find-role Auditor --no-input");
}

#[test]
fn trust_add_shows_and_asks_in_the_same_way() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let mut terminal = start(&env, "trust add -o json");
    terminal.see("self-signed");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    let object: serde_json::Value = serde_json::from_str(&out(&env)).expect("one document");
    assert_eq!(object["pins"][0], shown(&env).as_str());
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
}

#[test]
fn a_pin_that_another_run_saved_meanwhile_is_not_changed() {
    for arguments in ["find-role Auditor", "trust add"] {
        let env = unknown_manager(CertificateKind::SelfSigned);
        let mut terminal = start(&env, arguments);
        terminal.see(QUESTION);
        keep(&env, &other_pin());
        terminal.type_line("yes");
        terminal.see("code=7");
        terminal.end();
        assert!(!file(&env.home).contains(&shown(&env)));
        assert_eq!(env.sandbox.requests(), []);
    }
}

#[test]
fn a_long_certificate_does_not_scroll_the_question_away() {
    let certificate = Certificate::naming(2000);
    let server = ScriptedServer::tls(&certificate, Recording::default());
    let env = unknown_manager(CertificateKind::SelfSigned);
    let url = server.url();
    let mut terminal = start(&env, &format!("trust add {url}"));
    terminal.see("n0.example.com, ");
    terminal.see("1992");
    terminal.see(QUESTION);
    terminal.type_line("no");
    terminal.see("code=7");
    assert!(terminal.end().len() < 4000);
}
