//! Compares declared helm values with those in effect.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::desired::DesiredKdu;
use crate::observed::Operation;
use crate::secret::nested_value;
use crate::source_pos::SourcePos;

use super::drift::{ChangedBy, changed_by};

/// One value that is declared and not in effect, or the other way round, as it may be shown: secrets are
/// stars.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct ValueDifference {
    /// The parameter.
    pub key: String,
    /// What the file says; absent when it says nothing.
    pub declared: Option<Value>,
    /// What is in effect; absent when nothing is.
    pub observed: Option<Value>,
    /// Where the file says it, or where it would.
    pub at: SourcePos,
    /// The operation that changed it, when it had the declared value before.
    pub changed_by: Option<ChangedBy>,
}

/// Every declared value that differs from the one in effect, with what `history` tells of it.
pub(super) fn differences(
    kdu: &DesiredKdu,
    effective: &Map<String, Value>,
    history: &[Operation],
) -> Vec<ValueDifference> {
    let mut found = Vec::new();
    for ((key, declared), at) in kdu.params.iter().zip(&kdu.param_positions) {
        let observed = effective.get(key);
        if !observed.map_or(declared.is_null(), |observed| covers(observed, declared)) {
            found.push(ValueDifference {
                key: key.clone(),
                declared: Some(kdu.params.names().shown(key, declared)),
                observed: observed.map(|value| kdu.params.names().shown(key, value)),
                at: at.clone(),
                changed_by: observed.and_then(|value| changed_by(history, kdu, key, value)),
            });
        }
    }
    found
}

/// Every value in effect that no file declares, also inside of declared ones.
pub(super) fn leftovers(kdu: &DesiredKdu, effective: &Map<String, Value>) -> Vec<ValueDifference> {
    let mut found = Vec::new();
    collect_leftovers("", &kdu.params, effective, &mut |key: String, value: &Value| {
        let observed = Some(kdu.params.names().shown(&key, value));
        let at = kdu.name.1.clone();
        found.push(ValueDifference { key, declared: None, observed, at, changed_by: None });
    });
    found
}

fn collect_leftovers(
    path: &str,
    declared: &Map<String, Value>,
    effective: &Map<String, Value>,
    found: &mut dyn FnMut(String, &Value),
) {
    for (key, value) in effective {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match declared.get(key).map(unfolded) {
            None if value.is_null() => {}
            None => found(path, value),
            Some(declared) => {
                if let (Value::Object(declared), Value::Object(value)) =
                    (declared.as_ref(), unfolded(value).as_ref())
                {
                    collect_leftovers(&path, declared, value, found);
                }
            }
        }
    }
}

/// A nested value as it is meant, where OSM stores it as text.
fn unfolded(value: &Value) -> Cow<'_, Value> {
    let nested = value.as_str().and_then(nested_value);
    nested.map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Whether `observed` has all of `declared`: helm lays mappings over each other, so what is in effect inside
/// of them may be more.
fn covers(observed: &Value, declared: &Value) -> bool {
    match (unfolded(observed).as_ref(), unfolded(declared).as_ref()) {
        (Value::Object(observed), Value::Object(declared)) => {
            declared.iter().all(|(key, value)| {
                observed.get(key).map_or(value.is_null(), |observed| covers(observed, value))
            })
        }
        (observed, declared) => same(observed, declared),
    }
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

/// 2 to the power of 53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A number or text as a chart prints it; 1.0 and 1 are one number.
fn plain_text(value: &Value) -> String {
    match value {
        // Helm keeps numbers as floats, which are no more exact beyond this.
        Value::Number(number) if number.as_f64().is_some_and(|n| n.abs() >= EXACT_MAX) => {
            format!("{:.0}", number.as_f64().unwrap_or_default())
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => {
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
    use crate::ids::{KduName, MemberIndex};
    use crate::secret::{Params, SecretNames};
    use crate::tree::TreePath;
    use serde_json::json;

    fn kdu(declared: &Value, names: SecretNames) -> DesiredKdu {
        let at = SourcePos::whole(TreePath::root());
        let declared = declared.as_object().unwrap().clone();
        DesiredKdu {
            member: (MemberIndex::new("m").unwrap(), at.clone()),
            name: (KduName::new("k").unwrap(), at.clone()),
            model: None,
            param_positions: vec![at; declared.len()],
            params: Params::new(declared, names),
        }
    }

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
        check(json!(1.5), json!(2), false);
        check(json!(1.5), json!("1.5"), true);
        check(json!({"a": [1, "x"]}), json!({"a": ["1", "x"]}), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [1]}\n"), true);
        check(json!({"a": [1]}), json!("!!yaml {a: [2]}\n"), false);
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check(Value::Null, json!(""), false);
        check(Value::Null, Value::Null, true);
        check(json!([]), json!(""), false);
        check(json!(1e15), json!(1_000_000_000_000_000_u64), true);
        check(json!(1e15), json!(1_000_000_000_000_001_u64), false);
        check(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), true);
        check(json!(9_007_199_254_740_993_u64), json!(9.007199254740992e15), true);
        check(json!("9007199254740993"), json!("9007199254740992"), false);
        check(json!(9_007_199_254_740_991_u64), json!(9_007_199_254_740_990_u64), false);
    }

    #[test]
    fn secrets_are_compared_and_not_shown_nor_are_those_that_a_repository_names() {
        let declared = json!({"adminPassword": "a", "pinCode": "1"});
        let kdu = kdu(&declared, SecretNames::with(["pin"]));
        let effective = json!({"adminPassword": "b", "pinCode": "2", "oldPin": "3"});
        let effective = effective.as_object().unwrap();
        let found = [differences(&kdu, effective, &[]), leftovers(&kdu, effective)].concat();
        let shown: Vec<_> =
            found.into_iter().map(|found| (found.key, found.declared, found.observed)).collect();
        let stars = || Some(json!("***"));
        assert_eq!(
            shown,
            [
                ("adminPassword".to_owned(), stars(), stars()),
                ("pinCode".to_owned(), stars(), stars()),
                ("oldPin".to_owned(), None, stars()),
            ]
        );
    }

    #[test]
    fn what_is_in_effect_inside_of_a_declared_mapping_is_left_over_and_no_difference() {
        let declared = json!({"image": {"tag": "1", "pull": null}, "list": [{"a": 1}]});
        let kdu = kdu(&declared, SecretNames::default());
        let check = |effective: Value, differing: &[&str], left: &[&str]| {
            let effective = effective.as_object().unwrap();
            let keys = |found: Vec<ValueDifference>| -> Vec<String> {
                found.into_iter().map(|difference| difference.key).collect()
            };
            assert_eq!(keys(differences(&kdu, effective, &[])), differing, "{effective:?}");
            assert_eq!(keys(leftovers(&kdu, effective)), left, "{effective:?}");
        };
        check(json!({"image": {"tag": 1}, "list": [{"a": 1}]}), &[], &[]);
        check(
            json!({"image": {"tag": 1, "repo": "r"}, "list": [{"a": 1}], "debug": true, "x": null}),
            &[],
            &["image.repo", "debug"],
        );
        check(
            json!({"image": "!!yaml {tag: '1', repo: r}", "list": [{"a": 1}]}),
            &[],
            &["image.repo"],
        );
        check(json!({"image": {"tag": 1}, "list": [{"a": 1, "b": 2}]}), &["list"], &[]);
        check(json!({"image": "plain", "list": [{"a": 1}]}), &["image"], &[]);
    }
}
