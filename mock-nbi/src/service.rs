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
use http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::answer::{Answer, reset};
use crate::control;
use crate::fault::FaultKind;
use crate::journal::{JournalEntry, blank_token};
use crate::negotiate::Format;
use crate::problem::Problem;
use crate::request::{BODY_BYTES_MAX, Request, parse_params};
use crate::routes;
use crate::world::World;

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
        Self { world, connection: 0, remote, stop: CancellationToken::new() }
    }

    pub(crate) fn on_connection(
        world: Arc<Mutex<World>>,
        connection: u64,
        remote: (String, u16),
        stop: CancellationToken,
    ) -> Self {
        Self { world, connection, remote, stop }
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
            let problem = Problem::too_large();
            let answer = self.lock_and(|world| {
                let answer = Answer::of_problem(&problem, None);
                self.note(world, &parts, 0, &Sent { answer: answer.clone(), ..Sent::default() });
                answer
            });
            return Ok(answer.into_response());
        };
        let path = parts.uri.path();
        if path == "/_mock" || path.starts_with("/_mock/") {
            return Ok(self.lock_and(|world| control::answer(world, &parts, &body)));
        }
        let started = tokio::time::Instant::now();
        let request = format!("{} {}", parts.method, blank_token(path));
        let sent = self.lock_and(|world| self.serve(world, &parts, body));
        if !sent.delay.is_zero() {
            tokio::time::sleep(sent.delay).await;
        }
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = sent.answer.status.as_u16();
        match sent.fate {
            Fate::Arrives => tracing::info!(%request, status, ms, "answered"),
            Fate::Truncated => tracing::info!(%request, status, ms, "answer broken off by a fault"),
            Fate::Cut => tracing::info!(%request, ms, "connection cut by a fault"),
            Fate::Never => tracing::info!(%request, "left without an answer by a fault"),
        }
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

fn read_request(parts: &Parts, body: Bytes, remote: (String, u16)) -> Request {
    let path = parts.uri.path();
    let below = path.strip_prefix("/osm").unwrap_or(path).trim_start_matches('/');
    let decode = |segment: &str| {
        percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
    };
    let segments =
        below.trim_end_matches('/').split('/').filter(|s| !s.is_empty()).map(decode).collect();
    let mut request = Request {
        method: parts.method.to_string(),
        segments,
        params: parse_params(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body,
        remote,
    };
    if request.is_form() && !request.is_form_too_large() {
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
    let plain = |answer| Sent { answer, ..Sent::default() };
    match fault {
        None => from_osm(world, request, parts, now),
        Some(FaultKind::Status { status, body, retry_after }) => {
            let status = final_status(status, StatusCode::SERVICE_UNAVAILABLE);
            let reason = status.canonical_reason().unwrap_or("fault").to_owned();
            let problem = Problem::new(status, body.unwrap_or(reason));
            let mut answer = Answer::of_problem(&problem, accept.as_deref());
            if let Some(seconds) = retry_after {
                answer.headers.push((RETRY_AFTER, seconds.to_string()));
            }
            plain(answer)
        }
        Some(FaultKind::Html { status }) => {
            let status = final_status(status, StatusCode::BAD_GATEWAY);
            plain(Answer::proxy_page(status))
        }
        Some(FaultKind::NotJson) => plain(Answer {
            status: StatusCode::OK,
            headers: vec![(CONTENT_TYPE, Format::Json.content_type().into())],
            body: Bytes::from_static(b"{\"this\": is no JSON"),
            length: None,
        }),
        Some(FaultKind::Hang) => Sent { fate: Fate::Never, ..Sent::default() },
        Some(FaultKind::ResetBefore) => Sent { fate: Fate::Cut, ..Sent::default() },
        Some(FaultKind::ResetAfter) => {
            Sent { fate: Fate::Cut, ..from_osm(world, request, parts, now) }
        }
        Some(FaultKind::Truncated) => {
            Sent { fate: Fate::Truncated, ..from_osm(world, request, parts, now) }
        }
        Some(FaultKind::OperationFails { detail }) => {
            world.state.fails_next = Some(detail);
            let sent = from_osm(world, request, parts, now);
            world.state.fails_next = None;
            sent
        }
        Some(FaultKind::Late { seconds }) => {
            let sent = from_osm(world, request, parts, now);
            let late = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            Sent { delay: sent.delay.saturating_add(late), ..sent }
        }
    }
}

/// The status of this number, or `usual` for one that no answer can end with.
fn final_status(number: u16, usual: StatusCode) -> StatusCode {
    StatusCode::from_u16(number).ok().filter(|status| !status.is_informational()).unwrap_or(usual)
}

fn from_osm(world: &mut World, request: Request, parts: &Parts, now: f64) -> Sent {
    let accept = request.accept().map(str::to_owned);
    let method = request.method.clone();
    let outcome = routes::at_top_level(&mut world.state, request, parts, now);
    let (mut answer, delay) = match outcome {
        Ok(reply) => {
            let delay = reply.delay;
            (Answer::of_reply(reply, accept.as_deref(), &method), delay)
        }
        Err(problem) => (Answer::of_problem(&problem, accept.as_deref()), Duration::ZERO),
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
    Sent { answer, delay, fate: Fate::Arrives }
}
