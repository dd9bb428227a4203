//! The way from a process to the fake: counts requests, lets faults happen, has the laws look.
//!
//! Invariant: adds nothing to what the fake does of its own; without faults every request passes as it is.

mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use mock_nbi::{Collection, Fault as OsmFault, FaultKind, MockNbi, NbiService};
use osmops::nbi::Transport;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fault::{Kind, Own};
use super::hand::Hand;
use super::laws::Verdicts;
use super::laws::ends::{Asked, Made};
use super::laws::session::Session;
use super::laws::twins::Twins;
use super::laws::writes::{self, Call, Case};
use super::osm::{Osm, text};
use super::plan::{Fault, Plan};
use super::reading::{Answered, Reading};
use super::trace::Event;
use super::world::SimWorld;
use others::others_at_work;

/// How long after a new password the Secret follows.
const SECRET_AFTER: Duration = Duration::from_secs(30);

/// The list of instances.
const INSTANCES: &str = "GET /nslcm/v1/ns_instances";

/// One process, as the oracles see it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) session: Session,
    pub(crate) reading: Reading,
    /// The commit of its run, if that has a whole artifact.
    pub(crate) commit: Option<usize>,
    /// The commits that it was given so far, as far as they differ.
    pub(crate) commits: BTreeSet<usize>,
    /// What its run asked for so far.
    pub(crate) asked: Asked,
}

/// What the wire, the loop and the laws share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) nbi: MockNbi,
    pub(crate) world: Arc<SimWorld>,
    pub(crate) began: Instant,
    plan: Vec<(Fault, bool)>,
    counts: BTreeMap<String, u32>,
    /// Every place where a fault could be, in order.
    pub(crate) places: Vec<(String, u32)>,
    pub(crate) verdicts: Verdicts,
    pub(crate) events: Vec<Event>,
    pub(crate) processes: BTreeMap<u32, Seen>,
    /// Faults that happened.
    pub(crate) hits: Vec<Kind>,
    pub(crate) last_hit: Duration,
    /// When someone else changed OSM's records, or may have, and which process it was; 0 for none.
    others: Vec<(Duration, u32)>,
    /// Operations of which an earlier request lands after the next one.
    held_back: Vec<String>,
    /// Whether the next request goes into a connection that is no more.
    line_is_dead: bool,
    /// How many lists were to be old before the request under way.
    stale_lists: usize,
    pub(crate) twins: Twins,
    /// Every record that ever was.
    records: BTreeSet<String>,
    pub(crate) crashed: bool,
    /// When the Secret follows a new password.
    pub(crate) secret_due: Option<Duration>,
    pub(crate) foreign: Vec<Value>,
}

pub(crate) type SharedRef = Arc<Mutex<Shared>>;

pub(crate) fn lock(shared: &SharedRef) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transport for the process of this number.
pub(crate) fn transport(shared: &SharedRef, crash: &Arc<Notify>, process: u32) -> Transport {
    let (shared, crash) = (Arc::clone(shared), Arc::clone(crash));
    let service = lock(&shared).nbi.service();
    Transport::service(tower::service_fn(move |request: Request<osmops::nbi::Body>| {
        let (shared, crash, service) = (Arc::clone(&shared), Arc::clone(&crash), service.clone());
        carry(shared, crash, service, process, request)
    }))
}

async fn carry(
    shared: SharedRef,
    crash: Arc<Notify>,
    service: NbiService,
    process: u32,
    request: Request<osmops::nbi::Body>,
) -> io::Result<Response<Body>> {
    if let Some(bearer) = request.headers().get(AUTHORIZATION).and_then(|b| b.to_str().ok()) {
        let mut shared = lock(&shared);
        let session = &mut shared.seen(process).session;
        if session.bearer != bearer {
            bearer.clone_into(&mut session.bearer);
        }
    }
    let (request, call) = taken_up(request, process).await?;
    let own = lock(&shared).before(process, &call);
    match &own {
        Some(Own::CrashBefore) => return crashed(&shared, &crash).await,
        Some(Own::Pause { seconds }) => {
            tokio::time::advance(Duration::from_secs(*seconds)).await;
        }
        Some(Own::Jump { seconds }) => lock(&shared).nbi.advance(Duration::from_secs(*seconds)),
        Some(Own::PasswordRotated) => rotate(&shared).await,
        _ => {}
    }
    let hit = lock(&shared).judged(process, &call);
    let answered = service.answer(request).await;
    let answered = match answered {
        Ok(response) if response.status().as_u16() == 401 => {
            Ok(refused(&shared, process, response).await)
        }
        other => other,
    };
    let status = answered.as_ref().ok().map(|response| response.status().as_u16());
    lock(&shared).after(process, &call, status, hit.as_ref());
    if own == Some(Own::CrashAfter) {
        return crashed(&shared, &crash).await;
    }
    answered
}

