//! From an HTTP request to the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::address::target;
use super::delete::DeleteOptions;
use super::discovery;
use super::patch::Patch;
use super::refusal::Refusal;
use super::rights::{User, token_of};
use super::selector::Selector;
use super::shape::Shape;
use super::state::{State, Target};
use super::watch::{self, Asked};
use super::write::Writer;
use super::{Shared, rfc3339};

/// The largest body. Source: a real server's `MaxRequestBodyBytes`.
const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

type Parameters = BTreeMap<String, String>;

/// A request that was read.
struct Asks {
    method: Method,
    headers: HeaderMap,
    parameters: Parameters,
    body: Bytes,
}

/// Answers a request. Never fails: trouble is a status of its own.
pub(super) async fn answer(
    shared: Arc<Shared>,
    stop: CancellationToken,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if ["/readyz", "/livez", "/healthz"].contains(&path.as_str()) {
        return text(StatusCode::OK, "ok");
    }
    let Query(parameters) =
        Query::<Parameters>::try_from_uri(&parts.uri).unwrap_or_else(|_| Query(Parameters::new()));
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return refused(&Refusal::too_large()),
        Err(error) => return refused(&Refusal::bad_request(error.to_string())),
    };
    let asks = Asks { method: parts.method, headers: parts.headers, parameters, body };
    let found = {
        let state = shared.state();
        let told = discovery::answer(&state, &path).filter(|_| asks.method == Method::GET);
        let token = account_of_token(&state, &asks, &path).transpose();
        match token {
            Err(refusal) => return refused(&refusal),
            Ok(token) => told.or(token).map(Ok).or_else(|| target(&state, &path).map(Err)),
        }
    };
    match found {
        Some(Ok(told)) => json(StatusCode::OK, &told),
        Some(Err(target)) => {
            about(&shared, stop, &asks, target).unwrap_or_else(|refusal| refused(&refusal))
        }
        None if discovery::is_group_known(&shared.state(), &path) => {
            refused(&Refusal::no_such_resource())
        }
        None => text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

/// What a request for a service account's token gives; `None` for any other request.
fn account_of_token(state: &State, asks: &Asks, path: &str) -> Option<Result<Value, Refusal>> {
    let path = path.strip_suffix("/token").filter(|_| asks.method == Method::POST)?;
    let account = target(state, path).filter(|target| target.kind.kind == "ServiceAccount")?;
    let allowed =
        User::of(&asks.headers).and_then(|user| state.check_right(&user, "create", &account));
    Some(allowed.and_then(|()| state.get(&account)).map(|_| token_of(&account)))
}

/// Answers a request about objects.
fn about(
    shared: &Arc<Shared>,
    stop: CancellationToken,
    asks: &Asks,
    target: Target,
) -> Result<Response<Body>, Refusal> {
    let is_watch = asks.is_set("watch");
    let verb = match (asks.method.as_str(), &target.name) {
        ("GET", Some(_)) => "get",
        ("GET", None) if is_watch => "watch",
        ("GET", None) => "list",
        ("POST", None) if !target.kind.is_namespaced || !target.namespace.is_empty() => "create",
        ("PUT", Some(_)) => "update",
        ("PATCH", Some(_)) => "patch",
        ("DELETE", Some(_)) if !target.is_status => "delete",
        ("DELETE", None) => "deletecollection",
        _ => return Err(Refusal::method_not_allowed()),
    };
    let shape = Shape::of(&asks.headers);
    let kind = target.kind.clone();
    let now = shared.now();
    let mut state = shared.state();
    state.check_right(&User::of(&asks.headers)?, verb, &target)?;
    let selector =
        || Selector::parse(asks.value("labelSelector"), asks.value("fieldSelector"), &kind.plural);
    match verb {
        "get" => {
            let object = state.get(&target)?;
            return Ok(json(StatusCode::OK, &shape.object(&kind, object, now)));
        }
        "list" => {
            let limit = asks.value("limit").parse().ok();
            let from = Some(asks.value("continue")).filter(|from| !from.is_empty());
            let page = state.list(&target, &selector()?, limit, from)?;
            return Ok(json(StatusCode::OK, &shape.list(&kind, page, now)));
        }
        "watch" => {
            let selector = selector()?;
            drop(state);
            let asked = asks.watch(target, selector, shape)?;
            let lines = watch::lines(shared.clone(), asked, stop);
            let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
            return Ok(response.body(Body::from_stream(lines)).expect("its parts are valid"));
        }
        _ => {}
    }
    let now_text = rfc3339(now);
    let by = Writer {
        manager: asks.manager(),
        now: &now_text,
        dry_run: !asks.value("dryRun").is_empty(),
    };
    if verb == "deletecollection" {
        let page = state.delete_all(&target, &selector()?, by)?;
        shared.wrote(&state);
        return Ok(json(StatusCode::OK, &shape.list(&kind, page, now)));
    }
    let is_there = state.stored(&target).is_ok();
    let object = write(&mut state, asks, &target, verb, by)?;
    shared.wrote(&state);
    let made = verb == "create" || (!is_there && ["update", "patch"].contains(&verb));
    let code = if made { StatusCode::CREATED } else { StatusCode::OK };
    let is_status = object["kind"] == "Status";
    let shown = if is_status { object } else { shape.object(&kind, object, now) };
    Ok(json(code, &shown))
}

fn write(
    state: &mut State,
    asks: &Asks,
    target: &Target,
    verb: &str,
    by: Writer<'_>,
) -> Result<Value, Refusal> {
    match verb {
        "create" => state.create(target, &asks.object(&target.kind.kind)?, by),
        "update" => state.put(target, &asks.object(&target.kind.kind)?, by),
        "patch" => {
            let media_type = asks.media_type();
            let is_apply = media_type == "application/apply-patch+yaml";
            if is_apply && asks.value("fieldManager").is_empty() {
                return Err(Refusal::no_field_manager());
            }
            let patch = Patch::read(&target.kind, media_type, &asks.body, asks.is_set("force"))?;
            state.patch(target, &patch, by)
        }
        _ => state.delete(target, &asks.delete_options()?, by),
    }
}

impl Asks {
    fn value(&self, name: &str) -> &str {
        self.parameters.get(name).map(String::as_str).unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        ["1", "true"].contains(&self.value(name))
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn media_type(&self) -> &str {
        self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    /// Who writes: said, or the program that asks.
    fn manager(&self) -> &str {
        let said = self.value("fieldManager");
        if said.is_empty() {
            self.header(header::USER_AGENT).split('/').next().unwrap_or_default()
        } else {
            said
        }
    }

    fn watch(&self, target: Target, selector: Selector, shape: Shape) -> Result<Asked, Refusal> {
        let from = match self.value("resourceVersion") {
            "" | "0" => None,
            text => Some(text.parse().map_err(|_| {
                let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
                Refusal::internal(&format!("resourceVersion: Invalid value: {text:?}: {why}"))
            })?),
        };
        let lasts = self.value("timeoutSeconds").parse().ok().map(Duration::from_secs);
        let bookmarks = self.is_set("allowWatchBookmarks");
        Ok(Asked { target, selector, shape, from, lasts, bookmarks })
    }

    /// The body, JSON or YAML.
    fn object(&self, kind: &str) -> Result<Value, Refusal> {
        let unrecognized = |error: String| {
            Refusal::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): {error}"
            ))
        };
        match self.media_type() {
            "application/yaml" => {
                serde_yaml::from_slice(&self.body).map_err(|error| unrecognized(error.to_string()))
            }
            "application/json" | "" => {
                serde_json::from_slice(&self.body).map_err(|error| unrecognized(error.to_string()))
            }
            _ => Err(Refusal::unsupported_media_type(&["application/json", "application/yaml"])),
        }
    }

    fn delete_options(&self) -> Result<DeleteOptions, Refusal> {
        if self.body.is_empty() {
            return Ok(DeleteOptions::default());
        }
        let body = self.object("DeleteOptions")?;
        let text = |name: &str| body["preconditions"][name].as_str().map(str::to_owned);
        Ok(DeleteOptions { uid: text("uid"), version: text("resourceVersion") })
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(code, &refusal.status())
}

fn json(code: StatusCode, body: &Value) -> Response<Body> {
    let response =
        Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(body.to_string())).expect("its parts are valid")
}

fn text(code: StatusCode, body: &'static str) -> Response<Body> {
    let response = Response::builder().status(code);
    let response = response.header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response.body(Body::from(body)).expect("its parts are valid")
}
