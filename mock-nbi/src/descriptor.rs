//! What OSM demands of a VNFD or NSD, as far as it is checked here: the envelope, the top-level
//! keys, types of well-known leaves, unique ids, and references inside the descriptor.
//!
//! Pure. Source: NBI_FACTS.md sections 7 and 8; recorded cases `vnf_invalid_descriptors` and
//! `nsd_invalid`.

mod changes;
mod references;

use std::collections::HashSet;

use serde_json::Value;

use crate::problem::Problem;
use crate::python::{self, repr_str};
use crate::state::db::{list, text};

pub(crate) use changes::forbidden_changes;
pub(crate) use references::check_references;

/// Which of the two descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vnfd,
    Nsd,
}

const VNFD_KEYS: &[&str] = &[
    "id",
    "invariant-id",
    "provider",
    "product-name",
    "software-version",
    "version",
    "product-info-name",
    "description",
    "vnfm-info",
    "localization-language",
    "default-localization-language",
    "configurable-properties",
    "modifiable-attributes",
    "lifecycle-management-script",
    "elem-group",
    "element-group",
    "indicator",
    "auto-scale",
    "vdu",
    "virtual-compute-desc",
    "virtual-storage-desc",
    "sw-image-desc",
    "int-virtual-link-desc",
    "ext-cpd",
    "int-cpd",
    "security-group-rule",
    "security",
    "df",
    "mgmt-cp",
    "k8s-cluster",
    "kdu",
    "vnf-configuration",
    "logo",
    "short-name",
    "ip-profiles",
    "healing-aspect",
    "healing-group-descriptor",
    "signature",
    "algorithm",
    "certificate",
];

const NSD_KEYS: &[&str] = &[
    "id",
    "designer",
    "version",
    "name",
    "invariant-id",
    "vnfd-id",
    "pnfd-id",
    "nested-nsd-id",
    "sapd",
    "virtual-link-desc",
    "vnffgd",
    "autoscale-rule",
    "lifecycle-management-script",
    "df",
    "security",
    "signature",
    "algorithm",
    "certificate",
    "description",
    "short-name",
    "vendor",
    "logo",
    "ip-profiles",
    "ns-configuration",
    "key-pair",
    "monitoring-param",
];

/// Leaves that OSM's model types as text (`version: 1.0` becomes `'1.0'`).
const TEXT_LEAVES: &[&str] = &[
    "id",
    "version",
    "product-name",
    "provider",
    "description",
    "name",
    "designer",
    "software-version",
    "mgmt-cp",
];
/// Leaves of type decimal: `1.0` becomes `'1'`.
const DECIMAL_LEAVES: &[&str] = &["size", "size-of-storage"];
/// Leaves of type boolean.
const BOOL_LEAVES: &[&str] = &["mgmt-network"];

/// Keys of the envelopes of a kind: those of SOL006, and those of the format before.
fn envelopes(kind: Kind) -> ([&'static str; 2], [&'static str; 2]) {
    match kind {
        Kind::Vnfd => (["etsi-nfv-vnfd:vnfd", "vnfd"], ["vnfd-catalog", "vnfd:vnfd-catalog"]),
        Kind::Nsd => (["etsi-nfv-nsd:nsd", "nsd"], ["nsd-catalog", "nsd:nsd-catalog"]),
    }
}

/// Whether a descriptor comes in the envelope of this kind, in either format.
pub(crate) fn has_envelope(kind: Kind, content: &Value) -> bool {
    let (new, old) = envelopes(kind);
    new.iter().chain(&old).any(|key| content.get(key).is_some())
}

/// Takes the descriptor out of its envelope.
///
/// # Errors
/// 400 for an envelope of the wrong type, 422 for a format older than SOL006.
pub(crate) fn remove_envelope(kind: Kind, content: &Value) -> Result<Value, Problem> {
    let (new, old) = envelopes(kind);
    if !content.is_object() {
        return Err(no_attribute(python::type_name(content)));
    }
    if old.iter().any(|key| content.get(key).is_some()) {
        return Err(Problem::unprocessable(
            "ERROR: Unsupported descriptor format. Please, use an ETSI SOL006 descriptor.",
        ));
    }
    let Some(inner) = new.iter().find_map(|key| truthy(content.get(key))) else {
        return Ok(content.clone());
    };
    match kind {
        Kind::Vnfd if inner.is_object() => Ok(inner.clone()),
        Kind::Vnfd => Err(Problem::bad_request("'vnfd' must be dict")),
        Kind::Nsd => {
            if !inner.is_object() {
                return Err(no_attribute(python::type_name(inner)));
            }
            match truthy(inner.get("nsd")) {
                None => Ok(inner.clone()),
                Some(Value::Array(items)) if items.len() == 1 => Ok(items[0].clone()),
                Some(_) => Err(Problem::bad_request("'nsd' must be a list of only one element")),
            }
        }
    }
}

/// Python's complaint about calling `.get` on something that is no mapping.
pub(crate) fn no_attribute(type_name: &str) -> Problem {
    Problem::bad_request(format!("'{type_name}' object has no attribute 'get'"))
}

fn truthy(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    })
}

