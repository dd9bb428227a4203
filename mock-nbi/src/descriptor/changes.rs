//! Which parts of a descriptor may change while an NS uses it.
//!
//! Source: OSM NBI `descriptor_topics.py` (`_validate_descriptor_changes`), release 19; recorded
//! case `packages_updated_while_in_use`.

use serde_json::Value;

use super::Kind;
use super::unique::is_truthy;
use crate::problem::Problem;

/// Checks the descriptor of an upload against that of the upload before, both as they came.
///
/// Only primitives of day 1 and 2, scaling, healing and alarms may change, or anything with another
/// `software-version`.
///
/// # Errors
/// 422 that lists the places of other values; 400 where nothing has another value, but something
/// came, went, or is of another type.
pub(crate) fn check_changes(kind: Kind, old: &Value, new: &Value) -> Result<(), Problem> {
    if !is_truthy(Some(old)) || !is_truthy(Some(new)) {
        return Ok(());
    }
    if kind == Kind::Vnfd && software_version(old) != software_version(new) {
        return Ok(());
    }
    let mut changes = Changes::default();
    changes.compare(&without_changeable(kind, old), &without_changeable(kind, new), "");
    let (name, between, end) = match kind {
        Kind::Vnfd => ("VNF", " , ", ""),
        Kind::Nsd | Kind::Nst | Kind::ConfigTemplate => ("NS", ", ", " "),
    };
    if !changes.values.is_empty() {
        return Err(Problem::unprocessable(format!(
            "Error in validating new descriptor: {} cannot be modified, there are disallowed \
             changes in the {} descriptor.{end}",
            changes.values.join(between),
            name.to_lowercase(),
        )));
    }
    if changes.has_others {
        return Err(Problem::bad_request(format!(
            "{name} Descriptor could not be processed with error: 'NoneType' object has no \
             attribute 'keys'."
        )));
    }
    Ok(())
}

fn software_version(descriptor: &Value) -> Value {
    let inner = descriptor.get("vnfd").filter(|inner| is_truthy(Some(inner)));
    let version = inner.unwrap_or(descriptor).get("software-version");
    version.filter(|version| is_truthy(Some(version))).cloned().unwrap_or_else(|| "1.0".into())
}

/// The descriptor without what may change.
fn without_changeable(kind: Kind, descriptor: &Value) -> Value {
    let mut inner = descriptor;
    let key = if kind == Kind::Vnfd { "vnfd" } else { "nsd" };
    while let Some(below) = inner.get(key).filter(|below| is_truthy(Some(below))) {
        inner = below;
        if kind == Kind::Vnfd {
            break;
        }
    }
    let mut left = inner.get(0).unwrap_or(inner).clone();
    remove(&mut left, &["_admin"]);
    match kind {
        Kind::Vnfd => {
            for df in items(&mut left, "df") {
                remove(df, &["scaling-aspect", "healing-aspect"]);
                let operations = df
                    .get_mut("lcm-operations-configuration")
                    .and_then(|config| config.get_mut("operate-vnf-op-config"));
                if let Some(operations) = operations {
                    items(operations, "day1-2").for_each(|config| remove(config, PRIMITIVES));
                }
            }
            items(&mut left, "vdu").for_each(|vdu| remove(vdu, &["alarm", "monitoring-parameter"]));
        }
        Kind::Nsd | Kind::Nst | Kind::ConfigTemplate => {
            if let Some(configuration) = left.get_mut("ns-configuration") {
                remove(configuration, PRIMITIVES);
            }
        }
    }
    left
}

const PRIMITIVES: &[&str] =
    &["config-primitive", "initial-config-primitive", "terminate-config-primitive"];

fn items<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn remove(value: &mut Value, keys: &[&str]) {
    if let Some(fields) = value.as_object_mut() {
        for key in keys {
            fields.shift_remove(*key);
        }
    }
}

/// Differences as Python's `deepdiff` sorts them.
#[derive(Default)]
struct Changes {
    /// Places with another value of the same type: `['kdu'][0]['helm-chart']`.
    values: Vec<String>,
    /// Whether anything was added, removed, or is of another type.
    has_others: bool,
}

