//! `/nslcm/v1/ns_instances`, `ns_instances_content`, `ns_instances_terminate`, and the operations
//! below an instance.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, body_of_new, list_or_show};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Access;

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let is_content = call.route.path.contains("ns_instances_content");
    match (request.method.as_str(), request.segments.get(4).map(String::as_str)) {
        ("POST", None) if call.route.path.ends_with("ns_instances_terminate") => {
            terminate_all(state, call, &body_of_new(request)?)
        }
        ("POST", None) => create(state, call, body_of_new(request)?, is_content),
        ("POST", Some(operation)) => operate(state, call, operation, body_of_new(request)?),
        ("DELETE", _) => delete(state, call, is_content),
        _ => {
            let is_wanted = request
                .params
                .iter()
                .any(|(key, value)| key == "vcaStatusRefresh" && value == "true");
            let answer = list_or_show(state, call, request, Collection::NsInstances)?;
            let Some(id) = &call.id else {
                return Ok(answer);
            };
            // Asking anew moves the time that the same answer shows.
            state.refresh_ns(id, is_wanted, call.now);
            list_or_show(state, call, request, Collection::NsInstances)
        }
    }
}

fn create(
    state: &mut State,
    call: &Call,
    mut body: Value,
    is_content: bool,
) -> Result<Reply, Problem> {
    let is_verbose = state.release.has_verbose_ids();
    let (id, answer) = if is_content {
        let (id, op_id) = state.create_and_instantiate_ns(&call.session, &mut body, call.now)?;
        let mut answer = json!({"id": id, "nslcmop_id": op_id});
        if is_verbose {
            answer["nsName"] = body["nsName"].clone();
        }
        (id, answer)
    } else {
        let id = state.create_ns(&call.session, &mut body, call.now)?;
        let answer = if is_verbose { json!({"_id": id, "id": id}) } else { json!({"id": id}) };
        (id, answer)
    };
    let place = format!("/osm/{}/{id}", call.route.path);
    Ok(Reply::located(StatusCode::CREATED, place, answer))
}

fn operate(
    state: &mut State,
    call: &Call,
    operation: &str,
    mut body: Value,
) -> Result<Reply, Problem> {
    let ns_id = call.id()?;
    set(&mut body, "lcmOperationType", operation);
    set(&mut body, "nsInstanceId", ns_id);
    let op_id = state.operate_ns(&call.session, &mut body, call.now)?;
    let Some(op_id) = op_id else {
        // Nothing is terminated and nothing removed, whatever `autoremove` promises; OSM says so in
        // Python's words. Source: NBI v8 `nbi.py` and `instance_topics.py`, run.
        let mut answer = json!({"id": null});
        if state.release.has_verbose_ids() {
            answer["nsName"] = json!(null);
        }
        let place = "/osm/nslcm/v1/ns_lcm_op_occs/None".to_owned();
        return Ok(Reply::located(StatusCode::ACCEPTED, place, answer));
    };
    let mut answer = json!({"id": op_id});
    name_instance(state, ns_id, &mut answer);
    let place = format!("/osm/nslcm/v1/ns_lcm_op_occs/{op_id}");
    Ok(Reply::located(StatusCode::ACCEPTED, place, answer))
}

fn name_instance(state: &State, ns_id: &str, answer: &mut Value) {
    if state.release.has_verbose_ids()
        && let Some(nsr) = state.db.get(Collection::NsInstances, ns_id)
    {
        answer["nsName"] = json!(text(&nsr, "name"));
    }
}

/// Terminates several instances, and removes those that are not instantiated.
///
/// Source: OSM NBI v19 `nbi.py`, `ns_instances_terminate`.
fn terminate_all(state: &mut State, call: &Call, body: &Value) -> Result<Reply, Problem> {
    let autoremove = body.get("autoremove").cloned().unwrap_or_else(|| json!(true));
    for ns_id in list(body, "ns_ids") {
        let mut one = json!({
            "lcmOperationType": "terminate", "nsInstanceId": ns_id, "autoremove": autoremove,
        });
        if state.operate_ns(&call.session, &mut one, call.now)?.is_none() {
            let ns_id = ns_id.as_str().unwrap_or_default();
            state.delete_ns(&call.session.with(Access::Write), ns_id)?;
        }
    }
    let answer = json!({"ns_ids": body.get("ns_ids")});
    Ok(Reply::new(StatusCode::ACCEPTED, Content::Data(answer)))
}

fn delete(state: &mut State, call: &Call, is_content: bool) -> Result<Reply, Problem> {
    let ns_id = call.id()?;
    if !is_content {
        state.delete_ns(&call.session, ns_id)?;
        return Ok(Reply::no_content());
    }
    match state.terminate_and_delete_ns(&call.session, ns_id, call.now)? {
        Removal::Done => Ok(Reply::no_content()),
        Removal::Started(op_id) => {
            let mut answer = json!({"_id": op_id});
            name_instance(state, ns_id, &mut answer);
            Ok(Reply::new(StatusCode::ACCEPTED, Content::Data(answer)))
        }
    }
}

/// `/nslcm/v1/ns_lcm_op_occs`, and cancelling one.
pub(super) fn serve_operations(
    state: &mut State,
    call: &Call,
    request: &Request,
) -> Result<Reply, Problem> {
    if request.method != "POST" {
        return list_or_show(state, call, request, Collection::Operations);
    }
    let op_id = call.id()?;
    let mut body = request.parse_body()?.into_data()?;
    set(&mut body, "nsLcmOpOccId", op_id);
    state.cancel_operation(&call.session, op_id, &body, call.now)?;
    let place = format!("/osm/nslcm/v1/ns_lcm_op_occs/{op_id}");
    Ok(Reply::located(StatusCode::ACCEPTED, place, json!({})))
}
