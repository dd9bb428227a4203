//! What a descriptor comes wrapped in.
//!
//! Source: OSM NBI `descriptor_topics.py` (`_remove_envelop`) of releases 8 and 19.

use serde_json::{Value, json};

use super::unique::is_truthy;
use super::{Kind, no_attribute};
use crate::problem::Problem;
use crate::python;
use crate::release::Release;

/// Whether a descriptor comes in the envelope of this kind, in any format.
pub(crate) fn has_envelope(kind: Kind, content: &Value) -> bool {
    let keys: &[&str] = match kind {
        Kind::Vnfd => &["etsi-nfv-vnfd:vnfd", "vnfd"],
        Kind::Nsd => &["etsi-nfv-nsd:nsd", "nsd"],
        Kind::Nst => &["nst", "nst:nst"],
        Kind::ConfigTemplate => &[],
    };
    keys.iter().any(|key| content.get(key).is_some()) || has_old_envelope(kind, content)
}

/// Whether a descriptor comes in the catalogue of a release before SOL006.
pub(super) fn has_old_envelope(kind: Kind, content: &Value) -> bool {
    let keys: &[&str] = match kind {
        Kind::Vnfd => &["vnfd-catalog", "vnfd:vnfd-catalog"],
        Kind::Nsd => &["nsd-catalog", "nsd:nsd-catalog"],
        Kind::Nst | Kind::ConfigTemplate => &[],
    };
    keys.iter().any(|key| content.get(key).is_some())
}

/// Takes the descriptor out of its envelope.
///
/// # Errors
/// 400 for an envelope of the wrong type.
pub(crate) fn remove_envelope(
    kind: Kind,
    release: Release,
    content: &Value,
) -> Result<Value, Problem> {
    if !is_truthy(Some(content)) {
        return Ok(json!({}));
    }
    if !content.is_object() {
        let name = python::type_name(content);
        if kind == Kind::ConfigTemplate {
            return Err(no_mapping(content));
        }
        return Err(no_attribute(name));
    }
    match (kind, release.has_sol006_descriptors()) {
        (Kind::Vnfd, true) => match truthy_at(content, &["etsi-nfv-vnfd:vnfd", "vnfd"]) {
            None => Ok(content.clone()),
            Some((_, inner)) if inner.is_object() => Ok(inner.clone()),
            Some(("vnfd", _)) => Err(Problem::bad_request("'vnfd' must be dict")),
            Some((key, _)) => Err(Problem::bad_request(format!("'{key}' must be a dict"))),
        },
        (Kind::Nsd, true) => {
            let inner = truthy_at(content, &["nsd", "etsi-nfv-nsd:nsd"]);
            only_element(inner.map_or(content, |(_, inner)| inner), &["nsd"], "a list of")
        }
        (Kind::Vnfd, false) => {
            let inner = truthy_at(content, &["vnfd:vnfd-catalog", "vnfd-catalog"]);
            let inner = inner.map_or(content, |(_, inner)| inner);
            only_element(inner, &["vnfd", "vnfd:vnfd"], "a list of")
        }
        (Kind::Nsd, false) => {
            let inner = truthy_at(content, &["nsd:nsd-catalog", "nsd-catalog"]);
            let inner = inner.map_or(content, |(_, inner)| inner);
            only_element(inner, &["nsd", "nsd:nsd"], "a list of")
        }
        (Kind::ConfigTemplate, _) => Ok(content.clone()),
        (Kind::Nst, _) => only_element(content, &["nst", "nst:nst"], "a list"),
    }
}

/// The first of the keys whose value is true for Python.
fn truthy_at<'a>(content: &'a Value, keys: &[&'static str]) -> Option<(&'static str, &'a Value)> {
    keys.iter()
        .filter_map(|key| Some((*key, content.get(*key)?)))
        .find(|(_, inner)| is_truthy(Some(inner)))
}

/// What Python says where a mapping is laid over a record, and this is none.
fn no_mapping(content: &Value) -> Problem {
    let name = python::type_name(content);
    Problem::bad_request(match content {
        Value::String(text) if text.is_empty() => {
            "'str' object does not support item assignment".to_owned()
        }
        Value::String(_) => "string indices must be integers, not 'str'".to_owned(),
        Value::Array(items) => {
            let first = items.first().map_or("str", |first| python::type_name(first));
            format!("list indices must be integers or slices, not {first}")
        }
        _ => format!("'{name}' object is not iterable"),
    })
}

/// The only element of the list at one of the keys, or all of it where there is none.
fn only_element(content: &Value, keys: &[&'static str], list: &str) -> Result<Value, Problem> {
    if !content.is_object() {
        return Err(no_attribute(python::type_name(content)));
    }
    match truthy_at(content, keys) {
        None => Ok(content.clone()),
        Some((_, Value::Array(items))) if items.len() == 1 => {
            if items[0].is_object() {
                Ok(items[0].clone())
            } else {
                Err(no_mapping(&items[0]))
            }
        }
        Some((key, _)) => {
            Err(Problem::bad_request(format!("'{key}' must be {list} only one element")))
        }
    }
}
