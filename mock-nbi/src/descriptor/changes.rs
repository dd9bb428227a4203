//! Which parts of a descriptor may change while an NS uses it.

use serde_json::Value;

/// What of a descriptor in use differs and may not, as OSM lists it: `['version'] , ['kdu'][0]`.
///
/// Only parts for day 1 and 2, scaling, healing and alarms may change.
///
/// Source: recorded case `packages_updated_while_in_use`.
pub(crate) fn forbidden_changes(old: &Value, new: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    differences(old, new, "", &mut changes);
    changes
}

const CHANGEABLE: &[&str] = &[
    "lcm-operations-configuration",
    "scaling-aspect",
    "healing-aspect",
    "alarm",
    "monitoring-parameter",
    "_admin",
    "_id",
    "ns-configuration",
    "vnf-configuration",
];

fn differences(old: &Value, new: &Value, path: &str, out: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys.filter(|key| !CHANGEABLE.contains(&key.as_str())) {
                let inner = format!("{path}['{key}']");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &inner, out),
                    _ => out.push(inner),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let inner = format!("{path}[{index}]");
                match (a.get(index), b.get(index)) {
                    (Some(a), Some(b)) => differences(a, b, &inner, out),
                    _ => out.push(inner),
                }
            }
        }
        (a, b) if a != b => out.push(path.to_owned()),
        _ => {}
    }
}
