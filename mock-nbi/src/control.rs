//! `/_mock/`: how tests and tools outside steer the fake. Nothing here is OSM's.
//!
//! JSON in and out unless a route says otherwise; 200 with a body, 204 without, 400 for a body or a
//! query that does not fit, 404 for an unknown path, 401 and 403 for those who may not
//! (`control::gate`). Requests here are not kept in the journal. `control::table` lists the routes;
//! the OpenAPI document is made from it.

mod basics;
mod faults;
mod gate;
mod har;
mod index;
mod journal;
mod openapi;
mod operations;
mod snapshot;
mod table;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::parse_params;
use crate::snapshot::Snapshot;
use crate::world::World;

pub(crate) use gate::Gate;

/// A request of the control API.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What stands for `{...}` in the route's path.
    params: Vec<&'a str>,
    query: Vec<(String, String)>,
    body: &'a Bytes,
    /// The fake's time, after everything due has happened.
    now: f64,
}

impl Call<'_> {
    /// The path's only parameter.
    fn id(&self) -> &str {
        self.params.first().copied().unwrap_or_default()
    }

    /// The last query parameter of this name.
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body).map_err(|error| Refusal::bad_request(&error))
    }
}

/// What a route answers.
#[derive(Debug)]
pub(crate) enum Reply {
    Nothing,
    Data(Value),
    /// A text of this type.
    Text(&'static str, String),
    Snapshot(Snapshot),
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn bad_request(reason: &dyn std::fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: reason.to_string() }
    }

    fn not_found(reason: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, reason: reason.into() }
    }
}

/// Does what a request of the control API asks for.
///
/// # Errors
/// Why it is refused.
pub(crate) fn serve(world: &mut World, parts: &Parts, body: &Bytes) -> Result<Reply, Refusal> {
    let now = world.settle();
    let (route, params) = table::find(&parts.method, parts.uri.path())?;
    let query = parse_params(parts.uri.query().unwrap_or_default());
    let is_known = |name: &str| route.query.iter().any(|(known, _)| *known == name);
    if let Some((name, _)) = query.iter().find(|(name, _)| !is_known(name)) {
        return Err(Refusal::bad_request(&format!("no query parameter `{name}` here")));
    }
    (route.handler)(world, &Call { params, query, body, now })
}

/// The answer to a request of the control API; that of a snapshot takes its time.
pub(crate) fn answer(outcome: Result<Reply, Refusal>) -> Response<Body> {
    let typed = |content_type: &str, body: Bytes| {
        let headers = vec![(CONTENT_TYPE, content_type.to_owned())];
        Answer { headers, body, ..Answer::default() }.into_response()
    };
    match outcome {
        Ok(Reply::Nothing) => Answer::of_control(StatusCode::NO_CONTENT, None).into_response(),
        Ok(Reply::Data(value)) => Answer::of_control(StatusCode::OK, Some(&value)).into_response(),
        Ok(Reply::Text(content_type, text)) => typed(content_type, text.into()),
        Ok(Reply::Snapshot(snapshot)) => typed(snapshot::MEDIA_TYPE, snapshot.into_file().into()),
        Err(Refusal { status, reason }) => refusal(status, &reason),
    }
}

/// Whether a request only shows what a data folder never holds; its answer need not wait for one,
/// which helps to find out what is wrong where none can be written.
pub(crate) fn is_of_memory(parts: &Parts) -> bool {
    let paths =
        ["/_mock/journal", "/_mock/journal.har", "/_mock/near-misses", "/_mock/conformance"];
    parts.method == Method::GET && paths.contains(&parts.uri.path())
}

/// Refuses a request.
pub(crate) fn refusal(status: StatusCode, reason: &str) -> Response<Body> {
    Answer::of_control(status, Some(&json!({"error": reason}))).into_response()
}
