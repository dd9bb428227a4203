//! What an operator mends once faults have stopped: causes that no reconciler can take away.

use mock_nbi::{Collection, Look, MockNbi, OperationResult};
use serde_json::{Value, json};

use super::hand::Hand;
use super::osm::{self, is_open, text};

/// Whether a VNFD that an instance was made from is gone, without which OSM does nothing to it any more.
fn is_without_package(look: &Look<'_>, ns: &str) -> bool {
    let Some(record) = look.record(Collection::NsInstances, ns) else { return false };
    let mut vnfds = record["vnfd-id"].as_array().into_iter().flatten().filter_map(Value::as_str);
    vnfds.any(|id| look.record(Collection::VnfPackages, id).is_none())
}

/// An operation that has not ended.
struct Open {
    id: String,
    instance: String,
    /// Whether OSM still works on it.
    is_known: bool,
}

/// What is wrong for good with what operations need.
struct Ills {
    /// Projects with a quota.
    quotas: Vec<String>,
    /// VIM accounts in ERROR.
    vims: Vec<String>,
}

impl Ills {
    fn find(look: &Look<'_>) -> Self {
        let ids = |collection, is_wrong: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let wrong = look.records(collection).filter(|record| is_wrong(record));
            wrong.map(|record| text(&record, "_id").to_owned()).collect()
        };
        let has_quota =
            |project: &Value| project["quotas"].as_object().is_some_and(|q| !q.is_empty());
        let in_error = |vim: &Value| text(&vim["_admin"], "operationalState") == "ERROR";
        Self {
            quotas: ids(Collection::Projects, &has_quota),
            vims: ids(Collection::VimAccounts, &in_error),
        }
    }
}

fn open_operations(look: &Look<'_>) -> Vec<Open> {
    let open = look.records(Collection::Operations).filter(|operation| is_open(operation));
    open.map(|operation| {
        let id = text(&operation, "_id").to_owned();
        let instance = text(&operation, "nsInstanceId").to_owned();
        Open { is_known: look.is_pending(&id), id, instance }
    })
    .collect()
}

/// Instances that wait for an operation which OSM has lost, or whose package is gone.
fn lost_instances(look: &Look<'_>, lost_packages: bool) -> Vec<String> {
    let open = look.records(Collection::Operations).filter(|operation| is_open(operation));
    let open: Vec<String> = open.map(|o| text(&o, "nsInstanceId").to_owned()).collect();
    let is_lost = |instance: &osm::Instance| {
        let waits = instance.is_shown_processing && !open.contains(&instance.record);
        waits || lost_packages && is_without_package(look, &instance.record)
    };
    let lost = osm::instances(look).into_iter().filter(is_lost);
    lost.map(|instance| instance.record).collect()
}

fn packages_without_content(look: &Look<'_>) -> Vec<(bool, String)> {
    let empty = osm::packages(look).into_iter().filter(|package| !package.is_usable);
    empty.map(|package| (package.is_nsd, package.record)).collect()
}

/// Mends everything; says what. What has lost its package is deleted only where somebody else may have taken it away.
pub(crate) async fn heal(nbi: &MockNbi, lost_packages: bool) -> Vec<String> {
    let mut done = Vec::new();
    nbi.clear_faults();
    let mut hand = Hand::new(nbi);
    for (is_nsd, id) in nbi.look(packages_without_content) {
        let topic = if is_nsd { "nsd/v1/ns_descriptors" } else { "vnfpkgm/v1/vnf_packages" };
        hand.ask("DELETE", &format!("/{topic}/{id}?FORCE=true"), None).await;
        done.push("a package without content is deleted".to_owned());
    }
    let Ills { quotas, vims } = nbi.look(Ills::find);
    for id in quotas {
        nbi.edit(Collection::Projects, &id, |project| project["quotas"] = json!({}));
        done.push("the quota is lifted".to_owned());
    }
    for id in vims {
        nbi.edit(Collection::VimAccounts, &id, |vim| {
            vim["_admin"]["operationalState"] = "ENABLED".into();
        });
        done.push("the VIM account is enabled".to_owned());
    }
    // What was to come to rest in a state that is no end does so when it is ended: once more then.
    for _ in 0..2 {
        for Open { id, instance, is_known } in nbi.look(open_operations) {
            let failed = OperationResult::Fail { detail: "ended by the operator".to_owned() };
            if is_known && nbi.end_operation(&id, failed).is_ok() {
                done.push("an operation is ended".to_owned());
            } else {
                let path = format!("/nslcm/v1/ns_instances/{instance}?FORCE=true");
                hand.ask("DELETE", &path, None).await;
                done.push("an instance with a lost operation is deleted".to_owned());
            }
        }
    }
    // Only now: what ended may not have been what an instance waits for.
    for id in nbi.look(|look| lost_instances(look, lost_packages)) {
        hand.ask("DELETE", &format!("/nslcm/v1/ns_instances/{id}?FORCE=true"), None).await;
        done.push("an instance without its operation or its package is deleted".to_owned());
    }
    done
}
