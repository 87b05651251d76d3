//! Checks JSON documents against a JSON Schema. It supports the keywords that `docs/json.schema.json` uses, and panics for any other keyword.
//!
//! It is stricter than the standard: a property that no part of the schema names is an error, unless `additionalProperties` allows it. So the
//! schema can allow new fields of the manager, and the tests still find a field that is not documented.

use serde_json::{Map, Value};

/// A schema document with definitions below `$defs`.
pub(crate) struct Schema(Value);

/// The parts of a schema that apply to one value: the schema itself, what it refers to, and what `allOf` contains.
type Parts<'a> = Vec<&'a Map<String, Value>>;

impl Schema {
    /// Parses a schema document.
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("the schema is JSON"))
    }

    /// Returns the names of the definitions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let definitions = self.0["$defs"].as_object().expect("definitions");
        definitions.keys().map(String::as_str)
    }

    /// Returns the first difference between a document and a definition, or `None`.
    pub(crate) fn difference(&self, name: &str, document: &Value) -> Option<String> {
        self.check(&self.0["$defs"][name], document, name).err()
    }

    fn parts<'a>(&'a self, schema: &'a Value, parts: &mut Parts<'a>) {
        let schema = schema.as_object().expect("a schema is an object");
        parts.push(schema);
        if let Some(reference) = schema.get("$ref") {
            let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
            let target = pointer.and_then(|pointer| self.0.pointer(pointer));
            self.parts(target.expect("the definition exists"), parts);
        }
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.parts(part, parts);
        }
    }

    fn check(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let mut parts = Vec::new();
        self.parts(schema, &mut parts);
        for part in &parts {
            check_value(part, value, place)?;
            if let (Some(items), Some(values)) = (part.get("items"), value.as_array()) {
                for (index, value) in values.iter().enumerate() {
                    self.check(items, value, &format!("{place}[{index}]"))?;
                }
            }
        }
        match value.as_object() {
            Some(object) if parts.iter().any(|part| part.contains_key("type")) => {
                self.check_properties(&parts, object, place)
            }
            _ => Ok(()),
        }
    }

    fn check_properties(
        &self,
        parts: &Parts<'_>,
        object: &Map<String, Value>,
        place: &str,
    ) -> Result<(), String> {
        for (name, value) in object {
            let place = format!("{place}.{name}");
            let named = |part: &&Map<String, Value>| part.get("properties")?.get(name).cloned();
            let mut schemas: Vec<Value> = parts.iter().filter_map(named).collect();
            if schemas.is_empty() {
                let others = parts
                    .iter()
                    .filter_map(|part| part.get("additionalProperties"));
                schemas.extend(others.filter(|other| **other != false).cloned());
            }
            if schemas.is_empty() {
                return Err(format!("{place} is not in the schema"));
            }
            for schema in schemas.iter().filter(|schema| **schema != true) {
                self.check(schema, value, &place)?;
            }
        }
        Ok(())
    }
}

/// Checks the keywords that need no other schema.
fn check_value(part: &Map<String, Value>, value: &Value, place: &str) -> Result<(), String> {
    for (keyword, wanted) in part {
        let is_valid = match keyword.as_str() {
            "type" => match wanted {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of_kind(value, kind)),
                kind => is_of_kind(value, kind),
            },
            "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
            "const" => wanted == value,
            "required" if !value.is_object() => true,
            "required" => (wanted.as_array().into_iter().flatten())
                .all(|name| value.get(name.as_str().unwrap_or_default()).is_some()),
            "pattern" => {
                let pattern = regex::Regex::new(wanted.as_str().unwrap_or_default());
                let pattern = pattern.expect("a pattern");
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "$ref"
            | "allOf"
            | "properties"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "items"
            | "description" => true,
            other => panic!("the keyword {other} is not supported"),
        };
        if !is_valid {
            return Err(format!("{place} is {value}, but {keyword} is {wanted}"));
        }
    }
    Ok(())
}

fn is_of_kind(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not supported"),
    }
}
