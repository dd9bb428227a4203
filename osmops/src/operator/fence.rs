//! Up to when this process may act: no request leaves it after that.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// Open for ever, or as long as a Lease is certain to be held. Clones share the time.
///
/// It is asked right before each request: a process that was stopped for a while, and whose timers all lag
/// behind, sends nothing either.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// From now on it is open up to this time.
    pub(super) fn open_until(&self, time: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }

    pub(super) fn is_open(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_open_until_its_time_whoever_asks() {
        let fence = Fence::default();
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert!(fence.is_open(), "without a time it never closes");
        let asked = fence.clone();
        fence.open_until(Instant::now() + Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(asked.is_open());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!asked.is_open());
    }
}
