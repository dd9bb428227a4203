//! Whether OSM can have made one value of another.

use serde_json::{Map, Value};

/// Modules whose names OSM puts before identities, and the short forms that descriptors use.
///
/// Source: OSM IM, `etsi-nfv-descriptors.yang` and OSM's augments.
const MODULES: [&str; 5] =
    ["etsi-nfv-descriptors", "nfv", "descriptors", "vnf", "persistent-storage"];

/// Keys whose text is a decimal number, so that `4.5` becomes `4.5000`. Other texts are compared as numbers
/// only where they are whole ones: version `1.10` is not `1.1`.
///
/// Source: OSM IM; the leaves of type `decimal64`.
const DECIMALS: [&str; 7] = [
    "min-ram",
    "packet-loss-ratio",
    "scale-in-threshold",
    "scale-out-threshold",
    "size",
    "value",
    "value-decimal",
];

/// What OSM leaves out: no value, an empty list, an empty object.
pub(super) fn is_void(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_void),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A key without the name of its module. To OSM `product_name` is `product-name`.
pub(super) fn bare(key: &str) -> String {
    key.rsplit(':').next().unwrap_or(key).replace('_', "-")
}

pub(super) fn entry<'a>(map: &'a Map<String, Value>, key: &str) -> Option<(&'a String, &'a Value)> {
    let exact = map.get_key_value(key);
    exact.or_else(|| map.iter().find(|(other, _)| bare(other) == bare(key)))
}

/// The names of a list's items, where each has one of its own: its `id`, else its `name`.
pub(super) fn names(items: &[Value]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.get("id").or_else(|| item.get("name")).and_then(text_of)?;
        if names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// Whether OSM can have made `observed` of `declared`; `key` is that of the value, or of its list.
pub(super) fn same(key: &str, declared: &Value, observed: &Value) -> bool {
    match (declared, observed) {
        (Value::Object(declared), Value::Object(observed)) => {
            let has = |(key, value): (&String, &Value)| {
                is_void(value) || entry(observed, key).is_some_and(|(_, o)| same(key, value, o))
            };
            let is_declared = |(key, value): (&String, &Value)| {
                is_void(value) || entry(declared, key).is_some_and(|(_, d)| !is_void(d))
            };
            declared.iter().all(has) && observed.iter().all(is_declared)
        }
        (Value::Array(declared), Value::Array(observed)) => same_lists(key, declared, observed),
        (declared, Value::Array(observed)) => match observed.as_slice() {
            [one] => same(key, declared, one),
            _ => false,
        },
        (declared, observed) => same_words(key, declared, observed),
    }
}

fn same_lists(key: &str, declared: &[Value], observed: &[Value]) -> bool {
    // OSM takes the same plain value once.
    let mut distinct: Vec<&Value> = Vec::new();
    for item in declared {
        let is_plain = !item.is_object() && !item.is_array();
        if !(is_plain && distinct.contains(&item)) {
            distinct.push(item);
        }
    }
    let by_index = |declared: &[&Value]| {
        declared.len() == observed.len()
            && declared.iter().zip(observed).all(|(d, o)| same(key, d, o))
    };
    if let Some((names, others)) = names(declared).zip(names(observed)) {
        return names.len() == others.len()
            && names.iter().zip(declared).all(|(name, item)| {
                let found = others.iter().position(|other| other == name);
                found.and_then(|at| observed.get(at)).is_some_and(|o| same(key, item, o))
            });
    }
    by_index(&distinct) || by_index(&declared.iter().collect::<Vec<_>>())
}

fn same_words(key: &str, declared: &Value, observed: &Value) -> bool {
    if declared == observed {
        return true;
    }
    if let (Value::Bool(flag), other) | (other, Value::Bool(flag)) = (declared, observed) {
        let words = if *flag { ["true", "True", "1"] } else { ["false", "False", "0"] };
        return text_of(other).is_some_and(|text| words.contains(&text.as_str()));
    }
    match (declared, observed) {
        (Value::Number(number), Value::Number(_) | Value::String(_)) => {
            same_numbers(declared, observed) || is_cut_to(number, observed)
        }
        (Value::String(_), Value::Number(_)) => same_numbers(declared, observed),
        (Value::String(a), Value::String(b)) => {
            let is_number = DECIMALS.contains(&bare(key).as_str()) || b.parse::<i128>().is_ok();
            without_module(a) == without_module(b)
                || (is_number && same_numbers(declared, observed))
        }
        _ => false,
    }
}

fn without_module(text: &str) -> &str {
    match text.split_once(':') {
        Some((module, rest)) if MODULES.contains(&module) => rest,
        _ => text,
    }
}

fn same_numbers(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (text_of(a), text_of(b)) else {
        return false;
    };
    // Python reads numbers with blanks around and underscores inside.
    let plain = |text: &str| text.trim().replace('_', "");
    let (a, b) = (plain(&a), plain(&b));
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a.parse::<f64>().is_ok_and(|a| b.parse::<f64>() == Ok(a)),
    }
}

