//! What OSM's life-cycle manager writes when operations start, move on and end.
//!
//! Source: NBI_FACTS.md section 11; recorded cases `ns_actions_queue`, `ns_failed_instantiation`,
//! `ns_action_upgrade`; release10/ns-action.upgrade2.jsonl.

use serde_json::{Value, json};

use crate::operation::{Change, Ending, Step, Work};
use crate::profile::Kind;
use crate::python::json_dumps;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::helm::HelmRelease;
use crate::state::records::params_from_text;

/// Stages of an instantiation by number from 1, as OSM names them.
const STAGES: [&str; 5] = [
    "Stage 1/5: preparation of the environment.",
    "Stage 2/5: deployment of KDUs, VMs and execution environments.",
    "Stage 3/5: instantiating Day-1 prims.",
    "Stage 4/5: executing Day-1 primitives.",
    "Stage 5/5: finishing.",
];
const INSTALL_FAILED: &str = "Deploying KDU: Error executing command: helm3 install failed";
const UPGRADE_FAILED: &str = "Error executing command: helm3 upgrade failed";
const TERMINATE_FAILED: &str = "Error executing command: helm3 uninstall failed";

/// Writes one step of an operation into the records.
pub(crate) fn apply(state: &mut State, step: &Step) {
    match &step.work {
        Work::Admin {
            collection,
            id,
            index,
        } => {
            if let Change::End(ending) = &step.change {
                end_admin(state, *collection, id, *index, ending, step.at);
            }
        }
        Work::Ns { ns_id, op_id, kind } => match &step.change {
            Change::Wait => {
                if let Some(op) = state.db.get_mut(Collection::Operations, op_id) {
                    set(op, "queuePosition", 0);
                }
            }
            Change::Start => start(state, ns_id, op_id, *kind, step.at),
            Change::Stage(number) => {
                let stage = STAGES[(*number as usize).saturating_sub(1).min(STAGES.len() - 1)];
                if let Some(op) = state.db.get_mut(Collection::Operations, op_id) {
                    set(op, "stage", stage);
                    set(op, "detailed-status", stage);
                }
            }
            Change::End(ending) => end(state, ns_id, op_id, *kind, ending, step.at),
        },
    }
}

fn start(state: &mut State, ns_id: &str, op_id: &str, kind: Kind, at: f64) {
    let (stage, detail) = match kind {
        Kind::Instantiate => (json!(STAGES[0]), Some("Reading from database. ")),
        Kind::Terminate => (
            json!("Stage 1/3: Preparing task."),
            Some("Getting nsr from db. "),
        ),
        Kind::Action | Kind::Scale | Kind::Admin => (Value::Null, None),
    };
    if let Some(op) = state.db.get_mut(Collection::Operations, op_id) {
        set(op, "queuePosition", 0);
        if let (Some(stage), Some(detail)) = (stage.as_str(), detail) {
            set(op, "detailed-status", format!("{stage} {detail}"));
        }
        set(op, "stage", stage);
    }
    let running = match kind {
        Kind::Instantiate => "INSTANTIATING",
        Kind::Terminate => "TERMINATING",
        Kind::Scale => "SCALING",
        Kind::Action | Kind::Admin => "RUNNING ACTION",
    };
    if kind == Kind::Instantiate {
        mark_vnfrs(state, ns_id, "INSTANTIATED");
    }
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    set(nsr, "currentOperation", running);
    set(nsr, "currentOperationID", op_id);
    let admin = admin_of(nsr);
    for key in ["nslcmop", "current-operation"] {
        set(admin, key, op_id);
    }
    set(admin, "operation-type", running);
    set(admin, "modified", at);
    match kind {
        Kind::Instantiate => {
            set(admin, "nsState", "INSTANTIATED");
            set(
                admin,
                "deployed",
                json!({"RO": {"vnfd": []}, "VCA": [], "K8s": []}),
            );
            for (key, value) in [
                ("nsState", json!("BUILDING")),
                ("errorDescription", Value::Null),
                ("errorDetail", Value::Null),
                ("configurationStatus", json!([])),
                ("operational-status", json!("init")),
                ("config-status", json!("init")),
                ("detailed-status", json!("creating")),
            ] {
                set(nsr, key, value);
            }
        }
        Kind::Terminate => {
            set(nsr, "nsState", "TERMINATING");
            set(nsr, "operational-status", "terminating");
            set(nsr, "config-status", "terminating");
        }
        Kind::Scale => set(nsr, "operational-status", "scaling"),
        Kind::Action | Kind::Admin => {}
    }
}

