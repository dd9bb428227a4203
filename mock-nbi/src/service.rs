//! One request from bytes to bytes: faults, routes, format, journal.
//!
//! Invariant: the same over a socket and in process. All that OSM does happens in one go under the
//! lock; only waiting for an answer is asynchronous.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, SERVER,
    SET_COOKIE, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::control;
use crate::fault::FaultKind;
use crate::journal::JournalEntry;
use crate::negotiate::Format;
use crate::problem::{self, Problem};
use crate::request::{Request, parse_params};
use crate::routes::{self, Content, Reply};
use crate::state::tokens::NEEDED;
use crate::world::World;

/// Bodies above this are refused with 413, as the web server in front of OSM does.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What OSM says of itself. Source: recorded case `version_and_root`.
const VERSION: &str = "7.0.1.post23";
const VERSION_DATE: &str = "2020-04-17";

/// The NBI as a `tower` service.
///
/// A cut connection is an error of kind `ConnectionReset`; a truncated answer is a body that ends
/// with that error.
#[derive(Clone, Debug)]
pub struct NbiService {
    world: Arc<Mutex<World>>,
    connection: u64,
    remote: (String, u16),
    /// Ends answers that would never come; never cancelled in process.
    stop: CancellationToken,
}

impl NbiService {
    pub(crate) fn in_process(world: Arc<Mutex<World>>) -> Self {
        let remote = ("127.0.0.1".into(), 0);
        Self {
            world,
            connection: 0,
            remote,
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn on_connection(
        world: Arc<Mutex<World>>,
        connection: u64,
        remote: (String, u16),
        stop: CancellationToken,
    ) -> Self {
        Self {
            world,
            connection,
            remote,
            stop,
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// `ConnectionReset` when a fault cuts the connection, and what reading the body gives.
    ///
    /// # Cancel safety
    /// Dropped before the body was read, nothing happened; later, all of it did.
    pub async fn answer(self, request: http::Request<Body>) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let Some(body) = read_body(body).await? else {
            let problem = Problem::page(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
            let answer = self.lock_and(|world| {
                let answer = Answer::of_problem(&problem, None);
                self.note(
                    world,
                    &parts,
                    0,
                    &Sent {
                        answer: answer.clone(),
                        ..Sent::default()
                    },
                );
                answer
            });
            return Ok(answer.into_response());
        };
        let path = parts.uri.path();
        if path == "/_mock" || path.starts_with("/_mock/") {
            return Ok(self.lock_and(|world| control::answer(world, &parts, &body)));
        }
        let started = tokio::time::Instant::now();
        let (method, path) = (parts.method.clone(), path.to_owned());
        let sent = self.lock_and(|world| self.serve(world, &parts, body));
        if !sent.delay.is_zero() {
            tokio::time::sleep(sent.delay).await;
        }
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = sent.answer.status.as_u16();
        tracing::info!(%method, path, status, ms, fate = ?sent.fate, "request");
        match sent.fate {
            Fate::Arrives => Ok(sent.answer.into_response()),
            Fate::Truncated => Ok(sent.answer.into_truncated_response()),
            Fate::Cut => Err(reset()),
            Fate::Never => {
                self.stop.cancelled().await;
                Err(reset())
            }
        }
    }

    fn lock_and<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, world: &mut World, parts: &Parts, body: Bytes) -> Sent {
        let now = world.settle();
        let request_bytes = body.len() as u64;
        let request = read_request(parts, body, self.remote.clone());
        let operation = routes::operation_name(&request.method, &request.segments);
        let fault = world.faults.take(&operation);
        let sent = with_fault(world, request, parts, fault, now);
        self.note(world, parts, request_bytes, &sent);
        sent
    }

    fn note(&self, world: &mut World, parts: &Parts, request_bytes: u64, sent: &Sent) {
        let arrives = matches!(sent.fate, Fate::Arrives | Fate::Truncated);
        let response_bytes = match sent.fate {
            Fate::Arrives => sent.answer.body.len(),
            Fate::Truncated => sent.answer.body.len() / 2,
            Fate::Cut | Fate::Never => 0,
        };
        let at = world.clock.now();
        world.journal.push(JournalEntry {
            n: 0,
            at,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            status: arrives.then_some(sent.answer.status.as_u16()),
            request_bytes,
            response_bytes: response_bytes as u64,
            connection: self.connection,
        });
    }
}

impl Service<http::Request<Body>> for NbiService {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

/// The whole body, or none when it is too large.
async fn read_body(body: Body) -> io::Result<Option<Bytes>> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(Some(collected.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn reset() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "connection cut by an injected fault",
    )
}

fn read_request(parts: &Parts, body: Bytes, remote: (String, u16)) -> Request {
    let path = parts.uri.path();
    let below = path
        .strip_prefix("/osm")
        .unwrap_or(path)
        .trim_start_matches('/');
    let decode = |segment: &str| {
        percent_encoding::percent_decode_str(segment)
            .decode_utf8_lossy()
            .into_owned()
    };
    let segments = below
        .trim_end_matches('/')
        .split('/')
        .filter(|s| !s.is_empty())
        .map(decode)
        .collect();
    let mut request = Request {
        method: parts.method.to_string(),
        segments,
        params: parse_params(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body,
        remote,
    };
    if request.is_form() {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        request.params.extend(parse_params(&form));
    }
    request
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Arrives,
    Truncated,
    Cut,
    Never,
}

/// An answer and what becomes of it.
#[derive(Debug, Default)]
struct Sent {
    answer: Answer,
    delay: Duration,
    fate: Fate,
}

fn with_fault(
    world: &mut World,
    request: Request,
    parts: &Parts,
    fault: Option<FaultKind>,
    now: f64,
) -> Sent {
    let accept = request.accept().map(str::to_owned);
    let plain = |answer| Sent {
        answer,
        ..Sent::default()
    };
    match fault {
        None => from_osm(world, request, parts, now),
        Some(FaultKind::Status {
            status,
            body,
            retry_after,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let reason = status.canonical_reason().unwrap_or("fault").to_owned();
            let problem = Problem::new(status, body.unwrap_or(reason));
            let mut answer = Answer::of_problem(&problem, accept.as_deref());
            if let Some(seconds) = retry_after {
                answer.headers.push((RETRY_AFTER, seconds.to_string()));
            }
            plain(answer)
        }
        Some(FaultKind::Html { status }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            plain(Answer::proxy_page(status))
        }
        Some(FaultKind::NotJson) => plain(Answer {
            status: StatusCode::OK,
            headers: vec![(CONTENT_TYPE, Format::Json.content_type().into())],
            body: Bytes::from_static(b"{\"this\": is no JSON"),
            length: None,
        }),
        Some(FaultKind::Hang) => Sent {
            fate: Fate::Never,
            ..Sent::default()
        },
        Some(FaultKind::ResetBefore) => Sent {
            fate: Fate::Cut,
            ..Sent::default()
        },
        Some(FaultKind::ResetAfter) => Sent {
            fate: Fate::Cut,
            ..from_osm(world, request, parts, now)
        },
        Some(FaultKind::Truncated) => Sent {
            fate: Fate::Truncated,
            ..from_osm(world, request, parts, now)
        },
        Some(FaultKind::OperationFails { detail }) => {
            world.state.fails_next = Some(detail);
            let sent = from_osm(world, request, parts, now);
            world.state.fails_next = None;
            sent
        }
        Some(FaultKind::Late { seconds }) => {
            let sent = from_osm(world, request, parts, now);
            let late = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            Sent {
                delay: sent.delay + late,
                ..sent
            }
        }
    }
}

fn from_osm(world: &mut World, request: Request, parts: &Parts, now: f64) -> Sent {
    let accept = request.accept().map(str::to_owned);
    let method = request.method.clone();
    let outcome = at_top_level(world, request, parts, now);
    let (mut answer, delay) = match outcome {
        Ok(reply) => {
            let delay = reply.delay;
            (Answer::of_reply(reply, accept.as_deref(), &method), delay)
        }
        Err(problem) => (
            Answer::of_problem(&problem, accept.as_deref()),
            Duration::ZERO,
        ),
    };
    let session = world.state.ids.session();
    answer.headers.push((
        SET_COOKIE,
        format!("session_id={session}; HttpOnly; Max-Age=3600; Path=/; Secure"),
    ));
    if parts.method == Method::HEAD {
        answer.length = Some(answer.body.len());
        answer.body = Bytes::new();
    }
    Sent {
        answer,
        delay,
        fate: Fate::Arrives,
    }
}

/// `/osm`, `/osm/` and `/osm/version` here, everything below in [`routes`].
fn at_top_level(
    world: &mut World,
    request: Request,
    parts: &Parts,
    now: f64,
) -> Result<Reply, Problem> {
    let path = parts.uri.path();
    let wants_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    let has_length = [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|name| parts.headers.contains_key(name))
        || !request.body.is_empty();
    if wants_length && !has_length {
        return Err(Problem::page(
            StatusCode::LENGTH_REQUIRED,
            "Client must specify Content-Length",
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
        None => index(world, &request, now),
        Some("version") => version(&request),
        Some(_) => routes::serve(&mut world.state, request, now),
    }
}

fn moved(headers: &HeaderMap) -> Reply {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1:9999");
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

fn index(world: &World, request: &Request, now: f64) -> Result<Reply, Problem> {
    if request.method != "GET" {
        return Err(Problem::page(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Method {} not allowed for tokens", request.method),
        ));
    }
    match world.state.tokens.authenticate(request.bearer(), now) {
        Ok(token) => Ok(Reply::ok(token.clone())),
        Err(_) => Ok(Reply {
            headers: vec![(WWW_AUTHENTICATE, bearer_realm(NEEDED))],
            ..Reply::new(
                StatusCode::UNAUTHORIZED,
                Content::Data(json!("Welcome to OSM!")),
            )
        }),
    }
}

fn version(request: &Request) -> Result<Reply, Problem> {
    if request.method != "GET" {
        return Err(Problem::not_allowed("Only method GET is allowed"));
    }
    if request.segments.len() > 1 || !request.params.is_empty() {
        return Err(Problem::not_allowed(
            "Invalid URL or query string for version",
        ));
    }
    Ok(Reply::ok(json!({"version": VERSION, "date": VERSION_DATE})))
}

fn bearer_realm(realm: &str) -> String {
    format!("Bearer realm=\"{realm}\"")
}

/// Status, headers and bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
    /// `Content-Length` where it is not that of the body (HEAD).
    length: Option<usize>,
}

impl Answer {
    fn of_reply(reply: Reply, accept: Option<&str>, method: &str) -> Self {
        let format = Format::for_accept(accept, reply.status);
        let (content_type, body) = match reply.content {
            // PUT and PATCH leave the web server's default type; DELETE names the negotiated one.
            Content::Nothing if method == "DELETE" => (format.content_type(), Bytes::new()),
            Content::Nothing => (Format::Html.content_type(), Bytes::new()),
            Content::Data(value) => (format.content_type(), format.render(&value).into()),
            Content::Raw(bytes, content_type) => (content_type, bytes),
        };
        let mut headers = vec![(CONTENT_TYPE, content_type.to_owned())];
        headers.extend(reply.headers);
        Self {
            status: reply.status,
            headers,
            body,
            length: None,
        }
    }

    fn of_problem(problem: &Problem, accept: Option<&str>) -> Self {
        let format = if problem.is_page {
            Format::Html
        } else {
            Format::for_accept(accept, problem.status)
        };
        let body = if problem.is_page {
            problem::page(problem.status, &problem.detail)
        } else {
            format.render(&problem.to_value())
        };
        let mut headers = vec![(CONTENT_TYPE, format.content_type().to_owned())];
        if let Some(realm) = &problem.realm {
            headers.push((WWW_AUTHENTICATE, bearer_realm(realm)));
        }
        Self {
            status: problem.status,
            headers,
            body: body.into(),
            length: None,
        }
    }

    fn proxy_page(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let title = format!("{} {reason}", status.as_u16());
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
             </center>\r\n<hr><center>nginx/1.14.0 (Ubuntu)</center>\r\n</body>\r\n</html>\r\n"
        );
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "text/html".into())],
            body: body.into(),
            length: None,
        }
    }

    /// An answer of the control API.
    pub(crate) fn of_control(status: StatusCode, value: Option<&Value>) -> Self {
        let Some(value) = value else {
            return Self {
                status,
                ..Self::default()
            };
        };
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "application/json".into())],
            body: value.to_string().into(),
            length: None,
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = Body::from(self.body.clone());
        self.with_body(body)
    }

    /// Announces the whole body and breaks off after half of it.
    fn into_truncated_response(self) -> Response<Body> {
        let half = self.body.slice(..self.body.len() / 2);
        // The pause lets the half go out before the connection is cut.
        let cut = async {
            tokio::task::yield_now().await;
            Err(reset())
        };
        let body = Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(cut)));
        self.with_body(body)
    }

    fn with_body(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static("CherryPy/18.10.0"));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        }
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(
                CONTENT_LENGTH,
                self.length.unwrap_or(self.body.len()).into(),
            );
        }
        response
    }
}