/// Checks a descriptor without envelope and gives it as OSM stores it.
///
/// # Errors
/// 422 with the text of OSM's validator.
pub(crate) fn validate(kind: Kind, descriptor: &Value) -> Result<Value, Problem> {
    let Some(fields) = descriptor.as_object() else {
        return Err(no_attribute(python::type_name(descriptor)));
    };
    if kind == Kind::Nsd && fields.get("id").is_none() {
        return Err(Problem::unprocessable("Error in pyangbind validation: 'id'"));
    }
    let known = match kind {
        Kind::Vnfd => VNFD_KEYS,
        Kind::Nsd => NSD_KEYS,
    };
    for (key, value) in fields {
        if !known.contains(&key.as_str()) {
            let complaint = match value {
                Value::Object(_) => format!("Invalid attribute specified ({key})"),
                Value::Array(_) => format!("List specified that did not exist ({key})"),
                _ => format!("JSON object contained a key that did not exist ({key})"),
            };
            return Err(Problem::unprocessable(format!(
                "Error in pyangbind validation: {complaint}"
            )));
        }
    }
    let mut stored = descriptor.clone();
    normalise(&mut stored);
    check_unique(&stored, "")?;
    match kind {
        Kind::Vnfd => check_helm_versions(&stored)?,
        Kind::Nsd => check_profiles(&stored)?,
    }
    Ok(stored)
}

/// A KDU's `helm-version` is `v2` or `v3`.
fn check_helm_versions(vnfd: &Value) -> Result<(), Problem> {
    let versions = list(vnfd, "kdu").iter().filter_map(|kdu| kdu.get("helm-version"));
    for version in versions {
        if version != "v2" && version != "v3" {
            return Err(Problem::unprocessable(
                "Error in pyangbind validation: {'error-string': 'helm_version must be of a type \
                 compatible with enumeration'}",
            ));
        }
    }
    Ok(())
}

/// Gives leaves the type OSM's model has for them and drops nulls.
fn normalise(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                normalise(inner);
                normalise_leaf(key, inner);
            }
            fields.retain(|_, inner| !inner.is_null());
        }
        _ => {}
    }
}

fn normalise_leaf(key: &str, value: &mut Value) {
    if let Value::Number(number) = &value {
        if DECIMAL_LEAVES.contains(&key) {
            let text = number.to_string();
            *value = Value::from(text.strip_suffix(".0").unwrap_or(&text));
        } else if TEXT_LEAVES.contains(&key) {
            *value = Value::from(number.to_string());
        }
    } else if BOOL_LEAVES.contains(&key)
        && let Some(text) = value.as_str()
    {
        let flag = matches!(text.to_ascii_lowercase().as_str(), "true" | "1");
        *value = Value::from(flag);
    }
}

/// Elements of one list must differ in `id`, or `name` where there is no id.
fn check_unique(value: &Value, path: &str) -> Result<(), Problem> {
    match value {
        Value::Object(fields) => {
            fields.iter().try_for_each(|(key, inner)| check_unique(inner, &format!("{path}.{key}")))
        }
        Value::Array(items) => {
            let mut seen: HashSet<&str> = HashSet::new();
            for (index, item) in items.iter().enumerate() {
                let key = ["id", "name"].into_iter().find(|key| item.get(key).is_some());
                if let Some(key) = key {
                    let id = text(item, key);
                    if !seen.insert(id) {
                        return Err(Problem::unprocessable(format!(
                            "Error: identifier {key} {} is not unique and repeats at '{path}[{index}]'",
                            repr_str(id)
                        )));
                    }
                }
                check_unique(item, &format!("{path}[{index}]"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Each VNF profile must name a VNFD of the NSD's own list.
fn check_profiles(nsd: &Value) -> Result<(), Problem> {
    let names: HashSet<&str> = list(nsd, "vnfd-id").iter().filter_map(Value::as_str).collect();
    for df in list(nsd, "df") {
        for profile in list(df, "vnf-profile") {
            let vnfd_id = text(profile, "vnfd-id");
            if !names.contains(vnfd_id) {
                return Err(Problem::unprocessable(format!(
                    "Error at df[id='{}']:vnf_profile[id='{}']:vnfd-id='{vnfd_id}' does not match any vnfd-id",
                    text(df, "id"),
                    text(profile, "id"),
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(kind: Kind, content: &Value, expected: &str) {
        let got = remove_envelope(kind, content).and_then(|inner| validate(kind, &inner));
        assert_eq!(
            got.map_or_else(|problem| problem.detail, |stored| stored.to_string()),
            expected
        );
    }

    #[test]
    fn descriptors_are_judged_like_the_recorded_ones() {
        check(
            Kind::Vnfd,
            &json!({"vnfd": {"id": "a", "version": 1.0, "df": []}}),
            r#"{"id":"a","version":"1.0","df":[]}"#,
        );
        check(Kind::Vnfd, &json!({"etsi-nfv-vnfd:vnfd": {"id": "a"}}), r#"{"id":"a"}"#);
        check(Kind::Vnfd, &json!({"vnfd": [1]}), "'vnfd' must be dict");
        check(
            Kind::Vnfd,
            &json!({"vnfd": {"kdu": [{"name": "a"}, {"name": "a"}]}}),
            "Error: identifier name 'a' is not unique and repeats at '.kdu[1]'",
        );
        check(
            Kind::Vnfd,
            &json!({"nsd": {}}),
            "Error in pyangbind validation: Invalid attribute specified (nsd)",
        );
        check(Kind::Nsd, &json!({"nsd": {"nsd": []}}), "Error in pyangbind validation: 'id'");
        check(Kind::Nsd, &json!({"nsd": [1]}), "'list' object has no attribute 'get'");
        check(Kind::Vnfd, &json!([1]), "'list' object has no attribute 'get'");
        check(Kind::Vnfd, &json!(1.5), "'float' object has no attribute 'get'");
        check(
            Kind::Nsd,
            &json!({"nsd": {"nsd": [{"id": "a"}, {"id": "b"}]}}),
            "'nsd' must be a list of only one element",
        );
        check(
            Kind::Nsd,
            &json!({"nsd": {"nsd": [{"id": "n", "virtual-link-desc": [{"id": "v", "mgmt-network": "true"}]}]}}),
            r#"{"id":"n","virtual-link-desc":[{"id":"v","mgmt-network":true}]}"#,
        );
    }
}
