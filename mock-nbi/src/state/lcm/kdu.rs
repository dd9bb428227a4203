//! KDUs: installing, upgrading and rolling back their charts, and what the records show of it.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{failure_text, finish, idle, vnfr_ids};
use crate::operation::Ending;
use crate::python::json_dumps;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, merge_patch, set, text};
use crate::state::helm::HelmRelease;
use crate::state::records::params_from_text;

const UPGRADE_FAILED: &str = "Error executing command: helm3 upgrade failed";

/// Installs every KDU; gives the text of what failed, the one handed in or a cluster's.
pub(super) fn deploy_kdus(
    state: &mut State,
    ns_id: &str,
    failure: Option<String>,
    at: f64,
) -> Option<String> {
    let mut failure = failure;
    let mut entries = Vec::new();
    for vnfr_id in vnfr_ids(state, ns_id) {
        let Some(vnfr) = state.db.get(Collection::VnfInstances, &vnfr_id).map(Cow::into_owned)
        else {
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
        let kdus = vnfr.and_then(|vnfr| vnfr.get_mut("kdur")).and_then(Value::as_array_mut);
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
    let release =
        HelmRelease::install(name.clone(), text(kdur, "k8s-namespace").to_owned(), values, at);
    set(&mut entry, "kdu-instance", name);
    show_release(&mut entry, &release, "install", at);
    let key = (text(vnfr, "member-vnf-index-ref").to_owned(), text(kdur, "kdu-name").to_owned());
    state.helm.put(ns_id, key, release);
    (entry, None)
}

/// `stable/openldap:1.2.3` as part of a release's name: `stable-openldap-1-2-3`.
fn chart_name(model: &str) -> String {
    model
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect()
}

fn show_release(entry: &mut Value, release: &HelmRelease, operation: &str, at: f64) {
    set(entry, "detailed-status", release.status_text());
    set(entry, "operation", operation);
    set(entry, "status", release.description.as_str());
    set(entry, "status-time", at.to_string());
}

pub(super) fn end_action(state: &mut State, ns_id: &str, op_id: &str, ending: &Ending, at: f64) {
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
    let failure = failure_text(ending, UPGRADE_FAILED);
    let Some(mut release) = state.helm.get(ns_id, member, kdu).cloned() else {
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
            let mut sent = if options.resets_values { json!({}) } else { instantiated };
            merge_patch(&mut sent, &values);
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
        state.helm.put(ns_id, (member.to_owned(), kdu.to_owned()), release);
    }
    outcome
}

/// Parameters of an upgrade that are not values of the chart.
///
/// Source: OSM LCM v19 `ns.py`, `action`.
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
    options.model =
        fields.shift_remove("kdu_model").and_then(|model| model.as_str().map(str::to_owned));
    fields.shift_remove("kdu_atomic_upgrade");
    if knows_reset {
        let reset = fields.shift_remove("kdu_reset_values");
        let word = reset.as_ref().and_then(Value::as_str).unwrap_or_default().to_lowercase();
        options.resets_values = ["yes", "true", "1"].contains(&word.as_str());
        fields.shift_remove("kdu_reuse_values");
        fields.shift_remove("kdu_reset_then_reuse_values");
    }
    options
}

fn kdur_params(state: &State, ns_id: &str, member: &str, kdu: &str) -> Value {
    let vnfr = state
        .db
        .with(Collection::VnfInstances, "nsr-id-ref", ns_id)
        .find(|vnfr| text(vnfr, "member-vnf-index-ref") == member)
        .unwrap_or_default();
    let kdur = list(&vnfr, "kdur").iter().find(|kdur| text(kdur, "kdu-name") == kdu);
    kdur.map_or_else(|| json!({}), |kdur| params_from_text(&kdur["additionalParams"]))
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
