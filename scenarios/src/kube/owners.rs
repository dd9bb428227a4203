//! Server-side apply: who set which field, what an apply takes away, and what it may not take over.
//!
//! Kept for each object and never shown: `metadata.managedFields` stays empty. Lists of built-in kinds count
//! as wholes, except finalizers; of custom kinds as their schema says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Who set which fields of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Owners(Vec<Owner>);

#[derive(Debug, Clone, PartialEq)]
struct Owner {
    manager: String,
    /// By applying; otherwise by creating, updating or patching.
    applies: bool,
    paths: BTreeSet<Path>,
}

type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(String),
    /// The item of a list that has these keys.
    Item(Vec<(String, String)>),
    /// The item of a set, as JSON.
    Member(String),
}

/// What an apply makes of an object, or the conflicts that stand against it: managers and fields.
pub(super) type Applied = Result<Value, Vec<(String, String)>>;

impl Owners {
    /// A manager wrote the object as a whole: what it changed is its own from now on.
    pub(super) fn wrote(
        &mut self,
        manager: &str,
        before: Option<&Value>,
        after: &Value,
        schema: &Value,
    ) {
        let old = before.map(|object| leaves(object, schema)).unwrap_or_default();
        let new = leaves(after, schema);
        let changed: BTreeSet<Path> = new
            .iter()
            .filter(|(path, value)| old.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        for owner in &mut self.0 {
            owner.paths.retain(|path| new.contains_key(path) && !changed.contains(path));
        }
        self.entry(manager, false).paths.extend(changed);
        self.0.retain(|owner| !owner.paths.is_empty());
    }

    /// A manager applies: its fields are as it says, and those that it says no more are gone unless another
    /// one set them too.
    pub(super) fn apply(
        &mut self,
        manager: &str,
        current: &Value,
        applied: &Value,
        schema: &Value,
        force: bool,
    ) -> Applied {
        let wanted = leaves(applied, schema);
        let differs = |path: &Path, value: &Value| {
            matches!(path.last(), Some(Step::Field(_))) && found(current, path) != Some(value)
        };
        let disputed: BTreeSet<&Path> = wanted
            .iter()
            .filter(|(path, value)| differs(path, value))
            .map(|(path, _)| path)
            .collect();
        let mut conflicts = Vec::new();
        for owner in self.0.iter().filter(|owner| !(owner.applies && owner.manager == manager)) {
            let theirs = owner.paths.iter().filter(|path| disputed.contains(path));
            conflicts.extend(theirs.map(|path| (owner.manager.clone(), shown(path))));
        }
        if !conflicts.is_empty() && !force {
            return Err(conflicts);
        }
        for owner in self.0.iter_mut().filter(|owner| !(owner.applies && owner.manager == manager))
        {
            owner.paths.retain(|path| !disputed.contains(path));
        }
        let paths: BTreeSet<Path> = wanted.into_keys().collect();
        let before = std::mem::replace(&mut self.entry(manager, true).paths, paths);
        let mut object = current.clone();
        // An item goes before what is inside it, which it is found by.
        for path in &before {
            if !self.0.iter().any(|owner| owner.paths.contains(path)) {
                remove(&mut object, path);
            }
        }
        merge(&mut object, applied, schema);
        self.0.retain(|owner| !owner.paths.is_empty());
        Ok(object)
    }

    fn entry(&mut self, manager: &str, applies: bool) -> &mut Owner {
        let is_it = |owner: &Owner| owner.manager == manager && owner.applies == applies;
        let index = self.0.iter().position(is_it).unwrap_or_else(|| {
            self.0.push(Owner { manager: manager.to_owned(), applies, paths: BTreeSet::new() });
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

/// Every field that somebody can own, and its value; an item's or member's presence counts as one.
fn leaves(object: &Value, schema: &Value) -> BTreeMap<Path, Value> {
    let mut all = BTreeMap::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        let path = vec![Step::Field(name.clone())];
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
                    if let Some(value) = value.get(name) {
                        let path = vec![path[0].clone(), Step::Field(name.to_owned())];
                        collect(value, &metadata_schema(name), path, &mut all);
                    }
                }
            }
            _ => collect(value, &schema["properties"][name], path, &mut all),
        }
    }
    all
}

fn metadata_schema(name: &str) -> Value {
    match name {
        "finalizers" => json!({ "x-kubernetes-list-type": "set" }),
        "ownerReferences" => {
            json!({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"] })
        }
        _ => Value::Null,
    }
}

fn collect(value: &Value, schema: &Value, path: Path, all: &mut BTreeMap<Path, Value>) {
    let below = |step: Step| {
        let mut path = path.clone();
        path.push(step);
        path
    };
    match (value, schema["x-kubernetes-list-type"].as_str()) {
        (Value::Object(fields), _)
            if !fields.is_empty() && schema["x-kubernetes-map-type"] != "atomic" =>
        {
            for (name, value) in fields {
                collect(value, field_schema(schema, name), below(Step::Field(name.clone())), all);
            }
        }
        (Value::Array(items), Some("map")) => {
            for item in items {
                let path = below(Step::Item(keys_of(item, schema)));
                all.insert(path.clone(), Value::Null);
                collect(item, &schema["items"], path, all);
            }
        }
        (Value::Array(items), Some("set")) => {
            for item in items {
                all.insert(below(Step::Member(json_of(item))), Value::Null);
            }
        }
        _ => {
            all.insert(path, value.clone());
        }
    }
}

fn field_schema<'a>(schema: &'a Value, name: &str) -> &'a Value {
    schema["properties"].get(name).unwrap_or(&schema["additionalProperties"])
}

fn keys_of(item: &Value, schema: &Value) -> Vec<(String, String)> {
    let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
    keys.filter_map(Value::as_str).map(|key| (key.to_owned(), json_of(&item[key]))).collect()
}

/// What keys and members are told by.
fn json_of(value: &Value) -> String {
    value.to_string()
}

fn is_item(item: &Value, keys: &[(String, String)]) -> bool {
    keys.iter().all(|(key, value)| json_of(&item[key]) == *value)
}

fn found<'a>(object: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(object, |at, step| match step {
        Step::Field(name) => at.get(name),
        Step::Item(keys) => at.as_array()?.iter().find(|item| is_item(item, keys)),
        Step::Member(member) => at.as_array()?.iter().find(|item| json_of(item) == *member),
    })
}

