//! An OsmDeployment as the watch tells of it: read, or not readable by this version. Pure.
//!
//! Invariant: one object that cannot be read is that object's trouble alone.

use std::sync::Arc;

use kube::api::DynamicObject;
use kube::core::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::crd::{OsmDeployment, OsmDeploymentStatus};

/// An OsmDeployment, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Declared {
    Readable(Arc<OsmDeployment>),
    Unreadable(Arc<Unreadable>),
}

/// An OsmDeployment of another version's shape, or one that somebody edited past the schema.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable {
    pub(super) metadata: ObjectMeta,
    /// As far as that can be read by itself.
    pub(super) status: Option<OsmDeploymentStatus>,
    /// What is wrong with it.
    pub(super) error: String,
}

impl Declared {
    /// Reads an object, without what Kubernetes remembers of who set what: that is long, and of no use here.
    pub(super) fn of(object: DynamicObject) -> Self {
        let DynamicObject { mut metadata, mut data, .. } = object;
        metadata.managed_fields = None;
        let spec = part(&mut data, "spec");
        let status = match data.get("status") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => part(&mut data, "status").map(Some),
        };
        match (spec, status) {
            (Ok(spec), Ok(status)) => {
                Self::Readable(Arc::new(OsmDeployment { metadata, spec, status }))
            }
            (Err(error), Ok(status)) => {
                Self::Unreadable(Arc::new(Unreadable { metadata, status, error }))
            }
            (_, Err(error)) => {
                Self::Unreadable(Arc::new(Unreadable { metadata, status: None, error }))
            }
        }
    }
}

fn part<T: DeserializeOwned>(data: &mut Value, key: &str) -> Result<T, String> {
    let part = data.get_mut(key).map(Value::take).unwrap_or_default();
    serde_json::from_value(part).map_err(|error| format!("its {key} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn declared(spec: &Value, status: &Value) -> Declared {
        let object = json!({
            "apiVersion": "osmops.io/v1alpha1", "kind": "OsmDeployment",
            "metadata": { "name": "a", "namespace": "ns", "managedFields": [{}] },
            "spec": spec, "status": status,
        });
        Declared::of(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn what_cannot_be_read_is_named_and_its_status_is_kept() {
        let spec = json!({
            "sourceRef": { "kind": "GitRepository", "name": "r" },
            "connection": { "secretRef": { "name": "s" } }, "interval": "10m",
        });
        let whole = declared(&spec, &Value::Null);
        assert!(matches!(&whole, Declared::Readable(object)
            if object.metadata.managed_fields.is_none() && object.spec.wait));
        let unreadable = |spec: &Value, status: Value| match declared(spec, &status) {
            Declared::Unreadable(object) => (object.error.clone(), object.status.clone()),
            Declared::Readable(object) => panic!("{object:?} was read"),
        };
        let mut odd = spec.clone();
        odd["sourceRef"]["kind"] = json!("Bucket");
        let (error, status) = unreadable(&odd, json!({ "owner": "ns/a" }));
        assert!(error.starts_with("its spec cannot be read: unknown variant `Bucket`"), "{error}");
        assert_eq!(status.unwrap().owner.as_deref(), Some("ns/a"));
        let (error, status) = unreadable(&spec, json!({ "inventory": 7 }));
        assert!(error.starts_with("its status cannot be read: invalid type"), "{error}");
        assert_eq!(status, None);
        let (error, _) = unreadable(&Value::Null, Value::Null);
        assert!(error.starts_with("its spec cannot be read: invalid type: null"), "{error}");
    }
}
