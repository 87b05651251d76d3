//! `plan --schema`: the JSON Schema, compared with the parser.

use serde_json::{Value, json};

use super::offline;
use crate::support::{Home, contains};

fn schema() -> Value {
    let result = Home::new().run(["plan", "--schema"]);
    let text = result.success();
    serde_json::from_str(text).expect("the schema is JSON")
}

/// Returns true if the schema accepts the value. It knows the words of draft 4 that the schema uses, and fails for any other.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let words = schema.as_object().expect("a schema");
    let list = |word: &Value| word.as_array().cloned().unwrap_or_default();
    words.iter().all(|(word, rule)| match word.as_str() {
        "$schema" | "title" | "description" | "definitions" | "additionalProperties" => true,
        "$ref" => {
            let path = rule.as_str().expect("a text").trim_start_matches('#');
            accepts(root, root.pointer(path).expect("a definition"), value)
        }
        "allOf" => list(rule).iter().all(|one| accepts(root, one, value)),
        "anyOf" => list(rule).iter().any(|one| accepts(root, one, value)),
        "enum" => list(rule).contains(value),
        "type" => match rule.as_str().expect("a text") {
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{other}"),
        },
        "minimum" => value
            .as_i64()
            .is_none_or(|number| Some(number) >= rule.as_i64()),
        "minItems" => {
            (value.as_array()).is_none_or(|items| Some(items.len() as u64) >= rule.as_u64())
        }
        "pattern" => value.as_str().is_none_or(|text| {
            let pattern = regex::Regex::new(rule.as_str().expect("a text")).expect("a pattern");
            pattern.is_match(text)
        }),
        "items" => list(value).iter().all(|item| accepts(root, rule, item)),
        "required" => list(rule)
            .iter()
            .all(|field| value.get(field.as_str().expect("a text")).is_some()),
        "properties" => {
            let others = schema.get("additionalProperties");
            value.as_object().is_none_or(|fields| {
                fields
                    .iter()
                    .all(|(name, value)| match (rule.get(name), others) {
                        (Some(rule), _) => accepts(root, rule, value),
                        (None, others) => others != Some(&json!(false)),
                    })
            })
        }
        other => panic!("{other} is not known here"),
    }) && schema
        .get("additionalProperties")
        .filter(|rule| rule.is_object())
        .is_none_or(|rule| {
            (value.as_object())
                .is_none_or(|fields| fields.values().all(|value| accepts(root, rule, value)))
        })
}

/// A value of every TOML type, and texts of several forms.
fn samples() -> Vec<Value> {
    let texts = [
        "90d",
        "30s",
        "2h",
        "never",
        "2027-01-31",
        "Europe/Berlin",
        "ja-JP",
        "rekey",
        "ops",
        "a b",
        "K_1",
        "eu",
        "",
        " ",
    ];
    let others = [
        json!(0),
        json!(7),
        json!(1.5),
        json!(true),
        json!(false),
        json!([]),
        json!(["a"]),
        json!(["a", 7]),
        json!({"a": 1}),
    ];
    texts.into_iter().map(Value::from).chain(others).collect()
}

/// A manifest with this field in the table of a key or in the defaults.
fn with_field(field: &str, value: &Value) -> Value {
    let mut key = json!({"role": "Auditor", "expires": "90d", "out-file": "ci.key"});
    match field {
        "role-id" => drop(key.as_object_mut().and_then(|key| key.shift_remove("role"))),
        "read-cmd" | "check-cmd" | "deliver-timeout" => key["deliver-cmd"] = "put".into(),
        "env-name" => key["dotenv"] = "env".into(),
        _ => {}
    }
    key[field] = value.clone();
    json!({"fleet": "ops", "keys": {"ci": key}})
}

fn fields_of_a_key() -> Vec<String> {
    let schema = schema();
    let fields = &schema["properties"]["keys"]["additionalProperties"]["properties"];
    let fields = fields.as_object().expect("an object");
    fields.keys().cloned().collect()
}

#[test]
fn the_schema_is_the_file_of_the_repository() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = crate::support::files::read(path.join("src/fleet/manifest/keys.schema.json"));
    let result = Home::new().run(["plan", "--schema"]);
    assert!(result.stdout == file, "the schema differs from the file");
    assert_eq!(
        schema()["$schema"],
        "http://json-schema.org/draft-04/schema#"
    );
}

#[test]
fn a_manifest_that_the_schema_rejects_is_rejected_by_the_parser() {
    let (home, schema) = (Home::new(), schema());
    for field in fields_of_a_key() {
        compare(&home, &schema, &field, with_field);
    }
}

/// A manifest with this field in the defaults, and a key that inherits it.
fn with_default(field: &str, value: &Value) -> Value {
    let mut manifest = with_field(field, value);
    let mut key = manifest["keys"]["ci"].take();
    let fields = key.as_object_mut().expect("a table");
    let own = fields.shift_remove(field);
    // The group of the field is inherited whole.
    let defaults = match field {
        "role" => json!({"role": own}),
        "out-file" | "dotenv" | "deliver-cmd" | "env-name" | "deliver-timeout" | "read-cmd"
        | "check-cmd" => {
            let mut places = json!({field: own});
            for place in ["out-file", "dotenv", "deliver-cmd"] {
                if let Some(other) = fields.shift_remove(place) {
                    places[place] = other;
                }
            }
            places
        }
        _ => json!({field: own}),
    };
    json!({"fleet": "ops", "defaults": defaults, "keys": {"ci": key}})
}

