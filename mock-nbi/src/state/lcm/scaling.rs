//! Scaling: machines that come and go, within the limits of the descriptor.
//!
//! Source: OSM LCM v19 `ns.py`, `scale`. The recordings' stand-in changes no machines.

use serde_json::{Value, json};

use super::{Outcome, Running, failure_text, finish, idle, machines, status_before};
use crate::operation::Ending;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::vdu::{initial_count, number};

const STEP: &str = "Sending scale order to VIM";
/// Machines that a VDU may have unless its profile says otherwise.
const MACHINES_MAX: u64 = 10;
/// Machines that one step adds at most, whatever a descriptor says.
const MACHINES_A_STEP_MAX: i64 = 1_000;

pub(super) fn end(state: &mut State, running: Running, ending: &Ending) {
    let is_stand_in = state.release.has_lenient_lcm();
    let failure = failure_text(ending, "Error scaling");
    let failure = match failure {
        None if !is_stand_in => scale(state, running).err(),
        other => other,
    };
    let is_well = failure.is_none();
    match failure {
        None => finish(state, running, Outcome::done()),
        Some(detail) if is_stand_in => {
            finish(state, running, Outcome::failed(detail.as_str(), detail.as_str()));
        }
        Some(detail) => {
            let message = format!("FAILED {STEP}: {detail}");
            finish(state, running, Outcome::failed(message.as_str(), message.as_str()));
        }
    }
    machines::bring_up(state, running.ns_id);
    idle(state, running, |nsr| {
        let status = match (is_stand_in, is_well) {
            (_, true) => "running",
            (true, false) => "failed",
            (false, false) => status_before(nsr),
        };
        set(nsr, "operational-status", status);
        if !is_stand_in {
            set(nsr, "detailed-status", "");
        }
    });
}

/// Adds or removes the machines of one step.
fn scale(state: &mut State, running: Running) -> Result<(), String> {
    let op = state.db.get(Collection::Operations, running.op_id);
    let params = op.map(|op| op["operationParams"]["scaleVnfData"].clone()).unwrap_or_default();
    let step = &params["scaleByStepData"];
    let (member, group) = (text(step, "member-vnf-index"), text(step, "scaling-group-descriptor"));
    let is_out = text(&params, "scaleVnfType") == "SCALE_OUT";
    let vnfrs = state.vnfrs_of(running.ns_id);
    let Some(mut vnfr) =
        vnfrs.into_iter().find(|vnfr| text(vnfr, "member-vnf-index-ref") == member)
    else {
        return Ok(());
    };
    let vnfd = state.db.get(Collection::VnfPackages, text(&vnfr, "vnfd-id"));
    let vnfd = vnfd.map(std::borrow::Cow::into_owned).unwrap_or_default();
    if !state.release.has_sol006_descriptors() {
        return scale_before_sol006(state, running.ns_id, vnfr, &vnfd, group, is_out);
    }
    let df = list(&vnfd, "df").first().cloned().unwrap_or_default();
    let aspect = list(&df, "scaling-aspect").iter().find(|aspect| text(aspect, "id") == group);
    let deltas = aspect.map(|aspect| aspect["aspect-delta-details"]["deltas"].clone());
    let deltas = deltas.unwrap_or_default();
    let mut done = scaled_so_far(state, running.ns_id, group, member);
    for delta in deltas.as_array().into_iter().flatten().flat_map(|it| list(it, "vdu-delta")) {
        let by = delta.get("number-of-instances").and_then(number).unwrap_or(1);
        // What no record could hold is not scaled to.
        let by = i64::try_from(by).unwrap_or(i64::MAX).min(MACHINES_A_STEP_MAX);
        let id = text(delta, "id");
        done = if is_out { done.saturating_add(by) } else { done.saturating_sub(by) };
        check_limit(&vnfd, &df, id, is_out, done, group)?;
        if is_out {
            add_machines(state, &mut vnfr, id, by);
        } else {
            remove_machines(&mut vnfr, id, by);
        }
    }
    state.db.put(Collection::VnfInstances, vnfr);
    note_scaled(state, running.ns_id, group, member, done);
    Ok(())
}

/// One step of a scaling group as release 8 has it: steps are counted, not machines.
///
/// Source: OSM LCM v8 `ns.py`, `scale`.
fn scale_before_sol006(
    state: &mut State,
    ns_id: &str,
    mut vnfr: Value,
    vnfd: &Value,
    group: &str,
    is_out: bool,
) -> Result<(), String> {
    let groups = list(vnfd, "scaling-group-descriptor");
    let Some(known) = groups.iter().find(|own| text(own, "name") == group) else {
        return Ok(());
    };
    let member = text(&vnfr, "member-vnf-index-ref").to_owned();
    let done = scaled_so_far(state, ns_id, group, &member);
    let limit = |key: &str, usual: u64| {
        i64::try_from(known.get(key).and_then(number).unwrap_or(usual)).unwrap_or(i64::MAX)
    };
    if is_out && done >= limit("max-instance-count", MACHINES_MAX) {
        return Err(format!(
            "reached the limit of {done} (max-instance-count) scaling-out operations for the \
             scaling-group-descriptor '{group}'"
        ));
    }
    if !is_out && done <= limit("min-instance-count", 0) {
        return Err(format!(
            "reached the limit of {done} (min-instance-count) scaling-in operations for the \
             scaling-group-descriptor '{group}'"
        ));
    }
    for vdu in list(known, "vdu") {
        let by = vdu.get("count").and_then(number).unwrap_or(1);
        let by = i64::try_from(by).unwrap_or(i64::MAX).min(MACHINES_A_STEP_MAX);
        let id = text(vdu, "vdu-id-ref");
        if is_out {
            add_machines(state, &mut vnfr, id, by);
        } else {
            remove_machines(&mut vnfr, id, by);
        }
    }
    state.db.put(Collection::VnfInstances, vnfr);
    note_scaled(state, ns_id, group, &member, if is_out { done + 1 } else { done - 1 });
    Ok(())
}

