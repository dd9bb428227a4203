//! What OSM has, read from the fake's own state.
//!
//! In: a [`Look`]. Out: plain values, without ids that differ from run to run where a state is to be compared.

use std::collections::BTreeMap;

use mock_nbi::{Collection, Look};
use osmops::package::UploadName;
use serde_json::{Map, Value};

use super::leftovers::Leftovers;

/// A VNFD or NSD.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Whether it is an NSD.
    pub is_nsd: bool,
    /// The descriptor's id; empty in a record without content.
    pub id: String,
    /// The record.
    pub record: String,
    /// Whether it can be used: ONBOARDED and ENABLED.
    pub is_usable: bool,
    /// What its file's name tells, where one of ours uploaded it.
    pub upload: Option<UploadName>,
    /// What its descriptor says of itself: what people change in the simulation, and the file's name does not tell.
    pub description: Option<String>,
}

/// An NS instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// The record.
    pub record: String,
    /// The mark that it bears.
    pub owner: Option<String>,
    /// `nsState`.
    pub state: String,
    /// Whether an operation is at work on it or waits for its turn.
    pub is_processing: bool,
    /// Whether the record itself says so; of an operation that has not begun it does not.
    pub is_shown_processing: bool,
    /// The NSD's id.
    pub nsd: String,
    /// The VIM account's id.
    pub vim_account: String,
    /// The values in force, by member and KDU.
    pub values: Vec<((String, String), Map<String, Value>)>,
}

/// Packages and instances.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Osm {
    /// VNFDs, then NSDs, in the order in which they came.
    pub packages: Vec<Package>,
    /// In the order in which they came.
    pub instances: Vec<Instance>,
}

impl Osm {
    /// Everything.
    pub fn read(look: &Look<'_>) -> Self {
        Self { packages: packages(look), instances: instances(look) }
    }

    /// Everything, as lists show it.
    pub fn listed(look: &Look<'_>) -> Self {
        Self { packages: packages(look), instances: listed(look) }
    }
}