/// The process is no more: this never returns.
async fn crashed(shared: &SharedRef, crash: &Notify) -> io::Result<Response<Body>> {
    lock(shared).crashed = true;
    crash.notify_one();
    std::future::pending().await
}

/// The request, and what the laws must know of it.
async fn taken_up(
    request: Request<osmops::nbi::Body>,
    process: u32,
) -> io::Result<(Request<Body>, Call)> {
    let operation = NbiService::operation_of(&request);
    let (mut parts, body) = request.into_parts();
    let name = HeaderValue::from(process);
    parts.headers.insert(USER_AGENT, name);
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let mut call = Call {
        query: parts.uri.query().unwrap_or_default().to_owned(),
        file_name: header("Content-Filename"),
        md5: header("Content-File-MD5"),
        ..Call::default()
    };
    if let Some(at) = operation.find("{id}") {
        // `/osm` stands before the path that the operation names, and the method before that.
        let from = at - operation.find(' ').unwrap_or_default() - 1 + "/osm".len();
        let rest = parts.uri.path().get(from..).unwrap_or_default();
        call.id = rest.split('/').next().map(str::to_owned);
    }
    let is_json = header("Content-Type").is_some_and(|kind| kind == "application/json");
    call.operation = operation;
    let body = if is_json && call.is_write() {
        let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
        call.body = serde_json::from_slice(&bytes).unwrap_or_default();
        Body::from(bytes)
    } else {
        Body::new(body)
    };
    Ok((Request::from_parts(parts, body), call))
}

