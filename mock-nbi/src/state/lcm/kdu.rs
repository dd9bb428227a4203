//! KDUs: installing their charts, and what the records show of it.
//!
//! Source: OSM LCM v19 `ns.py`, `deploy_kdus` and `_install_kdu`.

use serde_json::{Value, json};

use super::{Running, failure_text};
use crate::operation::Ending;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::helm::{HelmRelease, release_name};
use crate::state::params::{from_text, parsed};

const HELM_FAILED: &str = "Error executing command: helm3 install failed";

/// How the deployment of an instance went.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    /// What failed, as the records tell it.
    pub(super) failure: Option<String>,
    /// Whether any task was begun.
    pub(super) has_begun: bool,
}

/// Installs every KDU, or says what failed.
pub(super) fn deploy(state: &mut State, running: Running, ending: &Ending) -> Deployed {
    let is_stand_in = state.release.has_lenient_lcm();
    let vnfrs = state.vnfrs_of(running.ns_id);
    let first = vnfrs.iter().flat_map(|vnfr| list(vnfr, "kdur")).next();
    let usual = match first {
        _ if is_stand_in => format!("Deploying KDU: {HELM_FAILED}"),
        Some(kdur) => format!("Deploying KDU {}: {HELM_FAILED}", text(kdur, "kdu-name")),
        None => "Deploying at VIM: Error at VIM".to_owned(),
    };
    let mut deployed = Deployed { failure: failure_text(ending, &usual), has_begun: true };
    let mut entries = Vec::new();
    for vnfr in &vnfrs {
        for kdur in list(vnfr, "kdur") {
            match cluster_of(state, kdur) {
                Ok(cluster) => {
                    entries.push(install(state, running, vnfr, kdur, &cluster, &deployed.failure));
                }
                Err(problem) if deployed.failure.is_none() => {
                    let has_begun = !entries.is_empty();
                    deployed = Deployed { failure: Some(problem), has_begun };
                }
                Err(_) => {}
            }
        }
    }
    let status = if deployed.failure.is_none() { "READY" } else { "ERROR" };
    if deployed.has_begun {
        mark_kdus(state, running.ns_id, status);
    }
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, running.ns_id) {
        let deployed = json!({
            "RO": {"vnfd": [], "operational-status": "running"}, "VCA": [], "K8s": entries,
        });
        set(admin_of(nsr), "deployed", deployed);
    }
    deployed
}

fn mark_kdus(state: &mut State, ns_id: &str, status: &str) {
    for vnfr_id in state.vnfr_ids(ns_id) {
        let vnfr = state.db.get_mut(Collection::VnfInstances, &vnfr_id);
        let kdus = vnfr.and_then(|vnfr| vnfr.get_mut("kdur")).and_then(Value::as_array_mut);
        for kdu in kdus.into_iter().flatten() {
            set(kdu, "status", status);
        }
    }
}

/// The cluster of a KDU as OSM's Kubernetes client knows it, with the kind of deployment.
struct Cluster {
    uuid: Value,
    kind: &'static str,
}

fn cluster_of(state: &State, kdur: &Value) -> Result<Cluster, String> {
    let is_juju = kdur.get("juju-bundle").is_some();
    let kind = match (is_juju, text(kdur, "helm-version")) {
        (true, _) => "juju-bundle",
        (false, "v2") if state.release.has_helm_2() => "helm-chart",
        (false, _) => "helm-chart-v3",
    };
    let id = text(&kdur["k8s-cluster"], "id");
    let cluster = state.db.get(Collection::K8sClusters, id);
    let uuid = cluster.map(|cluster| cluster["_admin"][kind]["id"].clone()).unwrap_or_default();
    if uuid.is_string() || state.release.has_lenient_lcm() {
        return Ok(Cluster { uuid, kind });
    }
    Err(format!("K8s cluster '{id}' has not been initialized for '{kind}'"))
}

