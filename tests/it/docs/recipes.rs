//! docs/recipes.md: every command works, and has the effect that the recipe describes.

use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{ApiKey, Settings};

use super::pages::{Case, a_month_passes, adapt, check_complete, run, run_script, scripts, set_up};
use crate::support::TestEnv;

const RECIPES: &str = include_str!("../../../docs/recipes.md");

const DELIVERY: &[Case] = &[
    Case {
        heading: "Recipes",
        ..Case::READS
    },
    Case {
        heading: "Write the secret to a file",
        secrets: &["dsm.key"],
        ..Case::CREATES
    },
    Case {
        heading: "Set one line of a .env file",
        secrets: &[".env"],
        ..Case::CREATES
    },
    Case {
        heading: "Print a line for a shell",
        secrets: &["ds.env"],
        ..Case::CREATES
    },
    Case {
        heading: "Read the secret with jq",
        ..Case::CREATES
    },
    Case {
        heading: "Deliver it to several places",
        secrets: &["dsm.key", ".env", "vault"],
        ..Case::CREATES
    },
    Case {
        heading: MIGRATION,
        prepare: |env| {
            let role = json!({"name": "Deep Security Migration", "allowWebService": true});
            env.sandbox.add_role(&role).expect("a role");
        },
        ..Case::READS
    },
    Case {
        heading: "Handle errors in a script",
        ..Case::READS
    },
];

const MIGRATION: &str = "Create a key for the migration wizard";

const SIGN_IN: &[Case] = &[
    Case {
        heading: "Read the password from a password store",
        prepare: |env| env.home.unset("SWP_PASSWORD_FILE"),
        ..Case::CREATES
    },
    Case {
        heading: "Sign in with a second factor",
        manager: || Settings {
            mfa_code: Some("123456".to_owned()),
            ..Settings::default()
        },
        // A code works only once.
        between: |env| {
            env.sandbox
                .change(|settings| settings.mfa_code = Some("654321".to_owned()));
            env.home.write("bin/oathtool", "#!/bin/sh\necho 654321\n");
        },
        ..Case::CREATES
    },
    Case {
        heading: "Sign in with an existing API key",
        prepare: forget_sign_in,
        ..Case::CREATES
    },
    Case {
        heading: "Sign in once for several commands",
        ..Case::CREATES
    },
    Case {
        heading: "Work with several managers or tenants",
        prepare: |env| {
            forget_sign_in(env);
            // The certificate that the profiles name.
            let folder = env.home.path(".config/swp-keys");
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::copy(env.home.path("manager.pem"), folder.join("prod.pem")).expect("a copy");
            env.home.unset("SWP_CA_CERT");
            env.home.unset("SWP_URL");
        },
        ..Case::CREATES
    },
    Case {
        heading: "Continue after rejected sign-ins",
        ..Case::READS
    },
    Case {
        heading: "Trust a self-signed certificate",
        ..Case::CREATES
    },
    Case {
        heading: "Connect through a proxy",
        ..Case::READS
    },
    Case {
        heading: "Wait for a manager that is starting",
        ..Case::CREATES
    },
];

const LIFE: &[Case] = &[
    Case {
        heading: "Create a key only if it is missing",
        secrets: &["dsm.key"],
        ..Case::CREATES
    },
    Case {
        heading: "Rotate a key from cron",
        secrets: &["dsm.key"],
        prepare: add_reporting,
        between: a_month_passes,
        ..Case::CREATES
    },
    Case {
        heading: "Keep the keys as a file declares them",
        secrets: &["secrets/reporting.key"],
        prepare: |env| {
            let text = "fleet = \"payments\"\n[keys.reporting]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"secrets/{name}.key\"\n";
            env.home.write("keys.toml", text);
        },
        ..Case::CREATES
    },
    Case {
        heading: "Replace a secret without an overlap",
        secrets: &[".env", "dsm-admin.key"],
        prepare: add_reporting,
        ..Case::READS
    },
    Case {
        heading: "Fail a pipeline before a key expires",
        prepare: add_reporting,
        ..Case::READS
    },
    Case {
        heading: "Run one command with a temporary key",
        ..Case::READS
    },
    Case {
        heading: "Change, lock or delete a key",
        keys: -1,
        between: |env| drop(env.sandbox.add_key("nightly", 2)),
        ..Case::READS
    },
    Case {
        heading: "Find keys in a list",
        ..Case::READS
    },
    Case {
        heading: UNUSED,
        keys: -2,
        prepare: |env| {
            for name in ["old", "older"] {
                add_unused(env, name);
            }
        },
        ..Case::READS
    },
    Case {
        heading: "Compare roles",
        ..Case::READS
    },
    Case {
        heading: "Recover from an interrupted run",
        ..Case::READS
    },
    Case {
        heading: "Test a pipeline without a manager",
        ..Case::READS
    },
    Case {
        heading: "Install completions and the manual",
        ..Case::READS
    },
];

const UNUSED: &str = "Find and delete unused keys";

fn add_reporting(env: &mut TestEnv) {
    env.sandbox.add_key("reporting", 2);
}

pub(super) fn forget_sign_in(env: &mut TestEnv) {
    env.home.unset("SWP_USERNAME");
    env.home.unset("SWP_PASSWORD_FILE");
}

/// Adds a key that was created 91 days ago and never used.
fn add_unused(env: &TestEnv, name: &str) -> ApiKey {
    let key = env.sandbox.add_key(name, 2);
    let age = Duration::from_secs(91 * 86_400).as_millis();
    let age = i64::try_from(age).expect("a number of milliseconds");
    env.sandbox.edit_key(key.id, |key| key.created -= age);
    key
}

#[test]
fn each_recipe_has_a_case() {
    check_complete(RECIPES, [DELIVERY, SIGN_IN, LIFE].into_iter().flatten());
}

#[test]
fn recipes_that_deliver_a_secret_work() {
    run(RECIPES, DELIVERY);
}

#[test]
fn recipes_for_signing_in_and_for_the_network_work() {
    run(RECIPES, SIGN_IN);
}

#[test]
fn recipes_for_keys_over_time_work() {
    run(RECIPES, LIFE);
}

/// Runs each command about unused keys separately.
#[test]
fn unused_keys_are_locked_and_only_locked_ones_are_deleted() {
    let command = |part: &str| -> String {
        let scripts = scripts(RECIPES, UNUSED);
        let found = scripts.iter().find(|script| script.contains(part));
        found.expect("a command of the recipe").clone()
    };
    let after = |script: &str, locked: &[&str]| -> Vec<(String, bool)> {
        let mut env = TestEnv::new();
        set_up(&mut env);
        for name in ["old", "older"] {
            let key = add_unused(&env, name);
            let active = !locked.contains(&name);
            env.sandbox.edit_key(key.id, |key| key.active = active);
        }
        run_script(&env, &adapt(&env, script)).success();
        (env.sandbox.api_keys().into_iter())
            .map(|key| (key.name.unwrap_or_default(), key.active))
            .collect()
    };
    let named = |name: &str, active| (name.to_owned(), active);
    let used = [named("the administrator's", true), named("nightly", true)];
    let locked = after(&command("swp-keys lock-key"), &[]);
    let expected = [named("old", false), named("older", false)];
    assert_eq!(locked, [&used[..], &expected[..]].concat());
    let left = after(&command("--stale 90d --locked"), &["old"]);
    assert_eq!(left, [&used[..], &[named("older", true)]].concat());
}