fn mark_vnfrs(state: &mut State, ns_id: &str, ns_state: &str) {
    for id in vnfr_ids(state, ns_id) {
        if let Some(vnfr) = state.db.get_mut(Collection::VnfInstances, &id) {
            set(admin_of(vnfr), "nsState", ns_state);
        }
    }
}

fn vnfr_ids(state: &State, ns_id: &str) -> Vec<String> {
    state
        .db
        .iter(Collection::VnfInstances)
        .filter(|vnfr| text(vnfr, "nsr-id-ref") == ns_id)
        .map(|vnfr| text(vnfr, "_id").to_owned())
        .collect()
}

fn end(state: &mut State, ns_id: &str, op_id: &str, kind: Kind, ending: &Ending, at: f64) {
    match kind {
        Kind::Instantiate => end_instantiate(state, ns_id, op_id, ending, at),
        Kind::Action => end_action(state, ns_id, op_id, ending, at),
        Kind::Terminate => end_terminate(state, ns_id, op_id, ending, at),
        Kind::Scale | Kind::Admin => {
            let failure = failure_text(ending, "Error scaling");
            match &failure {
                None => finish(state, op_id, "COMPLETED", Value::Null, "Done", at),
                Some(text) => finish(state, op_id, "FAILED", json!(text), text, at),
            }
            if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
                set(
                    nsr,
                    "operational-status",
                    if failure.is_none() {
                        "running"
                    } else {
                        "failed"
                    },
                );
                idle(nsr, at);
            }
        }
    }
}

fn failure_text(ending: &Ending, usual: &str) -> Option<String> {
    match ending {
        Ending::Well => None,
        Ending::Badly(text) => Some(text.clone().unwrap_or_else(|| usual.to_owned())),
    }
}

fn finish(
    state: &mut State,
    op_id: &str,
    operation_state: &str,
    error: Value,
    detail: &str,
    at: f64,
) {
    let Some(op) = state.db.get_mut(Collection::Operations, op_id) else {
        return;
    };
    set(op, "operationState", operation_state);
    set(op, "stage", "");
    set(op, "errorMessage", error);
    set(op, "detailed-status", detail);
    set(op, "statusEnteredTime", at);
}

/// No operation runs any more.
fn idle(nsr: &mut Value, at: f64) {
    set(nsr, "currentOperation", "IDLE");
    set(nsr, "currentOperationID", Value::Null);
    let admin = admin_of(nsr);
    for key in ["nslcmop", "current-operation", "operation-type"] {
        set(admin, key, Value::Null);
    }
    set(admin, "modified", at);
}

fn end_instantiate(state: &mut State, ns_id: &str, op_id: &str, ending: &Ending, at: f64) {
    let failure = failure_text(ending, INSTALL_FAILED);
    let failure = deploy_kdus(state, ns_id, failure, at);
    connect_links(state, ns_id);
    match failure {
        None => {
            finish(state, op_id, "COMPLETED", Value::Null, "Done", at);
            if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
                set(nsr, "nsState", "READY");
                set(nsr, "operational-status", "running");
                set(nsr, "config-status", "configured");
                set(nsr, "detailed-status", "Done");
                idle(nsr, at);
            }
        }
        Some(detail) => {
            let stage = STAGES[1];
            let message = format!("{stage} Detail: {detail}");
            finish(state, op_id, "FAILED", json!(message), &detail, at);
            break_ns(state, ns_id, "INSTANTIATING", op_id, stage, &detail, at);
            if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
                set(nsr, "config-status", "configured");
            }
        }
    }
}

fn break_ns(
    state: &mut State,
    ns_id: &str,
    operation: &str,
    op_id: &str,
    stage: &str,
    detail: &str,
    at: f64,
) {
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    let description = format!("Operation: {operation}.{op_id}, {stage}");
    set(nsr, "nsState", "BROKEN");
    set(nsr, "operational-status", "failed");
    set(
        nsr,
        "detailed-status",
        format!("{description} Detail: {detail}"),
    );
    set(nsr, "errorDescription", description);
    set(nsr, "errorDetail", detail);
    idle(nsr, at);
}

