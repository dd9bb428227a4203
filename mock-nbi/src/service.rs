//! One request from bytes to bytes: faults, routes, format, journal.
//!
//! Invariant: the same over a socket and in process. All that OSM does happens in one go under the
//! lock; only waiting for an answer is asynchronous.

mod body;
mod delivery;
mod trouble;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, USER_AGENT};
use http::request::Parts;
use http::{Response, StatusCode};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::answer::{Answer, LongList, refused, reset};
use crate::clock::http_date;
use crate::control::{self, Gate};
use crate::fault::hand;
use crate::journal::{JournalEntry, blank_token};
use crate::problem::Problem;
use crate::routes;
use crate::store::Saving;
use crate::world::World;

pub(crate) use body::BodyLimits;
use body::Unread;
pub(crate) use delivery::{Delivery, Dialect};
use trouble::{Exchange, Fate, Sent};

/// Characters of a `User-Agent` that are kept.
const CLIENT_CHARS_MAX: usize = 200;

/// The NBI as a `tower` service.
///
/// A cut connection is an error of kind `ConnectionReset`, one that nobody took of kind
/// `ConnectionRefused`; a truncated answer is a body that ends with the former.
#[derive(Clone, Debug)]
pub struct NbiService {
    world: Arc<Mutex<World>>,
    peer: Arc<Peer>,
}

/// Where requests come from, and what they may take up.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Number of the connection; 0 in process.
    pub(crate) connection: u64,
    pub(crate) remote: (String, u16),
    pub(crate) bodies: BodyLimits,
    pub(crate) gate: Arc<Gate>,
    /// Ends answers that would never come; never cancelled in process.
    pub(crate) stop: CancellationToken,
}

/// What is known of a request beside its answer.
struct Known {
    operation: String,
    fault: Option<String>,
    near_miss: Option<String>,
    request_bytes: u64,
}

/// What journal and counts tell of a request.
struct Noted {
    /// Its number in the journal.
    n: u64,
    client: String,
    status: Option<u16>,
}

impl NbiService {
    pub(crate) fn in_process(world: Arc<Mutex<World>>) -> Self {
        let peer = Peer {
            connection: 0,
            remote: ("127.0.0.1".into(), 0),
            bodies: BodyLimits::in_process(),
            gate: Arc::new(Gate::open()),
            stop: CancellationToken::new(),
        };
        Self::at(world, peer)
    }

    pub(crate) fn at(world: Arc<Mutex<World>>, peer: Peer) -> Self {
        Self { world, peer: Arc::new(peer) }
    }

    /// What faults and the journal call the operation of a request: `GET /nsd/v1/ns_descriptors/{id}`.
    pub fn operation_of<B>(request: &http::Request<B>) -> String {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = request.method().clone();
        parts.uri = request.uri().clone();
        let nobody = (String::new(), 0);
        routes::operation_of(&Delivery { parts, body: Bytes::new(), remote: nobody }.request())
    }

