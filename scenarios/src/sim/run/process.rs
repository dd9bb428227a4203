//! One process of the operator: its driver, and the reconciler under test.

use std::sync::Arc;
use std::time::Duration;

use osmops::operator::driver::{Driver, Input, Policy};
use tokio::sync::Notify;

use super::INTERVAL;
use crate::sim::reconciler::{Ended, LocalFuture, Maker, Reconciler, Source};
use crate::sim::wire::{SharedRef, lock, transport};
use crate::sim::world::SimWorld;

/// The one object.
pub(super) const OBJECT: &str = "deployment";

/// A process.
pub(super) struct Process {
    pub(super) number: u32,
    pub(super) driver: Driver<&'static str>,
    pub(super) reconciler: Box<dyn Reconciler>,
    pub(super) crash: Arc<Notify>,
}

impl Process {
    /// Starts one that knows nothing but the password as the Secret has it now.
    pub(super) fn start(
        shared: &SharedRef,
        maker: &dyn Maker,
        number: u32,
        password: &str,
    ) -> Self {
        Self::beside(shared, maker, number, password, Arc::new(Notify::new()))
    }

    /// Starts one that is killed together with others that have the same `crash`.
    pub(super) fn beside(
        shared: &SharedRef,
        maker: &dyn Maker,
        number: u32,
        password: &str,
        crash: Arc<Notify>,
    ) -> Self {
        let transport = transport(shared, &crash, number);
        let reconciler = maker.start(SimWorld::connection(password), transport);
        Self { number, driver: Driver::new(Policy::default()), reconciler, crash }
    }

    /// Tells the driver of the object; `fingerprint` stands for what is declared.
    pub(super) fn see(&mut self, now: Duration, fingerprint: u64) {
        see(&mut self.driver, now, fingerprint);
    }

    /// The oracles' notes on a run of this process begin anew.
    pub(super) fn begins(&self, shared: &SharedRef, commit: usize, is_whole: bool) {
        let mut shared = lock(shared);
        let seen = shared.seen(self.number);
        seen.commit = is_whole.then_some(commit);
        if is_whole {
            seen.commits.insert(commit);
        }
        seen.asked = crate::sim::laws::ends::Asked::default();
        seen.is_over = false;
        seen.sent_though_over = None;
        seen.reading.begins();
    }
}

/// Tells a driver of the object.
pub(super) fn see(driver: &mut Driver<&'static str>, now: Duration, fingerprint: u64) {
    let input = Input { fingerprint, interval: INTERVAL, retry_interval: None, suspended: false };
    driver.seen(now, &OBJECT, input);
}

/// What a run comes to, and one of a second replica beside it, if there is one.
pub(super) async fn both<'a>(
    first: LocalFuture<'a, Ended>,
    second: Option<LocalFuture<'a, Ended>>,
) -> (Ended, Option<Ended>) {
    match second {
        None => (first.await, None),
        Some(second) => {
            let (first, second) = tokio::join!(first, second);
            (first, Some(second))
        }
    }
}

/// What the source gives in place of the artifact of `commit`.
pub(super) fn source<'a>(
    world: &'a SimWorld,
    commit: usize,
    fault: Option<&crate::sim::fault::Kind>,
) -> Source<'a> {
    use crate::sim::fault::{Kind, Own};
    let commit = &world.commits[commit];
    match fault {
        Some(Kind::Own(Own::ArtifactGone)) => Source::Gone,
        Some(Kind::Own(Own::ArtifactPartial | Own::ArtifactWrong)) => Source::Wrong(&commit.cut),
        _ => Source::Whole(&commit.revision),
    }
}
