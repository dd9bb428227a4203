//! A commit that comes while the earlier one is being sent makes the rest of that one wrong.

use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where a commit comes between two writes.
pub const BAD: KnownBad = KnownBad {
    name: "finishes_what_it_began",
    mistake: "sends all of a plan when it has begun, though a later commit was observed",
    breaks: &[Law::S5],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Stubborn {
        inner: Process::new(connection, transport),
        unheard: CancellationToken::new(),
    })
}

struct Stubborn {
    inner: Process,
    unheard: CancellationToken,
}

impl Reconciler for Stubborn {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        _: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        self.inner.run(source, &self.unheard)
    }
}
