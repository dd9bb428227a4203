//! The stages of an operation, as its record tells them.
//!
//! Source: OSM LCM v19 `ns.py` (`instantiate`, `terminate`, `_wait_for_tasks`, `_write_op_status`);
//! recorded case `ns_actions_queue`, exchanges 8 and 23.

use serde_json::Value;

use super::Running;
use crate::profile::Kind;
use crate::state::State;
use crate::state::db::{Collection, list, set};

/// The stage of an instantiation in which charts and machines are made.
pub(super) const DEPLOYMENT: &str =
    "Stage 2/5: deployment of KDUs, VMs and execution environments.";
/// The stage of a termination in which they are removed.
pub(super) const DELETION: &str = "Stage 3/3 delete all.";

/// OSM announces five stages of an instantiation; the last three are for day-1 primitives, which only
/// execution environments have.
const INSTANTIATION: [&str; 5] = [
    "Stage 1/5: preparation of the environment.",
    DEPLOYMENT,
    "Stage 3/5: running Day-1 primitives for VDU.",
    "Stage 4/5: running Day-1 primitives for VNF.",
    LAST,
];
/// The stage of an instantiation that all later ones are told as.
const LAST: &str = "Stage 5/5: running Day-1 primitives for NS.";

/// Shows that an operation runs, and its first stage.
pub(super) fn begin(state: &mut State, running: Running) {
    let is_stand_in = state.release.has_lenient_lcm();
    let stage = match running.kind {
        Kind::Instantiate => Some((INSTANTIATION[0], "Reading from database.".to_owned())),
        Kind::Terminate if is_stand_in => {
            Some(("Stage 1/3: Preparing task.", "Getting nsr from db.".to_owned()))
        }
        Kind::Terminate => {
            Some(("Stage 1/3: Preparing task.", format!("Getting nsr={} from db.", running.ns_id)))
        }
        _ => None,
    };
    if let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) {
        set(op, "queuePosition", 0);
        match stage {
            Some((stage, detail)) => {
                set(op, "stage", stage);
                set(op, "detailed-status", format!("{stage} {detail} "));
            }
            None => set(op, "stage", Value::Null),
        }
    }
}

/// The stage of this number, counted from 1. A profile may have more of them than OSM.
fn of_instantiation(number: u32) -> &'static str {
    let index = (number as usize).saturating_sub(1);
    INSTANTIATION.get(index).copied().unwrap_or(LAST)
}

/// Shows the stage of this number, from 2, with none of its tasks done.
pub(super) fn enter(state: &mut State, running: Running, number: u32) {
    let stage = match running.kind {
        Kind::Instantiate => of_instantiation(number),
        Kind::Terminate => DELETION,
        _ => return,
    };
    // One task for the site, and one for each KDU.
    let kdus: usize = state.vnfrs_of(running.ns_id).iter().map(|it| list(it, "kdur").len()).sum();
    if let Some(op) = state.db.get_mut(Collection::Operations, running.op_id) {
        set(op, "stage", stage);
        set(op, "detailed-status", format!("{stage} 0/{}. ", kdus + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use serde_json::json;

    #[test]
    fn stages_are_counted_from_one_and_the_last_one_lasts() {
        assert_eq!(of_instantiation(1), "Stage 1/5: preparation of the environment.");
        assert_eq!(of_instantiation(2), DEPLOYMENT);
        assert_eq!(of_instantiation(5), LAST);
        assert_eq!(of_instantiation(6), LAST);
    }

    #[test]
    fn a_stage_has_a_task_for_the_site_and_one_for_each_kdu() {
        for (kind, stage) in [(Kind::Instantiate, DEPLOYMENT), (Kind::Terminate, DELETION)] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let vnfr = json!({"_id": "v", "nsr-id-ref": "ns", "kdur": [{}, {}]});
            state.db.put(Collection::VnfInstances, vnfr);
            state.db.put(Collection::Operations, json!({"_id": "op"}));
            enter(&mut state, Running { ns_id: "ns", op_id: "op", kind, at: 1.0 }, 2);
            let op = state.db.get(Collection::Operations, "op").unwrap();
            assert_eq!(op["stage"], stage);
            assert_eq!(op["detailed-status"], format!("{stage} 0/3. "));
        }
    }
}
