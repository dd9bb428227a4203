//! `/nslcm/v1/subscriptions`, `/vnflcm/v1/subscriptions`, and performance reports.

use http::StatusCode;
use serde_json::json;

use super::{Call, Reply, body_of_new, list_or_show};
use crate::input::subscriptions::{NS_SUBSCRIPTION, VNF_SUBSCRIPTION};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::db::{Collection, text};
use crate::state::session::Access;

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let mut body = body_of_new(request)?;
            let is_for_vnfs = call.route.path.starts_with("vnflcm/");
            let schema = if is_for_vnfs { &VNF_SUBSCRIPTION } else { &NS_SUBSCRIPTION };
            let id = state.subscribe(&call.session, &mut body, schema, call.now)?;
            let place = format!("/osm/{}/{id}", call.route.path);
            let answer = json!({
                "id": id,
                "filter": body["filter"],
                "callbackUri": body["CallbackUri"],
                "_links": {"self": place},
            });
            Ok(Reply::located(StatusCode::CREATED, place, answer))
        }
        "DELETE" => {
            let session = call.session.with(Access::Delete);
            let id = call.id()?;
            let record = session.find(&state.db, Collection::Subscriptions, id)?.into_owned();
            if !state.unshare(&session, Collection::Subscriptions, &record)? {
                state.db.remove(Collection::Subscriptions, id);
            }
            Ok(Reply::no_content())
        }
        _ => list_or_show(state, call, request, Collection::Subscriptions),
    }
}

/// What Prometheus has on an instance: nothing, as nothing is measured here.
///
/// # Errors
/// 404 for an instance without VNFs, and for a VNFD that was deleted by force.
///
/// Source: OSM NBI `pmjobs_topics.py` of releases 8 and 19.
pub(super) fn report(state: &State, request: &Request) -> Result<Reply, Problem> {
    let ns_id = request.segments.get(5).map_or("", String::as_str);
    let vnfrs = state.vnfrs_of(ns_id);
    if vnfrs.is_empty() {
        return Err(Problem::not_found(format!("NS not found with id {ns_id}")));
    }
    // Their metrics are looked up in the VNFDs as they are now.
    for vnfr in &vnfrs {
        state.found(Collection::VnfPackages, text(vnfr, "vnfd-id"))?;
    }
    Ok(Reply::ok(json!({"entries": []})))
}
