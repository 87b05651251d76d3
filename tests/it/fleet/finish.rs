//! `apply` finishes the work of an interrupted run only if no other run has finished it and the key can be used.

use std::time::Duration;

use swp_keys::sandbox::{Action, ApiKey, Fault};

use super::apply::{apply, key, secret};
use super::apply_kills::APPLY;
use super::apply_records::killed;
use super::plan::{add, fleet};
use crate::support::pty::Pty;
use crate::support::requests::{CREATE, SEARCH_KEYS};
use crate::support::running::Running;
use crate::support::{TestEnv, answering_unknowns, contains, wait_until};

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;
const PENDING: &str = "[swp-keys 1a2b3c4d ops pending]";

/// A key whose run was interrupted 16 minutes ago on another machine.
fn add_pending(env: &TestEnv) -> ApiKey {
    let id = add(env, "a", |key| {
        key.description = Some(PENDING.to_owned());
        key.created -= 16 * MINUTE;
    });
    key_with_id(env, id)
}

fn key_with_id(env: &TestEnv, id: i64) -> ApiKey {
    let mut keys = env.sandbox.api_keys().into_iter();
    keys.find(|key| key.id == id).expect("a key")
}

/// Applies a plan that finishes work. The keys are edited before the plan is confirmed. Returns what the terminal shows.
fn apply_after(env: &TestEnv, edit: impl FnOnce(&TestEnv)) -> String {
    env.home.write("keys.toml", &fleet("a = {}"));
    confirm_after(env, edit)
}

/// Like [`apply_after`], with the present manifest.
fn confirm_after(env: &TestEnv, edit: impl FnOnce(&TestEnv)) -> String {
    let script = r#""$SWP_KEYS" apply -f keys.toml; echo "code $?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see("* a");
    terminal.see("Apply this plan?");
    edit(env);
    terminal.type_line("y");
    terminal.see("code 12");
    terminal.end()
}

fn no_secret_was_reset(env: &TestEnv) {
    let calls = env.calls();
    assert!(
        !calls.iter().any(|call| call.ends_with("/secretkey")),
        "{calls:?}"
    );
    assert_eq!(env.count(CREATE), 0);
}

#[test]
fn a_key_that_another_machine_has_finished_or_released_is_not_reset() {
    for description in [
        "[swp-keys 1a2b3c4d ops]",
        "mine",
        "[swp-keys 1a2b3c4d else]",
    ] {
        let env = TestEnv::new();
        let before = add_pending(&env);
        let shown = apply_after(&env, |env| {
            env.sandbox
                .edit_key(before.id, |key| key.description = Some(description.into()));
        });
        assert!(shown.contains("by someone else"), "{shown}");
        no_secret_was_reset(&env);
        assert_eq!(key(&env, "a").secret, before.secret, "{description}");
        assert_eq!(
            env.run(["recover", "--list"]).success(),
            "",
            "{description}"
        );
    }
}

/// A rotation sets the expiry of the old key after the delivery.
#[test]
fn a_rotation_that_another_machine_has_finished_is_left() {
    let env = TestEnv::new();
    let old = add(&env, "a", |key| {
        key.created -= 70 * DAY;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    let new = add(&env, "a", |key| {
        key.description = Some(format!("[swp-keys 1a2b3c4d ops after {old}]"));
        key.created -= 16 * MINUTE;
    });
    let before = key_with_id(&env, new);
    let shown = apply_after(&env, |env| {
        let end = before.created + 7 * DAY;
        env.sandbox.edit_key(old, |key| key.expiry_date = Some(end));
    });
    assert!(shown.contains("another run has delivered"), "{shown}");
    no_secret_was_reset(&env);
    assert_eq!(key_with_id(&env, new), before);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// This machine still has the record of its interrupted run.
#[test]
fn the_record_of_a_key_that_another_machine_has_finished_is_removed() {
    let text = fleet("a = { deliver-cmd = \"sh -c 'cat > a.key'\" }").replace("out-file", "#");
    let env = killed(&text);
    let before = key(&env, "a");
    let description = before.description.clone().unwrap_or_default();
    assert!(description.ends_with(" ops pending]"), "{description}");
    let confirmed = description.replace(" pending", "");
    let shown = confirm_after(&env, |env| {
        env.sandbox
            .edit_key(before.id, |key| key.description = Some(confirmed));
    });
    assert!(shown.contains("another run has delivered"), "{shown}");
    assert_eq!(key(&env, "a").secret, before.secret);
    env.run(APPLY).success();
    assert_eq!(key(&env, "a").secret, before.secret);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The record alone does not make a released key a key of the fleet.
#[test]
fn the_record_of_a_released_key_leads_to_no_reset() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &fleet("a = {}"));
    // The run is killed during the search after the creation, so its record contains the ID of the key.
    let slow = Action::Delay(Duration::from_secs(300));
    let fault = Fault::new("POST", "/api/apikeys/search", slow);
    env.sandbox.inject(Fault { nth: 2, ..fault });
    let run = Running::start(&mut env.home.command(APPLY));
    wait_until("the search is sent", || env.count(SEARCH_KEYS) >= 2);
    drop(run);
    env.sandbox.clear_faults();
    let before = key(&env, "a");
    let shown = confirm_after(&env, |env| {
        env.sandbox
            .edit_key(before.id, |key| key.description = Some("mine".into()));
    });
    assert!(shown.contains("no longer belongs to the fleet"), "{shown}");
    assert_ne!(env.run(["recover", "--list"]).success(), "");
    // The next plan shows it, so the record is removed.
    let result = env.run(APPLY);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &["does not belong to the fleet", "adopt = true"],
    );
    assert_eq!(key(&env, "a").secret, before.secret);
    assert!(!env.home.path("a.key").exists());
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The manager rejects every secret of the key, so the secret in the file may be correct.
#[test]
fn the_secret_of_a_locked_or_expired_key_is_not_replaced() {
    type Edit = fn(&mut ApiKey);
    let edits: [(Edit, &str, &[&str]); 2] = [
        (
            |key| key.active = false,
            "the key is locked",
            &["unlock-key", "1"],
        ),
        (
            |key| key.expiry_date = Some(key.created - DAY),
            "the key has expired",
            &["update-key", "1", "--expires", "90d"],
        ),
    ];
    for (edit, reason, fix) in edits {
        let env = TestEnv::with(answering_unknowns(&[("unusable-key", "401")]));
        let before = add_pending(&env);
        env.home.write_secret("a.key", &before.secret);
        env.sandbox.edit_key(before.id, edit);
        let text = fleet("a = {}");
        let result = apply(&env, &text, &[]);
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &[reason, "was not reset", &fix.join(" ")]);
        no_secret_was_reset(&env);
        assert_eq!(key(&env, "a").unsuccessful_sign_in_attempts, 0);
        // The hint works literally, and the secret is kept.
        env.run(fix).success();
        apply(&env, &text, &[]).success();
        let now = key(&env, "a");
        assert_eq!(
            (&now.secret, secret(&env, "a.key")),
            (&before.secret, now.secret.clone())
        );
    }
}
