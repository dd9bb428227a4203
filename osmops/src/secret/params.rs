//! Helm values that show no secret.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use super::SecretNames;

/// Helm values by key, in the order of the file. Prints and serialises as it may be shown; the values
/// themselves are for OSM.
#[derive(Clone, Default, PartialEq)]
pub struct Params {
    values: Map<String, Value>,
    names: SecretNames,
}

impl Params {
    /// Values, and which of them are secret.
    pub fn new(values: Map<String, Value>, names: SecretNames) -> Self {
        Self { values, names }
    }

    /// The values themselves.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Which names are secret.
    pub fn names(&self) -> &SecretNames {
        &self.names
    }

    /// The values as they may be shown.
    pub fn shown(&self) -> Map<String, Value> {
        self.names.shown_map(&self.values)
    }
}

impl Deref for Params {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.values
    }
}

impl JsonSchema for Params {
    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Values by key; what is named like a secret is `***`.",
        })
    }
}

impl Serialize for Params {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_sent_and_never_shown() {
        let values = json!({"adminPassword": "hunter2", "replicas": 2});
        let params = Params::new(values.as_object().unwrap().clone(), SecretNames::default());
        assert_eq!(params["adminPassword"], "hunter2");
        let shown = [serde_json::to_string(&params).unwrap(), format!("{params:?}")].concat();
        assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
    }

    #[test]
    fn the_schema_of_values_takes_a_mapping_and_nothing_else() {
        let schema = serde_json::to_value(schemars::schema_for!(Params)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&json!({"adminPassword": "***", "replicas": 2})));
        assert!(!validator.is_valid(&json!(["replicas"])));
        assert!(!validator.is_valid(&json!("replicas")));
    }
}
