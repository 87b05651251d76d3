//! The layout of tables and lists. It is in `snapshots/tables/`.

use serde_json::json;
use swp_keys::sandbox::{CertificateKind, Settings};

use crate::support::snapshot::snapshot_file;
use crate::support::{RunResult, TestEnv};

const DAY: i64 = 86_400_000;

/// Returns a manager with keys in every state, and a role with some permissions.
fn env() -> TestEnv {
    let rights = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
    let role = json!({
        "name": "Viewer", "ID": 9, "description": "Views keys", "allowWebService": true, "rights": rights
    });
    let env = TestEnv::with(Settings {
        roles: vec![role],
        ..Settings::default()
    });
    let sandbox = &env.sandbox;
    for (name, role) in [("ci", 2), ("nightly-build", 9), ("old", 1), ("locked", 2)] {
        sandbox.add_key(name, role);
    }
    let now = sandbox.now();
    sandbox.edit_key(2, |key| {
        key.description = Some("Builds of the night".to_owned());
        key.expiry_date = Some(now + 30 * DAY + DAY / 2);
        key.last_sign_in = Some(now - DAY / 2 - 600_000);
    });
    sandbox.edit_key(3, |key| key.expiry_date = Some(now - DAY - 600_000));
    sandbox.edit_key(4, |key| key.active = false);
    env
}

#[track_caller]
fn compare(name: &str, result: &RunResult) {
    let text = format!("{}{}", result.stdout, result.stderr);
    snapshot_file(&format!("tables/{name}"), &text);
}

#[test]
fn keys_and_roles() {
    let env = env();
    for (name, arguments) in [
        ("list-keys", &["list-keys"][..]),
        ("list-roles", &["list-roles"]),
        ("show-key", &["show-key", "nightly-build"]),
        ("show-role", &["show-role", "Viewer"]),
        (
            "update-key",
            &["update-key", "ci", "--name", "new", "--dry-run"],
        ),
        ("rotate-key", &["rotate-key", "nightly-build", "--dry-run"]),
        (
            "create-key",
            &["create", "--role", "Auditor", "--name", "x", "--dry-run"],
        ),
        ("whoami", &["whoami"]),
        ("config-show", &["config", "show"]),
        ("doctor", &["doctor", "--sign-in"]),
    ] {
        let result = env.run(arguments);
        result.success();
        compare(name, &result);
    }
    compare(
        "delete-key",
        &env.run(["delete-key", "ci", "77", "--yes", "--if-missing", "ok"]),
    );
}

#[test]
fn a_checked_key() {
    let mut env = env();
    let key = env.sandbox.api_keys()[1].secret.clone();
    let file = env.home.write_secret("key", &key);
    env.home.set("SWP_API_KEY_FILE", file);
    compare("verify-key", &env.run(["verify-key"]));
}

#[test]
fn a_certificate() {
    let mut env = TestEnv::with(Settings {
        certificate: CertificateKind::SelfSigned,
        ..Settings::default()
    });
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env.home.unset("SWP_CA_CERT");
    compare("trust-show", &env.run(["trust", "show"]));
    env.run(["trust", "add", "--tls-accept-new"]).success();
    compare("trust-list", &env.run(["trust", "list"]));
}

/// Tables on terminals of three widths. Generated names have 33 characters.
#[cfg(unix)]
#[test]
fn terminals_of_three_widths() {
    use crate::support::pty::Pty;
    let env = env();
    let sandbox = &env.sandbox;
    let now = sandbox.now();
    let default_name = "Full-Access-20261128T100000-0a1b2";
    assert_eq!(default_name.len(), 33);
    for number in 5..=7 {
        sandbox.add_key(default_name, 1);
        sandbox.edit_key(number, |key| {
            key.expiry_date = Some(now + (number - 1) * DAY + DAY / 2);
            key.created = now - 100 * DAY;
            key.last_sign_in = Some(now - 3 * DAY - DAY / 2);
        });
    }
    for (name, command) in [
        ("list-keys", "list-keys"),
        ("list-roles", "list-roles"),
        ("find-role", "find-role --like '%udit%'"),
        (
            "list-keys-columns",
            "list-keys --columns id,name,expires --sort expires",
        ),
        ("show-key", "show-key nightly-build"),
        ("show-role", "show-role Viewer"),
        ("config-show", "config show"),
        ("whoami", "whoami"),
    ] {
        for width in [60, 80, 120] {
            let script = format!(r#"stty cols {width}; "$SWP_KEYS" {command}"#);
            let screen = Pty::start(&env.home, &script).end();
            let screen = screen.replace('\x1b', "ESC");
            snapshot_file(&format!("tables/{width}/{name}"), &screen);
        }
    }
}

/// The colors of the state obey `NO_COLOR` and `--color`.
#[cfg(unix)]
#[test]
fn colors_on_a_terminal() {
    use crate::support::pty::Pty;
    let env = env();
    let red = "\x1b[31mlocked\x1b[0m";
    for (script, is_colored) in [
        (r#""$SWP_KEYS" list-keys"#, true),
        (r#""$SWP_KEYS" list-keys --color never"#, false),
        (r#"NO_COLOR=1 "$SWP_KEYS" list-keys"#, false),
        (r#"NO_COLOR=1 "$SWP_KEYS" list-keys --color always"#, true),
        (r#"TERM=dumb "$SWP_KEYS" list-keys"#, false),
    ] {
        let script = format!("unset NO_COLOR; export TERM=xterm; {script}");
        let screen = Pty::start(&env.home, &script).end();
        assert_eq!(screen.contains(red), is_colored, "{script}: {screen}");
        assert!(screen.contains("4 keys"), "{screen}");
    }
    let quiet = Pty::start(&env.home, r#""$SWP_KEYS" list-keys -q"#).end();
    assert!(!quiet.contains("4 keys"), "{quiet}");
}