fn remove(object: &mut Value, path: &[Step]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(object, |at, step| match step {
        Step::Field(name) => at.get_mut(name),
        Step::Item(keys) => at.as_array_mut()?.iter_mut().find(|item| is_item(item, keys)),
        Step::Member(_) => None,
    });
    match (parent, last) {
        (Some(Value::Object(fields)), Step::Field(name)) => {
            fields.shift_remove(name);
        }
        (Some(Value::Array(items)), Step::Item(keys)) => items.retain(|item| !is_item(item, keys)),
        (Some(Value::Array(items)), Step::Member(member)) => {
            items.retain(|item| json_of(item) != *member);
        }
        _ => {}
    }
}

fn merge(object: &mut Value, applied: &Value, schema: &Value) {
    for (name, value) in applied.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => object[name] = value.clone(),
            "metadata" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    merge_value(&mut object["metadata"][name], value, &metadata_schema(name));
                }
            }
            _ => merge_value(&mut object[name], value, &schema["properties"][name]),
        }
    }
}

fn merge_value(into: &mut Value, value: &Value, schema: &Value) {
    match (value, schema["x-kubernetes-list-type"].as_str()) {
        (Value::Object(fields), _) if schema["x-kubernetes-map-type"] != "atomic" => {
            if !into.is_object() {
                *into = json!({});
            }
            for (name, value) in fields {
                merge_value(&mut into[name], value, field_schema(schema, name));
            }
        }
        (Value::Array(items), Some(how @ ("map" | "set"))) => {
            if !into.is_array() {
                *into = json!([]);
            }
            let Some(all) = into.as_array_mut() else { return };
            for item in items {
                let keys = keys_of(item, schema);
                let is_it = |other: &&mut Value| {
                    if how == "set" { *other == item } else { is_item(other, &keys) }
                };
                match all.iter_mut().find(is_it) {
                    Some(there) => merge_value(there, item, &schema["items"]),
                    None => all.push(item.clone()),
                }
            }
        }
        _ => *into = value.clone(),
    }
}

/// As refusals show it: `.status.conditions[type="Ready"].message`.
fn shown(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Item(keys) => {
            let keys: Vec<String> =
                keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        Step::Member(member) => format!("[={member}]"),
    };
    path.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({ "properties": { "status": { "properties": {
            "conditions": { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] },
            "names": { "x-kubernetes-list-type": "atomic" },
        } } } })
    }

    fn condition(kind: &str, status: &str) -> Value {
        json!({ "type": kind, "status": status })
    }

    #[test]
    fn what_is_applied_no_more_goes_unless_another_set_it() {
        let (mut owners, schema) = (Owners::default(), schema());
        let first = json!({ "status": { "plan": "x", "names": ["a"],
            "conditions": [condition("Ready", "True"), condition("Stalled", "True")] } });
        let object = owners.apply("us", &json!({}), &first, &schema, false).unwrap();
        assert_eq!(object, first);
        let theirs =
            json!({ "status": { "plan": "x", "conditions": [condition("Other", "True")] } });
        let object = owners.apply("them", &object, &theirs, &schema, false).unwrap();
        let second =
            json!({ "status": { "names": ["b"], "conditions": [condition("Ready", "False")] } });
        let object = owners.apply("us", &object, &second, &schema, false).unwrap();
        assert_eq!(
            object,
            json!({ "status": { "plan": "x", "names": ["b"],
            "conditions": [condition("Ready", "False"), condition("Other", "True")] } })
        );
    }

    #[test]
    fn what_others_set_is_taken_over_by_force_alone() {
        let (mut owners, schema) = (Owners::default(), schema());
        let written = json!({ "status": { "conditions": [condition("Ready", "True")] } });
        owners.wrote("them", None, &written, &schema);
        let ours = json!({ "status": { "conditions": [condition("Ready", "False")] } });
        let conflicts = owners.apply("us", &written, &ours, &schema, false).unwrap_err();
        assert_eq!(
            conflicts,
            [("them".to_owned(), ".status.conditions[type=\"Ready\"].status".to_owned())]
        );
        let object = owners.apply("us", &written, &ours, &schema, true).unwrap();
        assert_eq!(object, ours);
        // Ours now, until somebody writes over it.
        assert!(owners.apply("us", &object, &written, &schema, false).is_ok());
        owners.wrote("them", Some(&written), &ours, &schema);
        assert!(owners.apply("us", &ours, &written, &schema, false).is_err());
    }
}
