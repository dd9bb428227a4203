//! `/ksu/v1/ksus` and `/appinstance/v1/appinstances`.
//!
//! Source: OSM NBI `nbi.py` of release 19, `default`.

use http::StatusCode;
use serde_json::{Value, json};

use super::clusters::{accepted, made_at, operation_created, read_body, read_new};
use super::{Call, NOTHING_TO_UPDATE, Reply, body_of_change, created, list_or_show};
use crate::problem::Problem;
use crate::python::repr;
use crate::request::Request;
use crate::state::State;
use crate::state::db::Collection;

const KSUS: &str = "ksu/v1/ksus";

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let (session, now, params) = (&call.session, call.now, &request.params);
    let last = call.route.path.rsplit('/').next().unwrap_or_default();
    match (request.method.as_str(), last) {
        ("POST", "ksus") => {
            let (ids, op_id) = state.create_ksus(session, &read_body(request)?, params, now)?;
            // OSM prints the list into the address.
            let place = format!("/osm/{KSUS}/{}", repr(&json!(ids)));
            let answer = json!({"_id": ids, "id": ids, "op_id": op_id});
            Ok(Reply::located(StatusCode::ACCEPTED, place, answer))
        }
        ("POST", "update") => {
            state.edit_ksus(session, &read_body(request)?, params, now)?;
            Ok(operation_created(Value::Null))
        }
        ("POST", "delete") => {
            Ok(operation_created(state.delete_ksus(session, &read_body(request)?, now)?))
        }
        ("POST", "clone") => {
            let op_id = state.clone_ksu(session, call.id()?, &read_body(request)?, now)?;
            Ok(made_at(KSUS, &op_id))
        }
        ("POST", _) => {
            let body = read_body(request)?;
            Ok(operation_created(state.move_ksu(session, call.id()?, &body, params, now)?))
        }
        ("PATCH", _) => {
            let change = read_body(request)?;
            let is_empty = change.as_object().is_some_and(serde_json::Map::is_empty);
            if is_empty && params.is_empty() && session.set_project.is_none() {
                return Err(Problem::bad_request(NOTHING_TO_UPDATE));
            }
            state.edit_ksu(session, call.id()?, &change, params, now)?;
            Ok(Reply::no_content())
        }
        ("DELETE", _) => Ok(accepted("op_id", state.delete_ksu(session, call.id()?, now)?)),
        _ => list_or_show(state, call, request, Collection::Ksus),
    }
}

/// Serves instances of applications.
pub(super) fn serve_apps(
    state: &mut State,
    call: &Call,
    request: &Request,
) -> Result<Reply, Problem> {
    let (session, now) = (&call.session, call.now);
    match (request.method.as_str(), call.id.as_deref()) {
        ("POST", None) => {
            let (id, op_id) = state.create_app_instance(session, &read_new(request)?, now)?;
            Ok(created(state, call, StatusCode::ACCEPTED, &id, Some(&op_id)))
        }
        ("POST", Some(id)) => {
            let params = read_body(request)?;
            Ok(operation_created(state.update_app_instance(session, id, &params, now)?))
        }
        ("PATCH", Some(id)) => {
            let change = body_of_change(call, request)?;
            Ok(accepted("op_id", state.edit_app_instance(session, id, &change, now)?))
        }
        ("DELETE", Some(id)) => Ok(accepted("_id", state.delete_app_instance(session, id, now)?)),
        _ => list_or_show(state, call, request, Collection::AppInstances),
    }
}
