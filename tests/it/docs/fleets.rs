//! docs/fleets.md: its manifest is valid, and it lists every field.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Home, contains};

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

/// The first manifest of the page, with an expiry that is not in the past.
#[cfg(unix)]
fn first_manifest() -> String {
    let rest = PAGE.split_once("```toml\n").expect("a manifest").1;
    let block = rest.split("```").next().expect("its end");
    block.replace("2027-06-30", "2099-06-30")
}

#[cfg(unix)]
#[test]
fn the_first_manifest_of_the_page_is_applied() {
    use crate::support::{TestEnv, set_mode};
    let mut env = TestEnv::new();
    let role = serde_json::json!({"name": "SIEM Reader", "allowWebService": true});
    env.sandbox.add_role(&role).expect("a role");
    env.home.write("keys.toml", &first_manifest());
    set_mode(&env.home.path("keys.toml"), 0o644);
    std::fs::create_dir(env.home.path("bin")).expect("a folder");
    for (name, script) in [
        ("bin/vault", "#!/bin/sh\ncat > \"$HOME/vault\"\n"),
        (
            "bin/read-from-vault",
            "#!/bin/sh\ntest ! -e \"$HOME/vault\" || cat \"$HOME/vault\"\n",
        ),
    ] {
        let path = env.home.write(name, script);
        set_mode(&path, 0o755);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = env.home.path("bin").display().to_string();
    env.home.set("PATH", format!("{bin}:{path}"));
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
        ("siem", "vault"),
    ] {
        let key = keys.iter().find(|key| key.name.as_deref() == Some(name));
        let secret = &key.expect("the key").secret;
        assert!(
            crate::support::files::read(env.home.path(file)).contains(secret),
            "{name}"
        );
    }
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