    /// Answers one request.
    ///
    /// # Errors
    /// `ConnectionReset` or `ConnectionRefused` when a fault cuts the connection, and what reading
    /// the body gives.
    ///
    /// # Cancel safety
    /// Dropped before the body was read, nothing happened; later, all of it did.
    pub async fn answer(self, request: http::Request<Body>) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let is_control = path == "/_mock" || path.starts_with("/_mock/");
        if is_control && let Err((status, reason)) = self.peer.gate.check(&parts) {
            return Ok(control::refusal(status, reason));
        }
        let body = match body::read(body, &parts.headers, &self.peer.bodies).await {
            Ok(read) => read,
            Err(Unread::Broken(error)) => return Err(error),
            Err(Unread::TooLarge) => return Ok(self.refuse(parts, &Problem::too_large())),
            Err(Unread::Slow) => return Ok(self.refuse(parts, &Problem::too_slow())),
            Err(Unread::NoRoom) => return Ok(self.refuse(parts, &Problem::no_room())),
        };
        if is_control {
            let (outcome, saving) = self.lock_and(|world| {
                let outcome = control::serve(world, &parts, &body.bytes);
                (outcome, world.save())
            });
            let saving = saving.filter(|_| !control::is_of_memory(&parts));
            return match saved(saving).await {
                Ok(()) if matches!(outcome, Ok(control::Reply::Snapshot(_))) => {
                    aside(move || control::answer(outcome)).await
                }
                Ok(()) => Ok(control::answer(outcome)),
                Err(reason) => Ok(control::refusal(StatusCode::INTERNAL_SERVER_ERROR, &reason)),
            };
        }
        let started = tokio::time::Instant::now();
        let request = format!("{} {}", parts.method, blank_token(path));
        let delivery = self.delivery(parts, body.bytes.clone());
        let (known, mut sent, metrics, saving, noted) = self.lock_and(|world| {
            let (known, mut sent) = self.serve(world, &delivery);
            let is_whole = sent.answer.list.is_none();
            let noted = is_whole.then(|| self.end(world, &delivery, &known, &mut sent));
            (known, sent, world.metrics.clone(), world.save(), noted)
        });
        if let Err(reason) = saved(saving).await {
            let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, reason);
            let answer = Answer::of_problem(&problem, delivery.request().accept());
            sent = Sent { answer, ..Sent::default() };
            self.lock_and(|world| match noted {
                Some(noted) => restate(world, &noted, &known, &sent),
                None => {
                    self.end(world, &delivery, &known, &mut sent);
                }
            });
        }
        if let Some(list) = sent.answer.list.take() {
            let measured = aside(move || LongList::Measured(list.measure())).await?;
            sent.answer.list = Some(measured);
            self.lock_and(|world| self.end(world, &delivery, &known, &mut sent));
        }
        drop((delivery, body));
        if !sent.delay.is_zero() {
            tokio::time::sleep(sent.delay).await;
        }
        let taken = started.elapsed();
        metrics.count(metric_name(&known.operation), sent.status(), taken.as_secs_f64());
        let ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        let (status, fault) = (sent.status(), known.fault);
        tracing::info!(%request, status, ms, fault, near_miss = known.near_miss, "answered");
        self.send(sent).await
    }

    async fn send(&self, mut sent: Sent) -> io::Result<Response<Body>> {
        let now = self.lock_and(|world| world.clock.now());
        sent.answer.headers.push((DATE, http_date(now)));
        match sent.fate {
            Fate::Arrives => Ok(sent.answer.into_response()),
            Fate::Truncated => Ok(sent.answer.into_truncated_response()),
            Fate::Drips { bytes, every } => Ok(sent.answer.into_dripping_response(bytes, every)),
            Fate::Cut => Err(reset()),
            Fate::Refused => Err(refused()),
            Fate::Never => {
                self.peer.stop.cancelled().await;
                Err(reset())
            }
        }
    }

    fn delivery(&self, parts: Parts, body: Bytes) -> Delivery {
        Delivery { parts, body, remote: self.peer.remote.clone() }
    }

    /// Answers a request whose body was not read.
    fn refuse(&self, parts: Parts, problem: &Problem) -> Response<Body> {
        let delivery = self.delivery(parts, Bytes::new());
        let answer = Answer::of_problem(problem, None);
        let sent = Sent { answer: answer.clone(), ..Sent::default() };
        self.lock_and(|world| {
            let operation = routes::operation_of(&delivery.request());
            world.metrics.count(metric_name(&operation), sent.status(), 0.0);
            let known = Known { operation, fault: None, near_miss: None, request_bytes: 0 };
            self.note(world, &delivery, &known, &sent);
        });
        tracing::info!(path = delivery.parts.uri.path(), status = sent.status(), "refused unread");
        answer.into_response()
    }

    fn lock_and<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, world: &mut World, delivery: &Delivery) -> (Known, Sent) {
        let now = world.settle();
        let request = delivery.request();
        let operation = routes::operation_of(&request);
        let connection = self.peer.connection;
        let exchange = Exchange { delivery, operation: &operation, connection, now };
        if world.faults.take_stale(connection) {
            let known = Known {
                operation,
                fault: Some("stale-connection".into()),
                near_miss: None,
                request_bytes: delivery.body.len() as u64,
            };
            return (known, Sent { fate: Fate::Cut, ..Sent::default() });
        }
        let is_kept = world.faults.will_be_stale(&operation);
        let fault = world.faults.take(&operation);
        let shown = is_kept.then(|| hand::records_of(&world.state, hand::topic_of(&request)));
        let fault_name = fault.as_ref().map(crate::fault::FaultKind::name);
        let sent = match fault {
            None => exchange.usual(&mut world.state),
            Some(fault) => {
                let mut sent = trouble::meet(world, &exchange, fault);
                sent.answer.gather();
                sent
            }
        };
        if let Some(records) = shown {
            world.faults.saw(&operation, records);
        }
        let is_held_now = fault_name.as_deref() == Some("lands-after-retry");
        world.land_after(&operation, is_held_now, now);
        let request_bytes = delivery.body.len() as u64;
        // Looked for only where OSM found no such thing.
        let is_lost = matches!(sent.answer.status.as_u16(), 404 | 405);
        let near_miss = if is_lost { routes::near_miss(&request) } else { None };
        (Known { operation, fault: fault_name, near_miss, request_bytes }, sent)
    }

    /// Lets the line take its time for an answer, and notes it; says where.
    fn end(&self, world: &mut World, delivery: &Delivery, known: &Known, sent: &mut Sent) -> Noted {
        let line = world.shape.delay(known.request_bytes, sent.answer.body_bytes() as u64);
        sent.delay = sent.delay.saturating_add(line);
        self.note(world, delivery, known, sent)
    }

    fn note(&self, world: &mut World, delivery: &Delivery, known: &Known, sent: &Sent) -> Noted {
        let parts = &delivery.parts;
        let response_bytes = match sent.fate {
            Fate::Arrives | Fate::Drips { .. } => sent.answer.body_bytes(),
            Fate::Truncated => sent.answer.body.len() / 2,
            Fate::Cut | Fate::Refused | Fate::Never => 0,
        };
        let client = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let client: String = client.unwrap_or_default().chars().take(CLIENT_CHARS_MAX).collect();
        world.driven.count(metric_name(&known.operation), &client, sent.status());
        let at = world.clock.now();
        let n = world.journal.push(JournalEntry {
            n: 0,
            at,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            status: sent.status(),
            request_bytes: known.request_bytes,
            response_bytes: response_bytes as u64,
            connection: self.peer.connection,
            operation: metric_name(&known.operation).to_owned(),
            user_agent: client.clone(),
            response_type: content_type(sent),
            ms: u64::try_from(sent.delay.as_millis()).unwrap_or(u64::MAX),
            fault: known.fault.clone(),
            near_miss: known.near_miss.clone(),
        });
        Noted { n, client, status: sent.status() }
    }
}

