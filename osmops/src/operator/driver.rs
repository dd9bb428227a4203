//! Who runs next. Pure: events and time in; "run these now", "stop those" and "wake me then" out.
//!
//! Time is the duration since the operator started. Invariant: an object never runs twice at once, and
//! never more objects than [`Policy::concurrent`]. Randomness (jitter) follows from [`Policy::seed`], the
//! object and its attempts alone, so the same events give the same runs.

mod jitter;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use crate::report::{PassEnd, PassReport};

use jitter::jittered;

/// How runs follow one another.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// How many objects run at once.
    pub concurrent: usize,
    /// The pause after a first failure; it doubles with each further one.
    pub backoff_first: Duration,
    /// The longest pause after failures.
    pub backoff_max: Duration,
    /// How far pauses and intervals are spread, as a part of them: 0.05 is 5 % more or less.
    pub jitter: f64,
    /// What jitter is made of.
    pub seed: u64,
}

impl Default for Policy {
    /// Flux's own: four workers, 750 ms to 15 minutes, 5 %.
    fn default() -> Self {
        Self {
            concurrent: 4,
            backoff_first: Duration::from_millis(750),
            backoff_max: Duration::from_secs(15 * 60),
            jitter: 0.05,
            seed: 0,
        }
    }
}

/// What the driver must know of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Stands for everything whose change is acted on at once: what is declared, the source's revision,
    /// secrets, a request by hand.
    pub fingerprint: u64,
    /// How long after a settled run the next one comes.
    pub interval: Duration,
    /// The pause after a failure, where it shall not grow.
    pub retry_interval: Option<Duration>,
    /// Nothing runs until this ends.
    pub suspended: bool,
}

/// How a run ended, as far as the next one is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to do before the interval is over.
    Settled,
    /// Nothing to do before something changes.
    Finished,
    /// Something is at work that is worth another look.
    Again {
        /// How soon.
        after: Duration,
    },
    /// It failed, and may work later.
    Failed {
        /// Not before this.
        not_before: Option<Duration>,
    },
    /// A dependency is not ready; it is looked at again after this time, or as soon as it becomes ready.
    AwaitsDependency {
        /// The longest wait.
        after: Duration,
    },
    /// It stopped before its end because it was told to.
    Cancelled,
}

impl Outcome {
    /// What a pass means for the next run. `pause` is how long to wait where OSM is at work.
    pub fn of_pass(report: &PassReport, pause: Duration) -> Self {
        match report.end {
            _ if report.interrupted => Self::Cancelled,
            PassEnd::Waiting { .. } => Self::Again { after: pause },
            PassEnd::Failed => Self::Failed { not_before: report.retry_after },
            PassEnd::Converged | PassEnd::Stalled => Self::Settled,
        }
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<K> {
    /// Run these.
    pub run: Vec<K>,
    /// For how long each of them was due.
    pub waited: Vec<Duration>,
    /// Tell these, which run, to stop between two requests.
    pub cancel: Vec<K>,
    /// Step again at this time, unless an event comes first.
    pub wake: Option<Duration>,
}

/// Decides. One for all objects.
#[derive(Debug)]
pub struct Driver<K> {
    policy: Policy,
    objects: BTreeMap<K, Slot>,
    /// The objects that do not run, by when they are due; of those due at one time the one that became so
    /// first comes first.
    queue: BTreeSet<(Duration, u64, K)>,
    arrivals: u64,
    running: usize,
    cancel: Vec<K>,
}

#[derive(Debug)]
struct Slot {
    input: Input,
    state: State,
    failures: u32,
    runs: u64,
    /// Whether it is gone, and only its run is still to end.
    gone: bool,
}

#[derive(Debug)]
enum State {
    Idle {
        due: Option<(Duration, u64)>,
        awaits_dependency: bool,
    },
    Running {
        /// What it was started with.
        fingerprint: u64,
        cancelled: bool,
        /// Whether a dependency became ready meanwhile.
        dependency_ready: bool,
    },
}

impl<K: Ord + Clone + Display> Driver<K> {
    /// Knows no object yet.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            objects: BTreeMap::new(),
            queue: BTreeSet::new(),
            arrivals: 0,
            running: 0,
            cancel: Vec::new(),
        }
    }

    /// An object appeared or something about it changed. What it waited for is void when its fingerprint
    /// is another one.
    pub fn seen(&mut self, now: Duration, key: &K, input: Input) {
        let Some(slot) = self.objects.get_mut(key) else {
            let suspended = input.suspended;
            let state = State::Idle { due: None, awaits_dependency: false };
            let slot = Slot { input, state, failures: 0, runs: 0, gone: false };
            self.objects.insert(key.clone(), slot);
            if !suspended {
                self.schedule(key, Some(now), false);
            }
            return;
        };
        let news = slot.input.fingerprint != input.fingerprint
            || slot.input.suspended != input.suspended
            || slot.gone;
        slot.gone = false;
        let suspended = input.suspended;
        slot.input = input;
        if !news {
            return;
        }
        slot.failures = 0;
        match &mut slot.state {
            State::Running { cancelled, .. } => {
                if !*cancelled {
                    *cancelled = true;
                    self.cancel.push(key.clone());
                }
            }
            State::Idle { .. } => {
                self.schedule(key, (!suspended).then_some(now), false);
            }
        }
    }