/// Notes a 401 that means the token.
async fn refused(shared: &SharedRef, process: u32, response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Response::from_parts(parts, Body::empty());
    };
    if String::from_utf8_lossy(&bytes).to_lowercase().contains("token or authorization") {
        lock(shared).seen(process).session.was_refused();
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The password of our user is another one from now on, and no token is good.
async fn rotate(shared: &SharedRef) {
    let nbi = lock(shared).nbi.clone();
    let user = nbi.look(|look| {
        let mut users = look.records(Collection::Users);
        let ours = users.find(|user| text(user, "username") == super::world::USER);
        ours.map(|user| text(&user, "_id").to_owned())
    });
    {
        let mut shared = lock(shared);
        shared.secret_due = Some(shared.now() + SECRET_AFTER);
    }
    let path = format!("/admin/v1/users/{}", user.unwrap_or_default());
    let body = json!({"password": super::world::NEXT_PASSWORD});
    let (status, answer) = Hand::new(&nbi).ask("PATCH", &path, Some(&body)).await;
    assert!(status < 300, "the fake refuses a new password: {status} {answer}");
    nbi.expire_tokens();
}

impl Shared {
    pub(crate) fn new(world: &Arc<SimWorld>, plan: &Plan, nbi: MockNbi) -> Self {
        // A list can only be stale when what it showed before was kept.
        for fault in &plan.faults {
            if let Kind::Osm(FaultKind::StaleList) = fault.kind {
                let (operation, kind) = (fault.address.clone(), FaultKind::StaleList);
                nbi.inject(OsmFault { operation, nth: fault.nth, kind });
            }
        }
        let mut shared = Self {
            world: Arc::clone(world),
            began: Instant::now(),
            plan: plan.faults.iter().map(|fault| (fault.clone(), false)).collect(),
            counts: BTreeMap::new(),
            places: Vec::new(),
            verdicts: Verdicts::default(),
            events: Vec::new(),
            processes: BTreeMap::new(),
            hits: Vec::new(),
            last_hit: Duration::ZERO,
            others: Vec::new(),
            held_back: Vec::new(),
            line_is_dead: false,
            stale_lists: 0,
            twins: Twins::of(&nbi.look(Osm::read), &world.owner),
            records: BTreeSet::new(),
            crashed: false,
            secret_due: None,
            foreign: Vec::new(),
            nbi,
        };
        shared.note_foreign();
        shared.look_at_records();
        shared
    }

    /// Virtual time since the run began.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn seen(&mut self, process: u32) -> &mut Seen {
        self.processes.entry(process).or_default()
    }

    /// Tells what is no request.
    pub(crate) fn tell(&mut self, process: u32, what: impl Into<String>) {
        let (at, after) = (self.now(), self.nbi.journal_len());
        self.events.push(Event { at, after, process, what: what.into() });
    }

    /// Counts a step of this address.
    fn count(&mut self, address: &str) -> u32 {
        let nth = match self.counts.get_mut(address) {
            Some(count) => {
                *count += 1;
                *count
            }
            None => {
                self.counts.insert(address.to_owned(), 1);
                1
            }
        };
        self.places.push((address.to_owned(), nth));
        nth
    }

    /// Counts a step of this address; gives the fault that is planned there.
    pub(crate) fn step(&mut self, address: &str) -> Option<Kind> {
        let nth = self.count(address);
        let is_here = |fault: &Fault| fault.address == address && fault.nth == nth;
        let (fault, hit) = self.plan.iter_mut().find(|(fault, hit)| !hit && is_here(fault))?;
        *hit = true;
        let kind = fault.kind.clone();
        self.tell(0, format!("fault: {address}#{nth} {kind}"));
        self.hits.push(kind.clone());
        self.last_hit = self.now();
        let at = self.now();
        match &kind {
            Kind::Osm(FaultKind::LandsLate { seconds }) => {
                self.others.push((at + Duration::from_secs_f64(*seconds), 0));
            }
            Kind::Osm(FaultKind::LandsAfterRetry) => self.held_back.push(address.to_owned()),
            // What was to land later does so now.
            Kind::Own(Own::Jump { .. }) => self.others.push((at, 0)),
            _ if kind.is_foreign_hand() || kind.twins() > 0 => self.others.push((at, 0)),
            _ => {}
        }
        if kind.is_foreign_hand() {
            self.others_untouched();
        }
        Some(kind)
    }

    /// Faults of which no more can come.
    pub(crate) fn disarm(&mut self) {
        self.plan.retain(|(_, hit)| *hit);
    }

    /// Counts a request; gives what happens to the process there. The fake's own faults are armed.
    fn before(&mut self, process: u32, call: &Call) -> Option<Own> {
        // A request that a dead connection swallows meets nothing else.
        let kind = if std::mem::take(&mut self.line_is_dead) {
            self.count(&call.operation);
            None
        } else {
            self.step(&call.operation)
        };
        self.line_is_dead = kind == Some(Kind::Osm(FaultKind::StaleConnection));
        self.stale_lists = self.stale_lists_to_come();
        if let Some(kind) = &kind {
            self.excuses_twins(kind, call);
        }
        let seen = self.seen(process);
        if call.is_write() {
            seen.asked.others += 1;
        } else if call.operation.starts_with("GET ") {
            let is_list = !call.operation.contains("{id}") && !call.operation.contains("op_occs");
            *(if is_list { &mut seen.asked.lists } else { &mut seen.asked.others }) += 1;
        }
        match kind {
            Some(Kind::Own(own)) => Some(own),
            Some(Kind::Osm(kind)) if kind != FaultKind::StaleList => {
                let operation = call.operation.clone();
                self.nbi.inject(OsmFault { operation, nth: 1, kind });
                None
            }
            _ => None,
        }
    }

    /// The laws look at a request just before it is served; gives the fault that it meets.
    fn judged(&mut self, process: u32, call: &Call) -> Option<Kind> {
        let at = self.now();
        let nbi = self.nbi.clone();
        let edited = self.hits.iter().any(Kind::is_edit);
        let Self { processes, verdicts, world, others, .. } = self;
        let seen = processes.entry(process).or_default();
        if call.is_of_tokens() {
            if call.operation.starts_with("POST ") {
                seen.session.asks(at, verdicts);
            }
        } else if call.is_write() {
            seen.reading.wrote();
            let others_at_work = others_at_work(others, seen.reading.since()..=at, process);
            let expected = seen.commit.map(|commit| &world.commits[commit].expected);
            nbi.look(|look| {
                let case = Case {
                    look,
                    expected,
                    commits_seen: seen.commits.len(),
                    reading: &seen.reading,
                    others_at_work,
                    edited,
                    archives: &world.archives,
                    at,
                };
                writes::judge(call, &case, verdicts);
            });
        } else {
            nbi.look(|look| seen.reading.asks(call, look, at));
        }
        let planned = self.plan.iter().find(|(fault, hit)| {
            *hit && fault.address == call.operation
                && self.counts.get(&fault.address) == Some(&fault.nth)
        });
        planned.map(|(fault, _)| fault.kind.clone())
    }

    /// A request was answered, or its answer is lost.
    fn after(&mut self, process: u32, call: &Call, status: Option<u16>, hit: Option<&Kind>) {
        let at = self.now();
        let arrived = status.is_some_and(|status| status < 300);
        let nbi = self.nbi.clone();
        // The fake counts the requests that come to it, and so is the one to say which list is old.
        const STALE_LIST: Kind = Kind::Osm(FaultKind::StaleList);
        let hit = match hit {
            _ if self.stale_lists > self.stale_lists_to_come() => {
                if hit != Some(&STALE_LIST) {
                    self.hits.push(STALE_LIST);
                    self.last_hit = at;
                }
                Some(&STALE_LIST)
            }
            Some(kind) if *kind == STALE_LIST => None,
            other => other,
        };
        if call.is_of_tokens() {
            let is_spoilt = matches!(
                hit,
                Some(Kind::Osm(FaultKind::Truncated | FaultKind::YamlBody | FaultKind::NotJson))
            );
            self.seen(process).session.got(at, arrived && !is_spoilt);
            return;
        }
        if hit.is_some_and(Kind::is_foreign_hand) {
            self.others.push((at, 0));
            self.twins.accept(&nbi.look(Osm::read), &self.world.owner);
            self.note_foreign();
        }
        self.lands(call, hit);
        if call.is_write() {
            self.others.push((at, process));
            self.seen(process).reading.wrote();
            self.look_at_records();
            return;
        }
        let how = match hit {
            _ if !arrived => Answered::Unreadable,
            Some(Kind::Osm(FaultKind::Truncated | FaultKind::NotJson)) => Answered::Unreadable,
            Some(kind) if kind.blurs_reading() => Answered::Blurred,
            Some(kind) if kind.is_foreign_hand() => Answered::Changed,
            Some(_) | None => Answered::Readable,
        };
        if call.operation == INSTANCES && how != Answered::Unreadable {
            self.knows(process);
            if how == Answered::Blurred {
                self.twins.open_window(process);
            }
        }
        let seen = self.seen(process);
        nbi.look(|look| seen.reading.answered(call, look, how));
    }

    fn stale_lists_to_come(&self) -> usize {
        let is_stale_list = |kind: &FaultKind| *kind == FaultKind::StaleList;
        if !self.plan.iter().any(|(fault, _)| fault.kind == Kind::Osm(FaultKind::StaleList)) {
            return 0;
        }
        self.nbi.armed_faults().iter().filter(|fault| is_stale_list(&fault.kind)).count()
    }

    /// What ever was made, and that nothing is there twice.
    pub(crate) fn look_at_records(&mut self) {
        let at = self.now();
        let nbi = self.nbi.clone();
        nbi.look(|look| {
            let osm = Osm::read(look);
            self.twins.judge(&osm, &self.world.owner, at, &mut self.verdicts);
            let ids = osm.packages.iter().map(|p| &p.record);
            for id in ids.chain(osm.instances.iter().map(|i| &i.record)) {
                if !self.records.contains(id) {
                    self.records.insert(id.clone());
                }
            }
        });
    }

    /// How many records were made, and how many of them are no more.
    pub(crate) fn made(&mut self) -> Made {
        self.look_at_records();
        let osm = self.nbi.look(Osm::read);
        let now = osm.packages.len() + osm.instances.len();
        Made { made: self.records.len(), removed: self.records.len().saturating_sub(now) }
    }
}
