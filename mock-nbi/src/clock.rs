//! Time as the fake sees it.
//!
//! Invariant: nothing else in this crate reads the machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Epoch seconds: a base, plus tokio's elapsed time since, plus what was advanced by hand.
///
/// Under tokio's paused clock the middle part is virtual too, so a test's time is what the test
/// says. A frozen clock leaves the middle part out and moves by hand only. Clones share what was
/// done by hand.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch_seconds: f64,
    started: Instant,
    by_hand: Arc<Mutex<ByHand>>,
}

/// What was done to a clock by hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClockState {
    ahead: Duration,
    /// The time at which it stands still, if it does.
    frozen: Option<f64>,
}

#[derive(Debug, Default)]
struct ByHand {
    advanced: Duration,
    /// Elapsed time that went by while the clock was frozen.
    skipped: Duration,
    /// The elapsed time at which it was frozen, while it is.
    frozen_at: Option<Duration>,
}

impl Clock {
    /// A clock that reads `epoch_seconds` now; for tests.
    pub fn starting_at(epoch_seconds: f64) -> Self {
        Self { epoch_seconds, started: Instant::now(), by_hand: Arc::default() }
    }

    /// The machine's clock; for the server.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the server's time comes from; tests start a clock of theirs"
    )]
    pub fn real() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(since_epoch.as_secs_f64())
    }

    /// Seconds since 1970, rounded to 100 ns as Python's `time()` prints them.
    pub fn now(&self) -> f64 {
        let elapsed = self.started.elapsed();
        let since = self.with(|hand| {
            let running = hand.frozen_at.unwrap_or(elapsed).saturating_sub(hand.skipped);
            running.saturating_add(hand.advanced)
        });
        let seconds = self.epoch_seconds + since.as_secs_f64();
        (seconds * 1e7).round() / 1e7
    }

    /// Moves the clock on by `by`, once, for all its clones.
    pub fn advance(&self, by: Duration) {
        self.with(|hand| hand.advanced = hand.advanced.saturating_add(by));
    }

    /// Stops it until it is unfrozen; it still moves by hand.
    pub fn freeze(&self) {
        let elapsed = self.started.elapsed();
        self.with(|hand| {
            hand.frozen_at.get_or_insert(elapsed);
        });
    }

    /// Lets it go on from where it stands.
    pub fn unfreeze(&self) {
        let elapsed = self.started.elapsed();
        self.with(|hand| {
            if let Some(frozen_at) = hand.frozen_at.take() {
                hand.skipped = hand.skipped.saturating_add(elapsed.saturating_sub(frozen_at));
            }
        });
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        self.with(|hand| hand.frozen_at.is_some())
    }

    /// What was done to it by hand.
    pub(crate) fn state(&self) -> ClockState {
        let frozen = self.is_frozen().then(|| self.now());
        self.with(|hand| ClockState { ahead: hand.advanced.saturating_sub(hand.skipped), frozen })
    }

    /// Does to it by hand what was done to another; where it would then be before `at_least`, it
    /// moves on to that.
    pub(crate) fn restore(&self, state: ClockState, at_least: Option<f64>) {
        let elapsed = self.started.elapsed();
        self.with(|hand| {
            let skipped = hand.skipped;
            let advanced = state.ahead.saturating_add(skipped);
            *hand = ByHand { advanced, skipped, frozen_at: state.frozen.map(|_| elapsed) };
        });
        let behind = state.frozen.or(at_least).unwrap_or_default() - self.now();
        if behind > 0.0 {
            self.advance(Duration::try_from_secs_f64(behind).unwrap_or(Duration::MAX));
        }
    }

    /// Reads `epoch_seconds` now, frozen if it was; older clones go their own way.
    pub(crate) fn replace(&mut self, epoch_seconds: f64) {
        let is_frozen = self.is_frozen();
        *self = Self::starting_at(epoch_seconds);
        if is_frozen {
            self.freeze();
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut ByHand) -> T) -> T {
        act(&mut self.by_hand.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Epoch seconds as HTTP's headers have them: `Tue, 14 Nov 2023 22:13:20 GMT`.
pub(crate) fn http_date(epoch_seconds: f64) -> String {
    timestamp(epoch_seconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Epoch seconds as a date. A clock at the end of time has none; the last one stands for it.
pub(crate) fn timestamp(epoch_seconds: f64) -> Timestamp {
    let nanoseconds = (epoch_seconds * 1e9).min(Timestamp::MAX.as_nanosecond() as f64) as i128;
    Timestamp::from_nanosecond(nanoseconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn clones_share_what_was_advanced_and_tokio_time_counts() {
        let clock = Clock::starting_at(1_000.0);
        clock.clone().advance(Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now(), 1_007.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_clock_moves_by_hand_only_and_goes_on_from_where_it_stands() {
        let clock = Clock::starting_at(1_000.0);
        let second = Duration::from_secs(1);
        tokio::time::advance(second).await;
        clock.freeze();
        clock.freeze();
        tokio::time::advance(second * 5).await;
        assert_eq!(clock.now(), 1_001.0);
        clock.advance(second * 10);
        assert!(clock.is_frozen());
        clock.unfreeze();
        tokio::time::advance(second).await;
        assert_eq!((clock.now(), clock.is_frozen()), (1_012.0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_time_is_no_overflow() {
        let clock = Clock::starting_at(1_000.0);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(clock.now() > 1e19);
        assert!(timestamp(clock.now()).to_string().starts_with("9999-12-30T"));
    }
}
