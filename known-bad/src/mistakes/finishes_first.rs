//! A commit that comes while OSM is at work is to be taken up when it has ended.

use osmops::nbi::{Connection, Transport};
use osmops::revision::Revision;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::revisions::copy;
use crate::{KnownBad, Starts};

/// Found where a commit comes during an operation.
pub const BAD: KnownBad = KnownBad {
    name: "finishes_first",
    mistake: "puts a commit off that comes during an operation, and marks it as seen",
    breaks: &[Law::L4, Law::L1],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let inner = Process::new(connection, transport);
    Box::new(OneByOne { inner, current: None, seen: None, is_at_work: false })
}

struct OneByOne {
    inner: Process,
    current: Option<Revision>,
    seen: Option<String>,
    is_at_work: bool,
}

impl Reconciler for OneByOne {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        if let Source::Whole(revision) = source
            && self.seen.as_deref() != Some(revision.name.as_str())
        {
            self.seen = Some(revision.name.to_string());
            if !self.is_at_work {
                self.current = Some(copy(revision));
            }
        }
        let Self { inner, current, is_at_work, .. } = self;
        let source = match (source, current.as_ref()) {
            (Source::Whole(_), Some(current)) => Source::Whole(current),
            (other, _) => other,
        };
        Box::pin(async move {
            let ended = inner.run(source, stop).await;
            *is_at_work = ended.says == Says::Progressing;
            ended
        })
    }
}
