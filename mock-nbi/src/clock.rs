//! Time as the fake sees it.
//!
//! Invariant: nothing else in this crate reads the machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Epoch seconds: a base, plus tokio's elapsed time since, plus what was advanced by hand.
///
/// Under tokio's paused clock the middle part is virtual too, so a test's time is what the test
/// says. Clones share the hand-advanced part.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch_seconds: f64,
    started: Instant,
    advanced: Arc<Mutex<Duration>>,
}

impl Clock {
    /// A clock that reads `epoch_seconds` now; for tests.
    pub fn starting_at(epoch_seconds: f64) -> Self {
        Self { epoch_seconds, started: Instant::now(), advanced: Arc::default() }
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
        let advanced = *self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds =
            self.epoch_seconds + self.started.elapsed().saturating_add(advanced).as_secs_f64();
        (seconds * 1e7).round() / 1e7
    }

    /// Moves the clock on by `by`, once, for all its clones.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by);
    }
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
    async fn the_end_of_time_is_no_overflow() {
        let clock = Clock::starting_at(1_000.0);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(clock.now() > 1e19);
    }
}
