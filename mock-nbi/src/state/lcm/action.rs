//! Actions: what becomes of a KDU by `upgrade`, `rollback`, `status` and its own primitives.
//!
//! Source: OSM LCM v19 `ns.py`, `action`; OSM N2VC `k8s_helm_base_conn.py`; recorded case
//! `ns_action_upgrade`.

use serde_json::{Map, Value, json};

use super::kdu::show_release;
use super::{Outcome, Running, failure_text, finish, idle};
use crate::operation::Ending;
use crate::python::{NESTED, json_dumps, yaml_dump};
use crate::state::State;
use crate::state::db::{Collection, list, text};
use crate::state::helm::{HelmRelease, OldValues};
use crate::state::params::{from_text, parsed};

const UPGRADE_FAILED: &str = "Error executing command: helm3 upgrade failed";
/// What comes of an upgrade without parameters: OSM takes it for a primitive of the chart's own.
const NO_PRIMITIVE: &str = "Traceback (most recent call last):\nAttributeError: 'NoneType' object \
                            has no attribute 'get'\n";

pub(super) fn end(state: &mut State, running: Running, ending: &Ending) {
    let op = state.db.get(Collection::Operations, running.op_id);
    let params = op.map(|op| op["operationParams"].clone()).unwrap_or_default();
    let primitive = text(&params, "primitive");
    let outcome = if params.get("kdu_name").is_some() {
        run(state, running, &params, ending)
    } else {
        failure_text(ending, "Error executing action").map_or(Ok(json!("Done")), Err)
    };
    let outcome = match outcome {
        Ok(detail) => Outcome { is_well: true, error: json!(""), detail },
        Err(detail) => {
            let text = format!("FAILED Executing kdu {primitive}: {detail}");
            Outcome::failed(text.as_str(), text.as_str())
        }
    };
    finish(state, running, outcome);
    idle(state, running, |_| {});
}

/// Runs a primitive of a KDU; gives what the operation's record tells of it.
fn run(
    state: &mut State,
    running: Running,
    params: &Value,
    ending: &Ending,
) -> Result<Value, String> {
    let is_stand_in = state.release.has_lenient_lcm();
    let (member, kdu) = (text(params, "member_vnf_index"), text(params, "kdu_name"));
    let failure = failure_text(ending, UPGRADE_FAILED);
    let Some(mut release) = state.helm.get(running.ns_id, member, kdu).cloned() else {
        // The recordings' stand-in went on with nothing; OSM would not.
        return match failure {
            Some(detail) => Err(detail),
            None if is_stand_in => Ok(told(&Value::Null, "Upgrade complete")),
            None => Err(format!("KDU '{kdu}' for vnf '{member}' not deployed")),
        };
    };
    let primitive = text(params, "primitive");
    let outcome = match (failure, primitive) {
        (failure, "upgrade") => {
            let given = parsed(&params["primitive_params"]);
            if given.as_object().is_none_or(Map::is_empty) && !is_stand_in {
                return Err(failure.unwrap_or_else(|| NO_PRIMITIVE.to_owned()));
            }
            let own = kdu_params(state, running.ns_id, member, kdu);
            upgrade(&mut release, &given, &own, failure, state.release.has_revisions(), running.at)
        }
        (Some(detail), _) => Err(detail),
        (None, "rollback") if release.roll_back(running.at) => Ok(()),
        (None, "rollback") => return Err("Error: release has no 0 version".to_owned()),
        (None, "status") if is_stand_in => return Ok(json!(release.status_text(true))),
        (None, "status") => return Ok(json!(yaml_dump(&release.status(false), NESTED))),
        (None, _) => return Ok(json!("Done")),
    };
    if matches!(primitive, "upgrade" | "rollback") {
        show(state, running, (member, kdu), &release, primitive);
    }
    let (name, revision) = (json!(release.name), release.revision());
    let description = release.description.clone();
    state.helm.put(running.ns_id, (member.to_owned(), kdu.to_owned()), release);
    // OSM gives the number of the new revision.
    outcome.map(|()| if is_stand_in { told(&name, &description) } else { json!(revision) })
}

/// Upgrades a release with `given` over the values of its instantiation.
fn upgrade(
    release: &mut HelmRelease,
    given: &Value,
    own: &Value,
    failure: Option<String>,
    knows_reset: bool,
    at: f64,
) -> Result<(), String> {
    let mut given = given.as_object().cloned().unwrap_or_default();
    let options = Options::take(&mut given, knows_reset)?;
    if let Some(detail) = failure {
        release.fail_upgrade(&detail, options.is_atomic, at);
        return Err(detail);
    }
    let mut values = match options.old {
        OldValues::Reset => Map::new(),
        OldValues::Reused | OldValues::Replaced => own.as_object().cloned().unwrap_or_default(),
    };
    // Whole values replace each other here; helm merges what is inside them later.
    values.extend(given);
    release.upgrade(&Value::Object(values), options.old, at);
    Ok(())
}

/// Parameters of an upgrade that are not values of the chart.
struct Options {
    old: OldValues,
    is_atomic: bool,
}

