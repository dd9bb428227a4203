//! `/nsilcm/v1/*`: network slice instances.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, body_of_new, list_or_show};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, set};

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let is_content = call.route.path.contains("netslice_instances_content");
    match (request.method.as_str(), request.segments.get(4).map(String::as_str)) {
        ("POST", None) => create(state, call, body_of_new(request)?, is_content),
        ("POST", Some(operation)) => {
            let id = call.id()?;
            let mut body = body_of_new(request)?;
            set(&mut body, "lcmOperationType", operation);
            set(&mut body, "netsliceInstanceId", id);
            let op_id = state.operate_slice(&call.session, &mut body, call.now)?;
            let shown = op_id.clone().unwrap_or_else(|| "None".to_owned());
            let place = format!("/osm/nsilcm/v1/nsi_lcm_op_occs/{shown}");
            Ok(Reply::located(StatusCode::ACCEPTED, place, json!({"id": op_id})))
        }
        ("DELETE", _) if is_content => {
            match state.terminate_and_delete_slice(&call.session, call.id()?, call.now)? {
                Removal::Done => Ok(Reply::no_content()),
                Removal::Started(op_id) => {
                    let answer = Content::Data(json!({"_id": op_id}));
                    Ok(Reply::new(StatusCode::ACCEPTED, answer))
                }
            }
        }
        ("DELETE", _) => {
            state.delete_slice(&call.session, call.id()?)?;
            Ok(Reply::no_content())
        }
        _ => list_or_show(state, call, request, Collection::SliceInstances),
    }
}

fn create(
    state: &mut State,
    call: &Call,
    mut body: Value,
    is_content: bool,
) -> Result<Reply, Problem> {
    let id = state.create_slice(&call.session, &mut body, call.now)?;
    let place = format!("/osm/{}/{id}", call.route.path);
    if !is_content {
        let is_verbose = state.release.has_verbose_ids();
        let answer = if is_verbose { json!({"_id": id, "id": id}) } else { json!({"id": id}) };
        return Ok(Reply::located(StatusCode::CREATED, place, answer));
    }
    set(&mut body, "lcmOperationType", "instantiate");
    set(&mut body, "netsliceInstanceId", id.as_str());
    match state.operate_slice(&call.session, &mut body, call.now) {
        Ok(op_id) => {
            let answer = json!({"id": id, "nsilcmop_id": op_id});
            Ok(Reply::located(StatusCode::CREATED, place, answer))
        }
        Err(problem) => {
            state.remove_slice(&id);
            Err(problem)
        }
    }
}
