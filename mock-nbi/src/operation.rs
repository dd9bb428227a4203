//! The queue of life-cycle operations: when each starts, moves on and ends.
//!
//! Pure: it is told the time and gives back what happens; [`crate::state::lcm`] writes the records.
//! Operations of one instance (or one admin item) run one after another in the order they came.
//! What is due is kept in order of time, so a step costs the same however many operations wait.
//!
//! Source: NBI_FACTS.md sections 6, 9 and 11; recorded case `ns_actions_queue`.

mod kept;
mod pending;
mod steering;
mod step;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) use crate::profile::Ending;
use crate::profile::{Course, Kind, Profile, Subject};
use crate::state::kept::Written;

pub(crate) use kept::Counted;
pub use pending::PendingOperation;
use pending::{Next, Pending, Phase};
pub(crate) use steering::Mode;
pub use steering::{OperationResult, SteerError};
pub(crate) use step::{Change, Step, Work};

/// In the modes `ok` and `fail` an operation ends this long after it was asked for, so that a
/// client that reads straight after the request still sees it PROCESSING.
///
/// Source: times between `startTime` and `statusEnteredTime` in the recordings.
const MODE_DELAY: Duration = Duration::from_millis(20);

/// A time in a set; times are never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Due(f64);

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Every operation that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    profile: Profile,
    rng_seed: u64,
    mode: Option<Mode>,
    /// By the order in which they were asked for.
    pending: BTreeMap<u64, Pending>,
    /// Numbers of each instance's operations, the running one first.
    queues: HashMap<String, VecDeque<u64>>,
    /// When each takes its next step; those that never do are not in it.
    due: BTreeSet<(Due, u64)>,
    due_of: HashMap<u64, f64>,
    by_id: HashMap<String, u64>,
    asked_for: u64,
    /// How often each rule of the profile was used.
    used: Vec<u32>,
    written: Written,
}

