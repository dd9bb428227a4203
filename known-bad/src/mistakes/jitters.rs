//! The same run shall be the same run once more.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use osmops::nbi::{Connection, Transport};
use osmops::operator::driver::Outcome;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where a run is run twice.
pub const BAD: KnownBad = KnownBad {
    name: "jitters",
    mistake: "spreads its pauses by random numbers that follow from no seed",
    breaks: &[Law::D4],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Jittery(Process::new(connection, transport)))
}

struct Jittery(Process);

impl Reconciler for Jittery {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let mut ended = self.0.run(source, stop).await;
            if let Outcome::Again { after } = &mut ended.outcome {
                *after += Duration::from_millis(RandomState::new().hash_one(()) % 500);
            }
            ended
        })
    }
}
