//! What a CustomResourceDefinition's schema does to an object: unknown fields are dropped, defaults set, and
//! the rest checked. CEL rules are not evaluated.

use regex::Regex;
use serde_json::{Map, Value};

use super::refusal::Mistake;

/// What every object has, whatever its schema says of it.
const OWN: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Drops what the schema does not know, then sets its defaults. Everything of an object's own is kept.
pub(super) fn shape(object: &mut Value, schema: &Value) {
    let Some(fields) = object.as_object_mut() else { return };
    let own = OWN.map(|name| fields.shift_remove(name).map(|value| (name.to_owned(), value)));
    let mut rest = Value::Object(std::mem::take(fields));
    prune(&mut rest, schema);
    default_inside(&mut rest, schema);
    fields.extend(own.into_iter().flatten());
    if let Value::Object(rest) = rest {
        for (name, value) in rest {
            fields.entry(name).or_insert(value);
        }
    }
}

fn each_property(
    fields: &mut Map<String, Value>,
    schema: &Value,
    act: &mut impl FnMut(&mut Value, &Value),
) {
    for (name, value) in fields {
        if let Some(schema) = property(schema, name) {
            act(value, schema);
        }
    }
}

fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema["properties"]
        .get(name)
        .or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()))
}

fn prune(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let keeps_all = schema["x-kubernetes-preserve-unknown-fields"] == true
                || schema["additionalProperties"] == true;
            fields.retain(|name, _| keeps_all || property(schema, name).is_some());
            each_property(fields, schema, &mut prune);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, &schema["items"])),
        _ => {}
    }
}

fn set_defaults(fields: &mut Map<String, Value>, schema: &Value) {
    let properties = schema["properties"].as_object();
    for (name, schema) in properties.into_iter().flatten() {
        if fields.get(name).is_some_and(Value::is_null) && schema["nullable"] != true {
            fields.shift_remove(name);
        }
        if let (Some(default), false) = (schema.get("default"), fields.contains_key(name)) {
            fields.insert(name.clone(), default.clone());
        }
    }
    each_property(fields, schema, &mut default_inside);
}

fn default_inside(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => set_defaults(fields, schema),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| default_inside(item, &schema["items"]));
        }
        _ => {}
    }
}

/// What is wrong with an object that was brought into shape.
pub(super) fn mistakes(object: &Value, schema: &Value) -> Vec<Mistake> {
    let mut found = Vec::new();
    check(object, schema, "", &mut found);
    found
}

fn check(value: &Value, schema: &Value, at: &str, found: &mut Vec<Mistake>) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let wanted = schema["type"].as_str().unwrap_or_default();
    if !is_a(value, wanted, schema) {
        let shown = format!("{:?}", kind_of(value));
        let why = format!("{at} in body must be of type {wanted}: {shown}");
        found.push(Mistake::invalid(at, &shown, &why));
        return;
    }
    if let Some(choice) = schema["enum"].as_array()
        && !choice.contains(value)
    {
        let supported: Vec<String> = choice.iter().map(Value::to_string).collect();
        let supported = supported.join(", ");
        found.push(Mistake {
            field: at.to_owned(),
            reason: "FieldValueNotSupported",
            message: format!("Unsupported value: {value}: supported values: {supported}"),
        });
    }
    for why in limits(value, schema) {
        let why = format!("{at} in body {why}");
        found.push(Mistake::invalid(at, &value.to_string(), &why));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(item, &schema["items"], &format!("{at}[{index}]"), found);
            }
        }
        Value::Object(fields) => check_fields(fields, schema, at, found),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_fields(fields: &Map<String, Value>, schema: &Value, at: &str, found: &mut Vec<Mistake>) {
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            found.push(Mistake::required(below(name), ""));
        }
    }
    for (name, value) in fields {
        let is_own = at.is_empty() && OWN.contains(&name.as_str());
        if let Some(schema) = property(schema, name).filter(|_| !is_own) {
            check(value, schema, &below(name), found);
        }
    }
}

/// Which of a schema's limits a value does not keep.
fn limits(value: &Value, schema: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let limit = |name: &str| schema[name].as_u64();
    match value {
        Value::String(text) => {
            let length = text.chars().count() as u64;
            if let Some(min) = limit("minLength").filter(|min| length < *min) {
                broken.push(format!("should be at least {min} chars long"));
            }
            if let Some(max) = limit("maxLength").filter(|max| length > *max) {
                broken.push(format!("should be at most {max} chars long"));
            }
            if let Some(pattern) = schema["pattern"].as_str()
                && !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
            {
                broken.push(format!("should match '{pattern}'"));
            }
            if schema["format"] == "date-time" && humantime::parse_rfc3339(text).is_err() {
                broken.push(format!("must be of type date-time: {text:?}"));
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let bound = |name: &str| schema[name].as_f64();
            if let Some(min) = bound("minimum").filter(|min| number < *min) {
                broken.push(format!("should be greater than or equal to {min}"));
            }
            if let Some(max) = bound("maximum").filter(|max| number > *max) {
                broken.push(format!("should be less than or equal to {max}"));
            }
        }
        Value::Array(items) => {
            let count = items.len() as u64;
            if let Some(min) = limit("minItems").filter(|min| count < *min) {
                broken.push(format!("should have at least {min} items"));
            }
            if let Some(max) = limit("maxItems").filter(|max| count > *max) {
                broken.push(format!("should have at most {max} items"));
            }
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => {}
    }
    broken
}

fn is_a(value: &Value, wanted: &str, schema: &Value) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_i64() || value.is_string();
    }
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({ "type": "object", "required": ["spec"], "properties": {
            "metadata": { "type": "object" },
            "spec": { "type": "object", "required": ["size"], "properties": {
                "size": { "type": "integer", "minimum": 1 },
                "mode": { "type": "string", "enum": ["a", "b"], "default": "a" },
                "path": { "type": "string", "nullable": true },
                "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                "tags": { "type": "object", "additionalProperties": { "type": "string", "maxLength": 2 } },
            } },
        } })
    }

    #[test]
    fn unknown_fields_go_and_defaults_come() {
        let mut object = json!({ "kind": "X", "metadata": { "x": 1 }, "more": 1, "spec": {
            "size": 2, "mode": null, "path": null, "free": { "any": [1] }, "tags": { "a": "b" }, "other": 1,
        } });
        shape(&mut object, &schema());
        assert_eq!(
            object,
            json!({ "kind": "X", "metadata": { "x": 1 }, "spec": {
            "size": 2, "mode": "a", "path": null, "free": { "any": [1] }, "tags": { "a": "b" },
        } })
        );
        assert_eq!(mistakes(&object, &schema()), []);
    }

    #[test]
    fn mistakes_are_told_as_a_real_server_tells_them() {
        let told = |object: Value| -> Vec<String> {
            let told = |mistake: &Mistake| format!("{}: {}", mistake.field, mistake.message);
            mistakes(&object, &schema()).iter().map(told).collect()
        };
        assert_eq!(told(json!({})), ["spec: Required value"]);
        assert_eq!(
            told(json!({ "spec": { "size": "1", "mode": "c", "tags": { "a": "long" } } })),
            [
                "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
                "spec.mode: Unsupported value: \"c\": supported values: \"a\", \"b\"",
                "spec.tags.a: Invalid value: \"long\": spec.tags.a in body should be at most 2 chars long",
            ]
        );
        assert_eq!(
            told(json!({ "spec": { "size": 0 } })),
            ["spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"]
        );
    }
}
