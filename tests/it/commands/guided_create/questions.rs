//! Every question of a guided run, and its wrong answers.

use serde_json::json;
use swp_keys::sandbox::{ApiKey, CertificateKind, Settings};

use super::fixtures::{answer, nothing_is_left, out, sign_in, start, unconfigured};
use crate::support::pty::Pty;
use crate::support::snapshot::{snapshot, unwrapped};
use crate::support::wording::{
    ADDRESS_PROMPT, ADMIN_PASSWORD_PROMPT, CODE_PROMPT, EXPIRY_PROMPT, FINGERPRINT_PROMPT,
    NO_LISTENER, PROFILE_OFFER, ROLE_PROMPT, UNCHANGED, USER_NAME_PROMPT,
};
use crate::support::{TestEnv, contains};

const DAY: i64 = 86_400_000;

/// The days until the only key expires, rounded.
fn days_left(env: &TestEnv) -> Option<i64> {
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1);
    let at = keys[0].expiry_date?;
    Some((at - env.sandbox.now() + DAY / 2) / DAY)
}

fn name(key: &ApiKey) -> &str {
    key.name.as_deref().unwrap_or_default()
}

#[test]
fn everything_that_is_missing_is_asked_for_and_only_the_secret_reaches_stdout() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(
        &mut terminal,
        &[(ROLE_PROMPT, "2"), (EXPIRY_PROMPT, ""), (PROFILE_OFFER, "")],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    let keys = env.sandbox.api_keys();
    assert_eq!(keys[0].role_id, 2);
    assert!(name(&keys[0]).starts_with("Auditor-2"));
    assert_eq!(days_left(&env), Some(90));
    assert_eq!(out(&env), format!("{}\n", keys[0].secret));
    assert!(!shown.contains(&keys[0].secret), "{shown}");
    assert!(!shown.contains(Settings::DEFAULT_PASSWORD), "{shown}");
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert!(!env.home.path("config/config.toml").exists());
    snapshot(&shown);
}

#[test]
fn an_unknown_manager_and_a_code_are_asked_for_in_their_places() {
    let mut env = unconfigured(Settings {
        certificate: CertificateKind::SelfSigned,
        mfa_code: Some("004211".to_owned()),
        ..Settings::default()
    });
    env.home.unset("SWP_CA_CERT");
    let none = env.home.write("no-roots.pem", "");
    env.home.set("SSL_CERT_FILE", none);
    let mut terminal = start(&env, "create");
    let (url, password) = (env.sandbox.url(), Settings::DEFAULT_PASSWORD);
    answer(
        &mut terminal,
        &[
            (ADDRESS_PROMPT, &url),
            (FINGERPRINT_PROMPT, "yes"),
            (USER_NAME_PROMPT, "admin"),
            (ADMIN_PASSWORD_PROMPT, password),
            (CODE_PROMPT, "004211"),
            (ROLE_PROMPT, "Auditor"),
            (EXPIRY_PROMPT, "30d"),
            (PROFILE_OFFER, "n"),
        ],
    );
    terminal.see("code=0");
    terminal.end();
    assert_eq!(days_left(&env), Some(30));
}

#[test]
fn what_is_set_is_not_asked_for() {
    let mut env = unconfigured(Settings::default());
    env.home.set("SWP_URL", env.sandbox.url());
    let password = env
        .home
        .write_secret("password", Settings::DEFAULT_PASSWORD);
    env.home.set("SWP_PASSWORD_FILE", password);
    let mut terminal = start(&env, "create --username admin --expires 7d");
    // The role is the first question and the last.
    answer(&mut terminal, &[(ROLE_PROMPT, "auditor")]);
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(days_left(&env), Some(7));
    for question in [ADDRESS_PROMPT, EXPIRY_PROMPT, PROFILE_OFFER] {
        assert!(!shown.contains(question), "{shown}");
    }
}

#[test]
fn a_run_with_a_role_asks_only_for_what_signing_in_needs() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create --role Auditor");
    sign_in(&env, &mut terminal);
    terminal.see("code=0");
    let shown = terminal.end();
    for question in [ROLE_PROMPT, EXPIRY_PROMPT, PROFILE_OFFER] {
        assert!(!shown.contains(question), "{shown}");
    }
    assert_eq!(days_left(&env), None);
}