impl Options {
    fn take(given: &mut Map<String, Value>, knows_reset: bool) -> Result<Self, String> {
        given.shift_remove("kdu_model");
        let is_atomic = given.shift_remove("kdu_atomic_upgrade").is_none_or(|word| is_yes(&word));
        const WORDS: [&str; 3] =
            ["kdu_reset_values", "kdu_reuse_values", "kdu_reset_then_reuse_values"];
        if !knows_reset || !WORDS.iter().any(|word| given.contains_key(*word)) {
            return Ok(Self { old: OldValues::Reused, is_atomic });
        }
        let resets = given.shift_remove(WORDS[0]).is_some_and(|word| is_yes(&word));
        let reuses = given.shift_remove(WORDS[1]).is_some_and(|word| is_yes(&word));
        // OSM forgets to take this one out, so the chart gets it too.
        let resets_and_reuses = given.get(WORDS[2]).is_some_and(is_yes);
        if [resets, reuses, resets_and_reuses].iter().filter(|is_wanted| **is_wanted).count() > 1 {
            return Err("Cannot upgrade the KDU simultaneously with two true options to handle \
                        values"
                .to_owned());
        }
        let old = match (resets, reuses || resets_and_reuses) {
            (true, _) => OldValues::Reset,
            (false, true) => OldValues::Reused,
            (false, false) => OldValues::Replaced,
        };
        Ok(Self { old, is_atomic })
    }
}

fn is_yes(word: &Value) -> bool {
    let word = word.as_str().map(str::to_lowercase).unwrap_or_default();
    ["yes", "true", "1"].contains(&word.as_str())
}

/// The values with which a KDU was instantiated.
fn kdu_params(state: &State, ns_id: &str, member: &str, kdu: &str) -> Value {
    let vnfrs = state.vnfrs_of(ns_id);
    let vnfr = vnfrs.iter().find(|vnfr| text(vnfr, "member-vnf-index-ref") == member);
    let kdur =
        vnfr.and_then(|vnfr| list(vnfr, "kdur").iter().find(|kdur| text(kdur, "kdu-name") == kdu));
    kdur.map_or_else(
        || json!({}),
        |kdur| {
            let params = &kdur["additionalParams"];
            if state.release.has_lenient_lcm() { parsed(params) } else { from_text(params) }
        },
    )
}

fn show(
    state: &mut State,
    running: Running,
    (member, kdu): (&str, &str),
    release: &HelmRelease,
    operation: &str,
) {
    let is_stand_in = state.release.has_lenient_lcm();
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, running.ns_id) else {
        return;
    };
    let entries = nsr["_admin"]["deployed"]["K8s"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        if text(entry, "member-vnf-index") == member && text(entry, "kdu-name") == kdu {
            show_release(entry, release, operation, is_stand_in, running.at);
        }
    }
}

/// What the recordings' stand-in tells of an upgrade.
fn told(name: &Value, description: &str) -> Value {
    json!(json_dumps(&json!({"name": name, "status": "deployed", "description": description})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Kind, Profile};
    use crate::release::Release;

    #[test]
    fn options_of_an_upgrade_are_no_values_of_the_chart() {
        let check = |given: Value, knows_reset, expected: Result<OldValues, ()>, rest: Value| {
            let mut given = given.as_object().cloned().unwrap();
            let old = Options::take(&mut given, knows_reset).map(|it| it.old).map_err(|_| ());
            assert_eq!((old, Value::Object(given)), (expected, rest));
        };
        let model = json!({"kdu_model": "a", "kdu_atomic_upgrade": "false", "x": 1});
        check(model, false, Ok(OldValues::Reused), json!({"x": 1}));
        let reset = json!({"kdu_reset_values": "Yes"});
        check(reset.clone(), true, Ok(OldValues::Reset), json!({}));
        check(reset.clone(), false, Ok(OldValues::Reused), reset);
        check(json!({"kdu_reuse_values": "no"}), true, Ok(OldValues::Replaced), json!({}));
        let third = json!({"kdu_reset_then_reuse_values": "1"});
        check(third.clone(), true, Ok(OldValues::Reused), third);
        let two = json!({"kdu_reset_values": "true", "kdu_reuse_values": "true"});
        check(two, true, Err(()), json!({}));
    }

    #[test]
    fn a_kdu_that_is_not_deployed_is_missed_except_by_the_recordings_stand_in() {
        let outcome = |release| {
            let mut state = State::empty(release, Profile::instant(), 1);
            let running = Running { ns_id: "ns", op_id: "op", kind: Kind::Action, at: 1.0 };
            let params = json!({"member_vnf_index": "1", "kdu_name": "k", "primitive": "upgrade"});
            run(&mut state, running, &params, &Ending::Well)
        };
        for release in [Release::R10, Release::R19] {
            assert_eq!(outcome(release), Err("KDU 'k' for vnf '1' not deployed".to_owned()));
        }
        assert!(outcome(Release::R19Recorded).is_ok());
    }
}