/// Where the model has whole numbers, OSM cuts the fraction off.
fn is_cut_to(declared: &serde_json::Number, observed: &Value) -> bool {
    let whole = text_of(observed).and_then(|text| text.parse::<i64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "fractions have fewer digits")]
    whole.is_some_and(|whole| {
        declared.is_f64() && declared.as_f64().map(f64::trunc) == Some(whole as f64)
    })
}

/// A value of one piece as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_the_same_when_osm_can_have_made_the_one_of_the_other() {
        let check = |key: &str, declared: Value, observed: Value, expected: bool| {
            assert_eq!(same(key, &declared, &observed), expected, "{key}: {declared} {observed}");
        };
        check("version", json!(1.1), json!("1.1"), true);
        check("version", json!("1.10"), json!("1.1"), false);
        check("version", json!("1.0"), json!("1.0.0"), false);
        check("version", json!(true), json!("True"), true);
        check("version", json!(false), json!("True"), false);
        check("mgmt-network", json!("true"), json!(true), true);
        check("mgmt-network", json!("yes"), json!(true), false);
        check("size-of-storage", json!(" 4 "), json!("4"), true);
        check("size-of-storage", json!(4), json!("5"), false);
        check("size-of-storage", json!("9007199254740993"), json!("9007199254740992"), false);
        let (odd, even) = (9_007_199_254_740_993_u64, 9_007_199_254_740_992_u64);
        check("position", json!(odd), json!(even), false);
        check("position", json!(odd), json!(even.to_string()), false);
        check("position", json!(4.7), json!(4), true);
        check("position", json!(2.5), json!("2"), true);
        check("position", json!(2.5), json!(3), false);
        check("value", json!("4.5"), json!("4.5000"), true);
        check("type-of-storage", json!("nfv:root-storage"), json!("root-storage"), true);
        check("helm-chart", json!("stable/x:1"), json!("1"), false);
        check("helm-chart", json!("vnf:1"), json!("other:1"), false);
        check("virtual-storage-desc", json!("s"), json!(["s"]), true);
        check("virtual-storage-desc", json!("s"), json!(["s", "t"]), false);
        check("vnfd-id", json!(["a", "a"]), json!(["a"]), true);
        check("vnfd-id", json!(["a", "b"]), json!(["b", "a"]), false);
        check("placement", json!([{"a": 1}, {"a": 1}]), json!([{"a": 1}]), false);
        let kdus = json!([{"name": "a", "helm-chart": "x"}, {"name": "b", "juju-bundle": null}]);
        check("kdu", kdus.clone(), json!([{"name": "b"}, {"name": "a", "helm-chart": "x"}]), true);
        check("kdu", kdus.clone(), json!([{"name": "b"}, {"name": "a", "helm-chart": "y"}]), false);
        check("kdu", kdus, json!([{"name": "a", "helm-chart": "x"}]), false);
        check("df", json!({"product_name": 1, "x": []}), json!({"product-name": "1"}), true);
        check("df", json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check("df", json!({"a": {}}), json!({}), true);
        check("df", json!(null), json!(""), false);
    }
}
