//! OSM's lists → what a scenario looks at.
//!
//! Pure. KDU values are worked out from the operations alone, not from what OSM recorded of helm, which
//! is what `osmops` reads first: the two ways check each other.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::step::KduValues;

/// What OSM has.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OsmState {
    /// VNF packages, then NS packages, each in OSM's order.
    pub packages: Vec<PackageSeen>,
    /// NS instances, in OSM's order.
    pub instances: Vec<InstanceSeen>,
    /// Operations on them, oldest first.
    pub operations: Vec<OperationSeen>,
}

/// A package in OSM.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackageSeen {
    /// `VNFD` or `NSD`.
    pub kind: &'static str,
    /// The descriptor's id.
    pub id: String,
    /// The descriptor's version.
    pub version: String,
    /// The onboarding state.
    pub onboarding_state: String,
    /// The operational state.
    pub operational_state: String,
    /// The whole record.
    #[serde(skip)]
    pub record: Value,
}

/// An NS instance in OSM.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceSeen {
    /// OSM's `_id`.
    pub record: String,
    /// Its name.
    pub name: String,
    /// `nsState`.
    pub state: String,
    /// The NSD's id.
    pub nsd: String,
    /// Values that its operations set, by `member/kdu`.
    pub kdus: Vec<(String, Map<String, Value>)>,
}

/// An operation on an NS instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationSeen {
    /// OSM's `_id` of the instance.
    pub instance: String,
    /// What it is: `instantiate`, `upgrade`, …
    pub what: String,
    /// `operationState`.
    pub state: String,
    /// OSM's words when it failed.
    pub error: String,
    /// Start, in epoch seconds.
    pub started: f64,
    /// Last change of its state, in epoch seconds.
    pub entered: f64,
}

impl OsmState {
    /// Picks from OSM's lists; what is no list counts as empty.
    pub(super) fn of(vnfds: &Value, nsds: &Value, instances: &Value, operations: &Value) -> Self {
        let mut history: Vec<&Value> = items(operations).iter().collect();
        history.sort_by(|a, b| number(a, "startTime").total_cmp(&number(b, "startTime")));
        let packages = |kind, list: &Value, prefix: &str| -> Vec<PackageSeen> {
            items(list).iter().map(|record| package(kind, record, prefix)).collect()
        };
        let mut all = packages("VNFD", vnfds, "");
        all.extend(packages("NSD", nsds, "nsd"));
        Self {
            packages: all,
            instances: items(instances).iter().map(|record| instance(record, &history)).collect(),
            operations: history.into_iter().map(operation).collect(),
        }
    }

    /// The name of the instance with this record.
    pub fn name_of(&self, record: &str) -> &str {
        let found = self.instances.iter().find(|i| i.record == record);
        found.map_or("(gone)", |instance| &instance.name)
    }
}

impl InstanceSeen {
    /// The values of one KDU.
    pub fn values(&self, kdu: &KduValues) -> Option<&Map<String, Value>> {
        let key = kdu.key();
        self.kdus.iter().find(|(k, _)| *k == key).map(|(_, values)| values)
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(record: &Value, key: &str) -> String {
    record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(record: &Value, key: &str) -> f64 {
    record.get(key).and_then(Value::as_f64).unwrap_or_default()
}

fn package(kind: &'static str, record: &Value, prefix: &str) -> PackageSeen {
    let state = |name: &str| {
        let own = format!("{prefix}{}{}", name[..1].to_uppercase(), &name[1..]);
        let own = if prefix.is_empty() { name } else { own.as_str() };
        let inner = record.get("_admin").map(|admin| text(admin, name));
        Some(text(record, own)).filter(|t| !t.is_empty()).or(inner).unwrap_or_default()
    };
    PackageSeen {
        kind,
        id: text(record, "id"),
        version: text(record, "version"),
        onboarding_state: state("onboardingState"),
        operational_state: state("operationalState"),
        record: record.clone(),
    }
}

/// Words among the values of an upgrade that tell OSM what to do.
const OSMS_OWN_WORDS: [&str; 2] = ["kdu_model", "kdu_reset_values"];

fn instance(record: &Value, history: &[&Value]) -> InstanceSeen {
    let id = text(record, "_id");
    let mut kdus: Vec<(String, Map<String, Value>)> = Vec::new();
    for operation in history.iter().filter(|op| text(op, "nsInstanceId") == id) {
        if text(operation, "operationState") != "COMPLETED" {
            continue;
        }
        for (key, mut values) in values_of(operation) {
            let is_reset = values.get("kdu_reset_values").is_some_and(|word| word == "true");
            // What OSM acts on itself is no value of the chart.
            values.retain(|key, _| !OSMS_OWN_WORDS.contains(&key.as_str()));
            match kdus.iter_mut().find(|(k, _)| *k == key) {
                Some((_, known)) if is_reset => *known = values,
                Some((_, known)) => known.extend(values),
                None => kdus.push((key, values)),
            }
        }
    }
    InstanceSeen {
        record: id,
        name: text(record, "name"),
        state: text(record, "nsState"),
        nsd: record.pointer("/nsd/id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        kdus,
    }
}

/// The values that an operation sets. OSM keeps them as objects or, in later releases, as JSON text.
fn values_of(operation: &Value) -> Vec<(String, Map<String, Value>)> {
    let params = &operation["operationParams"];
    let mut found = Vec::new();
    if params["primitive"].as_str() == Some("upgrade") {
        let key = format!("{}/{}", text(params, "member_vnf_index"), text(params, "kdu_name"));
        found.extend(object(&params["primitive_params"]).map(|values| (key, values)));
    }
    for vnf in items(&decoded(&params["additionalParamsForVnf"])) {
        for kdu in items(&vnf["additionalParamsForKdu"]) {
            let key = format!("{}/{}", text(vnf, "member-vnf-index"), text(kdu, "kdu_name"));
            found.extend(object(&kdu["additionalParams"]).map(|values| (key, values)));
        }
    }
    found
}

fn decoded(value: &Value) -> Value {
    let inner = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    inner.unwrap_or_else(|| value.clone())
}

fn object(value: &Value) -> Option<Map<String, Value>> {
    decoded(value).as_object().cloned()
}

fn operation(record: &Value) -> OperationSeen {
    let kind = text(record, "lcmOperationType");
    let params = &record["operationParams"];
    let what = match (kind.as_str(), params["primitive"].as_str()) {
        ("action", Some(primitive)) => {
            let member = text(params, "member_vnf_index");
            format!("{primitive} {member}/{}", text(params, "kdu_name"))
        }
        _ => kind,
    };
    OperationSeen {
        instance: text(record, "nsInstanceId"),
        what,
        state: text(record, "operationState"),
        error: text(record, "errorMessage"),
        started: number(record, "startTime"),
        entered: number(record, "statusEnteredTime"),
    }
}
