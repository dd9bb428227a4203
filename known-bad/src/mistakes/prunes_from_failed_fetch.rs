//! An artifact that is gone says nothing of what is declared.

use osmops::desired::{DesiredState, Prune};
use osmops::nbi::{Connection, Transport};
use osmops::revision::Revision;
use osmops::tree::Tree;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Source};
use tokio_util::sync::CancellationToken;

use crate::revisions::copy;
use crate::{KnownBad, Starts};

/// Found where an artifact cannot be fetched.
pub const BAD: KnownBad = KnownBad {
    name: "prunes_from_failed_fetch",
    mistake: "takes an artifact that is gone for a deployment that is, and removes everything",
    breaks: &[Law::S8],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(Undertaker { inner: Process::new(connection, transport), last: None })
}

struct Undertaker {
    inner: Process,
    last: Option<Revision>,
}

impl Reconciler for Undertaker {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        if let Source::Whole(revision) = source {
            self.last = Some(copy(revision));
        }
        let nothing = match source {
            Source::Gone => self.last.as_ref().and_then(without_declarations),
            Source::Whole(_) | Source::Wrong(_) => None,
        };
        Box::pin(async move {
            self.inner.run(nothing.as_ref().map_or(source, Source::Whole), stop).await
        })
    }
}

/// Declares nothing, and has everything removed, as for an object that was deleted.
fn without_declarations(last: &Revision) -> Option<Revision> {
    let DesiredState { owner, prune, .. } = last.desired.clone();
    let prune = Some(Prune { at: prune?.at, allow_large: true });
    let desired = DesiredState { owner, prune, is_complete: true, ..DesiredState::default() };
    let empty = Revision::read(&Tree::from_files([]), last.name.clone());
    Some(Revision { desired, problems: Vec::new(), ..empty })
}