#[test]
fn an_address_that_cannot_be_right_is_asked_for_again_with_a_reason() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create --role Auditor");
    let url = env.sandbox.url();
    let wrong = [
        "",
        "http://dsm.example.com",
        "https:dsm.example.com",
        "https://admin:hunter2@dsm",
        "https://api.xdr.trendmicro.com",
        "$DSM",
        "dsm\x1b]0;x\x07:4119",
        "10.7",
    ];
    for text in wrong {
        answer(&mut terminal, &[(ADDRESS_PROMPT, text)]);
    }
    terminal.see(ADDRESS_PROMPT);
    terminal.type_line(url.trim_start_matches("https://"));
    answer(
        &mut terminal,
        &[
            (USER_NAME_PROMPT, "admin"),
            (ADMIN_PASSWORD_PROMPT, Settings::DEFAULT_PASSWORD),
        ],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(
        shown.matches("hunter2").count(),
        1,
        "only the echo: {shown}"
    );
    snapshot(&shown);
}

/// Roles whose names and rights are special.
#[test]
fn an_address_without_a_listener_is_asked_for_again_with_the_reason() {
    let env = unconfigured(Settings::default());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    };
    let mut terminal = start(&env, "create --role Auditor");
    for _ in 0..2 {
        answer(&mut terminal, &[(ADDRESS_PROMPT, &closed)]);
        terminal.see(&format!("{NO_LISTENER}{closed}"));
    }
    sign_in(&env, &mut terminal);
    terminal.see("code=0");
    terminal.end();
    assert_eq!(env.sandbox.api_keys().len(), 1);

    let mut terminal = start(&env, "create --role Auditor");
    for _ in 0..3 {
        answer(&mut terminal, &[(ADDRESS_PROMPT, &closed)]);
    }
    terminal.see("code=8");
    assert!(!terminal.end().contains(USER_NAME_PROMPT));
}

fn special_roles() -> Settings {
    let role = |name: &str, more: serde_json::Value| {
        let mut role = json!({"name": name, "allowWebService": true, "allComputers": true,
            "rights": {"platformRights": {"computerRights": {"canViewOtherComputers": true, "canTagComputers": true}}}});
        for (field, value) in more.as_object().expect("an object") {
            role[field] = value.clone();
        }
        role
    };
    Settings {
        roles: vec![
            role("Console only", json!({"allowWebService": false})),
            role("twice", json!({})),
            role("Twice", json!({"allComputers": false})),
            role("a\u{1b}]0;b\u{7}\nError: c", json!({})),
            role(&"long ".repeat(40), json!({})),
        ],
        ..Settings::default()
    }
}

#[test]
fn a_wrong_role_is_asked_for_again() {
    let env = unconfigured(special_roles());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    for text in [
        "",
        "0",
        "99",
        "99999999999999999999",
        "Audtior",
        "xyzzy",
        "7",
        "TWICE",
        "wic",
    ] {
        answer(&mut terminal, &[(ROLE_PROMPT, text)]);
    }
    answer(
        &mut terminal,
        &[(ROLE_PROMPT, "Twice"), (EXPIRY_PROMPT, "")],
    );
    answer(&mut terminal, &[(PROFILE_OFFER, "")]);
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(env.sandbox.api_keys()[0].role_id, 5);
    assert!(!shown.contains(['\x1b', '\x07']), "{shown:?}");
    snapshot(&shown);
}

