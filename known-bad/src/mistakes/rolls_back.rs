//! A revision that fails is tried again or reported; the one before it is declared no more.

use osmops::nbi::{Connection, Transport};
use osmops::revision::Revision;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::revisions::copy;
use crate::{KnownBad, Starts};

/// Found where something fails after a commit that was applied.
pub const BAD: KnownBad = KnownBad {
    name: "rolls_back",
    mistake: "goes back to the last revision that became ready when a later one fails",
    breaks: &[Law::S5],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Atomic { inner: Process::new(connection, transport), good: None })
}

struct Atomic {
    inner: Process,
    good: Option<Revision>,
}

impl Reconciler for Atomic {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let ended = self.inner.run(source, stop).await;
            let Source::Whole(revision) = source else { return ended };
            match (ended.says, &self.good) {
                (Says::Ready, _) => self.good = Some(copy(revision)),
                (Says::Failing | Says::Stalled, Some(good))
                    if good.name != revision.name && revision.problems.is_empty() =>
                {
                    self.inner.run(Source::Whole(good), stop).await;
                }
                _ => {}
            }
            ended
        })
    }
}
