//! What is tried again after a failure is what is declared by then.

use std::time::Duration;

use osmops::nbi::{Connection, Transport};
use osmops::operator::driver::Outcome;
use osmops::revision::Revision;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::revisions::copy;
use crate::{KnownBad, Starts};

/// Found where a commit comes between a failure and the next run.
pub const BAD: KnownBad = KnownBad {
    name: "retries_the_old",
    mistake: "queues the revision that failed, and tries it again when a later one is there",
    breaks: &[Law::S5],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Queue { inner: Process::new(connection, transport), failed: None })
}

struct Queue {
    inner: Process,
    failed: Option<Revision>,
}

impl Reconciler for Queue {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let Source::Whole(newest) = source else {
                return self.inner.run(source, stop).await;
            };
            let queued = self.failed.take();
            let revision = queued.as_ref().unwrap_or(newest);
            let mut ended = self.inner.run(Source::Whole(revision), stop).await;
            if ended.says == Says::Failing {
                self.failed = Some(copy(revision));
            } else if revision.name != newest.name {
                ended.says = Says::Progressing;
                ended.outcome = Outcome::Again { after: Duration::ZERO };
            }
            ended
        })
    }
}
