//! `/k8scluster/v1`: clusters that OSM makes or registers, their node groups, and profiles.
//!
//! Source: OSM NBI `nbi.py` of release 19, `default`.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, body_of_change, created, list_or_show};
use crate::filter::Filter;
use crate::problem::Problem;
use crate::python::{DESCRIPTOR, yaml_dump};
use crate::request::{Body, Overlay, Request};
use crate::state::State;
use crate::state::db::Collection;

const CLUSTERS: &str = "k8scluster/v1/clusters";

/// A body where OSM takes an object for granted: a stream has no keys.
pub(super) fn read_body(request: &Request) -> Result<Value, Problem> {
    match request.parse_body()? {
        Body::Data(value) => Ok(value),
        Body::Raw => Err(Problem::bad_request("'RequestBody' object is not subscriptable")),
    }
}

/// The same, with the query laid over it.
pub(super) fn read_new(request: &Request) -> Result<Value, Problem> {
    let mut body = read_body(request)?;
    if body.is_object() {
        Overlay::new(&request.params, false).lay_over(&mut body)?;
    }
    Ok(body)
}

/// The answer to a POST that OSM calls created, though an operation goes on.
pub(super) fn operation_created(op_id: impl Into<Value>) -> Reply {
    Reply::new(StatusCode::CREATED, Content::Data(json!({"op_id": op_id.into()})))
}

/// The answer to what goes on, its id under `key`.
pub(super) fn accepted(key: &str, id: impl Into<Value>) -> Reply {
    let id: Value = id.into();
    Reply::new(StatusCode::ACCEPTED, Content::Data(json!({key: id})))
}

/// The answer that tells ids of what was made at `place`.
pub(super) fn made_at(place: &str, id: &str) -> Reply {
    let answer = json!({"_id": id, "id": id});
    Reply::located(StatusCode::CREATED, format!("/osm/{place}/{id}"), answer)
}

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let item = call.route.path.strip_prefix(CLUSTERS).unwrap_or_default().split('/').nth(2);
    let Some(item) = item else {
        return serve_cluster(state, call, request);
    };
    let id = call.id()?;
    match (request.method.as_str(), item) {
        ("DELETE", _) => {
            let goes_on = state.deregister_cluster(&call.session, id, call.now)?;
            Ok(if goes_on { accepted("_id", id) } else { Reply::no_content() })
        }
        ("POST", "update") => {
            // OSM's handler takes it for a new cluster.
            let id = state.create_cluster(&call.session, &read_new(request)?, call.now)?;
            Ok(made_at(CLUSTERS, &id))
        }
        ("POST", _) => {
            let params = read_body(request)?;
            let op_id = state.update_cluster(&call.session, id, (item, &params), call.now)?;
            Ok(operation_created(op_id))
        }
        ("PATCH", kind) => {
            let change = body_of_change(call, request)?;
            state.change_profiles_of_cluster(&call.session, (id, kind), &change, call.now)?;
            Ok(Reply::no_content())
        }
        (_, "get_creds") => {
            let op_id = state.ask_for_credentials(&call.session, id, call.now)?;
            Ok(Reply::ok(json!({"op_id": op_id})))
        }
        (_, "get_creds_file") => {
            let Some(op_id) = request.segments.get(5) else {
                return Err(Problem::bad_request("tuple index out of range"));
            };
            let credentials = state.credentials(&call.session, id, op_id)?;
            let text = Bytes::from(yaml_dump(&credentials, DESCRIPTOR));
            Ok(Reply::new(StatusCode::OK, Content::Raw(text, "text/plain")))
        }
        (_, "ksus") => Ok(Reply::ok(state.ksus_of_cluster(id)?)),
        (_, kind) => Ok(Reply::ok(state.profiles_of_cluster(&call.session, id, kind)?)),
    }
}

fn serve_cluster(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    match (request.method.as_str(), call.id.as_deref()) {
        ("POST", Some(_)) => {
            let id = state.register_cluster(&call.session, &read_new(request)?, call.now)?;
            Ok(made_at(CLUSTERS, &id))
        }
        ("POST", None) => {
            let id = state.create_cluster(&call.session, &read_new(request)?, call.now)?;
            Ok(made_at(CLUSTERS, &id))
        }
        ("PATCH", Some(id)) => {
            // The query only keeps OSM from asking for a body.
            body_of_change(call, request)?;
            let patch = request.parse_body()?.into_data()?;
            state.edit_cluster(&call.session, id, &patch, call.now)?;
            Ok(Reply::no_content())
        }
        ("DELETE", Some(id)) => {
            let op_id = state.delete_cluster(&call.session, id, call.now)?;
            Ok(if op_id.is_null() { Reply::no_content() } else { accepted("_id", op_id) })
        }
        (_, Some(_)) => list_or_show(state, call, request, Collection::Clusters),
        (_, None) => {
            let is_yaml = request.header("Query-String-Format").contains("yaml");
            let filter = Filter::parse(&request.params, is_yaml)?;
            Ok(Reply::ok(state.list_clusters(&call.session, &filter)))
        }
    }
}

/// Serves the groups of nodes below a cluster.
pub(super) fn serve_node_groups(
    state: &mut State,
    call: &Call,
    request: &Request,
) -> Result<Reply, Problem> {
    let cluster_id = call.id()?;
    let of_cluster = || -> Result<Value, Problem> {
        let mut body = read_body(request)?;
        match body.as_object_mut() {
            Some(fields) => fields.insert("cluster_id".into(), json!(cluster_id)),
            None => {
                return Err(Problem::bad_request(
                    "list indices must be integers or slices, not str",
                ));
            }
        };
        Ok(body)
    };
    match (request.method.as_str(), request.segments.get(5)) {
        ("POST", None) => {
            let mut body = of_cluster()?;
            Overlay::new(&request.params, false).lay_over(&mut body)?;
            let id = state.create_node_group(&call.session, &body, call.now)?;
            Ok(made_at(CLUSTERS, &id))
        }
        ("POST", Some(id)) => {
            let op_id = state.scale_node_group(&call.session, id, &of_cluster()?, call.now)?;
            Ok(operation_created(op_id))
        }
        ("PATCH", Some(id)) => {
            let patch = body_of_change(call, request)?;
            state.edit_node_group(&call.session, id, &patch, call.now)?;
            Ok(Reply::no_content())
        }
        ("DELETE", Some(id)) => {
            Ok(accepted("_id", state.delete_node_group(&call.session, id, call.now)?))
        }
        (_, Some(id)) => {
            Ok(Reply::ok(call.session.find(&state.db, Collection::NodeGroups, id)?.into_owned()))
        }
        (_, None) => Ok(Reply::ok(state.node_groups_of_cluster(cluster_id)?)),
    }
}

/// Serves the profiles of one kind.
pub(super) fn serve_profiles(
    state: &mut State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let body = read_new(request)?;
            let id = state.create_profile(&call.session, collection, &body, call.now)?;
            Ok(created(state, call, StatusCode::CREATED, &id, None))
        }
        "PATCH" => {
            let patch = body_of_change(call, request)?;
            state.edit_profile(&call.session, collection, call.id()?, &patch, call.now)?;
            Ok(Reply::no_content())
        }
        "DELETE" => {
            let id = call.id()?;
            state.delete_profile(&call.session, collection, id, call.now)?;
            Ok(accepted("_id", id))
        }
        _ => list_or_show(state, call, request, collection),
    }
}
