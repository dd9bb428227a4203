//! What OSM registers: `/admin/v1/vim_accounts` (also `vims`), `wim_accounts`, `sdns`, `vca`,
//! `k8sclusters`, `k8srepos`, `osmrepos`.

use http::StatusCode;
use serde_json::json;

use super::{Call, Reply, body_of_change, body_of_new, created, list_or_show};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::Collection;

pub(super) fn serve(
    state: &mut State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    if collection == Collection::OsmRepos {
        return serve_osm_repos(state, call, request);
    }
    match request.method.as_str() {
        "POST" => {
            let body = body_of_new(request)?;
            let id = state.create_admin_item(&call.session, collection, &body, call.now)?;
            Ok(created(state, call, StatusCode::ACCEPTED, &id, Some(&format!("{id}:0"))))
        }
        "PATCH" => {
            let patch = body_of_change(call, request)?;
            let op_id =
                state.edit_admin_item(&call.session, collection, call.id()?, &patch, call.now)?;
            let answer = json!({"op_id": op_id});
            Ok(Reply::new(StatusCode::ACCEPTED, super::Content::Data(answer)))
        }
        "DELETE" => {
            match state.delete_admin_item(&call.session, collection, call.id()?, call.now)? {
                Removal::Done => Ok(Reply::no_content()),
                Removal::Started(op_id) => {
                    let key = state.release.deletion_key();
                    let answer = json!({key: op_id});
                    Ok(Reply::new(StatusCode::ACCEPTED, super::Content::Data(answer)))
                }
            }
        }
        _ => list_or_show(state, call, request, collection),
    }
}

/// OSM repositories are only kept, so nothing goes on after the answer.
fn serve_osm_repos(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let body = body_of_new(request)?;
            let id = state.create_osm_repo(&call.session, &body, call.now)?;
            Ok(created(state, call, StatusCode::CREATED, &id, None))
        }
        "PATCH" => {
            let patch = body_of_change(call, request)?;
            state.edit_osm_repo(&call.session, call.id()?, &patch, call.now)?;
            Ok(Reply::no_content())
        }
        "DELETE" => {
            state.delete_osm_repo(&call.session, call.id()?)?;
            Ok(Reply::no_content())
        }
        _ => list_or_show(state, call, request, Collection::OsmRepos),
    }
}
