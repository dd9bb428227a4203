//! How healings, updates and migrations end.
//!
//! Source: OSM LCM v19 `ns.py`, `heal`, `update`, `remove_vnf` and `migrate`.

use serde_json::{Value, json};

use super::{Outcome, Running, failure_text, finish, idle, status_before};
use crate::operation::Ending;
use crate::state::State;
use crate::state::db::{Collection, admin_of, set, text};

const HEAL_STEP: &str = "Sending heal order to VIM";

pub(super) fn end_heal(state: &mut State, running: Running, ending: &Ending) {
    let Some(detail) = failure_text(ending, "Error healing") else {
        finish(state, running, Outcome::done());
        idle(state, running, |nsr| {
            set(nsr, "detailed-status", "Done");
            set(nsr, "operational-status", "running");
            set(nsr, "config-status", "configured");
            set(&mut admin_of(nsr)["deployed"]["RO"], "operational-status", "running");
        });
        return;
    };
    let message = format!("FAILED {HEAL_STEP}: {detail}");
    finish(state, running, Outcome::failed(message.as_str(), message.as_str()));
    let told = format!("FAILED healing nslcmop={} {HEAL_STEP}: {detail}", running.op_id);
    idle(state, running, |nsr| {
        let status = status_before(nsr);
        set(nsr, "operational-status", status);
        set(nsr, "detailed-status", told);
    });
}

pub(super) fn end_migrate(state: &mut State, running: Running, ending: &Ending) {
    let outcome = match failure_text(ending, "Error migrating") {
        None => Outcome { error: json!(""), ..Outcome::done() },
        // OSM leaves the message empty here.
        Some(detail) => {
            Outcome::failed("", format!("FAILED Getting nslcmop from database: {detail}"))
        }
    };
    finish(state, running, outcome);
    idle(state, running, |_| {});
}

pub(super) fn end_update(state: &mut State, running: Running, ending: &Ending) {
    let op = state.db.get(Collection::Operations, running.op_id);
    let params = op.map(|op| op["operationParams"].clone()).unwrap_or_default();
    let (step, outcome) = match (text(&params, "updateType"), failure_text(ending, "")) {
        ("REMOVE_VNF", None) => ("Removing VNF", remove_vnf(state, running.ns_id, &params)),
        ("CHANGE_VNFPKG", None) => ("", change_package(state, &params)),
        (_, None) => ("", Ok("Done")),
        ("REMOVE_VNF", Some(detail)) => ("Removing VNF", Err(detail)),
        ("CHANGE_VNFPKG", Some(detail)) => {
            ("Checking if revision has changed in VNFD", Err(detail))
        }
        (_, Some(detail)) => ("Getting nsr from database", Err(detail)),
    };
    let outcome = match outcome {
        Ok(detail) => Outcome { is_well: true, error: json!(""), detail: json!(detail) },
        Err(detail) => {
            let message = format!("FAILED {step}: {detail}");
            Outcome::failed(message.as_str(), message.as_str())
        }
    };
    finish(state, running, outcome);
    idle(state, running, |nsr| {
        let status = status_before(nsr);
        set(nsr, "operational-status", status);
    });
}

fn remove_vnf(state: &mut State, ns_id: &str, params: &Value) -> Result<&'static str, String> {
    let id = text(params, "removeVnfInstanceId");
    let others: Vec<String> = state.vnfr_ids(ns_id).into_iter().filter(|own| own != id).collect();
    if others.is_empty() {
        return Err(format!("{id} Cannot terminate the last VNF in this NS."));
    }
    state.db.remove(Collection::VnfInstances, id);
    if let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) {
        set(nsr, "constituent-vnfr-ref", others);
    }
    Ok("Done")
}

/// The VNF is of its package's last revision from now on.
fn change_package(state: &mut State, params: &Value) -> Result<&'static str, String> {
    let data = &params["changeVnfPackageData"];
    let vnfd = state.db.get(Collection::VnfPackages, text(data, "vnfdId"));
    let revision = vnfd.and_then(|vnfd| vnfd["_admin"].get("revision").cloned());
    let vnfr = state.db.get_mut(Collection::VnfInstances, text(data, "vnfInstanceId"));
    if let (Some(vnfr), Some(revision)) = (vnfr, revision) {
        if let Some(machines) = params.get("newVdur") {
            set(vnfr, "vdur", machines.clone());
        }
        set(vnfr, "revision", revision);
    }
    Ok("Done")
}