/// Has journal and counts tell of what was sent in place of what they told of.
fn restate(world: &mut World, noted: &Noted, known: &Known, sent: &Sent) {
    let (operation, status) = (metric_name(&known.operation), sent.status());
    world.driven.uncount(operation, &noted.client, noted.status);
    world.driven.count(operation, &noted.client, status);
    let Some(entry) = world.journal.entry_mut(noted.n) else {
        return;
    };
    entry.status = status;
    entry.response_bytes = sent.answer.body_bytes() as u64;
    entry.response_type = content_type(sent);
    entry.ms = 0;
}

fn content_type(sent: &Sent) -> String {
    let mut headers = sent.answer.headers.iter().filter(|_| sent.fate.arrives());
    let found = headers.find(|(name, _)| *name == CONTENT_TYPE);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Waits until what a request did, and all before it, is on disk where it is kept there.
///
/// # Errors
/// What keeps it from being written.
async fn saved(saving: Option<Saving>) -> Result<(), String> {
    match saving {
        None => Ok(()),
        Some(saving) => saving
            .done()
            .await
            .map_err(|error| format!("the data folder cannot be written: {error}")),
    }
}

/// Does what takes long, aside where there are threads for that.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.map_err(io::Error::other),
        Err(_) => Ok(work()),
    }
}

/// What metrics call an operation: URLs that OSM does not have are all one.
fn metric_name(operation: &str) -> &str {
    let path = operation.split_once(" /").map_or("", |(_, path)| path);
    if routes::has_path(path) { operation } else { "unknown" }
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
