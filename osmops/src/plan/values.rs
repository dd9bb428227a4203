//! Compares declared helm values with those in effect.

use serde_json::{Map, Value};

use crate::desired::DesiredKdu;
use crate::observed::Operation;
use crate::secret::nested_value;
use crate::source_pos::SourcePos;

use super::drift::{ChangedBy, changed_by};

/// One declared value that is not in effect, as it may be shown: secrets are stars.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct ValueDifference {
    /// The parameter.
    pub key: String,
    /// What the file says.
    pub declared: Value,
    /// What is in effect; absent when nothing is.
    pub observed: Option<Value>,
    /// Where the file says it.
    pub at: SourcePos,
    /// The operation that changed it, when it had the declared value before.
    pub changed_by: Option<ChangedBy>,
}

/// Every declared value that differs from the one in effect, with what `history` tells of it. Keys that
/// nobody declared do not count.
pub(super) fn differences(
    kdu: &DesiredKdu,
    effective: &Map<String, Value>,
    history: &[Operation],
) -> Vec<ValueDifference> {
    let mut found = Vec::new();
    for ((key, declared), at) in kdu.params.iter().zip(&kdu.param_positions) {
        let observed = effective.get(key);
        if !observed.map_or(declared.is_null(), |observed| same(declared, observed)) {
            found.push(ValueDifference {
                key: key.clone(),
                declared: kdu.params.names().shown(key, declared),
                observed: observed.map(|value| kdu.params.names().shown(key, value)),
                at: at.clone(),
                changed_by: observed.and_then(|value| changed_by(history, kdu, key, value)),
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

/// Whether two values are the same once OSM and helm have had them. Text and number are (`"2"` and `2`):
/// charts print both alike, and `osm` users write either. Text and boolean are not: to a chart `"false"` is
/// true. A nested value is the same as the text that OSM stores for it.
///
/// Source: helm's documentation, "The Chart Template Developer's Guide", control structures: a pipeline is
/// false when it is a boolean false, zero, empty text, null or an empty collection.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => same_values(a, b),
        (Value::Array(_) | Value::Object(_), Value::String(text)) => {
            nested_value(text).is_some_and(|nested| same(a, &nested))
        }
        (Value::String(text), Value::Array(_) | Value::Object(_)) => {
            nested_value(text).is_some_and(|nested| same(&nested, b))
        }
        (Value::Number(_) | Value::String(_), Value::Number(_) | Value::String(_)) => {
            plain_text(a) == plain_text(b)
        }
        (a, b) => a == b,
    }
}

/// A number or text as a chart prints it; 1.0 and 1 are one number.
fn plain_text(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
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
        check(json!(false), json!("false"), false);
        check(json!(1.0), json!(1), true);
        check(json!({"a": [1, "x"]}), json!({"a": ["1", "x"]}), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [1]}\n"), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [2]}\n"), false);
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check(Value::Null, json!(""), false);
        check(Value::Null, Value::Null, true);
        check(json!([]), json!(""), false);
    }
}
