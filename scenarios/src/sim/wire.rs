//! The way from a process to the fake: counts requests, lets faults happen, has the laws look.
//!
//! Invariant: adds nothing to what the fake does of its own; without faults every request passes as it is,
//! but for `User-Agent`, which names the process.

mod carry;
mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mock_nbi::{Fault as OsmFault, FaultKind, MockNbi};
use serde_json::Value;
use tokio::time::Instant;

use super::fault::{Kind, Own};
use super::laws::Verdicts;
use super::laws::ends::{Asked, Made};
use super::laws::session::Session;
use super::laws::twins::Twins;
use super::laws::writes::{self, Call, Case};
use super::osm::Osm;
use super::plan::{Fault, Plan};
use super::reading::{Answered, Reading};
use super::trace::Event;
use super::world::SimWorld;
pub(crate) use carry::transport;
use others::Others;

/// The list of instances.
const INSTANCES: &str = "GET /nslcm/v1/ns_instances";

/// The list of operations.
const OPERATIONS: &str = "GET /nslcm/v1/ns_lcm_op_occs";

/// The instances whose operations are asked for, beside the first.
fn beside_the_first(call: &Call) -> usize {
    let is_by_instance = call.operation == OPERATIONS && call.query.starts_with("nsInstanceId=");
    if is_by_instance { call.query.matches(',').count() } else { 0 }
}

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
    /// Whether another commit came during its run.
    pub(crate) is_over: bool,
    /// The first write that it sent all the same.
    pub(crate) sent_though_over: Option<String>,
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
    /// How often somebody changed a descriptor.
    pub(crate) edits: usize,
    pub(crate) last_hit: Duration,
    others: Others,
    /// Instances that old lists of operations were asked for, beside the first of each, which `Kind::detours` counts.
    pub(crate) hidden: usize,
    /// Operations of which an earlier request lands after the next one.
    held_back: Vec<String>,
    /// Whether the next request goes into a connection that is no more.
    line_is_dead: bool,
    /// How many lists were to be old before the request under way.
    stale_lists: usize,
    pub(crate) twins: Twins,
    /// Every record that ever was.
    records: BTreeSet<String>,
    /// When the Secret follows a new password.
    pub(crate) secret_due: Option<Duration>,
    pub(crate) foreign: Vec<Value>,
}

pub(crate) type SharedRef = Arc<Mutex<Shared>>;

pub(crate) fn lock(shared: &SharedRef) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
            edits: 0,
            last_hit: Duration::ZERO,
            others: Others::default(),
            hidden: 0,
            held_back: Vec::new(),
            line_is_dead: false,
            stale_lists: 0,
            twins: Twins::of(&nbi.look(Osm::read), &world.owner),
            records: BTreeSet::new(),
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
                self.others.will_change(at + Duration::from_secs_f64(*seconds));
            }
            Kind::Osm(FaultKind::LandsAfterRetry) => self.held_back.push(address.to_owned()),
            // What was to land later does so now.
            Kind::Own(Own::Jump { .. }) => self.others.change(at, 0),
            // An old list changes nothing.
            Kind::Osm(FaultKind::StaleList) => {}
            _ if kind.is_foreign_hand() || kind.makes_twins() => self.others.change(at, 0),
            _ => {}
        }
        if kind.is_foreign_hand() {
            self.others_untouched();
            // What came before is not theirs.
            self.look_at_records();
        }
        self.edits += usize::from(kind.edits_descriptors(address));
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
            if seen.is_over {
                seen.sent_though_over.get_or_insert_with(|| call.operation.clone());
            }
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
        let Self { processes, verdicts, world, others, .. } = self;
        let seen = processes.entry(process).or_default();
        if call.is_of_tokens() {
            if call.operation.starts_with("POST ") {
                seen.session.asks(at, verdicts);
            }
        } else if call.is_write() {
            seen.reading.wrote();
            let changed_since = |moment| others.changed(moment, at, process);
            let expected = seen.commit.map(|commit| &world.commits[commit].expected);
            nbi.look(|look| {
                let case = Case {
                    look,
                    expected,
                    commits_seen: seen.commits.len(),
                    reading: &seen.reading,
                    changed_since: &changed_since,
                    archives: &world.archives,
                    at,
                };
                writes::judge(call, &case, verdicts);
            });
        } else {
            nbi.look(|look| seen.reading.asks(call, look, others.moment(at)));
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
            self.others.change(at, 0);
            self.twins.accept(&nbi.look(Osm::read), &self.world.owner);
            self.note_foreign();
        }
        self.lands(call, hit);
        if call.is_write() {
            self.others.change(at, process);
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
        if how == Answered::Blurred {
            self.hidden += beside_the_first(call);
        }
        let moment = self.others.moment(at);
        let seen = self.seen(process);
        nbi.look(|look| seen.reading.answered(call, look, how, moment));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_operations_by_instance_hides_those_of_more_than_one() {
        let asked = |operation: &str, query: &str| {
            let (operation, query) = (operation.to_owned(), query.to_owned());
            beside_the_first(&Call { operation, query, ..Call::default() })
        };
        assert_eq!(asked(OPERATIONS, "nsInstanceId=a,b,c"), 2);
        assert_eq!(asked(OPERATIONS, "nsInstanceId=a"), 0);
        assert_eq!(asked(OPERATIONS, "id=a,b"), 0, "operations that are followed");
        assert_eq!(asked(INSTANCES, "nsInstanceId=a,b"), 0);
    }
}
