//! `apply`: a key that someone else changes between the plan and the work is left alone.

use swp_keys::sandbox::ApiKey;

use super::apply::key;
use super::duplicates::{secret_of, two};
use super::plan::{add, add_used, fleet, with_keys};
use crate::support::TestEnv;
use crate::support::pty::Pty;

const DAY: i64 = 86_400_000;

/// Applies the manifest on a terminal, and changes something on the manager while the plan is on the screen. Returns the output.
#[track_caller]
fn apply_after(
    env: &TestEnv,
    text: &str,
    flags: &str,
    change: impl FnOnce(),
    code: &str,
) -> String {
    env.home.write("keys.toml", text);
    let script = format!(r#""$SWP_KEYS" apply -f keys.toml {flags}; echo "code $?""#);
    let mut terminal = Pty::start(&env.home, &script);
    terminal.see("Apply this plan?");
    change();
    terminal.type_line("y");
    terminal.see(code);
    terminal.end()
}

fn by_id(env: &TestEnv, id: i64) -> Option<ApiKey> {
    let keys = env.sandbox.api_keys();
    keys.into_iter().find(|key| key.id == id)
}

/// A fleet with a key that is 61 days old, with its secret in its file.
fn aged() -> (TestEnv, i64) {
    let env = TestEnv::new();
    let id = add(&env, "a", |key| {
        key.created -= 61 * DAY;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    env.home.write_secret("a.key", &key(&env, "a").secret);
    (env, id)
}

#[test]
fn a_rotation_leaves_a_key_that_was_changed_meanwhile() {
    type Change = fn(&mut ApiKey);
    let changes: [(&str, Change); 5] = [
        ("released", |key| key.description = Some("mine".into())),
        ("of another fleet", |key| {
            key.description = Some("[swp-keys 00000001 else]".into())
        }),
        ("locked", |key| key.active = false),
        ("expires soon", |key| {
            key.expiry_date = key.expiry_date.map(|expiry| expiry - 28 * DAY)
        }),
        ("renamed", |key| {
            key.name = Some("a (retiring 2027-01-01T00:00Z)".into())
        }),
    ];
    for (case, change) in changes {
        let (env, id) = aged();
        let text = fleet("a = { rotate = \"60d\" }");
        let before = std::cell::OnceCell::new();
        let meanwhile = || {
            env.sandbox.edit_key(id, change);
            before.set(env.sandbox.api_keys()).expect("one change");
        };
        let shown = apply_after(&env, &text, "", meanwhile, "code 12");
        assert!(shown.contains("changed by someone else"), "{case}: {shown}");
        assert_eq!(Some(&env.sandbox.api_keys()), before.get(), "{case}");
        assert_eq!(env.run(["recover", "--list"]).success(), "", "{case}");
    }
}

/// Something else may be written to a destination while the plan is on the screen.
#[test]
fn a_file_that_got_other_content_meanwhile_is_not_replaced() {
    type Env = fn() -> TestEnv;
    let cases: [(&str, Env); 3] = [
        ("a = { rotate = \"60d\" }", || aged().0),
        ("a = { on-missing = \"rekey\" }", || with_keys(&["a"])),
        ("a = {}", TestEnv::new),
    ];
    for (keys, env) in cases {
        let env = env();
        let before = env.sandbox.api_keys();
        let other = "two\nlines\n";
        let meanwhile = || {
            env.home.write("a.key", other);
        };
        let shown = apply_after(&env, &fleet(keys), "", meanwhile, "code 12");
        assert!(shown.contains("cannot get the secret"), "{keys}: {shown}");
        let content = std::fs::read_to_string(env.home.path("a.key")).expect("the file");
        assert_eq!(content, other, "{keys}");
        assert_eq!(env.sandbox.api_keys(), before, "{keys}");
        assert_eq!(env.run(["recover", "--list"]).success(), "", "{keys}");
    }
}

#[test]
fn a_rotation_creates_no_successor_of_a_key_that_was_deleted_meanwhile() {
    let (env, id) = aged();
    let text = fleet("a = { rotate = \"60d\" }");
    let meanwhile = || assert!(env.sandbox.remove_key(id));
    let shown = apply_after(&env, &text, "", meanwhile, "code 12");
    assert!(shown.contains("deleted by someone else"), "{shown}");
    assert_eq!(env.sandbox.api_keys(), []);
}

/// The old key loses its marker after its successor was created.
#[test]
fn the_old_key_of_a_rotation_is_not_changed_after_its_release() {
    let (env, id) = aged();
    let script = env.home.path("release");
    // The command waits until the test has released the old key.
    let text = fleet(
        "a = { rotate = \"60d\", deliver-cmd = \"sh -c 'cat > a.key; touch delivering; until [ -e release ]; do sleep 0.05; done'\" }",
    )
    .replace("out-file", "#");
    env.home.write("keys.toml", &text);
    let run = crate::support::running::Running::start(&mut env.home.command([
        "apply",
        "-f",
        "keys.toml",
        "--no-look",
    ]));
    let delivering = env.home.path("delivering");
    crate::support::wait_until("the secret is delivered", || delivering.exists());
    env.sandbox
        .edit_key(id, |key| key.description = Some("mine".into()));
    let before = by_id(&env, id);
    std::fs::write(script, "").expect("a file");
    let result = run.finish();
    result.success();
    crate::support::contains(&result.stderr, &["no longer belongs to the fleet"]);
    assert_eq!(by_id(&env, id), before);
    assert_eq!(env.sandbox.api_keys().len(), 2);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

#[test]
fn a_reset_leaves_a_key_that_was_locked_meanwhile() {
    let env = with_keys(&["a"]);
    let id = key(&env, "a").id;
    let text = fleet("a = { on-missing = \"rekey\" }");
    let secret = key(&env, "a").secret;
    let meanwhile = || {
        env.sandbox.edit_key(id, |key| key.active = false);
    };
    apply_after(&env, &text, "", meanwhile, "code 12");
    assert_eq!(key(&env, "a").secret, secret);
}

#[test]
fn a_key_that_was_used_meanwhile_is_pruned_only_if_that_is_allowed() {
    for (flags, count) in [("", 3), ("--prune-used", 2)] {
        let env = with_keys(&["a", "b"]);
        let id = key(&env, "b").id;
        env.sandbox.edit_key(id, |key| key.created -= 30 * DAY);
        add_used(&env);
        let now = env.sandbox.now();
        env.home.write_secret("a.key", &key(&env, "a").secret);
        let meanwhile = || {
            env.sandbox.edit_key(id, |key| key.last_sign_in = Some(now));
        };
        let code = if count == 3 { "code 12" } else { "code 0" };
        let flags = format!("--prune {flags}");
        let shown = apply_after(&env, &fleet("a = {}"), &flags, meanwhile, code);
        assert_eq!(shown.contains("was used during this run"), count == 3);
        assert_eq!(env.sandbox.api_keys().len(), count, "{flags}");
    }
}

/// The secret of the other key is at the destination, but this key no longer works.
#[test]
fn neither_of_two_keys_is_deleted_if_one_of_them_was_changed_meanwhile() {
    type Change = fn(&TestEnv, i64, i64);
    let changes: [(&str, Change); 5] = [
        ("deleted", |env, kept, _| {
            env.sandbox.remove_key(kept);
        }),
        ("locked", |env, kept, _| {
            env.sandbox.edit_key(kept, |key| key.active = false);
        }),
        ("expired", |env, kept, _| {
            let now = env.sandbox.now();
            env.sandbox
                .edit_key(kept, |key| key.expiry_date = Some(now - 1));
        }),
        ("released", |env, kept, _| {
            env.sandbox
                .edit_key(kept, |key| key.description = Some("mine".into()));
        }),
        ("used", |env, _, unneeded| {
            let now = env.sandbox.now();
            env.sandbox
                .edit_key(unneeded, |key| key.last_sign_in = Some(now));
        }),
    ];
    for (case, change) in changes {
        let (env, kept, unneeded) = two();
        env.home.write_secret("a.key", &secret_of(&env, kept));
        let meanwhile = || change(&env, kept, unneeded);
        apply_after(&env, &fleet("a = {}"), "", meanwhile, "code 12");
        assert!(by_id(&env, unneeded).is_some(), "{case}");
    }
}
