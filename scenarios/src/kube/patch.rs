//! Patches: merge patch, JSON patch, and server-side apply.

use serde_json::Value;

use super::kind::Kind;
use super::refusal::Refusal;

/// A patch that a request carries.
#[derive(Debug, Clone)]
pub(super) enum Patch {
    Merge(Value),
    Json(json_patch::Patch),
    Apply { object: Value, force: bool },
}

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

impl Patch {
    /// Reads a body of this type. A strategic merge patch of a built-in kind is taken as a merge patch where
    /// both mean the same: where it has neither lists nor directives.
    ///
    /// # Errors
    /// 415 for other types, 400 for what cannot be read.
    pub(super) fn read(
        kind: &Kind,
        media_type: &str,
        body: &[u8],
        force: bool,
    ) -> Result<Self, Refusal> {
        let is_custom = kind.definition.is_some();
        let json = || {
            serde_json::from_slice::<Value>(body).map_err(|e| Refusal::bad_request(e.to_string()))
        };
        match media_type {
            MERGE => Ok(Patch::Merge(json()?)),
            STRATEGIC if !is_custom => {
                let patch = json()?;
                if is_plain(&patch) {
                    return Ok(Patch::Merge(patch));
                }
                let message = "strategic merge patches with lists or directives are not understood here: use \
                               --server-side, or `kubectl replace`";
                Err(Refusal::unsupported(message))
            }
            JSON => serde_json::from_slice(body)
                .map(Patch::Json)
                .map_err(|error| Refusal::bad_request(error.to_string())),
            APPLY => serde_yaml::from_slice(body)
                .map(|object| Patch::Apply { object, force })
                .map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}"))),
            _ if is_custom => Err(Refusal::unsupported_media_type(&[JSON, MERGE, APPLY])),
            _ => Err(Refusal::unsupported_media_type(&[JSON, MERGE, STRATEGIC, APPLY])),
        }
    }

    /// What it makes of an object.
    ///
    /// # Errors
    /// 422, when it does not fit.
    pub(super) fn of(&self, mut object: Value) -> Result<Value, Refusal> {
        match self {
            Patch::Merge(patch) => json_patch::merge(&mut object, patch),
            Patch::Json(patch) => {
                json_patch::patch(&mut object, patch).map_err(|_| Refusal::unfit_patch())?;
            }
            Patch::Apply { object, .. } => return Ok(object.clone()),
        }
        Ok(object)
    }
}

fn is_plain(patch: &Value) -> bool {
    match patch {
        Value::Object(fields) => {
            fields.iter().all(|(name, value)| !name.starts_with('$') && is_plain(value))
        }
        Value::Array(_) => false,
        _ => true,
    }
}