    /// An object is no more. Its run is told to stop.
    pub fn gone(&mut self, key: &K) {
        let Some(slot) = self.objects.get_mut(key) else { return };
        slot.gone = true;
        match &mut slot.state {
            State::Running { cancelled, .. } => {
                if !*cancelled {
                    *cancelled = true;
                    self.cancel.push(key.clone());
                }
            }
            State::Idle { .. } => {
                self.schedule(key, None, false);
                self.objects.remove(key);
            }
        }
    }

    /// Something that an object may depend on became ready.
    pub fn dependency_ready(&mut self, now: Duration, key: &K) {
        let Some(slot) = self.objects.get_mut(key) else { return };
        match &mut slot.state {
            State::Running { dependency_ready, .. } => *dependency_ready = true,
            State::Idle { awaits_dependency: true, .. } => self.schedule(key, Some(now), false),
            State::Idle { .. } => {}
        }
    }

    /// A run ended.
    pub fn ended(&mut self, now: Duration, key: &K, outcome: Outcome) {
        let Some(slot) = self.objects.get_mut(key) else { return };
        let State::Running { fingerprint, cancelled, dependency_ready } = slot.state else {
            return;
        };
        self.running -= 1;
        self.cancel.retain(|cancelled| cancelled != key);
        slot.state = State::Idle { due: None, awaits_dependency: false };
        if slot.gone {
            self.objects.remove(key);
            return;
        }
        let news = slot.input.fingerprint != fingerprint || cancelled;
        slot.failures = match outcome {
            Outcome::Failed { .. } if !news => slot.failures.saturating_add(1),
            _ => 0,
        };
        let slot = &self.objects[key];
        let due = if slot.input.suspended {
            None
        } else if news {
            Some(now)
        } else {
            self.pause(key, slot, outcome, dependency_ready).map(|pause| now + pause)
        };
        let awaits = matches!(outcome, Outcome::AwaitsDependency { .. });
        self.schedule(key, due, awaits);
    }

    /// What is due now is started, as far as there are workers.
    pub fn step(&mut self, now: Duration) -> Step<K> {
        let (mut run, mut waited) = (Vec::new(), Vec::new());
        while self.running < self.policy.concurrent {
            let Some((due, ..)) = self.queue.first() else { break };
            let Some(late) = now.checked_sub(*due) else { break };
            let Some((.., key)) = self.queue.pop_first() else { break };
            let Some(slot) = self.objects.get_mut(&key) else { continue };
            slot.runs += 1;
            slot.state = State::Running {
                fingerprint: slot.input.fingerprint,
                cancelled: false,
                dependency_ready: false,
            };
            self.running += 1;
            run.push(key);
            waited.push(late);
        }
        let has_workers = self.running < self.policy.concurrent;
        let wake = self.queue.first().map(|(due, ..)| *due).filter(|_| has_workers);
        Step { run, waited, cancel: std::mem::take(&mut self.cancel), wake }
    }

    /// How many objects are due at `now` and wait for a worker.
    pub fn depth(&self, now: Duration) -> usize {
        self.queue.iter().take_while(|(due, ..)| *due <= now).count()
    }

    /// How many objects run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// How long until the next run; `None` when only a change calls for one.
    fn pause(
        &self,
        key: &K,
        slot: &Slot,
        outcome: Outcome,
        dependency_ready: bool,
    ) -> Option<Duration> {
        let spread = |pause: Duration| jittered(pause, &self.policy, key, slot.runs);
        Some(match outcome {
            Outcome::Finished => return None,
            Outcome::Settled => spread(slot.input.interval),
            Outcome::Again { after } => after,
            Outcome::Failed { not_before } => {
                let doubled = 2_u32.saturating_pow(slot.failures.saturating_sub(1));
                let backoff = self.policy.backoff_first.saturating_mul(doubled);
                let backoff = backoff.min(self.policy.backoff_max);
                spread(slot.input.retry_interval.unwrap_or(backoff))
                    .max(not_before.unwrap_or_default())
            }
            Outcome::AwaitsDependency { .. } if dependency_ready => Duration::ZERO,
            Outcome::AwaitsDependency { after } => spread(after),
            Outcome::Cancelled => Duration::ZERO,
        })
    }

    /// Puts an object that does not run where it belongs in the queue, or out of it.
    fn schedule(&mut self, key: &K, due: Option<Duration>, awaits: bool) {
        let Some(slot) = self.objects.get_mut(key) else { return };
        if let State::Idle { due: Some((due, arrival)), .. } = slot.state {
            self.queue.remove(&(due, arrival, key.clone()));
        }
        let due = due.map(|due| {
            self.arrivals += 1;
            (due, self.arrivals)
        });
        if let Some((due, arrival)) = due {
            self.queue.insert((due, arrival, key.clone()));
        }
        slot.state = State::Idle { due, awaits_dependency: awaits };
    }
}
