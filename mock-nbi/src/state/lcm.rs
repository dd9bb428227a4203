//! What OSM's life-cycle manager writes when operations start, move on and end.
//!
//! Source: NBI_FACTS.md section 11; OSM LCM v19 `ns.py`; recorded cases `ns_actions_queue`,
//! `ns_failed_instantiation`, `ns_action_upgrade`; release10/ns-action.upgrade2.jsonl.

mod action;
mod admin;
mod changes;
mod kdu;
mod machines;
mod scaling;
mod stages;
mod updates;

use serde_json::{Value, json};

use crate::operation::{Change, Ending, Step, Work};
use crate::profile::Kind;
use crate::state::State;
use crate::state::db::{Collection, admin_of, set, text};
use crate::state::gitops;
use stages::{DELETION, DEPLOYMENT};

const TERMINATE_FAILED: &str = "Error executing command: helm3 uninstall failed";

/// The instance and operation that a step is about.
#[derive(Clone, Copy, Debug)]
struct Running<'a> {
    ns_id: &'a str,
    op_id: &'a str,
    kind: Kind,
    /// Epoch seconds.
    at: f64,
}

/// Writes one step of an operation into the records.
pub(crate) fn apply(state: &mut State, step: &Step) {
    match &step.work {
        Work::Admin { collection, id, index } => {
            if let Change::End(ending) = &step.change {
                let failure = failure_text(ending, "Error connecting to the site");
                if gitops::is_kept_in_git(*collection) {
                    gitops::end(state, *collection, id, *index, failure.is_none(), step.at);
                } else {
                    admin::end_admin(state, *collection, id, *index, failure, step.at);
                }
            }
        }
        Work::Ns { ns_id, op_id, kind } => {
            let running = Running { ns_id, op_id, kind: *kind, at: step.at };
            match &step.change {
                Change::Wait => {
                    if let Some(op) = state.db.get_mut(Collection::Operations, op_id) {
                        set(op, "queuePosition", 0);
                    }
                }
                Change::Start => start(state, running),
                Change::Stage(number) => stages::enter(state, running, *number),
                Change::Drop => drop_cancelled(state, running),
                Change::RollBack(detail) => roll_back(state, running, detail.as_deref()),
                Change::End(ending) => {
                    end(state, running, ending);
                    state.end_of_slice_operation(op_id, step.at);
                }
            }
        }
    }
}

fn start(state: &mut State, running: Running) {
    stages::begin(state, running);
    if running.kind == Kind::Instantiate {
        mark_vnfrs(state, running.ns_id, "INSTANTIATED");
    }
    let is_stand_in = state.release.has_lenient_lcm();
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, running.ns_id) else {
        return;
    };
    let word = match running.kind {
        Kind::Instantiate => "INSTANTIATING",
        Kind::Terminate => "TERMINATING",
        Kind::Scale => "SCALING",
        Kind::Heal => "HEALING",
        Kind::Update => "UPDATING",
        Kind::Migrate => "MIGRATING",
        Kind::Action | Kind::Admin => "RUNNING ACTION",
    };
    set(nsr, "currentOperation", word);
    set(nsr, "currentOperationID", running.op_id);
    for key in ["errorDescription", "errorDetail"] {
        set(nsr, key, Value::Null);
    }
    let admin = admin_of(nsr);
    // The database adds new keys by the alphabet, which the recordings' stand-in does not.
    // Source: `_admin` of release10/ns-action.upgrade.jsonl, exchange 1.
    let keys = ["current-operation", "nslcmop"];
    let keys = if is_stand_in { [keys[1], keys[0]] } else { keys };
    for key in keys {
        set(admin, key, running.op_id);
    }
    set(admin, "operation-type", word);
    if !is_stand_in {
        set(admin, "modified", running.at);
    }
    match running.kind {
        Kind::Instantiate => {
            set(admin, "nsState", "INSTANTIATED");
            set(admin, "deployed", json!({"RO": {"vnfd": []}, "VCA": [], "K8s": []}));
            set(nsr, "nsState", "BUILDING");
            set(nsr, "configurationStatus", json!([]));
            set(nsr, "operational-status", "init");
            if is_stand_in {
                set(nsr, "config-status", "init");
            }
            set(nsr, "detailed-status", "creating");
        }
        Kind::Terminate => {
            set(nsr, "nsState", "TERMINATING");
            set(nsr, "operational-status", "terminating");
            set(nsr, "config-status", "terminating");
        }
        Kind::Scale => set(nsr, "operational-status", "scaling"),
        Kind::Update => set(nsr, "operational-status", "updating"),
        Kind::Heal => {
            set(&mut admin_of(nsr)["deployed"]["RO"], "operational-status", "healing");
            set(nsr, "operational-status", "healing");
        }
        Kind::Action | Kind::Migrate | Kind::Admin => {}
    }
}

