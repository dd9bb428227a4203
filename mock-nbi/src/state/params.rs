//! Additional parameters: which names are refused, and the form in which they are kept.
//!
//! Source: OSM NBI `instance_topics.py`, `_format_additional_params`; recorded cases
//! `ns_bad_bodies` and `ns_by_placement_and_more_params`.

use serde_json::{Map, Value, json};

use crate::data;
use crate::problem::Problem;
use crate::python::{NESTED, yaml_dump};
use crate::release::Release;
use crate::state::db::{list, text};

/// Values of initial primitives that the life-cycle manager fills in itself.
const FILLED_IN: &[&str] = &["<rw_mgmt_ip>", "<VDU_SCALE_INFO>", "<ns_config_info>", "<OSM>"];

/// What the parameters of a request are for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Ns,
    Vnf(&'a str),
    Vdu(&'a str, &'a str),
    Kdu(&'a str, &'a str),
}

/// The parameters for a target as the records keep them, with what stands beside them.
#[derive(Debug, Default)]
pub(crate) struct Params {
    /// None when there are none.
    pub(crate) values: Option<Value>,
    /// The request's own item for this member, VDU or KDU.
    pub(crate) item: Option<Value>,
}

impl Params {
    /// A setting beside the parameters, such as `k8s-namespace`.
    pub(crate) fn setting(&self, key: &str) -> Option<&Value> {
        self.item.as_ref()?.get(key).filter(|value| !value.is_null() && *value != "")
    }
}

/// Finds the parameters for a target, checks their names and the needs of the descriptor's initial
/// primitives. Those of VDUs and KDUs are changed in the request too: nested values become text.
///
/// # Errors
/// 400 for names, and for parameters that a primitive needs.
pub(crate) fn format(
    request: &mut Value,
    target: Target,
    descriptor: &Value,
    release: Release,
) -> Result<Params, Problem> {
    let mut found = Params::default();
    let mut place = String::from("additionalParamsForNs");
    match target {
        Target::Ns => found.values = request.get("additionalParamsForNs").cloned(),
        Target::Vnf(member) | Target::Vdu(member, _) | Target::Kdu(member, _) => {
            place = format!("additionalParamsForVnf[member-vnf-index={member}]");
            let members = request.get_mut("additionalParamsForVnf").and_then(Value::as_array_mut);
            let item =
                members.into_iter().flatten().find(|item| text(item, "member-vnf-index") == member);
            if let Some(item) = item {
                choose(item, target, &mut place, &mut found, release)?;
            }
        }
    }
    if let Some(values) = found.values.as_mut().and_then(Value::as_object_mut) {
        check_and_nest(values, &place, matches!(target, Target::Kdu(..)), release)?;
    }
    found.values =
        found.values.filter(|values| values.as_object().is_some_and(|it| !it.is_empty()));
    if release.has_sol006_descriptors() {
        check_needs(&found, target, descriptor)?;
    } else {
        check_needs_before_sol006(&found, target, descriptor)?;
    }
    Ok(found)
}

/// The parameters that count for a target below a member.
fn choose(
    item: &mut Value,
    target: Target,
    place: &mut String,
    found: &mut Params,
    release: Release,
) -> Result<(), Problem> {
    let (lists, key, id) = match target {
        Target::Ns => return Ok(()),
        Target::Vnf(_) => {
            found.item = Some(item.clone());
            found.values = item.get("additionalParams").cloned();
            return Ok(());
        }
        Target::Vdu(_, id) => {
            // A VDU without parameters of its own has the VNF's.
            found.values = item.get("additionalParams").cloned();
            ("additionalParamsForVdu", "vdu_id", id)
        }
        Target::Kdu(_, id) => ("additionalParamsForKdu", "kdu_name", id),
    };
    let own = item
        .get_mut(lists)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .find(|own| text(own, key) == id);
    let Some(own) = own else {
        return Ok(());
    };
    if let Some(values) = own.get_mut("additionalParams").and_then(Value::as_object_mut)
        && !values.is_empty()
    {
        *place += &format!(".{lists}[{key}={id}]");
        check_and_nest(values, place, matches!(target, Target::Kdu(..)), release)?;
        found.values = Some(Value::Object(values.clone()));
    }
    found.item = Some(own.clone());
    Ok(())
}

fn check_and_nest(
    values: &mut Map<String, Value>,
    place: &str,
    is_for_kdu: bool,
    release: Release,
) -> Result<(), Problem> {
    for (key, value) in values {
        let complaint = if !is_for_kdu && !is_identifier(key) {
            Some(format!(
                "Invalid param name at {place}:{key}. Must contain only alphanumeric characters \
                 and underscores, and cannot start with a digit"
            ))
        } else if release.refuses_dots_in_params() && key.contains(['.', '$']) {
            Some(format!("Invalid param at {place}:{key}. Keys must not contain dots or $"))
        } else if key.contains('$') {
            Some(format!("Invalid param at {place}:{key}. Keys must not contain $ symbol"))
        } else {
            None
        };
        if let Some(complaint) = complaint {
            return Err(Problem::bad_request(complaint));
        }
        if value.is_array() || value.is_object() {
            *value = Value::from(format!("!!yaml {}", yaml_dump(value, NESTED)));
        }
    }
    Ok(())
}

fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Refuses where a day-1 primitive refers to a parameter that was not given.
fn check_needs(found: &Params, target: Target, descriptor: &Value) -> Result<(), Problem> {
    let selector = match target {
        Target::Ns | Target::Vnf(_) => text(descriptor, "id"),
        Target::Vdu(_, id) | Target::Kdu(_, id) => id,
    };
    for df in list(descriptor, "df") {
        let primitives: Vec<&Value> = match target {
            Target::Ns => descriptor
                .get("ns-configuration")
                .map_or(&[] as &[Value], |own| list(own, "initial-config-primitive"))
                .iter()
                .collect(),
            _ => day_configs(df)
                .iter()
                .filter(|config| text(config, "id") == selector)
                .flat_map(|config| list(config, "initial-config-primitive"))
                .collect(),
        };
        for primitive in primitives {
            check_primitive_needs(found, primitive, descriptor, "day1-2 configuration")?;
        }
    }
    Ok(())
}

/// The same for descriptors of before SOL006, which have their configurations where they belong.
///
/// Source: OSM NBI v8.0 `instance_topics.py`, `_format_additional_params`.
fn check_needs_before_sol006(
    found: &Params,
    target: Target,
    descriptor: &Value,
) -> Result<(), Problem> {
    let configuration = match target {
        Target::Ns => descriptor.get("ns-configuration"),
        Target::Vnf(_) => descriptor.get("vnf-configuration"),
        Target::Kdu(..) => None,
        Target::Vdu(_, id) => list(descriptor, "vdu")
            .iter()
            .find(|vdu| text(vdu, "id") == id)
            .and_then(|vdu| vdu.get("vdu-configuration")),
    };
    let primitives =
        configuration.map_or(&[] as &[Value], |it| list(it, "initial-config-primitive"));
    for primitive in primitives {
        check_primitive_needs(found, primitive, descriptor, "vnf-configuration")?;
    }
    Ok(())
}

fn check_primitive_needs(
    found: &Params,
    primitive: &Value,
    descriptor: &Value,
    place: &str,
) -> Result<(), Problem> {
    for parameter in list(primitive, "parameter") {
        let Some(value) = parameter.get("value") else {
            // Python's own complaint about the missing key.
            return Err(Problem::bad_request("'value'"));
        };
        let value = value.as_str().unwrap_or_default();
        let is_reference = value.starts_with('<') && value.ends_with('>');
        if !is_reference || FILLED_IN.contains(&value) {
            continue;
        }
        let name = &value[1..value.len() - 1];
        if found.values.as_ref().and_then(|values| values.get(name)).is_none() {
            return Err(Problem::bad_request(format!(
                "Parameter '{value}' needed for vnfd[id={}]:{place}:\
                 initial-config-primitive[name={}] not supplied",
                text(descriptor, "id"),
                text(primitive, "name")
            )));
        }
    }
    Ok(())
}

/// The day-1 and day-2 configurations of a deployment flavour.
pub(crate) fn day_configs(df: &Value) -> &[Value] {
    let operate = df
        .get("lcm-operations-configuration")
        .and_then(|operations| operations.get("operate-vnf-op-config"));
    operate.map_or(&[], |operate| list(operate, "day1-2"))
}

/// The configuration of a VNF, VDU or KDU by its id; OSM looks in the first flavour only.
pub(crate) fn day_config<'a>(vnfd: &'a Value, id: &str) -> Option<&'a Value> {
    let configs = list(vnfd, "df").first().map_or(&[] as &[Value], day_configs);
    configs.iter().find(|config| text(config, "id") == id)
}

/// Parameters with `!!yaml` texts turned back into what they stand for.
pub(crate) fn from_text(params: &Value) -> Value {
    let Value::Object(fields) = parsed(params) else {
        return json!({});
    };
    let fields = fields.into_iter().map(|(key, value)| {
        let nested = value.as_str().and_then(|text| text.strip_prefix("!!yaml "));
        match nested.and_then(|yaml| data::from_yaml(yaml).ok()) {
            Some(nested) => (key, nested),
            None => (key, value),
        }
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Parameters as an object, whether the record keeps them as one or as JSON text.
pub(crate) fn parsed(params: &Value) -> Value {
    let params = match params {
        Value::String(text) => data::from_json(text).unwrap_or_default(),
        other => other.clone(),
    };
    if params.is_object() { params } else { json!({}) }
}

#[cfg(test)]
mod tests;
