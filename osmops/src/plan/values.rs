//! Compares declared helm values with those in effect.

use serde_json::{Map, Value};

use crate::desired::DesiredKdu;
use crate::source_pos::SourcePos;

use super::redact::shown;

/// What OSM puts before a nested value that it stores as text.
///
/// Source: OSM NBI `instance_topics.py`, `_format_additional_params`.
const NESTED_PREFIX: &str = "!!yaml ";

/// One declared value that is not in effect, as it may be shown: secrets are stars.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ValueDifference {
    /// The parameter.
    pub key: String,
    /// What the file says.
    pub declared: Value,
    /// What is in effect; absent when nothing is.
    pub observed: Option<Value>,
    /// Where the file says it.
    pub at: SourcePos,
}

/// Every declared value that differs from the one in effect. Keys that nobody declared do not count.
pub(super) fn differences(
    kdu: &DesiredKdu,
    effective: &Map<String, Value>,
) -> Vec<ValueDifference> {
    let mut found = Vec::new();
    for ((key, declared), at) in kdu.params.iter().zip(&kdu.param_positions) {
        let observed = effective.get(key);
        if !same(declared, observed.unwrap_or(&Value::Null)) {
            found.push(ValueDifference {
                key: key.clone(),
                declared: shown(key, declared),
                observed: observed.map(|value| shown(key, value)),
                at: at.clone(),
            });
        }
    }
    found
}

/// Whether two sets of values are the same once OSM and helm have had them.
pub(super) fn same_values(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len()
        && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
}

/// Whether two values are the same to helm: `"2"` and `2` are, because OSM and helm hand numbers on as
/// text in places, and a nested value is the same as its text form.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => same_values(a, b),
        (Value::Array(_) | Value::Object(_), Value::String(text)) => same_as_text(a, text),
        (Value::String(text), Value::Array(_) | Value::Object(_)) => same_as_text(b, text),
        _ => scalar_text(a).is_some() && scalar_text(a) == scalar_text(b),
    }
}

fn same_as_text(nested: &Value, text: &str) -> bool {
    text.strip_prefix(NESTED_PREFIX)
        .and_then(|yaml| serde_yaml::from_str::<Value>(yaml).ok())
        .is_some_and(|value| same(nested, &value))
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(flag) => Some(flag.to_string()),
        // 1.0 and 1 are one number to helm.
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_that_helm_cannot_tell_apart_are_the_same() {
        let check = |a: Value, b: Value, expected: bool| {
            assert_eq!(same(&a, &b), expected, "{a} {b}");
            assert_eq!(same(&b, &a), expected, "{b} {a}");
        };
        check(json!("2"), json!(2), true);
        check(json!("2"), json!("3"), false);
        check(json!(true), json!("true"), true);
        check(json!(1.0), json!(1), true);
        check(json!({"a": [1, "x"]}), json!({"a": ["1", "x"]}), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [1]}\n"), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [2]}\n"), false);
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check(Value::Null, json!(""), true);
        check(json!([]), json!(""), false);
    }
}
