//! Instances by their records alone.

use super::*;
use crate::profile::Profile;
use crate::release::Release;

fn state() -> State {
    State::empty(Release::R10, Profile::instant(), 1)
}

/// An NSD of so many members of one VNFD.
fn nsd(vnfd_id: &str, members: usize, links: &Value) -> Value {
    let profiles: Vec<Value> =
        (1..=members).map(|id| json!({"id": id.to_string(), "vnfd-id": vnfd_id})).collect();
    json!({"df": [{"vnf-profile": profiles}], "virtual-link-desc": links})
}

#[test]
fn a_missing_vnfd_is_told_with_the_step_at_which_it_was_wanted() {
    let session = Session::of_project(Some("p"));
    for (links, step) in [
        (json!([{"id": "l"}]), "filling nsr from input data"),
        (json!([]), "getting vnfd id='gone' constituent-vnfd='1' from database"),
    ] {
        let refusal = state().member_packages(&session, &nsd("gone", 1, &links)).unwrap_err();
        assert_eq!(refusal.status, http::StatusCode::NOT_FOUND);
        assert!(refusal.detail.contains(step), "{}", refusal.detail);
    }
}

#[test]
fn an_instance_has_no_more_parts_than_so_many() {
    let session = Session::of_project(None);
    let mut state = state();
    let half = PARTS_MAX / 2;
    let kdus: Vec<Value> = (1..half).map(|_| json!({})).collect();
    let vnfd = json!({"_id": "v", "id": "v", "kdu": kdus, "_admin": {}});
    assert_eq!(records::part_count(&vnfd), half);
    state.db.put(Collection::VnfPackages, vnfd);
    let count = |members| {
        let found = state.member_packages(&session, &nsd("v", members, &json!([])));
        found.map(|packages| packages.len()).map_err(|refusal| refusal.status)
    };
    assert_eq!(count(2), Ok(2));
    assert_eq!(count(3), Err(http::StatusCode::PAYLOAD_TOO_LARGE));
}

#[test]
fn a_state_more_than_two_minutes_old_is_asked_for_anew() {
    for (now, is_wanted, modified) in [(120.0, false, 0.0), (120.5, false, 120.5), (1.0, true, 1.0)]
    {
        let mut state = state();
        let nsr = json!({"_id": "ns", "_admin": {"modified": 0.0}});
        state.db.put(Collection::NsInstances, nsr);
        state.refresh_ns("ns", is_wanted, now);
        let nsr = state.db.get(Collection::NsInstances, "ns").unwrap();
        assert_eq!(nsr["_admin"]["modified"], modified, "{now}");
    }
}

#[test]
fn release_8_asks_for_no_state_anew() {
    let mut state = State::empty(Release::R8, Profile::instant(), 1);
    let nsr = json!({"_id": "ns", "_admin": {"modified": 0.0}});
    state.db.put(Collection::NsInstances, nsr);
    state.refresh_ns("ns", true, 500.0);
    let nsr = state.db.get(Collection::NsInstances, "ns").unwrap();
    assert_eq!(nsr["_admin"]["modified"], 0.0);
}

#[test]
fn a_package_that_is_gone_is_missed_with_the_last_instance_of_it() {
    let mut state = State::empty(Release::R19, Profile::instant(), 1);
    for id in ["a", "b"] {
        let nsr = json!({"_id": id, "nsd-id": "gone", "vnfd-id": [], "_admin": {}});
        state.db.put(Collection::NsInstances, nsr);
    }
    assert_eq!(state.remove_ns("a"), Ok(()), "the other has it still");
    let refusal = state.remove_ns("b").unwrap_err();
    assert_eq!(refusal.status, http::StatusCode::NOT_FOUND);
}
