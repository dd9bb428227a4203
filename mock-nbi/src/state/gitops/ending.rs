//! What the workflow engine's end of an operation leaves in a record: whether it went well, that the
//! record is at rest, and the plainest effect of each kind of operation.
//!
//! Not more: nothing is written while an operation goes on but what the NBI wrote, and no resources
//! are watched one after the other.
//!
//! Source: OSM LCM `gitops.py` of release 19 (`check_workflow_and_update_db`,
//! `check_resource_and_update_db`).

use serde_json::{Value, json};

use super::PROFILES;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};

/// Keys that an operation may give new values. Bodies can have any others beside them.
const CHANGEABLE: &[&str] = &[
    "name",
    "description",
    "profile",
    "oka",
    "model",
    "params",
    "secret_params",
    "k8s_version",
    "node_size",
    "node_count",
];

fn lay_over(record: &mut Value, params: &Value, keys: &[&str]) {
    for key in keys {
        if let Some(value) = params.get(*key) {
            set(record, key, value.clone());
        }
    }
}

/// Writes the end of operation `index` of a record.
pub(crate) fn end(
    state: &mut State,
    collection: Collection,
    id: &str,
    index: usize,
    is_well: bool,
    at: f64,
) {
    let Some(record) = state.db.get(collection, id) else {
        return;
    };
    let mut record = record.into_owned();
    let operation = record["operationHistory"][index].clone();
    let kind = text(&operation, "operationType");
    if is_well && matches!(kind, "delete" | "deregister") {
        return remove(state, collection, &record);
    }
    set_operation(&mut record, index, is_well, at);
    match (kind, is_well) {
        ("create" | "register", true) => set(&mut record, "state", "CREATED"),
        ("create" | "register", false) => set(&mut record, "state", "FAILED_CREATION"),
        ("delete", false) => set(&mut record, "state", "FAILED_DELETION"),
        _ => {}
    }
    set(&mut record, "resourceState", if is_well { "READY" } else { "ERROR" });
    set(&mut record, "operatingState", "IDLE");
    set(&mut record, "current_operation", Value::Null);
    if collection == Collection::Clusters {
        end_of_cluster(state, &mut record, &operation, is_well, at);
    } else if is_well && kind == "clone" {
        clone_ksu(state, &record, &operation["operationParams"], at);
    } else if is_well && matches!(kind, "update" | "scale") && collection != Collection::Okas {
        lay_over(&mut record, &operation["operationParams"], CHANGEABLE);
    }
    state.db.put(collection, record);
}

fn set_operation(record: &mut Value, index: usize, is_well: bool, at: f64) {
    let words = if is_well {
        [
            ("workflowState", "COMPLETED"),
            ("resourceState", "READY"),
            ("operationState", "COMPLETED"),
        ]
    } else {
        [("workflowState", "ERROR"), ("resourceState", "NOT_READY"), ("operationState", "FAILED")]
    };
    let Some(operation) = record.pointer_mut(&format!("/operationHistory/{index}")) else {
        return;
    };
    for (key, word) in words {
        set(operation, key, word);
    }
    set(operation, "result", is_well);
    set(operation, "endDate", at);
}

/// A cluster comes and goes with its profiles and its entry in the older API.
fn end_of_cluster(
    state: &mut State,
    cluster: &mut Value,
    operation: &Value,
    is_well: bool,
    at: f64,
) {
    let params = &operation["operationParams"];
    let kind = text(operation, "operationType");
    match kind {
        "create" | "register" => {
            for (profiles, collection) in PROFILES {
                for profile in list(cluster, profiles) {
                    let id = profile.as_str().unwrap_or_default();
                    end(state, collection, id, 0, is_well, at);
                }
            }
            end_in_older_api(state, text(cluster, "name"), is_well, at);
        }
        "add" | "remove" if is_well => {
            let named = &params[if kind == "add" { "add_profile" } else { "remove_profile" }];
            let id = text(&named[0], "id");
            let place = PROFILES.iter().find(|(_, known)| state.db.contains(*known, id));
            if let Some((profiles, _)) = place {
                let mut left = list(cluster, profiles).to_vec();
                left.retain(|known| known != id);
                left.extend((kind == "add").then(|| json!(id)));
                set(cluster, profiles, left);
            }
        }
        "scale" | "upgrade" if is_well => lay_over(cluster, params, CHANGEABLE),
        "get_creds" if is_well && cluster.get("credentials").is_none() => {
            let name = text(cluster, "git_name").to_owned();
            let server = format!("https://{name}.example");
            set(
                cluster,
                "credentials",
                json!({
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": name, "cluster": {"server": server}}],
                }),
            );
        }
        _ => {}
    }
}

fn end_in_older_api(state: &mut State, name: &str, is_well: bool, at: f64) {
    for id in state.db.ids_with(Collection::K8sClusters, "name", name) {
        let Some(older) = state.db.get_mut(Collection::K8sClusters, &id) else {
            continue;
        };
        let admin = admin_of(older);
        set(admin, "operationalState", if is_well { "ENABLED" } else { "ERROR" });
        if let Some(operation) = admin.pointer_mut("/operations/0") {
            set(operation, "operationState", if is_well { "COMPLETED" } else { "FAILED" });
            set(operation, "statusEnteredTime", at);
        }
    }
}

/// The copy of a KSU, at the profile and by the name that were asked for.
fn clone_ksu(state: &mut State, ksu: &Value, params: &Value, at: f64) {
    let mut copy = ksu.clone();
    let id = state.ids.uuid();
    lay_over(&mut copy, params, &["name", "description", "profile"]);
    set(&mut copy, "_id", id);
    set(&mut copy, "operationHistory", json!([]));
    set(admin_of(&mut copy), "created", at);
    state.db.put(Collection::Ksus, copy);
}

fn remove(state: &mut State, collection: Collection, record: &Value) {
    let id = text(record, "_id");
    if collection == Collection::Clusters {
        let name = text(record, "name");
        for (profiles, collection) in PROFILES {
            for profile in list(record, profiles).iter().filter_map(Value::as_str) {
                let own = state.db.get(collection, profile);
                if own.is_some_and(|profile| text(&profile, "name") == name) {
                    state.db.remove(collection, profile);
                }
            }
        }
        state.db.remove_with(Collection::K8sClusters, "name", name);
    }
    state.db.remove(collection, id);
    state.engine.forget(id);
    if collection == Collection::Ksus {
        free_okas(state, record);
    }
}

/// OKAs that the last KSU which used them leaves are free again.
fn free_okas(state: &mut State, ksu: &Value) {
    for oka in list(ksu, "oka").iter().filter_map(|oka| oka["_id"].as_str()) {
        if state.db.count_with(Collection::Ksus, "oka._id", oka) > 0 {
            continue;
        }
        if let Some(oka) = state.db.get_mut(Collection::Okas, oka) {
            set(admin_of(oka), "usageState", "NOT_IN_USE");
        }
    }
}
