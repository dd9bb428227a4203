//! VNF instances: what they are in NS instances, and `/vnflcm/v1/*`, where OSM makes an NS instance
//! around each and does its operations on that.
//!
//! Source: OSM NBI v19 `vnf_instance_topics.py` and `osm_vnfm/vnf_instance_actions.py`.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, body_of_new, list_or_show};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Access;

/// `vnf_instances`, and `vnfrs` for compatibility.
pub(super) fn serve_instances(
    state: &mut State,
    call: &Call,
    request: &Request,
) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let body = body_of_new(request)?;
            let id = state.create_vnf(&call.session, &body, call.now)?;
            Ok(super::created(state, call, StatusCode::CREATED, &id, None))
        }
        "DELETE" => {
            state.delete_vnf(&call.session, call.id()?)?;
            Ok(Reply::no_content())
        }
        _ => list_or_show(state, call, request, Collection::VnfInstances),
    }
}

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    if request.method == "POST" {
        let operation = request.segments.get(4).map_or("", String::as_str);
        return operate(state, call, operation, &body_of_new(request)?);
    }
    let mut reply = list_or_show(state, call, request, Collection::Operations)?;
    if let Content::Data(data) = &mut reply.content {
        match data {
            Value::Array(items) => items.iter_mut().for_each(|item| project(state, item)),
            item => project(state, item),
        }
    }
    Ok(reply)
}

/// An operation as ETSI SOL003 has it.
fn project(state: &State, op: &mut Value) {
    let ns_id = text(op, "nsInstanceId").to_owned();
    let nsr = state.db.get(Collection::NsInstances, &ns_id).unwrap_or_default();
    let vnf_id = list(&nsr, "constituent-vnfr-ref").first().and_then(Value::as_str);
    let vnf_id = vnf_id.unwrap_or_default();
    if let Some(fields) = op.as_object_mut() {
        for key in ["nsInstanceId", "operationParams", "links"] {
            fields.shift_remove(key);
        }
    }
    let links = json!({
        "self": format!("/osm/vnflcm/v1/vnf_lcm_op_occs/{}", text(op, "_id")),
        "vnfInstance": format!("/osm/vnflcm/v1/vnf_instances/{vnf_id}"),
    });
    set(op, "_links", links);
    set(op, "vnfInstanceId", vnf_id);
}

fn operate(
    state: &mut State,
    call: &Call,
    operation: &str,
    body: &Value,
) -> Result<Reply, Problem> {
    let session = call.session.with(Access::Write);
    let vnfr = session.find(&state.db, Collection::VnfInstances, call.id()?)?.into_owned();
    let ns_id = text(&vnfr, "nsr-id-ref");
    // A missing key is told as Python tells it.
    let wanted =
        |key: &str| body.get(key).cloned().ok_or_else(|| Problem::bad_request(format!("'{key}'")));
    let mut own = match operation {
        "instantiate" => {
            let nsr = state.db.get(Collection::NsInstances, ns_id).unwrap_or_default();
            json!({
                "nsName": wanted("vnfName")?,
                "nsDescription": wanted("vnfDescription")?,
                "nsdId": nsr["nsd"]["_id"],
                "vimAccountId": wanted("vimAccountId")?,
                "nsr_id": ns_id,
            })
        }
        "scale" => {
            let (way, aspect) = (wanted("type")?, wanted("aspectId")?);
            let params = wanted("additionalParams")?;
            let member = params.get("member-vnf-index");
            json!({
                "scaleType": "SCALE_VNF",
                "scaleVnfData": {
                    "scaleVnfType": way,
                    "scaleByStepData": {
                        "scaling-group-descriptor": aspect,
                        "member-vnf-index":
                            member.ok_or_else(|| Problem::bad_request("'member-vnf-index'"))?,
                    },
                },
            })
        }
        _ => json!({}),
    };
    set(&mut own, "lcmOperationType", operation);
    set(&mut own, "nsInstanceId", ns_id);
    let op_id = state.operate_ns(&session, &mut own, call.now)?.unwrap_or_default();
    let nsr = state.db.get(Collection::NsInstances, ns_id).unwrap_or_default();
    let place = format!("/osm/vnflcm/v1/vnf_lcm_op_occs/{op_id}");
    let answer = json!({"id": op_id, "nsName": nsr["name"]});
    Ok(Reply::located(StatusCode::ACCEPTED, place, answer))
}
