//! The artifact's digest is not compared with the one that was announced.

use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where an artifact is cut short or replaced.
pub const BAD: KnownBad = KnownBad {
    name: "accepts_any_artifact",
    mistake: "applies whatever artifact it gets, without a look at its digest",
    breaks: &[Law::S8],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Trusting(Process::new(connection, transport)))
}

struct Trusting(Process);

impl Reconciler for Trusting {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        let source = match source {
            Source::Wrong(revision) => Source::Whole(revision),
            other => other,
        };
        self.0.run(source, stop)
    }
}
