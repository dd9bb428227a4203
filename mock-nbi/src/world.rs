//! One fake NBI: OSM's state, and what stands around it (time, journal, faults).

use crate::clock::{Clock, ClockState};
use crate::driven::Driven;
use crate::fault::{Fault, FaultKind, Faults, hand};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::profile::Profile;
use crate::release::Release;
use crate::service::{Delivery, Dialect};
use crate::shape::Shape;
use crate::state::State;
use crate::store::Store;

/// What does not change when the NBI is reset.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) release: Release,
    pub(crate) profile: Profile,
    pub(crate) rng_seed: u64,
    /// How many requests the journal keeps.
    pub(crate) journal_max: usize,
}

/// When a held-back request takes effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Landing {
    /// At this time.
    At(f64),
    /// After the next request of this operation.
    After(String),
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct World {
    settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) metrics: Metrics,
    pub(crate) shape: Shape,
    pub(crate) driven: Driven,
    /// Requests that were held back, oldest first.
    held: Vec<(Landing, Delivery)>,
    /// Where the world is kept, if it is to outlive this process.
    pub(crate) store: Option<Store>,
    /// Whether all of it is to be written anew.
    pub(crate) is_replaced: bool,
    /// What the last change left of that which is small.
    pub(crate) saved_rest: Vec<u8>,
    /// What a snapshot that is being read says of the clock.
    pub(crate) restored_clock: Option<ClockState>,
}

impl World {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        let state = State::installed(
            settings.release,
            settings.profile.clone(),
            settings.rng_seed,
            clock.now(),
        );
        Self::of_state(state, settings, clock)
    }

    /// A world of nothing, for what is read from somewhere.
    pub(crate) fn empty(settings: Settings, clock: Clock) -> Self {
        let state = State::empty(settings.release, settings.profile.clone(), settings.rng_seed);
        Self::of_state(state, settings, clock)
    }

    /// A world around a state.
    pub(crate) fn of_state(state: State, settings: Settings, clock: Clock) -> Self {
        let journal = Journal::keeping(settings.journal_max);
        Self {
            settings,
            clock,
            state,
            journal,
            faults: Faults::default(),
            metrics: Metrics::default(),
            shape: Shape::default(),
            driven: Driven::default(),
            held: Vec::new(),
            store: None,
            is_replaced: false,
            saved_rest: Vec::new(),
            restored_clock: None,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Lets everything happen that is due; gives the time.
    pub(crate) fn settle(&mut self) -> f64 {
        let now = self.clock.now();
        while let Some(index) = self.next_landing(now) {
            let (landing, delivery) = self.held.remove(index);
            let at = if let Landing::At(at) = landing { at } else { now };
            self.state.settle(at);
            delivery.deliver(&mut self.state, Dialect::Usual, at);
        }
        self.state.settle(now);
        now
    }

    /// The earliest held-back request whose time has come.
    fn next_landing(&self, now: f64) -> Option<usize> {
        let due = self.held.iter().enumerate().filter_map(|(index, (landing, _))| match landing {
            Landing::At(at) if *at <= now => Some((index, *at)),
            Landing::At(_) | Landing::After(_) => None,
        });
        due.min_by(|(_, one), (_, two)| one.total_cmp(two)).map(|(index, _)| index)
    }

    /// Arms a fault. What a list shows now is kept for one that is to be stale.
    pub(crate) fn arm(&mut self, fault: Fault) {
        if fault.kind == FaultKind::StaleList && self.faults.last_seen(&fault.operation).is_none() {
            let topic = fault.operation.split('/').nth(3).unwrap_or_default();
            let records = hand::records_of(&self.state, topic);
            self.faults.saw(&fault.operation, records);
        }
        self.faults.inject(fault);
    }

    /// Holds a request back.
    pub(crate) fn land_later(&mut self, delivery: Delivery, landing: Landing) {
        self.held.push((landing, delivery));
    }

    /// Lets those requests take effect that were waiting for one of `operation` to be served. One
    /// that was held back just now waits for the next.
    pub(crate) fn land_after(&mut self, operation: &str, is_held_now: bool, now: f64) {
        let last = self.held.len() - usize::from(is_held_now);
        let newest = self.held.split_off(last);
        let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(landing, _)| *landing == Landing::After(operation.to_owned()));
        self.held = rest;
        self.held.extend(newest);
        for (_, delivery) in due {
            self.state.settle(now);
            delivery.deliver(&mut self.state, Dialect::Usual, now);
        }
    }

    /// Lets everything take effect that is held back.
    pub(crate) fn land_all(&mut self) {
        let now = self.settle();
        for (_, delivery) in std::mem::take(&mut self.held) {
            delivery.deliver(&mut self.state, Dialect::Usual, now);
            self.state.settle(now);
        }
    }

    /// Empties the NBI: nothing but project, user and roles; no faults, no journal, the profile's
    /// own mode. Time goes on; ids begin anew.
    pub(crate) fn reset(&mut self) {
        let (metrics, shape, store) = (self.metrics.clone(), self.shape, self.store.take());
        *self = Self {
            metrics,
            shape,
            store,
            is_replaced: true,
            ..Self::new(self.settings.clone(), self.clock.clone())
        };
        if self.store.is_some() {
            self.state.track();
        }
    }
}