impl Changes {
    fn compare(&mut self, old: &Value, new: &Value, path: &str) {
        match (old, new) {
            (Value::Object(a), Value::Object(b)) => {
                self.has_others |= a.keys().any(|key| !b.contains_key(key));
                self.has_others |= b.keys().any(|key| !a.contains_key(key));
                for (key, old) in a {
                    if let Some(new) = b.get(key) {
                        self.compare(old, new, &format!("{path}['{key}']"));
                    }
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                self.has_others |= a.len() != b.len();
                for (index, (old, new)) in a.iter().zip(b).enumerate() {
                    self.compare(old, new, &format!("{path}[{index}]"));
                }
            }
            (old, new) if old == new => {}
            (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {
                self.values.push(path.to_owned());
            }
            (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => {
                self.values.push(path.to_owned());
            }
            _ => self.has_others = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(kind: Kind, old: &Value, new: &Value, expected: &str) {
        let got = check_changes(kind, old, new).map_or_else(|p| p.detail, |()| "fine".into());
        assert_eq!(got, expected);
    }

    #[test]
    fn only_policies_and_primitives_may_change() {
        let vnfd = |version: &str, primitive: &str| {
            json!({"vnfd": {"version": version, "df": [{"id": "d", "scaling-aspect": [version],
                "lcm-operations-configuration": {"operate-vnf-op-config": {"day1-2": [
                    {"id": "a", "config-primitive": [{"name": primitive}]}]}}}]}})
        };
        check(Kind::Vnfd, &vnfd("1", "a"), &vnfd("1", "b"), "fine");
        check(
            Kind::Vnfd,
            &vnfd("1", "a"),
            &vnfd("2", "a"),
            "Error in validating new descriptor: ['version'] cannot be modified, there are \
             disallowed changes in the vnf descriptor.",
        );
        check(
            Kind::Nsd,
            &json!({"nsd": {"nsd": [{"id": "a", "name": "b"}]}}),
            &json!({"nsd": {"nsd": [{"id": "x", "name": "y"}]}}),
            "Error in validating new descriptor: ['id'], ['name'] cannot be modified, there are \
             disallowed changes in the ns descriptor. ",
        );
    }

    #[test]
    fn another_software_version_excuses_everything() {
        let vnfd = |version: &str| json!({"id": version, "software-version": version});
        check(Kind::Vnfd, &vnfd("1"), &vnfd("2"), "fine");
        check(
            Kind::Vnfd,
            &json!({"id": "a", "software-version": "1.0"}),
            &json!({"id": "a"}),
            "VNF Descriptor could not be processed with error: 'NoneType' object has no attribute \
             'keys'.",
        );
    }

    #[test]
    fn a_number_of_another_kind_is_another_type() {
        let of = |value: Value| json!({"id": "a", "size": value});
        let changed = "Error in validating new descriptor: ['size'] cannot be modified, there are \
                       disallowed changes in the vnf descriptor.";
        let strange = "VNF Descriptor could not be processed with error: 'NoneType' object has no \
                       attribute 'keys'.";
        for (old, new, expected) in [
            (json!(1), json!(2), changed),
            (json!(1.5), json!(2.5), changed),
            (json!(1), json!(2.5), strange),
            (json!(true), json!(false), changed),
            (json!("1"), json!(1), strange),
            (json!([1]), json!([1, 2]), strange),
            (json!([1]), json!([1]), "fine"),
            (json!([1, 1]), json!([1]), strange),
            (json!([{"a": 1}]), json!([{"a": 1, "b": 1}]), strange),
        ] {
            check(Kind::Vnfd, &of(old), &of(new), expected);
        }
        let bare = json!({"id": "a"});
        check(Kind::Vnfd, &bare, &of(json!(1)), strange);
        check(Kind::Vnfd, &of(json!(1)), &bare, strange);
        check(Kind::Vnfd, &json!({}), &of(json!(1)), "fine");
        check(Kind::Vnfd, &of(json!(1)), &json!({}), "fine");
    }

    #[test]
    fn a_changed_value_is_told_by_its_place_in_lists() {
        let of = |size: u32| json!({"id": "a", "vdu": [{"id": "v"}, {"id": "w", "size": [size]}]});
        let changed = "Error in validating new descriptor: ['vdu'][1]['size'][0] cannot be \
                       modified, there are disallowed changes in the vnf descriptor.";
        check(Kind::Vnfd, &of(1), &of(2), changed);
    }
}