fn check_limit(
    vnfd: &Value,
    df: &Value,
    id: &str,
    is_out: bool,
    done: i64,
    group: &str,
) -> Result<(), String> {
    let profile = list(df, "vdu-profile").iter().find(|profile| text(profile, "id") == id);
    let limit = |key: &str, usual: u64| {
        profile.and_then(|profile| number(profile.get(key)?)).unwrap_or(usual)
    };
    let vdu = list(vnfd, "vdu").iter().find(|vdu| text(vdu, "id") == id);
    let at_first = vdu.map_or(1, |vdu| initial_count(vdu, vnfd));
    let count = i64::try_from(at_first).unwrap_or(i64::MAX).saturating_add(done);
    let as_limit = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
    if is_out && count > as_limit(limit("max-number-of-instances", MACHINES_MAX)) {
        return Err(format!(
            "reached the limit of {done} (max-instance-count) scaling-out operations for the \
             scaling-group-descriptor '{group}'"
        ));
    }
    if !is_out && count < as_limit(limit("min-number-of-instances", 0)) {
        return Err(format!(
            "reached the limit of {done} (min-instance-count) scaling-in operations for the \
             scaling-group-descriptor '{group}'"
        ));
    }
    Ok(())
}

fn scaled_so_far(state: &State, ns_id: &str, group: &str, member: &str) -> i64 {
    let Some(nsr) = state.db.get(Collection::NsInstances, ns_id) else {
        return 0;
    };
    let groups = list(&nsr["_admin"], "scaling-group").iter();
    let mut own =
        groups.filter(|own| text(own, "name") == group && text(own, "vnf_index") == member);
    own.next().and_then(|own| own["nb-scale-op"].as_i64()).unwrap_or(0)
}

fn note_scaled(state: &mut State, ns_id: &str, group: &str, member: &str, done: i64) {
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    let admin = admin_of(nsr);
    let mut groups = list(admin, "scaling-group").to_vec();
    groups.retain(|own| text(own, "name") != group || text(own, "vnf_index") != member);
    groups.push(json!({"name": group, "vnf_index": member, "nb-scale-op": done}));
    set(admin, "scaling-group", groups);
}

fn add_machines(state: &mut State, vnfr: &mut Value, id: &str, by: i64) {
    let Some(machines) = vnfr.get_mut("vdur").and_then(Value::as_array_mut) else {
        return;
    };
    for _ in 0..by {
        let Some(last) = machines.iter().rfind(|own| text(own, "vdu-id-ref") == id) else {
            return;
        };
        let mut machine = last.clone();
        let index = machine["count-index"].as_u64().unwrap_or(0) + 1;
        let own_id = state.ids.uuid();
        set(&mut machine, "_id", own_id.as_str());
        set(&mut machine, "id", own_id);
        set(&mut machine, "count-index", index);
        set(&mut machine, "ip-address", Value::Null);
        if let Some(fields) = machine.as_object_mut() {
            for key in ["status", "name", "vim_info"] {
                fields.shift_remove(key);
            }
        }
        machines.push(machine);
    }
}

fn remove_machines(vnfr: &mut Value, id: &str, by: i64) {
    let Some(machines) = vnfr.get_mut("vdur").and_then(Value::as_array_mut) else {
        return;
    };
    for _ in 0..by {
        let Some(last) = machines.iter().rposition(|own| text(own, "vdu-id-ref") == id) else {
            return;
        };
        machines.remove(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn what_was_scaled_is_counted_by_group_and_member() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        state.db.put(Collection::NsInstances, json!({"_id": "ns", "_admin": {}}));
        for (group, member, done) in [("a", "1", 3), ("a", "2", 5), ("b", "1", 7), ("a", "1", 4)] {
            note_scaled(&mut state, "ns", group, member, done);
        }
        for (group, member, done) in [("a", "1", 4), ("a", "2", 5), ("b", "1", 7), ("b", "2", 0)] {
            let counted = scaled_so_far(&state, "ns", group, member);
            assert_eq!(counted, done, "{group} {member}");
        }
    }

    #[test]
    fn machines_are_not_fewer_and_not_more_than_their_profile_says() {
        let vnfd = json!({"vdu": [{"id": "m"}]});
        let df = json!({"vdu-profile": [
            {"id": "m", "min-number-of-instances": 1, "max-number-of-instances": 3}]});
        for (is_out, done, is_fine) in
            [(true, 2, true), (true, 3, false), (false, 0, true), (false, -1, false)]
        {
            let got = check_limit(&vnfd, &df, "m", is_out, done, "group");
            assert_eq!(got.is_ok(), is_fine, "{got:?}");
        }
    }
}