/// Installs every KDU; gives the text of what failed, the one handed in or a cluster's.
fn deploy_kdus(state: &mut State, ns_id: &str, failure: Option<String>, at: f64) -> Option<String> {
    let mut failure = failure;
    let mut entries = Vec::new();
    for vnfr_id in vnfr_ids(state, ns_id) {
        let Some(vnfr) = state.db.get(Collection::VnfInstances, &vnfr_id).cloned() else {
            continue;
        };
        for kdur in list(&vnfr, "kdur") {
            let (entry, problem) = deploy_kdu(state, ns_id, &vnfr, kdur, failure.is_some(), at);
            entries.push(entry);
            failure = failure.or(problem);
        }
    }
    let status = if failure.is_none() { "READY" } else { "ERROR" };
    for vnfr_id in vnfr_ids(state, ns_id) {
        let vnfr = state.db.get_mut(Collection::VnfInstances, &vnfr_id);
        let kdus = vnfr
            .and_then(|vnfr| vnfr.get_mut("kdur"))
            .and_then(Value::as_array_mut);
        for kdu in kdus.into_iter().flatten() {
            set(kdu, "status", status);
        }
    }
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
        let deployed = json!({
            "RO": {"vnfd": [], "operational-status": "running"}, "VCA": [], "K8s": entries,
        });
        set(admin_of(nsr), "deployed", deployed);
    }
    failure
}

fn deploy_kdu(
    state: &mut State,
    ns_id: &str,
    vnfr: &Value,
    kdur: &Value,
    is_failing: bool,
    at: f64,
) -> (Value, Option<String>) {
    let is_juju = kdur.get("juju-bundle").is_some();
    let cluster_type = match (is_juju, text(kdur, "helm-version")) {
        (true, _) => "juju-bundle",
        (false, "v2") => "helm-chart",
        (false, _) => "helm-chart-v3",
    };
    let model = text(kdur, if is_juju { "juju-bundle" } else { "helm-chart" });
    let cluster_id = text(&kdur["k8s-cluster"], "id").to_owned();
    let cluster_uuid = state
        .db
        .get(Collection::K8sClusters, &cluster_id)
        .map(|cluster| cluster["_admin"][cluster_type]["id"].clone())
        .unwrap_or_default();
    let mut entry = json!({
        "kdu-instance": null,
        "k8scluster-uuid": cluster_uuid,
        "k8scluster-type": cluster_type,
        "member-vnf-index": vnfr["member-vnf-index-ref"],
        "kdu-name": kdur["kdu-name"],
        "kdu-model": model,
        "namespace": kdur["k8s-namespace"],
        "kdu-deployment-name": kdur["kdu-deployment-name"],
    });
    let is_ready = cluster_uuid.is_string() || state.release.has_lenient_lcm();
    if !is_ready && !is_failing {
        let text =
            format!("K8s cluster '{cluster_id}' has not been initialized for '{cluster_type}'");
        return (entry, Some(text));
    }
    if is_failing {
        return (entry, None);
    }
    let name = match text(kdur, "kdu-deployment-name") {
        "" => format!("{}-{}", chart_name(model), state.ids.ten_digits()),
        name => name.to_owned(),
    };
    let values = params_from_text(&kdur["additionalParams"]);
    let release = HelmRelease::install(
        name.clone(),
        text(kdur, "k8s-namespace").to_owned(),
        values,
        at,
    );
    set(&mut entry, "kdu-instance", name);
    show_release(&mut entry, &release, "install", at);
    state.helm.releases.insert(
        (
            ns_id.to_owned(),
            text(vnfr, "member-vnf-index-ref").to_owned(),
            text(kdur, "kdu-name").to_owned(),
        ),
        release,
    );
    (entry, None)
}