fn mark_vnfrs(state: &mut State, ns_id: &str, ns_state: &str) {
    for id in state.vnfr_ids(ns_id) {
        if let Some(vnfr) = state.db.get_mut(Collection::VnfInstances, &id) {
            set(admin_of(vnfr), "nsState", ns_state);
        }
    }
}

fn end(state: &mut State, running: Running, ending: &Ending) {
    match running.kind {
        Kind::Instantiate => end_instantiate(state, running, ending),
        Kind::Action => action::end(state, running, ending),
        Kind::Terminate => end_terminate(state, running, ending),
        Kind::Scale => scaling::end(state, running, ending),
        Kind::Heal => changes::end_heal(state, running, ending),
        Kind::Update => updates::end(state, running, ending),
        Kind::Migrate => changes::end_migrate(state, running, ending),
        Kind::Admin => {}
    }
    let word = match ending {
        Ending::Well | Ending::Badly(_) => return,
        Ending::Partly(_) => "PARTIALLY_COMPLETED",
        Ending::ForNow(_) => "FAILED_TEMP",
        Ending::RolledBack(_) => "ROLLED_BACK",
    };
    let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) else {
        return;
    };
    set(op, "operationState", word);
    if let Ending::Partly(Some(detail)) = ending {
        set(op, "errorMessage", detail.as_str());
        set(op, "detailed-status", detail.as_str());
    }
    forget_cancellation(op);
}

/// Source: OSM LCM v19 `lcm.py`, topic `nslcmops`.
fn forget_cancellation(op: &mut Value) {
    if let Some(fields) = op.as_object_mut()
        && fields.shift_remove("cancelMode").is_some()
    {
        set(op, "isCancelPending", false);
    }
}

/// An operation that was cancelled while it waited touches nothing but its own record.
fn drop_cancelled(state: &mut State, running: Running) {
    const CANCELLED: &str = "Operation was cancelled";
    const WAITING: &str =
        "FAILED Waiting for previous operations to terminate: Operation was cancelled";
    let outcome = match running.kind {
        Kind::Instantiate | Kind::Terminate | Kind::Admin => Outcome::failed(CANCELLED, CANCELLED),
        Kind::Action | Kind::Scale | Kind::Update | Kind::Heal => Outcome::failed(WAITING, WAITING),
        // As at its end, OSM leaves the message empty.
        Kind::Migrate => Outcome::failed("", WAITING),
    };
    finish(state, running, outcome);
    if let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) {
        set(op, "operationState", "FAILED_TEMP");
        forget_cancellation(op);
    }
}

fn roll_back(state: &mut State, running: Running, detail: Option<&str>) {
    if let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) {
        set(op, "operationState", "ROLLING_BACK");
        set(op, "statusEnteredTime", running.at);
        if let Some(detail) = detail {
            set(op, "errorMessage", detail);
            set(op, "detailed-status", detail);
        }
    }
}

/// What went wrong: the given text or the usual one; none where the operation did what it was to do.
fn failure_text(ending: &Ending, usual: &str) -> Option<String> {
    match ending {
        Ending::Well | Ending::Partly(_) => None,
        Ending::Badly(text) | Ending::ForNow(text) | Ending::RolledBack(text) => {
            Some(text.clone().unwrap_or_else(|| usual.to_owned()))
        }
    }
}

/// What an operation's record shows at its end.
#[derive(Debug)]
struct Outcome {
    is_well: bool,
    /// `errorMessage`
    error: Value,
    /// `detailed-status`
    detail: Value,
}

impl Outcome {
    fn done() -> Self {
        Self { is_well: true, error: Value::Null, detail: json!("Done") }
    }

    fn failed(error: impl Into<Value>, detail: impl Into<Value>) -> Self {
        Self { is_well: false, error: error.into(), detail: detail.into() }
    }
}

fn finish(state: &mut State, running: Running, outcome: Outcome) {
    let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) else {
        return;
    };
    set(op, "operationState", if outcome.is_well { "COMPLETED" } else { "FAILED" });
    set(op, "stage", "");
    set(op, "errorMessage", outcome.error);
    set(op, "detailed-status", outcome.detail);
    set(op, "statusEnteredTime", running.at);
}

