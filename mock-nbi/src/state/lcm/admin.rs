//! VIM accounts and clusters: what trying them out leaves in their records.

use serde_json::{Value, json};

use crate::state::State;
use crate::state::db::{Collection, admin_of, set};

pub(super) fn end_admin(
    state: &mut State,
    collection: Collection,
    id: &str,
    index: usize,
    failure: Option<String>,
    at: f64,
) {
    let Some(record) = state.db.get(collection, id) else {
        return;
    };
    let operation_type = record["_admin"]["operations"][index]["lcmOperationType"].clone();
    if operation_type == "delete" && failure.is_none() {
        state.db.remove(collection, id);
        state.engine.forget(id);
        return;
    }
    let is_verbose = state.release.details_admin_operations();
    let clusters = (collection == Collection::K8sClusters && operation_type == "create")
        .then(|| cluster_ids(state, id));
    let Some(record) = state.db.get_mut(collection, id) else {
        return;
    };
    if !is_verbose {
        set(record, "admin", json!({"current_operation": index}));
    }
    let admin = admin_of(record);
    let (operational, op_state) =
        if failure.is_none() { ("ENABLED", "COMPLETED") } else { ("ERROR", "FAILED") };
    let usual = if is_verbose { "Done" } else { "" };
    let detail = failure.clone().unwrap_or_else(|| usual.to_owned());
    let operation = &mut admin["operations"][index];
    set(operation, "operationState", op_state);
    set(operation, "statusEnteredTime", at);
    if is_verbose {
        set(operation, "detailed-status", detail.as_str());
    }
    set(admin, "operationalState", operational);
    set(admin, "detailed-status", detail);
    if let (Some(clusters), None) = (clusters, failure) {
        for (key, cluster) in clusters {
            set(admin, key, cluster);
        }
    }
}

/// What OSM notes of a cluster that it prepared for helm 2, helm 3 and juju.
fn cluster_ids(state: &mut State, id: &str) -> Vec<(&'static str, Value)> {
    // Release 10 puts the namespace in front. Source: `k8scluster-uuid` in the captures.
    let prefix = if state.release.has_verbose_ids() { id } else { "kube-system" };
    ["helm-chart", "helm-chart-v3", "juju-bundle"]
        .into_iter()
        .map(|key| {
            let value = json!({
                "id": format!("{prefix}:{}", state.ids.uuid()),
                "created": false,
                "operationalState": "ENABLED",
                "error_msg": null,
            });
            (key, value)
        })
        .collect()
}