#[test]
fn a_role_whose_name_is_not_plain_is_chosen_by_its_number() {
    let env = unconfigured(special_roles());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(
        &mut terminal,
        &[
            (ROLE_PROMPT, "5"),
            (EXPIRY_PROMPT, "never"),
            (PROFILE_OFFER, ""),
        ],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    assert!(!shown.contains(['\x1b', '\x07']), "{shown:?}");
    let keys = env.sandbox.api_keys();
    assert_eq!((keys[0].role_id, keys[0].expiry_date), (6, None));
    assert!(name(&keys[0]).starts_with("role-6-"));
}

#[test]
fn the_questions_fit_a_terminal_of_60_columns() {
    let env = unconfigured(special_roles());
    let script = r#"stty cols 60; "$SWP_KEYS" create; echo "code=$?""#;
    let mut terminal = Pty::start(&env.home, script);
    answer(&mut terminal, &[(ADDRESS_PROMPT, "http://dsm.example.com")]);
    sign_in(&env, &mut terminal);
    for text in ["1", "n", "99", "2"] {
        terminal.see(if text == "n" { "[y/N] " } else { ROLE_PROMPT });
        terminal.type_line(text);
    }
    answer(&mut terminal, &[(EXPIRY_PROMPT, "soon")]);
    terminal.see(EXPIRY_PROMPT);
    terminal.control('c');
    terminal.see("code=130");
    let shown = terminal.end();
    let wide = shown
        .lines()
        .find(|line| line.trim_end().chars().count() > 60);
    // The address of the simulated manager and the question may be longer together.
    assert!(wide.is_none_or(|line| line.contains("://")), "{wide:?}");
    snapshot(&shown);
}

/// The user chose a role with these rights, and not whatever role has its name later.
#[test]
fn a_role_that_gets_the_chosen_name_during_a_question_is_not_used() {
    let env = unconfigured(special_roles());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "3")]);
    terminal.see(EXPIRY_PROMPT);
    let role = json!({"name": "twice", "allowWebService": true});
    env.sandbox.add_role(&role).expect("a role");
    terminal.type_line("");
    answer(&mut terminal, &[(PROFILE_OFFER, "")]);
    terminal.see("code=0");
    terminal.end();
    let keys = env.sandbox.api_keys();
    assert_eq!(keys[0].role_id, 4);
    assert!(name(&keys[0]).starts_with("twice-"));
}

#[test]
fn a_long_list_can_be_searched() {
    let env = unconfigured(Settings::default());
    env.sandbox.add_roles(300);
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    terminal.see("282 more");
    let role = env.sandbox.add_role(&json!({"name": "later"}));
    role.expect("a role");
    answer(&mut terminal, &[(ROLE_PROMPT, "audi")]);
    terminal.see("Auditor");
    answer(&mut terminal, &[(ROLE_PROMPT, "Auditor")]);
    terminal.see(EXPIRY_PROMPT);
    terminal.control('c');
    terminal.see("code=130");
    let shown = terminal.end();
    assert!(shown.lines().count() < 40, "{shown}");
    nothing_is_left(&env);
}

#[test]
fn a_role_with_every_right_is_used_only_after_a_yes() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(
        &mut terminal,
        &[
            (ROLE_PROMPT, "1"),
            ("full control", ""),
            (ROLE_PROMPT, "Full Access"),
            ("full control", "y"),
            (EXPIRY_PROMPT, ""),
            (PROFILE_OFFER, ""),
        ],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(env.sandbox.api_keys()[0].role_id, 1);
    assert!(!shown.contains("warning:"), "{shown}");

    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create --allow-full-access");
    sign_in(&env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "1"), (EXPIRY_PROMPT, "")]);
    answer(&mut terminal, &[(PROFILE_OFFER, "")]);
    terminal.see("code=0");
    assert!(!terminal.end().contains("full control"));
}

#[test]
fn a_wrong_expiry_is_asked_for_again() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "2")]);
    for text in ["soon", "2001-01-01", "0d", "999999y", "1y2z"] {
        answer(&mut terminal, &[(EXPIRY_PROMPT, text)]);
    }
    answer(
        &mut terminal,
        &[(EXPIRY_PROMPT, "12w"), (PROFILE_OFFER, "")],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(days_left(&env), Some(84));
    assert!(!shown.contains("--expires"), "{shown}");
    snapshot(&shown);
}

#[test]
fn a_dry_run_asks_and_changes_nothing() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create --dry-run");
    sign_in(&env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "2"), (EXPIRY_PROMPT, "")]);
    terminal.see("code=0");
    contains(&unwrapped(&terminal.end()), &[UNCHANGED]);
    nothing_is_left(&env);
}

#[test]
fn json_output_is_one_document_in_a_guided_run_too() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create -o json");
    sign_in(&env, &mut terminal);
    answer(
        &mut terminal,
        &[(ROLE_PROMPT, "2"), (EXPIRY_PROMPT, ""), (PROFILE_OFFER, "")],
    );
    terminal.see("code=0");
    terminal.end();
    let key: serde_json::Value = serde_json::from_str(&out(&env)).expect("one document");
    assert_eq!(key["roleID"], 2);
}