/// Shows the instance with no operation running any more, and `change`s more of it.
fn idle(state: &mut State, running: Running, change: impl FnOnce(&mut Value)) {
    let is_stand_in = state.release.has_lenient_lcm();
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, running.ns_id) else {
        return;
    };
    set(nsr, "currentOperation", "IDLE");
    for key in ["currentOperationID", "errorDescription", "errorDetail"] {
        set(nsr, key, Value::Null);
    }
    let admin = admin_of(nsr);
    for key in ["nslcmop", "current-operation", "operation-type"] {
        set(admin, key, Value::Null);
    }
    if !is_stand_in {
        set(admin, "modified", running.at);
    }
    change(nsr);
}

/// The operational status of before an operation that has hidden it.
fn status_before(nsr: &Value) -> &'static str {
    if text(nsr, "nsState") == "BROKEN" { "failed" } else { "running" }
}

fn end_instantiate(state: &mut State, running: Running, ending: &Ending) {
    let deployed = kdu::deploy(state, running, ending);
    machines::connect_links(state, running.ns_id);
    let Some(detail) = deployed.failure else {
        machines::bring_up(state, running.ns_id);
        finish(state, running, Outcome::done());
        idle(state, running, |nsr| {
            set(nsr, "nsState", "READY");
            set(nsr, "operational-status", "running");
            set(nsr, "config-status", "configured");
            set(nsr, "detailed-status", "Done");
        });
        return;
    };
    let message = format!("{DEPLOYMENT} Detail: {detail}");
    finish(state, running, Outcome::failed(message, detail.as_str()));
    let description = format!("Operation: INSTANTIATING.{}, {DEPLOYMENT}", running.op_id);
    // Where no task was begun, none is pending, and OSM takes what is there for running.
    let status = if deployed.has_begun { "failed" } else { "running" };
    idle(state, running, |nsr| {
        break_ns(nsr, status, &description, &detail);
        set(nsr, "config-status", "configured");
    });
}

fn break_ns(nsr: &mut Value, status: &str, description: &str, detail: &str) {
    set(nsr, "nsState", "BROKEN");
    set(nsr, "operational-status", status);
    set(nsr, "detailed-status", format!("{description} Detail: {detail}"));
    set(nsr, "errorDescription", description);
    set(nsr, "errorDetail", detail);
}

fn end_terminate(state: &mut State, running: Running, ending: &Ending) {
    if let Some(detail) = failure_text(ending, TERMINATE_FAILED) {
        let message = format!("{DELETION} Detail: {detail}");
        finish(state, running, Outcome::failed(message, detail.as_str()));
        let description = format!("Operation: TERMINATING.{}, {DELETION}.", running.op_id);
        idle(state, running, |nsr| break_ns(nsr, "failed", &description, &detail));
        return;
    }
    let is_autoremoved = state
        .db
        .get(Collection::Operations, running.op_id)
        .is_some_and(|op| op["operationParams"]["autoremove"] == true);
    finish(state, running, Outcome::done());
    if !state.release.has_lenient_lcm() {
        state.helm.forget(running.ns_id);
    }
    mark_vnfrs(state, running.ns_id, "NOT_INSTANTIATED");
    idle(state, running, |nsr| {
        set(nsr, "nsState", "NOT_INSTANTIATED");
        set(nsr, "operational-status", "terminated");
        set(nsr, "detailed-status", "Done");
        set(admin_of(nsr), "nsState", "NOT_INSTANTIATED");
    });
    if is_autoremoved {
        // Whoever queued behind it finds nothing any more. What OSM misses of its packages stays in
        // its log.
        let _ = state.remove_ns(running.ns_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn an_operation_that_takes_back_what_it_did_says_so_and_why() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        let op = json!({"_id": "op", "operationState": "PROCESSING", "statusEnteredTime": 0.0});
        state.db.put(Collection::Operations, op);
        let work = Work::Ns { ns_id: "ns".into(), op_id: "op".into(), kind: Kind::Scale };
        let change = Change::RollBack(Some("why".to_owned()));
        apply(&mut state, &Step { at: 5.0, work, change });
        let op = state.db.get(Collection::Operations, "op").unwrap();
        assert_eq!(text(&op, "operationState"), "ROLLING_BACK");
        assert_eq!(op["statusEnteredTime"], 5.0);
        for key in ["errorMessage", "detailed-status"] {
            assert_eq!(text(&op, key), "why", "{key}");
        }
    }
}
