//! A source that is asked now and then tells of the latest revision alone.

use std::time::Duration;

use osmops::nbi::{Connection, Transport};
use osmops::operator::driver::Outcome;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where a revision comes and nobody tells of it.
pub const BAD: KnownBad = KnownBad {
    name: "expects_every_revision",
    mistake: "applies revisions in the order of their numbers, and waits for one that it was not told of",
    breaks: &[Law::D3],
    maker: &Starts(start),
};

/// How soon to look for the missing one.
const AGAIN: Duration = Duration::from_secs(60);

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(InSequence { inner: Process::new(connection, transport), last: None })
}

struct InSequence {
    inner: Process,
    last: Option<u64>,
}

impl Reconciler for InSequence {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        if let Source::Whole(revision) = source
            && let Some(number) = number_of(revision.name.as_str())
        {
            if self.last.is_some_and(|last| number > last + 1) {
                let outcome = Outcome::Again { after: AGAIN };
                let told = "a revision is missing".to_owned();
                return Box::pin(async move { Ended { outcome, says: Says::Progressing, told } });
            }
            self.last = Some(number);
        }
        self.inner.run(source, stop)
    }
}

fn number_of(name: &str) -> Option<u64> {
    let begins = name.rfind(|c: char| !c.is_ascii_digit())? + 1;
    name.get(begins..)?.parse().ok()
}
