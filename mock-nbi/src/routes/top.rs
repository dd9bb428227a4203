//! `/osm`, `/osm/`, `/osm/version` and `/osm/test`; everything else below goes to the route table.

use http::header::{CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{Content, Reply, serve, test_url};
use crate::answer::bearer_realm;
use crate::negotiate::Format;
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// What OSM says of itself. Source: recorded case `version_and_root`.
const VERSION: &str = "7.0.1.post23";
const VERSION_DATE: &str = "2020-04-17";

/// `/osm`, `/osm/` and `/osm/version` here, `/osm/test` in [`test_url`], everything else in [`serve`].
pub(crate) fn at_top_level(
    state: &mut State,
    request: Request,
    parts: &Parts,
    now: f64,
) -> Result<Reply, Problem> {
    let path = parts.uri.path();
    let wants_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    let has_length =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| parts.headers.contains_key(name))
            || !request.body.is_empty();
    if wants_length && !has_length {
        return Err(Problem::page(
            StatusCode::LENGTH_REQUIRED,
            "Client must specify Content-Length",
        ));
    }
    if request.is_form_too_large() {
        return Err(Problem::too_large());
    }
    let query = parts.uri.query().unwrap_or_default();
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(Problem::page(
            StatusCode::NOT_FOUND,
            "The given query string could not be processed. Query strings for this resource must \
             be encoded with 'utf8'.",
        ));
    }
    if path == "/osm" {
        return Ok(moved(&parts.headers));
    }
    if !path.starts_with("/osm/") {
        let message = format!("The path '{path}' was not found.");
        return Err(Problem::page(StatusCode::NOT_FOUND, message));
    }
    match request.segments.first().map(String::as_str) {
        None => index(state, &request, now),
        Some("version") => version(&request),
        Some("test") => test_url::serve(&request),
        Some(_) => serve(state, request, now),
    }
}

fn moved(headers: &HeaderMap) -> Reply {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:9999");
    let place = format!("http://{host}/osm/");
    let page = format!("This resource has permanently moved to <a href=\"{place}\">{place}</a>.");
    Reply {
        headers: vec![(LOCATION, place)],
        ..Reply::new(
            StatusCode::MOVED_PERMANENTLY,
            Content::Raw(page.into(), Format::Html.content_type()),
        )
    }
}

fn index(state: &mut State, request: &Request, now: f64) -> Result<Reply, Problem> {
    if request.method != "GET" {
        return Err(Problem::page(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Method {} not allowed for tokens", request.method),
        ));
    }
    match state.authenticate(request, now) {
        Ok(token) => Ok(Reply::ok(token)),
        Err(problem) => Ok(Reply {
            headers: problem
                .realm
                .iter()
                .map(|realm| (WWW_AUTHENTICATE, bearer_realm(realm)))
                .collect(),
            ..Reply::new(StatusCode::UNAUTHORIZED, Content::Data(json!("Welcome to OSM!")))
        }),
    }
}

fn version(request: &Request) -> Result<Reply, Problem> {
    if request.method != "GET" {
        return Err(Problem::not_allowed("Only method GET is allowed"));
    }
    if request.segments.len() > 1 || !request.params.is_empty() {
        return Err(Problem::not_allowed("Invalid URL or query string for version"));
    }
    Ok(Reply::ok(json!({"version": VERSION, "date": VERSION_DATE})))
}
