//! How healings and migrations end.
//!
//! Source: OSM LCM v19 `ns.py`, `heal` and `migrate`.

use serde_json::{Value, json};

use super::{Outcome, Running, failure_text, finish, idle, status_before};
use crate::operation::Ending;
use crate::state::State;
use crate::state::db::{Collection, admin_of, set, text};

/// Where OSM tells of a failure. One at the VIM, a step before, it does not survive: the operation
/// stays PROCESSING for ever, which a profile's `outcome: stuck` gives.
const HEAL_STEP: &str = "Getting vnfrs from db";

pub(super) fn end_heal(state: &mut State, running: Running, ending: &Ending) {
    mark_healed(state, running);
    let Some(detail) = failure_text(ending, "Error healing") else {
        finish(state, running, Outcome::done());
        idle(state, running, |nsr| {
            set(nsr, "detailed-status", "Done");
            set(nsr, "operational-status", "running");
            set(nsr, "config-status", "configured");
            set_healed_at_vim(nsr);
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
        set_healed_at_vim(nsr);
    });
}

fn set_healed_at_vim(nsr: &mut Value) {
    set(&mut admin_of(nsr)["deployed"]["RO"], "operational-status", "running");
}

/// Whatever comes of it, the VNFs that were to be healed count as changed.
fn mark_healed(state: &mut State, running: Running) {
    let op = state.db.get(Collection::Operations, running.op_id);
    let targets = op.map(|op| op["operationParams"]["healVnfData"].clone()).unwrap_or_default();
    for target in targets.as_array().into_iter().flatten() {
        if let Some(vnfr) =
            state.db.get_mut(Collection::VnfInstances, text(target, "vnfInstanceId"))
        {
            set(admin_of(vnfr), "modified", running.at);
        }
    }
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