/// A text in a record; empty where there is none.
pub(crate) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What a descriptor says of itself.
pub(crate) fn description_of(descriptor: &Value) -> Option<String> {
    descriptor.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// A package's record.
fn package(record: &Value, is_nsd: bool) -> Package {
    let admin = &record["_admin"];
    Package {
        is_nsd,
        id: text(record, "id").to_owned(),
        record: text(record, "_id").to_owned(),
        is_usable: text(admin, "onboardingState") == "ONBOARDED"
            && text(admin, "operationalState") == "ENABLED",
        upload: UploadName::parse(text(&admin["storage"], "zipfile")),
        description: description_of(record),
    }
}

/// Every package.
pub fn packages(look: &Look<'_>) -> Vec<Package> {
    let mut found = Vec::new();
    for (is_nsd, collection) in
        [(false, Collection::VnfPackages), (true, Collection::NsDescriptors)]
    {
        found.extend(look.records(collection).map(|record| package(&record, is_nsd)));
    }
    found
}

/// Every instance as a list shows it.
pub fn listed(look: &Look<'_>) -> Vec<Instance> {
    as_listed(instances(look))
}

/// These instances as a list shows them.
pub fn as_listed(mut all: Vec<Instance>) -> Vec<Instance> {
    for instance in &mut all {
        instance.is_processing = instance.is_shown_processing;
    }
    all
}

/// Every instance.
pub fn instances(look: &Look<'_>) -> Vec<Instance> {
    let running = processing(look);
    look.records(Collection::NsInstances)
        .map(|record| {
            let id = text(&record, "_id").to_owned();
            let given = &record["instantiate_params"];
            let by_admin = text(&record["_admin"], "nsState");
            let state = match text(&record, "nsState") {
                "" => by_admin,
                state => state,
            };
            let current = text(&record, "currentOperation");
            let is_shown_processing =
                !matches!(current, "" | "IDLE") || matches!(state, "BUILDING" | "TERMINATING");
            Instance {
                name: text(&record, "name").to_owned(),
                owner: owner_of(&record),
                state: state.to_owned(),
                is_processing: running.contains(&id) || is_shown_processing,
                is_shown_processing,
                nsd: text(&record["nsd"], "id").to_owned(),
                vim_account: text(given, "vimAccountId").to_owned(),
                values: values(look, &id),
                record: id,
            }
        })
        .collect()
}

/// The mark of an instance's record.
pub fn owner_of(record: &Value) -> Option<String> {
    let place = &record["instantiate_params"]["additionalParamsForNs"];
    let place = if place.is_null() { &record["additionalParamsForNs"] } else { place };
    let decoded: Value;
    let place = match place {
        Value::String(text) => {
            decoded = serde_json::from_str(text).unwrap_or_default();
            &decoded
        }
        other => other,
    };
    place.get("osmops_owner").and_then(Value::as_str).map(str::to_owned)
}

/// The instances with operations that have not ended.
fn processing(look: &Look<'_>) -> Vec<String> {
    let open = look.records(Collection::Operations).filter(|operation| is_open(operation));
    open.map(|operation| text(&operation, "nsInstanceId").to_owned()).collect()
}

/// Whether an operation has not come to rest.
pub(crate) fn is_open(operation: &Value) -> bool {
    matches!(text(operation, "operationState"), "STARTING" | "PROCESSING" | "ROLLING_BACK")
}

/// Whether OSM did anything since this time, in epoch seconds.
pub(crate) fn worked_since(look: &Look<'_>, since: f64) -> bool {
    look.records(Collection::Operations).any(|operation| {
        operation["statusEnteredTime"].as_f64().is_some_and(|entered| entered >= since)
    })
}

/// How often one and the same operation failed on one instance of ours that was asked for since this time, in epoch
/// seconds, and never came to a good end: that one of which there are most.
pub(crate) fn most_failures(look: &Look<'_>, owner: &str, since: f64) -> usize {
    let mut failures: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let ours: Vec<String> = instances(look)
        .into_iter()
        .filter(|instance| instance.owner.as_deref() == Some(owner))
        .map(|instance| instance.record)
        .collect();
    for operation in look.records(Collection::Operations) {
        let instance = text(&operation, "nsInstanceId").to_owned();
        let is_late = operation["startTime"].as_f64().is_some_and(|started| started >= since);
        if !ours.contains(&instance) || !is_late {
            continue;
        }
        let params = operation["operationParams"]["primitive_params"].to_string();
        let key = (instance, text(&operation, "lcmOperationType").to_owned(), params);
        match text(&operation, "operationState") {
            "FAILED" => *failures.entry(key).or_default() += 1,
            "COMPLETED" => drop(failures.remove(&key)),
            _ => {}
        }
    }
    failures.into_values().max().unwrap_or_default()
}

fn values(look: &Look<'_>, ns: &str) -> Vec<((String, String), Map<String, Value>)> {
    let mut found = Vec::new();
    for vnfr in look.records(Collection::VnfInstances).filter(|v| text(v, "nsr-id-ref") == ns) {
        let member = text(&vnfr, "member-vnf-index-ref");
        for kdur in vnfr["kdur"].as_array().into_iter().flatten() {
            let kdu = text(kdur, "kdu-name");
            if let Some(Value::Object(values)) = look.helm_values(ns, member, kdu) {
                found.push(((member.to_owned(), kdu.to_owned()), values.clone()));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// The state that two runs must end in alike: everything but ids, times and what differs without mattering.
pub fn canonical(look: &Look<'_>, left: Option<&Leftovers>) -> Vec<String> {
    let mut lines = Vec::new();
    for collection in [Collection::VnfPackages, Collection::NsDescriptors] {
        for record in look.records(collection) {
            let is_nsd = collection == Collection::NsDescriptors;
            if left.is_some_and(|left| left.has_package(&package(&record, is_nsd))) {
                continue;
            }
            let admin = &record["_admin"];
            let mut descriptor = record.as_object().cloned().unwrap_or_default();
            descriptor
                .retain(|key, _| !key.starts_with('_') && !OSMS_OWN_KEYS.contains(&key.as_str()));
            descriptor.sort_keys();
            lines.push(format!(
                "{} {} {} {} {} {}",
                if collection == Collection::NsDescriptors { "NSD" } else { "VNFD" },
                text(&record, "id"),
                text(&admin["storage"], "zipfile"),
                text(admin, "onboardingState"),
                text(admin, "operationalState"),
                Value::Object(descriptor),
            ));
        }
    }
    for instance in instances(look) {
        if left.is_some_and(|left| left.has_instance(&instance)) {
            continue;
        }
        let Instance { name, owner, state, is_processing, nsd, vim_account, values, .. } = instance;
        let owner = owner.unwrap_or_default();
        let mut line = format!("NS {name} {owner} {state} {is_processing} {nsd} {vim_account}");
        for (place, mut values) in values {
            values.retain(|key, _| left.is_none_or(|left| !left.has_value(&name, &place, key)));
            values.sort_keys();
            let (member, kdu) = place;
            line.push_str(&format!(" {member}/{kdu}={}", Value::Object(values)));
        }
        lines.push(line);
    }
    lines.sort();
    lines
}

/// Keys of a package's record that OSM adds to the descriptor.
const OSMS_OWN_KEYS: [&str; 4] =
    ["onboardingState", "operationalState", "usageState", "userDefinedData"];
