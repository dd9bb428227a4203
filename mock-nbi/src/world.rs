//! One fake NBI: OSM's state, and what stands around it (time, journal, faults).

use crate::clock::Clock;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::profile::Profile;
use crate::release::Release;
use crate::state::State;

/// What does not change when the NBI is reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) release: Release,
    pub(crate) profile: Profile,
    pub(crate) rng_seed: u64,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct World {
    settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
}

impl World {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Self {
        let state =
            State::installed(settings.release, settings.profile, settings.rng_seed, clock.now());
        Self { settings, clock, state, journal: Journal::default(), faults: Faults::default() }
    }

    /// Lets everything happen that is due; gives the time.
    pub(crate) fn settle(&mut self) -> f64 {
        let now = self.clock.now();
        self.state.settle(now);
        now
    }

    /// Empties the NBI: nothing but project, user and roles; no faults, no journal, the profile's
    /// own mode. Time goes on; ids begin anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.settings, self.clock.clone());
    }
}
