//! What OSM's life-cycle manager writes when operations start, move on and end.
//!
//! Source: NBI_FACTS.md section 11; recorded cases `ns_actions_queue`, `ns_failed_instantiation`,
//! `ns_action_upgrade`; release10/ns-action.upgrade2.jsonl.

mod admin;
mod kdu;

use serde_json::{Value, json};

use crate::operation::{Change, Ending, Step, Work};
use crate::profile::Kind;
use crate::state::State;
use crate::state::db::{Collection, admin_of, set, text};

/// Stages of an instantiation by number from 1. OSM announces five; the last three are for day-1
/// primitives, which KDUs without execution environments do not have.
///
/// Source: recorded cases `ns_actions_queue` and `ns_failed_instantiation`; OSM LCM v19 `ns.py`.
const STAGES: [&str; 2] = [
    "Stage 1/5: preparation of the environment.",
    "Stage 2/5: deployment of KDUs, VMs and execution environments.",
];
/// Source: OSM LCM v19 `ns.py`, `terminate`.
const DELETION_STAGE: &str = "Stage 3/3 delete all.";
const INSTALL_FAILED: &str = "Deploying KDU: Error executing command: helm3 install failed";
const TERMINATE_FAILED: &str = "Error executing command: helm3 uninstall failed";

/// Writes one step of an operation into the records.
pub(crate) fn apply(state: &mut State, step: &Step) {
    match &step.work {
        Work::Admin { collection, id, index } => {
            if let Change::End(ending) = &step.change {
                admin::end_admin(state, *collection, id, *index, ending, step.at);
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
        Kind::Terminate => (json!("Stage 1/3: Preparing task."), Some("Getting nsr from db. ")),
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
            set(admin, "deployed", json!({"RO": {"vnfd": []}, "VCA": [], "K8s": []}));
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
    state.db.ids_with(Collection::VnfInstances, "nsr-id-ref", ns_id)
}

fn end(state: &mut State, ns_id: &str, op_id: &str, kind: Kind, ending: &Ending, at: f64) {
    match kind {
        Kind::Instantiate => end_instantiate(state, ns_id, op_id, ending, at),
        Kind::Action => kdu::end_action(state, ns_id, op_id, ending, at),
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
                    if failure.is_none() { "running" } else { "failed" },
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
    let failure = kdu::deploy_kdus(state, ns_id, failure, at);
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
    set(nsr, "detailed-status", format!("{description} Detail: {detail}"));
    set(nsr, "errorDescription", description);
    set(nsr, "errorDetail", detail);
    idle(nsr, at);
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

fn end_terminate(state: &mut State, ns_id: &str, op_id: &str, ending: &Ending, at: f64) {
    let is_autoremoved = state
        .db
        .get(Collection::Operations, op_id)
        .is_some_and(|op| op["operationParams"]["autoremove"] == true);
    if let Some(detail) = failure_text(ending, TERMINATE_FAILED) {
        let stage = DELETION_STAGE;
        let message = format!("{stage} Detail: {detail}");
        finish(state, op_id, "FAILED", json!(message), &detail, at);
        break_ns(state, ns_id, "TERMINATING", op_id, &format!("{stage}."), &detail, at);
        return;
    }
    finish(state, op_id, "COMPLETED", Value::Null, "Done", at);
    if !state.release.has_lenient_lcm() {
        state.helm.forget(ns_id);
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
