//! docs/fleets.md: its manifests are valid and are applied, and it lists every field.

use std::collections::BTreeSet;

use serde_json::Value;

#[cfg(unix)]
use crate::support::profiles::{configure, profile, unset_manager};
#[cfg(unix)]
use crate::support::set_mode;
use crate::support::{Home, TestEnv, contains};

const PAGE: &str = include_str!("../../../docs/fleets.md");

#[test]
fn the_manifest_of_the_page_is_valid() {
    let blocks = PAGE.split("```toml\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let home = Home::new();
        home.write("keys.toml", block);
        let result = home.run(["plan", "-f", "keys.toml", "--offline"]);
        result.success();
        contains(&result.stderr, &["keys.toml is valid"]);
    }
}

/// A manifest of the page, with an expiry that is not in the past.
#[cfg(unix)]
fn manifest(number: usize) -> String {
    let rest = PAGE.split("```toml\n").nth(number).expect("a manifest");
    let block = rest.split("```").next().expect("its end");
    block.replace("2027-06-30", "2099-06-30")
}

/// Adds the commands of the manifests, which store secrets in the folder `vault`.
#[cfg(unix)]
fn add_vault(env: &mut TestEnv) {
    std::fs::create_dir(env.home.path("bin")).expect("a folder");
    let store = "#!/bin/sh\nfile=\"$HOME/vault/$4\"\nmkdir -p \"${file%/*}\"\ncat > \"$file\"\n";
    let read = "#!/bin/sh\ntest ! -e \"$HOME/vault/$1\" || cat \"$HOME/vault/$1\"\n";
    for (name, script) in [("bin/vault", store), ("bin/read-from-vault", read)] {
        let path = env.home.write(name, script);
        set_mode(&path, 0o755);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = env.home.path("bin").display().to_string();
    env.home.set("PATH", format!("{bin}:{path}"));
}

#[cfg(unix)]
#[test]
fn the_first_manifest_of_the_page_is_applied() {
    let mut env = TestEnv::new();
    let role = serde_json::json!({"name": "SIEM Reader", "allowWebService": true});
    env.sandbox.add_role(&role).expect("a role");
    env.home.write("keys.toml", &manifest(1));
    set_mode(&env.home.path("keys.toml"), 0o644);
    add_vault(&mut env);
    let apply = env.run(["apply", "-f", "keys.toml"]);
    contains(apply.success(), &[": 5 done"]);
    let plan = env.run(["plan", "-f", "keys.toml", "--exit-code"]);
    contains(plan.success(), &["5 keys are as declared"]);
    let keys = env.sandbox.api_keys();
    for (name, file) in [
        ("reporting", "secrets/reporting.key"),
        ("grafana", "grafana.env"),
        ("backup", "secrets/backup.key"),
        ("break glass", "secrets/break glass.key"),
        ("siem", "vault/dsm/siem"),
    ] {
        let key = keys.iter().find(|key| key.name.as_deref() == Some(name));
        let secret = &key.expect("the key").secret;
        assert!(
            crate::support::files::read(env.home.path(file)).contains(secret),
            "{name}"
        );
    }
}

/// `rotate-key` with the destinations of the key leaves the key as the manifest declares it.
#[cfg(unix)]
#[test]
fn a_key_is_rotated_at_once_by_the_command_of_the_page() {
    let env = TestEnv::new();
    let text = "fleet = \"payments\"\n[keys.reporting]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"secrets/reporting.key\"\n";
    env.home.write("keys.toml", text);
    env.run(["apply", "-f", "keys.toml"]).success();
    let line = PAGE
        .lines()
        .find(|line| line.contains("rotate-key reporting"));
    let words = line.expect("the command").split(' ').skip(1);
    env.run(words).success();
    assert_eq!(env.sandbox.api_keys().len(), 2);
    let plan = env.run(["plan", "-f", "keys.toml", "--exit-code", "--verify"]);
    contains(plan.success(), &["1 key is as declared"]);
}

#[cfg(unix)]
#[test]
fn the_second_manifest_of_the_page_is_applied_on_three_managers() {
    let (mut eu, us, ap) = (TestEnv::new(), TestEnv::new(), TestEnv::new());
    let mut profiles = profile(&eu, "eu");
    for (name, env) in [("us", &us), ("ap", &ap)] {
        let certificate = format!("{name}.pem");
        eu.home.write(&certificate, env.sandbox.certificate_pem());
        let text = profile(env, name);
        profiles += &text.replace("../manager.pem", &format!("../{certificate}"));
    }
    configure(&mut eu.home, &profiles);
    unset_manager(&mut eu.home);
    add_vault(&mut eu);
    let text = manifest(2)
        .replace("role-id = 7", "role-id = 2")
        .replace("role-id = 12", "role-id = 2");
    eu.home.write("keys.toml", &text);
    let apply = eu.run(["apply", "-f", "keys.toml"]);
    contains(apply.success(), &["fleet edge on 3 managers", ": 5 done"]);
    let plan = eu.run(["plan", "-f", "keys.toml", "--exit-code", "--verify"]);
    plan.success();
    for (env, profile, names) in [
        (&eu, "eu", &["inventory", "siem"][..]),
        (&us, "us", &["inventory", "siem"]),
        (&ap, "ap", &["inventory"]),
    ] {
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), names.len(), "{profile}");
        for key in keys {
            let name = key.name.as_deref().expect("a name");
            let stored = format!("vault/dsm/{profile}/{name}");
            let stored = crate::support::files::read(eu.home.path(&stored));
            assert_eq!(stored.trim_end(), key.secret, "{profile} {name}");
        }
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn the_manifest_with_tenants_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    let block = PAGE.split("```toml\n").nth(3).expect("a third manifest");
    let block = block.split("```").next().expect("its end");
    env.home.write("keys.toml", block);
    for command in ["plan", "apply"] {
        let result = env.run([command, "-f", "keys.toml"]);
        contains(result.failure(2), &["--offline"]);
    }
    assert_eq!(env.sandbox.requests().len(), 0);
}

#[test]
fn the_page_lists_every_field() {
    let rows = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| field |"));
    let listed: BTreeSet<String> = rows
        .skip(2)
        .map_while(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next().map(str::to_owned))
        .collect();
    let schema = Home::new().run(["plan", "--schema"]).json();
    let fields = &schema["properties"]["keys"]["additionalProperties"]["properties"];
    let fields = fields
        .as_object()
        .map(|fields| fields.keys().cloned().collect());
    assert_eq!(fields, Some(listed));
    assert!(matches!(schema, Value::Object(_)));
}