fn install(
    state: &mut State,
    running: Running,
    vnfr: &Value,
    kdur: &Value,
    cluster: &Cluster,
    failure: &Option<String>,
) -> Value {
    let is_stand_in = state.release.has_lenient_lcm();
    let key = if cluster.kind == "juju-bundle" { "juju-bundle" } else { "helm-chart" };
    let model = text(kdur, key);
    let mut entry = json!({
        "kdu-instance": null,
        "k8scluster-uuid": cluster.uuid,
        "k8scluster-type": cluster.kind,
        "member-vnf-index": vnfr["member-vnf-index-ref"],
        "kdu-name": kdur["kdu-name"],
        "kdu-model": model,
        "namespace": kdur["k8s-namespace"],
    });
    if state.release.has_kdu_deployment_names() {
        set(&mut entry, "kdu-deployment-name", kdur["kdu-deployment-name"].clone());
    }
    if is_stand_in && failure.is_some() {
        return entry;
    }
    // The stand-in gave ten digits, and did not look at the name that was asked for.
    let name = match text(kdur, "kdu-deployment-name") {
        _ if is_stand_in => release_name(model, &state.ids.ten_digits()),
        "" => release_name(model, &state.ids.eight_digits()),
        name => name.to_owned(),
    };
    set(&mut entry, "kdu-instance", name.as_str());
    if let Some(detail) = failure {
        set(&mut entry, "detailed-status", detail.as_str());
        return entry;
    }
    // Nor did it read what is kept as YAML.
    let params = &kdur["additionalParams"];
    let values = if is_stand_in { parsed(params) } else { from_text(params) };
    let namespace = text(kdur, "k8s-namespace").to_owned();
    let release = HelmRelease::install(name, namespace, values, running.at);
    show_release(&mut entry, &release, "install", is_stand_in, running.at);
    let key = (text(vnfr, "member-vnf-index-ref").to_owned(), text(kdur, "kdu-name").to_owned());
    state.helm.put(running.ns_id, key, release);
    entry
}

/// Writes what helm tells of a release into the instance's record.
pub(super) fn show_release(
    entry: &mut Value,
    release: &HelmRelease,
    operation: &str,
    is_stand_in: bool,
    at: f64,
) {
    set(entry, "detailed-status", release.status_text(is_stand_in));
    set(entry, "operation", operation);
    set(entry, "status", release.description.as_str());
    set(entry, "status-time", at.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Kind, Profile};
    use crate::release::Release;

    #[test]
    fn helm_2_is_gone_in_release_19() {
        let admin = json!({"helm-chart": {"id": "two"}, "helm-chart-v3": {"id": "three"}});
        for (release, version, kind, uuid) in [
            (Release::R10, "v2", "helm-chart", "two"),
            (Release::R10, "v3", "helm-chart-v3", "three"),
            (Release::R19, "v2", "helm-chart-v3", "three"),
        ] {
            let mut state = State::empty(release, Profile::instant(), 1);
            state.db.put(Collection::K8sClusters, json!({"_id": "c", "_admin": admin}));
            let kdur = json!({"helm-version": version, "k8s-cluster": {"id": "c"}});
            let cluster = cluster_of(&state, &kdur).map(|cluster| (cluster.kind, cluster.uuid));
            assert_eq!(cluster, Ok((kind, json!(uuid))), "{release:?} {version}");
        }
    }

    #[test]
    fn a_deployment_fails_with_what_failed_first() {
        let kdu =
            |name: &str, cluster: &str| json!({"kdu-name": name, "k8s-cluster": {"id": cluster}});
        let failure = |ending: &Ending| {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let vnfr = json!({
                "_id": "v", "nsr-id-ref": "ns", "member-vnf-index-ref": "1",
                "kdur": [kdu("a", "x"), kdu("b", "y")],
            });
            state.db.put(Collection::VnfInstances, vnfr);
            let running = Running { ns_id: "ns", op_id: "op", kind: Kind::Instantiate, at: 1.0 };
            deploy(&mut state, running, ending).failure
        };
        let said = "K8s cluster 'x' has not been initialized for 'helm-chart-v3'";
        assert_eq!(failure(&Ending::Well).as_deref(), Some(said));
        let said = "Deploying KDU a: Error executing command: helm3 install failed";
        assert_eq!(failure(&Ending::Badly(None)).as_deref(), Some(said));
    }
}
