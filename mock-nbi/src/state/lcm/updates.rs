//! How updates of NS instances end: a VNF removed or of another package, a machine started,
//! stopped, made anew or larger.
//!
//! Source: OSM LCM v19 `ns.py`, `update`, `remove_vnf`, `_ns_redeploy_vnf`, `process_operate_vnf`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Outcome, Running, failure_text, finish, idle, machines, status_before};
use crate::operation::Ending;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::instances::software_version;
use crate::state::records::connection_points;

const FIRST_STEP: &str = "Getting nsr from database";

/// How an update went that OSM's own code did not break off.
enum Update {
    /// It did what it was to do; what `detailed-status` says, where it is written at all.
    Done(Option<&'static str>),
    /// It broke off in this step.
    Failed { step: &'static str, detail: String },
    /// It was not done.
    Refused(String),
    /// The new machines could not be put up; the instance counts as failed.
    NotRedeployed(String),
}

pub(super) fn end(state: &mut State, running: Running, ending: &Ending) {
    let op = state.db.get(Collection::Operations, running.op_id);
    let params = op.map(|op| op["operationParams"].clone()).unwrap_or_default();
    let update = match (text(&params, "updateType"), failure_text(ending, "")) {
        ("REMOVE_VNF", None) => remove_vnf(state, running.ns_id, &params),
        ("CHANGE_VNFPKG", None) => change_package(state, &params),
        ("OPERATE_VNF", None) => operate(state, &params),
        ("VERTICAL_SCALE", None) => scale_vertically(state, &params),
        (_, None) => Update::Done(None),
        ("REMOVE_VNF", Some(detail)) => Update::Failed { step: "Removing VNF", detail },
        ("CHANGE_VNFPKG", Some(detail)) => {
            Update::Failed { step: "Checking if revision has changed in VNFD", detail }
        }
        (_, Some(detail)) => Update::Failed { step: FIRST_STEP, detail },
    };
    let is_redeployed = params.get("newVdur").is_some() && matches!(update, Update::Done(_));
    let outcome = match &update {
        Update::Done(detail) => Outcome { is_well: true, error: json!(""), detail: json!(detail) },
        Update::Failed { step, detail } => {
            let message = format!("FAILED {step}: {detail}");
            Outcome::failed(message.as_str(), message.as_str())
        }
        Update::Refused(detail) | Update::NotRedeployed(detail) => {
            Outcome::failed(detail.as_str(), detail.as_str())
        }
    };
    finish(state, running, outcome);
    if let (Update::Done(None), Some(op)) =
        (&update, state.db.get_mut(Collection::Operations, running.op_id))
        && let Some(fields) = op.as_object_mut()
    {
        fields.shift_remove("detailed-status");
    }
    if is_redeployed {
        machines::bring_up(state, running.ns_id);
    }
    idle(state, running, |nsr| {
        let status = status_before(nsr);
        set(nsr, "operational-status", status);
        match update {
            Update::NotRedeployed(detail) => {
                set(nsr, "operational-status", "failed");
                set(nsr, "detailed-status", detail);
            }
            Update::Done(_) if is_redeployed => set(nsr, "detailed-status", "Done"),
            Update::Done(_) | Update::Failed { .. } | Update::Refused(_) => {}
        }
    });
}

fn remove_vnf(state: &mut State, ns_id: &str, params: &Value) -> Update {
    let id = text(params, "removeVnfInstanceId");
    let others: Vec<String> = state.vnfr_ids(ns_id).into_iter().filter(|own| own != id).collect();
    if others.is_empty() {
        let detail = format!("{id} Cannot terminate the last VNF in this NS.");
        return Update::Failed { step: "Removing VNF", detail };
    }
    state.db.remove(Collection::VnfInstances, id);
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
        set(nsr, "constituent-vnfr-ref", others);
    }
    Update::Done(Some("Done"))
}

/// The VNF is of its package's last revision from now on; where the software is another one, its
/// machines are the new ones.
fn change_package(state: &mut State, params: &Value) -> Update {
    let data = &params["changeVnfPackageData"];
    let vnfd = state.db.get(Collection::VnfPackages, text(data, "vnfdId"));
    let vnfd = vnfd.map(Cow::into_owned).unwrap_or_default();
    let revision = &vnfd["_admin"]["revision"];
    let Some(vnfr) = state.db.get_mut(Collection::VnfInstances, text(data, "vnfInstanceId")) else {
        return Update::Done(None);
    };
    if vnfr["revision"] == *revision {
        return Update::Done(None);
    }
    set(vnfr, "revision", revision.clone());
    let Some(machines) = params.get("newVdur") else {
        return Update::Done(Some("Done"));
    };
    set(vnfr, "connection-point", connection_points(&vnfd));
    set(vnfr, "vdur", machines.clone());
    set(vnfr, "ip-address", "");
    if vnfd.get("vdu").is_none() {
        // OSM asks the new package for machines, whether or not it is one of charts.
        return Update::NotRedeployed("Error updating VNF 'vdu'".to_owned());
    }
    Update::Done(Some("Done"))
}

/// Starts, stops or makes anew one machine.
fn operate(state: &State, params: &Value) -> Update {
    let broken = |complaint: &str| Update::Failed {
        step: FIRST_STEP,
        detail: format!("Traceback (most recent call last):\n{complaint}\n"),
    };
    let Some(data) = params.get("operateVnfData") else {
        return broken("KeyError: 'operateVnfData'");
    };
    let Some(target) = data.get("additionalParam") else {
        return broken("KeyError: 'additionalParam'");
    };
    let vnfr = state.db.get(Collection::VnfInstances, text(data, "vnfInstanceId"));
    let vnfr = vnfr.unwrap_or_default();
    let is_there = list(&vnfr, "vdur").iter().any(|machine| {
        machine["vdu-id-ref"] == target["vdu_id"] && machine["count-index"] == target["count-index"]
    });
    match (is_there, text(data, "changeStateTo")) {
        (true, _) => Update::Done(Some("Done")),
        (false, "console") => Update::Refused("Target vdu is not found".to_owned()),
        // OSM forgets to say what became of it, and stumbles over that.
        (false, _) => broken("TypeError: object of type 'NoneType' has no len()"),
    }
}

/// Takes a VNF's machines to the flavours of its package's last revision.
fn scale_vertically(state: &State, params: &Value) -> Update {
    let Some(data) = params.get("verticalScaleVnf") else {
        let detail =
            "Traceback (most recent call last):\nKeyError: 'verticalScaleVnf'\n".to_owned();
        return Update::Failed { step: FIRST_STEP, detail };
    };
    let vnfd_id = text(data, "vnfdId");
    let get = |collection, id: &str| state.db.get(collection, id).unwrap_or_default();
    let vnfr = get(Collection::VnfInstances, text(data, "vnfInstanceId"));
    let own = vnfr["revision"].as_u64().unwrap_or(1);
    let old = get(Collection::VnfPackageRevisions, &format!("{vnfd_id}:{own}"));
    let new = get(Collection::VnfPackages, vnfd_id);
    let is_same = |key: &str| old.get(key) == new.get(key);
    let detail = if software_version(&old) == software_version(&new) {
        format!("No change in software_version of vnfd {vnfd_id}")
    } else if is_same("virtual-compute-desc") && is_same("virtual-storage-desc") {
        format!("No change in flavor check vnfd {vnfd_id}")
    } else {
        return Update::Done(Some("Done"));
    };
    Update::Failed { step: "Checking for flavor change", detail }
}