impl Engine {
    pub(crate) fn new(profile: Profile, rng_seed: u64) -> Self {
        let used = vec![0; profile.rules().len()];
        Self {
            profile,
            rng_seed,
            mode: None,
            pending: BTreeMap::new(),
            queues: HashMap::new(),
            due: BTreeSet::new(),
            due_of: HashMap::new(),
            by_id: HashMap::new(),
            asked_for: 0,
            used,
            written: Written::default(),
        }
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How often each rule of the profile was used.
    pub(crate) fn rules_used(&self) -> Vec<u32> {
        self.used.clone()
    }

    /// Takes back what [`Self::rules_used`] gave: what came since does not count.
    pub(crate) fn forget_uses(&mut self, used: Vec<u32>) {
        self.used = used;
    }

    /// Adds an operation behind those of the same instance.
    pub(crate) fn submit(
        &mut self,
        work: Work,
        subject: &Subject,
        now: f64,
        fails_with: Option<String>,
    ) {
        let course = self.course_of(work.kind(), subject);
        let pending = Pending {
            work,
            course,
            fails_with,
            since: now,
            phase: Phase::Asked,
            is_held: false,
            is_cancelled: false,
        };
        self.put(self.asked_for, pending);
    }

    fn put(&mut self, number: u64, pending: Pending) {
        self.asked_for = self.asked_for.max(number.saturating_add(1));
        self.queues.entry(pending.work.queue().to_owned()).or_default().push_back(number);
        self.by_id.insert(pending.work.op_id(), number);
        self.pending.insert(number, pending);
        self.reckon(number);
    }

    /// What the profile has for an operation: the first rule that fits and is not used up.
    fn course_of(&mut self, kind: Kind, subject: &Subject) -> Course {
        let base = self.profile.course(kind);
        let rules = self.profile.rules().iter().zip(&mut self.used);
        for (rule, used) in rules {
            let is_left = rule.times.is_none_or(|times| *used < times);
            if is_left && rule.fits(kind, subject) {
                *used += 1;
                let seed = self.rng_seed ^ self.asked_for.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                return rule.over(base, self.profile.speed(), || rng.random());
            }
        }
        base
    }

    /// Forgets every operation of an instance or item that is gone.
    pub(crate) fn forget(&mut self, queue: &str) {
        for number in self.queues.remove(queue).unwrap_or_default() {
            self.drop_number(number);
        }
    }

    fn drop_number(&mut self, number: u64) -> Option<Pending> {
        if let Some(at) = self.due_of.remove(&number) {
            self.due.remove(&(Due(at), number));
        }
        let pending = self.pending.remove(&number)?;
        self.written.note(number);
        self.by_id.remove(&pending.work.op_id());
        Some(pending)
    }

    /// Reckons anew when an operation, which may have been written, takes its next step.
    fn reckon(&mut self, number: u64) {
        self.written.note(number);
        if let Some(at) = self.due_of.remove(&number) {
            self.due.remove(&(Due(at), number));
        }
        let Some(pending) = self.pending.get(&number) else {
            return;
        };
        let queue = self.queues.get(pending.work.queue());
        let is_first = queue.is_none_or(|queue| queue.front() == Some(&number));
        if let Some(at) = pending.due(self.mode, is_first) {
            self.due_of.insert(number, at);
            self.due.insert((Due(at), number));
        }
    }

    /// Gives the earliest step due at `now` and counts it as done. Of two at one time, that of the
    /// operation which was asked for first.
    pub(crate) fn next_step(&mut self, now: f64) -> Option<Step> {
        let (Due(at), number) = *self.due.first()?;
        if at > now { None } else { self.advance(number, at) }
    }

    /// When the next step is due, if any ever is.
    pub(crate) fn next_time(&self) -> Option<f64> {
        self.due.first().map(|(Due(at), _)| *at)
    }

    /// Whether an operation of this id has not ended.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// What is pending, in the order it was asked for.
    pub(crate) fn list(&self) -> Vec<PendingOperation> {
        let mut before: HashMap<&str, usize> = HashMap::new();
        let pending = self.pending.iter().map(|(number, pending)| {
            let behind = before.entry(pending.work.queue()).or_default();
            let view = pending.view(*behind, self.due_of.get(number).copied());
            *behind += 1;
            view
        });
        pending.collect()
    }

    fn enter(&mut self, number: u64, at: f64, phase: Phase) -> Step {
        let Some(pending) = self.pending.get_mut(&number) else {
            return gone(at);
        };
        let change = match phase {
            Phase::Asked | Phase::Waiting => Change::Wait,
            Phase::Running(1) => Change::Start,
            Phase::Running(stage) => Change::Stage(stage),
            Phase::RollingBack => Change::RollBack(None),
        };
        if phase != Phase::Waiting {
            pending.since = at;
        }
        pending.phase = phase;
        let work = pending.work.clone();
        self.reckon(number);
        Step { at, work, change }
    }

    fn advance(&mut self, number: u64, at: f64) -> Option<Step> {
        let pending = self.pending.get(&number)?;
        if pending.is_cancelled {
            return Some(self.end_cancelled(number, at));
        }
        let queue = self.queues.get(pending.work.queue());
        if queue.is_some_and(|queue| queue.front() != Some(&number)) {
            return Some(self.enter(number, at, Phase::Waiting));
        }
        let fails_with = pending.fails_with.clone();
        Some(match (pending.next(self.mode), fails_with) {
            (Next::Start, _) => self.enter(number, at, Phase::Running(1)),
            (Next::Stage(stage), _) => self.enter(number, at, Phase::Running(stage)),
            (Next::RollBack(_) | Next::End(_), Some(detail)) => {
                self.end(number, at, Ending::Badly(Some(detail)))
            }
            (Next::RollBack(detail), None) => {
                let step = self.enter(number, at, Phase::RollingBack);
                Step { change: Change::RollBack(detail), ..step }
            }
            (Next::End(ending), None) => self.end(number, at, ending),
        })
    }

    fn end_cancelled(&mut self, number: u64, at: f64) -> Step {
        let has_begun = self.pending.get(&number).is_some_and(Pending::has_begun);
        let kind = self.pending.get(&number).map(|pending| pending.work.kind());
        let text = match kind {
            Some(Kind::Instantiate | Kind::Terminate) => "Cancelled",
            _ => "Operation was cancelled",
        };
        let step = self.end(number, at, Ending::ForNow(Some(text.to_owned())));
        if has_begun { step } else { Step { change: Change::Drop, ..step } }
    }

    fn end(&mut self, number: u64, at: f64, ending: Ending) -> Step {
        let Some(ended) = self.drop_number(number) else {
            return gone(at);
        };
        let ending = match ended.fails_with {
            Some(detail) => Ending::Badly(Some(detail)),
            None => ending,
        };
        let mut rest = self.queues.remove(ended.work.queue()).unwrap_or_default();
        rest.retain(|other| *other != number);
        let next = rest.front().copied();
        if !rest.is_empty() {
            self.queues.insert(ended.work.queue().to_owned(), rest);
        }
        if let Some(number) = next {
            if let Some(next) = self.pending.get_mut(&number) {
                next.since = next.since.max(at);
            }
            self.reckon(number);
        }
        Step { at, work: ended.work, change: Change::End(ending) }
    }
}

/// A step that changes nothing; of an operation that is not there, which callers make impossible.
fn gone(at: f64) -> Step {
    let work = Work::Ns { ns_id: String::new(), op_id: String::new(), kind: Kind::Action };
    Step { at, work, change: Change::Wait }
}

#[cfg(test)]
mod tests;