/// `stable/openldap:1.2.3` as part of a release's name: `stable-openldap-1-2-3`.
fn chart_name(model: &str) -> String {
    model
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

fn show_release(entry: &mut Value, release: &HelmRelease, operation: &str, at: f64) {
    set(entry, "detailed-status", release.status_text());
    set(entry, "operation", operation);
    set(entry, "status", release.description.as_str());
    set(entry, "status-time", at.to_string());
}

/// Release 10 shows in each link what the VIM made of it.
fn connect_links(state: &mut State, ns_id: &str) {
    if state.release.has_lenient_lcm() {
        return;
    }
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    let vim = text(nsr, "datacenter").to_owned();
    let Some(links) = nsr.get_mut("vld").and_then(Value::as_array_mut) else {
        return;
    };
    for link in links {
        let name = text(link, "name").to_owned();
        let info = json!({
            "vim_account_id": vim,
            "vim_network_name": null,
            "vim_details": format!("{{name: {name}, status: ACTIVE}}\n"),
            "vim_id": state.ids.uuid(),
            "vim_status": "ACTIVE",
            "vim_name": name,
        });
        set(link, "vim_info", json!({format!("vim:{vim}"): info}));
    }
}

fn end_action(state: &mut State, ns_id: &str, op_id: &str, ending: &Ending, at: f64) {
    let params = state
        .db
        .get(Collection::Operations, op_id)
        .map(|op| op["operationParams"].clone())
        .unwrap_or_default();
    let primitive = text(&params, "primitive").to_owned();
    let outcome = if params.get("kdu_name").is_some() {
        run_kdu_primitive(state, ns_id, &params, ending, at)
    } else {
        failure_text(ending, "Error executing action").map_or(Ok("Done".to_owned()), Err)
    };
    match outcome {
        Ok(detail) => finish(state, op_id, "COMPLETED", json!(""), &detail, at),
        Err(detail) => {
            let text = format!("FAILED Executing kdu {primitive}: {detail}");
            finish(state, op_id, "FAILED", json!(text), &text, at);
        }
    }
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
        idle(nsr, at);
    }
}

/// Runs upgrade, rollback, status or a primitive of the chart's own; gives the text for the
/// operation.
fn run_kdu_primitive(
    state: &mut State,
    ns_id: &str,
    params: &Value,
    ending: &Ending,
    at: f64,
) -> Result<String, String> {
    let (member, kdu) = (text(params, "member_vnf_index"), text(params, "kdu_name"));
    let key = (ns_id.to_owned(), member.to_owned(), kdu.to_owned());
    let failure = failure_text(ending, UPGRADE_FAILED);
    let Some(mut release) = state.helm.releases.get(&key).cloned() else {
        // The recordings' stand-in went on with nothing; helm would not.
        if state.release.has_lenient_lcm() && failure.is_none() {
            return Ok(status_json(&Value::Null, "Upgrade complete"));
        }
        return Err(failure.unwrap_or_else(|| {
            format!("Error: UPGRADE FAILED: KDU {kdu} of VNF {member} has no deployed releases")
        }));
    };
    let mut values = params_from_text(&params["primitive_params"]);
    let options = take_options(&mut values, state.release.has_revisions());
    let instantiated = kdur_params(state, ns_id, member, kdu);
    let primitive = text(params, "primitive");
    let outcome = match (failure, primitive) {
        (Some(detail), "upgrade") => {
            release.fail_upgrade(&detail, at);
            Err(detail)
        }
        (Some(detail), _) => Err(detail),
        (None, "upgrade") => {
            let mut sent = instantiated;
            crate::state::db::merge_patch(&mut sent, &values);
            release.upgrade(&sent, options.resets_values, at);
            Ok(status_json(&json!(release.name), &release.description))
        }
        (None, "rollback") if release.roll_back(at) => {
            Ok(status_json(&json!(release.name), &release.description))
        }
        (None, "rollback") => Err("Error: release has no 0 version".to_owned()),
        (None, "status") => Ok(release.status_text()),
        (None, _) => Ok("Done".to_owned()),
    };
    if matches!(primitive, "upgrade" | "rollback") {
        let new_model = options.model.filter(|_| outcome.is_ok());
        update_entry(state, ns_id, member, kdu, |entry| {
            if let Some(model) = &new_model {
                set(entry, "kdu-model", model.as_str());
            }
            show_release(entry, &release, primitive, at);
        });
        state.helm.releases.insert(key, release);
    }
    outcome
}

/// Parameters of an upgrade that are not values of the chart.
#[derive(Default)]
struct Options {
    model: Option<String>,
    resets_values: bool,
}

