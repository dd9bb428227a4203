//! The information model's word on a descriptor, release by release.
//!
//! Source: OSM NBI `descriptor_topics.py` (`pyangbind_validation`) and `utils.py`
//! (`deep_update_dict`).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::model::{self, at_path};
use super::{Kind, envelope};
use crate::problem::Problem;
use crate::python;
use crate::release::Release;

/// The descriptor as the model writes it back: of a VNFD (SOL006) the values alone, in the order in
/// which they came; of the others the whole.
///
/// # Errors
/// 422 with the validator's complaint.
pub(super) fn serialised(
    kind: Kind,
    release: Release,
    data: Value,
    force: bool,
) -> Result<Value, Problem> {
    if release.has_sol006_descriptors() && envelope::has_old_envelope(kind, &data) {
        return Err(Problem::unprocessable(
            "ERROR: Unsupported descriptor format. Please, use an ETSI SOL006 descriptor.",
        ));
    }
    let written = match (kind, release.has_sol006_descriptors()) {
        (Kind::Vnfd, true) => vnfd(data, force),
        (Kind::Vnfd, false) => {
            let laid = json!({"vnfd:vnfd-catalog": {"vnfd": [data]}});
            model::load(&model::VNFD_BEFORE_SOL006, &laid, force)
                .map(|loaded| at_path(&loaded, &["vnfd-catalog", "vnfd"]))
        }
        (Kind::Nsd, true) => nsd(&data, force),
        (Kind::Nsd, false) => {
            let laid = json!({"nsd:nsd-catalog": {"nsd": [data]}});
            model::load(&model::NSD_BEFORE_SOL006, &laid, force)
                .map(|loaded| at_path(&loaded, &["nsd-catalog", "nsd"]))
        }
        (Kind::ConfigTemplate, _) => Ok(data),
        (Kind::Nst, _) => model::load(&model::NST, &json!({"nst": [data]}), force)
            .map(|loaded| at_path(&loaded, &["nst"])),
    };
    written.map_err(|complaint| {
        let complaint =
            if release.has_stand_in_models() { as_recorded(&complaint) } else { complaint };
        Problem::unprocessable(format!("Error in pyangbind validation: {complaint}"))
    })
}

fn vnfd(mut data: Value, force: bool) -> Result<Value, String> {
    let laid = json!({"etsi-nfv-vnfd:vnfd": &data});
    let loaded = model::load(&model::VNFD, &laid, force)?;
    update(&mut data, &at_path(&loaded, &["vnfd"]))?;
    Ok(data)
}

/// VNF profiles are kept as they came.
fn nsd(data: &Value, force: bool) -> Result<Value, String> {
    let profiles = match data.get("df") {
        None => Value::Null,
        Some(Value::Array(flavours)) => match flavours.first() {
            None => return Err("list index out of range".into()),
            Some(Value::Object(first)) => first.get("vnf-profile").cloned().unwrap_or_default(),
            Some(other) => {
                let kind = python::type_name(other);
                return Err(format!("'{kind}' object has no attribute 'get'"));
            }
        },
        Some(Value::Object(_)) => return Err("0".into()),
        Some(Value::String(_)) => return Err("'str' object has no attribute 'get'".into()),
        Some(other) => {
            return Err(format!("'{}' object is not subscriptable", python::type_name(other)));
        }
    };
    let loaded = model::load(&model::NSD, &json!({"nsd": {"nsd": [data]}}), force)?;
    let mut written = at_path(&loaded, &["nsd", "nsd"]);
    if super::is_truthy(Some(&profiles))
        && let Some(first) = written.get_mut("df").and_then(|df| df.get_mut(0))
    {
        first["vnf-profile"] = profiles;
    }
    Ok(written)
}

/// Puts the model's values in place of those that came; what the model does not write stays as it
/// is, and so do values of leaf-lists.
fn update(data: &mut Value, written: &Value) -> Result<(), String> {
    match data {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let length = written.as_str().map(|text| text.chars().count());
                let length = length.or_else(|| written.as_array().map(Vec::len)).unwrap_or(0);
                if index >= length {
                    return Err("list index out of range".into());
                }
                update(item, written.get(index).unwrap_or(&Value::Null))?;
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match written.get(key) {
                    None => {}
                    Some(new) if value.is_object() || value.is_array() => update(value, new)?,
                    Some(new) => *value = new.clone(),
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The complaint with the names that the recordings' stand-in for OSM's augments has.
fn as_recorded(complaint: &str) -> String {
    static NAMES: LazyLock<Option<[Regex; 3]>> = LazyLock::new(|| {
        let regex = |text| Regex::new(text).ok();
        Some([
            regex(r"urn:etsi:osm:yang:[a-z0-9:-]+")?,
            regex(r"(defining_module=[\\]*')(?:[a-df-z]|e[a-su-z])[a-z0-9-]*")?,
            regex(r"('defined-type[\\]*': [\\]*')(?:[a-df-z]|e[a-su-z])[a-z0-9-]*:")?,
        ])
    });
    let Some([namespace, module, defined]) = NAMES.as_ref() else {
        return complaint.to_owned();
    };
    if !namespace.is_match(complaint) {
        return complaint.to_owned();
    }
    let text = namespace.replace_all(complaint, "urn:oracle:augments");
    let text = module.replace_all(&text, "${1}osm-oracle");
    defined.replace_all(&text, "${1}osm-oracle:").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_recordings_name_a_stand_in_for_osms_augments() {
        let own = "urn:etsi:osm:yang:augments:kdu";
        for (release, namespace) in [
            (Release::R10, own),
            (Release::R19, own),
            (Release::R19Recorded, "urn:oracle:augments"),
        ] {
            let vnfd = json!({"k8s-cluster": 5});
            let refusal = serialised(Kind::Vnfd, release, vnfd, false).unwrap_err();
            assert!(refusal.detail.contains(namespace), "{release:?}: {}", refusal.detail);
        }
    }
}
