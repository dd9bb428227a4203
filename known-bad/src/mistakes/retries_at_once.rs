//! What only a commit or an operator can mend is no reason for a request a second.

use std::time::Duration;

use osmops::nbi::{Connection, Transport};
use osmops::operator::driver::Outcome;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where something stays wrong for long, as a full quota.
pub const BAD: KnownBad = KnownBad {
    name: "retries_at_once",
    mistake: "runs again a second after a run that did not succeed, and again, and again",
    breaks: &[Law::L5],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Impatient(Process::new(connection, transport)))
}

struct Impatient(Process);

impl Reconciler for Impatient {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let mut ended = self.0.run(source, stop).await;
            if matches!(ended.says, Says::Failing | Says::Stalled) {
                ended.outcome = Outcome::Again { after: Duration::from_secs(1) };
            }
            ended
        })
    }
}