fn take_options(values: &mut Value, knows_reset: bool) -> Options {
    let mut options = Options::default();
    let Some(fields) = values.as_object_mut() else {
        return options;
    };
    options.model = fields
        .shift_remove("kdu_model")
        .and_then(|model| model.as_str().map(str::to_owned));
    fields.shift_remove("kdu_atomic_upgrade");
    if knows_reset {
        let reset = fields.shift_remove("kdu_reset_values");
        options.resets_values = reset.is_some_and(|value| value == true || value == "true");
        fields.shift_remove("kdu_reuse_values");
        fields.shift_remove("kdu_reset_then_reuse_values");
    }
    options
}

fn kdur_params(state: &State, ns_id: &str, member: &str, kdu: &str) -> Value {
    let vnfr = state.db.iter(Collection::VnfInstances).find(|vnfr| {
        text(vnfr, "nsr-id-ref") == ns_id && text(vnfr, "member-vnf-index-ref") == member
    });
    let kdur = vnfr.and_then(|vnfr| {
        list(vnfr, "kdur")
            .iter()
            .find(|kdur| text(kdur, "kdu-name") == kdu)
    });
    kdur.map_or_else(
        || json!({}),
        |kdur| params_from_text(&kdur["additionalParams"]),
    )
}

fn update_entry(
    state: &mut State,
    ns_id: &str,
    member: &str,
    kdu: &str,
    change: impl Fn(&mut Value),
) {
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    let entries = nsr["_admin"]["deployed"]["K8s"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        if text(entry, "member-vnf-index") == member && text(entry, "kdu-name") == kdu {
            change(entry);
        }
    }
}

fn status_json(name: &Value, description: &str) -> String {
    json_dumps(&json!({"name": name, "status": "deployed", "description": description}))
}

fn end_terminate(state: &mut State, ns_id: &str, op_id: &str, ending: &Ending, at: f64) {
    let is_autoremoved = state
        .db
        .get(Collection::Operations, op_id)
        .is_some_and(|op| op["operationParams"]["autoremove"] == true);
    if let Some(detail) = failure_text(ending, TERMINATE_FAILED) {
        let stage = "Stage 2/3: Executing terminate primitives.";
        let message = format!("{stage} Detail: {detail}");
        finish(state, op_id, "FAILED", json!(message), &detail, at);
        break_ns(state, ns_id, "TERMINATING", op_id, stage, &detail, at);
        return;
    }
    finish(state, op_id, "COMPLETED", Value::Null, "Done", at);
    if !state.release.has_lenient_lcm() {
        state.helm.releases.retain(|(ns, _, _), _| ns != ns_id);
    }
    mark_vnfrs(state, ns_id, "NOT_INSTANTIATED");
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
        set(nsr, "nsState", "NOT_INSTANTIATED");
        set(nsr, "operational-status", "terminated");
        set(nsr, "detailed-status", "Done");
        set(admin_of(nsr), "nsState", "NOT_INSTANTIATED");
        idle(nsr, at);
    }
    if is_autoremoved {
        state.remove_ns(ns_id);
    }
}

fn end_admin(
    state: &mut State,
    collection: Collection,
    id: &str,
    index: usize,
    ending: &Ending,
    at: f64,
) {
    let Some(record) = state.db.get(collection, id) else {
        return;
    };
    let operation_type = record["_admin"]["operations"][index]["lcmOperationType"].clone();
    let failure = failure_text(ending, "Error connecting to the site");
    if operation_type == "delete" && failure.is_none() {
        state.db.remove(collection, id);
        state.engine.forget(id);
        return;
    }
    let is_verbose = state.release.has_verbose_ids();
    let clusters = (collection == Collection::K8sClusters && operation_type == "create")
        .then(|| cluster_ids(state, id));
    let Some(record) = state.db.get_mut(collection, id) else {
        return;
    };
    if !is_verbose {
        set(record, "admin", json!({"current_operation": index}));
    }
    let admin = admin_of(record);
    let (operational, op_state) = if failure.is_none() {
        ("ENABLED", "COMPLETED")
    } else {
        ("ERROR", "FAILED")
    };
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
    let prefix = if state.release.has_verbose_ids() {
        id
    } else {
        "kube-system"
    };
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
