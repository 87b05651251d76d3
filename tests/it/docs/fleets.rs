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
