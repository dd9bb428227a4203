//! `/nslcm/v1/ns_instances`, `ns_instances_content`, and the operations below an instance.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, list_or_show};
use crate::problem::Problem;
use crate::profile::Kind;
use crate::request::{Request, override_with};
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, text};

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let is_content = call.route.path.contains("ns_instances_content");
    match (request.method.as_str(), request.segments.get(4).map(String::as_str)) {
        ("POST", None) => {
            let mut body = request.parse_body()?.into_data()?;
            if body.is_object() {
                override_with(&mut body, &request.params)?;
            }
            create(state, call, &body, is_content)
        }
        ("POST", Some(operation)) => {
            let body = request.parse_body()?.into_data()?;
            operate(state, call, operation, &body)
        }
        ("DELETE", _) => delete(state, call, is_content),
        _ => list_or_show(state, call, request, Collection::NsInstances),
    }
}

fn create(
    state: &mut State,
    call: &Call,
    body: &Value,
    is_content: bool,
) -> Result<Reply, Problem> {
    let is_verbose = state.release.has_verbose_ids();
    let (id, answer) = if is_content {
        let (id, op_id) = state.create_and_instantiate_ns(&call.session, body, call.now)?;
        let mut answer = json!({"id": id, "nslcmop_id": op_id});
        if is_verbose {
            answer["nsName"] = body["nsName"].clone();
        }
        (id, answer)
    } else {
        let id = state.create_ns(&call.session, body, call.now)?;
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
    body: &Value,
) -> Result<Reply, Problem> {
    let ns_id = call.id()?;
    let kind = match operation {
        "action" => Kind::Action,
        "scale" => Kind::Scale,
        "terminate" => Kind::Terminate,
        _ => Kind::Instantiate,
    };
    let op_id = match kind {
        Kind::Instantiate => Some(state.instantiate_ns(&call.session, ns_id, body, call.now)?),
        _ => state.operate_ns(&call.session, ns_id, kind, body, call.now)?,
    };
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
