//! `/admin/v1/vim_accounts` (also `vims`) and `/admin/v1/k8sclusters`.

use http::StatusCode;
use serde_json::json;

use super::{Call, Reply, list_or_show};
use crate::problem::Problem;
use crate::request::{Request, override_with};
use crate::state::State;
use crate::state::admin::{NOTHING_TO_UPDATE, Removal};
use crate::state::db::Collection;

pub(super) fn serve(
    state: &mut State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let mut body = request.parse_body()?.into_data()?;
            if body.is_object() {
                override_with(&mut body, &request.params)?;
            }
            let id = state.create_admin_item(&call.session, collection, &body, call.now)?;
            let mut answer = json!({"id": id, "op_id": format!("{id}:0")});
            if state.release.has_verbose_ids() {
                answer["_id"] = json!(id);
            }
            let place = format!("/osm/{}/{id}", call.route.path);
            Ok(Reply::located(StatusCode::ACCEPTED, place, answer))
        }
        "PATCH" => {
            let mut patch = request.parse_body()?.into_data()?;
            let is_empty = patch.as_object().is_some_and(serde_json::Map::is_empty);
            if is_empty && request.params.is_empty() && call.session.set_project.is_none() {
                return Err(Problem::bad_request(NOTHING_TO_UPDATE));
            }
            if patch.is_object() {
                override_with(&mut patch, &request.params)?;
            }
            let op_id =
                state.edit_admin_item(&call.session, collection, call.id()?, &patch, call.now)?;
            let answer = json!({"op_id": op_id});
            Ok(Reply::new(StatusCode::ACCEPTED, super::Content::Data(answer)))
        }
        "DELETE" => {
            match state.delete_admin_item(&call.session, collection, call.id()?, call.now)? {
                Removal::Done => Ok(Reply::no_content()),
                Removal::Started(op_id) => {
                    let key = if state.release.has_verbose_ids() { "_id" } else { "op_id" };
                    let answer = json!({key: op_id});
                    Ok(Reply::new(StatusCode::ACCEPTED, super::Content::Data(answer)))
                }
            }
        }
        _ => list_or_show(state, call, request, collection),
    }
}