/// A manifest with this field in `[bridge]`.
fn with_bridge(field: &str, value: &Value) -> Value {
    let mut bridge = json!({"role-id": 2});
    bridge[field] = value.clone();
    json!({"fleet": "ops", "bridge": bridge})
}

/// Compares the schema and the parser for each sample of a field. The schema does not know durations, time zones and the other forms of texts.
fn compare(home: &Home, schema: &Value, field: &str, manifest_of: fn(&str, &Value) -> Value) {
    let mut accepted = 0;
    for value in samples() {
        let manifest = manifest_of(field, &value);
        let result = offline(home, &toml(&manifest));
        let is_valid = accepts(schema, schema, &manifest);
        let case = format!("{field} = {value}: {manifest}: {}", result.stderr);
        if result.code() == 0 {
            accepted += 1;
            assert!(is_valid, "{case}");
        } else {
            assert!(!is_valid || value.is_string(), "{case}");
        }
    }
    assert!(accepted > 0, "{field}");
}

#[test]
fn the_schema_and_the_parser_agree_on_the_defaults_and_the_bridge() {
    let (home, schema) = (Home::new(), schema());
    for (table, manifest_of) in [
        ("defaults", with_default as fn(&str, &Value) -> Value),
        ("bridge", with_bridge),
    ] {
        let fields = schema["properties"][table]["properties"].as_object();
        for field in fields.expect("an object").keys() {
            compare(&home, &schema, field, manifest_of);
        }
    }
}

#[test]
fn the_words_of_the_schema_are_the_words_of_the_parser() {
    let (home, schema) = (Home::new(), schema());
    let mut found = 0;
    for field in fields_of_a_key() {
        let rule = &schema["definitions"][format!("field-{field}")]["enum"];
        let Some(words) = rule.as_array() else {
            continue;
        };
        found += 1;
        for word in words {
            offline(&home, &toml(&with_field(&field, word))).success();
        }
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let wrong = offline(&home, &toml(&with_field(&field, &"x".into())));
        let expected = format!("`{field}`: expected one of: {}\n", words.join(", "));
        contains(wrong.failure(2), &[&expected]);
    }
    assert_eq!(found, 2);
}

/// Returns the fields that the parser knows in a table, from the hint for an unknown field.
fn fields_of_the_parser(home: &Home, manifest: &str) -> Vec<String> {
    let result = offline(home, manifest);
    let stderr = result.failure(2);
    let known = stderr.split("use one of: ").nth(1);
    let known = known.and_then(|rest| rest.lines().next());
    let known = known.unwrap_or_else(|| panic!("{stderr}"));
    let mut known: Vec<String> = known.split(", ").map(str::to_owned).collect();
    known.sort_unstable();
    known
}

#[test]
fn each_table_of_the_schema_has_the_fields_of_the_parser() {
    let (home, schema) = (Home::new(), schema());
    let properties = &schema["properties"];
    for (table, manifest) in [
        (properties, "zzz = 1\nfleet = \"ops\"\n"),
        (
            &properties["defaults"]["properties"],
            "fleet = \"ops\"\n[defaults]\nzzz = 1\n",
        ),
        (
            &properties["keys"]["additionalProperties"]["properties"],
            "fleet = \"ops\"\n[keys.ci]\nzzz = 1\n",
        ),
        (
            &properties["bridge"]["properties"],
            "fleet = \"ops\"\n[bridge]\nrole-id = 2\nzzz = 1\n",
        ),
    ] {
        let fields = table.as_object().expect("an object").keys();
        let mut fields: Vec<String> = fields.cloned().collect();
        fields.sort_unstable();
        assert_eq!(fields, fields_of_the_parser(&home, manifest));
    }
}

#[test]
fn the_schema_has_every_field_and_no_other() {
    let (home, schema) = (Home::new(), schema());
    let fields = fields_of_a_key();
    let defaults = schema["properties"]["defaults"]["properties"]
        .as_object()
        .expect("an object");
    assert_eq!(defaults.len(), fields.len() - 2);
    for name in ["name", "was"] {
        assert!(!defaults.contains_key(name), "{name}");
    }
    for (manifest, table) in [
        (json!({"fleet": "ops", "x": 1}), ""),
        (json!({"fleet": "ops", "defaults": {"x": 1}}), "defaults"),
        (json!({"fleet": "ops", "bridge": {"x": 1}}), "bridge"),
        (json!({"keys": {}}), ""),
    ] {
        assert!(!accepts(&schema, &schema, &manifest), "{table}");
        offline(&home, &toml(&manifest)).failure(2);
    }
}

#[test]
fn the_schema_is_printed_without_a_file_or_a_manager() {
    let home = Home::new();
    let result = home.run(["plan", "--schema", "-f", "keys.toml"]);
    contains(result.failure(2), &["--schema"]);
    assert_eq!(home.run(["plan", "--schema"]).stderr, "");
}

/// Writes a document of tables, lists and plain values as TOML.
fn toml(document: &Value) -> String {
    fn inline(value: &Value) -> String {
        match value {
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| format!("{name} = {}", inline(value)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(inline).collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        }
    }
    let fields = document.as_object().expect("an object").iter();
    fields
        .map(|(name, value)| format!("{name} = {}\n", inline(value)))
        .collect()
}
