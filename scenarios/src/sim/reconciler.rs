//! What is under test: the operator's part that runs one object, over a transport that the simulator gives.
//!
//! A known-bad reconciler is another [`Maker`]: one that wraps the transport of [`Real`], or a [`Process`] whose
//! [`Passes`] put the public stages of `osmops` together in another way. The simulator starts one for each process: a
//! crash drops the future of its run and the reconciler with it, and starts another that knows nothing.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use osmops::nbi::{Connection, Nbi, TimeLimits, Transport};
use osmops::operator::driver::Outcome;
use osmops::reconcile::{FIRST_LOOK, Look, PassOptions, Rounds, pass};
use osmops::report::{PassEnd, PassReport};
use osmops::revision::Revision;
use tokio_util::sync::CancellationToken;

/// A future of this thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What the source gives a run.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The files that the source's digest stands for.
    Whole(&'a Revision),
    /// No files: the artifact is gone.
    Gone,
    /// Files that are not those that the digest stands for; as they would be read by whoever does not check.
    Wrong(&'a Revision),
}

/// What a run says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// OSM was read and matches.
    Ready,
    /// OSM is at work.
    Progressing,
    /// It may work later.
    Failing,
    /// Only a commit or an operator helps.
    Stalled,
}

impl Says {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Says::Ready => "ready",
            Says::Progressing => "progressing",
            Says::Failing => "failing",
            Says::Stalled => "stalled",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// When the next run makes sense.
    pub outcome: Outcome,
    /// What it says of itself.
    pub says: Says,
    /// Everything that it tells anyone, to be searched for secrets; empty when there is nothing to tell.
    pub told: String,
}

/// Runs one object, as one process of the operator does.
pub trait Reconciler {
    /// One run. Once `stop` is cancelled, no write of it may begin.
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended>;
}

/// Starts processes.
pub trait Maker: Sync {
    /// A process that knows nothing but where OSM is.
    fn start(&self, connection: Connection, transport: Transport) -> Box<dyn Reconciler>;
}

/// The reconciler of `osmops`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

impl Maker for Real {
    fn start(&self, connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
        Box::new(Process::new(connection, transport))
    }
}

/// How soon to ask again for an artifact that is gone, as the operator does.
const ARTIFACT_AGAIN: Duration = Duration::from_secs(30);

/// How a [`Process`] passes over a revision.
pub trait Passes {
    /// One pass: read, plan, start.
    fn pass<'a>(
        &'a mut self,
        nbi: &'a Nbi,
        revision: &'a Revision,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, PassReport>;
}

impl Passes for Real {
    fn pass<'a>(
        &'a mut self,
        nbi: &'a Nbi,
        revision: &'a Revision,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, PassReport> {
        Box::pin(async move {
            let options = PassOptions::default();
            pass(nbi, revision, &options, stop, &mut ()).await
        })
    }
}

/// One process of the operator with one object: passes of `osmops`, and looks at operations between them.
pub struct Process {
    nbi: Nbi,
    passes: Box<dyn Passes>,
    revision: Option<String>,
    rounds: Rounds,
}

impl Process {
    /// Knows nothing but where OSM is.
    pub fn new(connection: Connection, transport: Transport) -> Self {
        Self::passing(connection, transport, Box::new(Real))
    }

    /// Knows nothing but where OSM is, and passes over a revision in a way of its own.
    pub fn passing(connection: Connection, transport: Transport, passes: Box<dyn Passes>) -> Self {
        let nbi = Nbi::new(connection, transport, TimeLimits::default());
        Self { nbi, passes, revision: None, rounds: Rounds::default() }
    }

    async fn look_first(&mut self) -> Option<Ended> {
        match self.rounds.look(&self.nbi, &mut ()).await {
            Look::AtWork { again_after } => {
                let outcome = Outcome::Again { after: again_after };
                Some(Ended { outcome, says: Says::Progressing, told: String::new() })
            }
            Look::Unknown(failure) => {
                let outcome = Outcome::Failed { not_before: failure.retry_after };
                Some(Ended { outcome, says: Says::Failing, told: failure.message })
            }
            Look::Over => None,
        }
    }

    async fn run_over(&mut self, source: Source<'_>, stop: &CancellationToken) -> Ended {
        if let Some(ended) = self.look_first().await {
            return ended;
        }
        let revision = match source {
            Source::Whole(revision) => revision,
            Source::Gone => {
                let outcome = Outcome::Again { after: ARTIFACT_AGAIN };
                let told = "the artifact is gone".to_owned();
                return Ended { outcome, says: Says::Failing, told };
            }
            Source::Wrong(_) => {
                let outcome = Outcome::Failed { not_before: None };
                let told = "the artifact is not the one of its digest".to_owned();
                return Ended { outcome, says: Says::Failing, told };
            }
        };
        if revision.desired.is_empty() {
            return ended(&PassReport::without_osm(revision), FIRST_LOOK);
        }
        let mut report = self.passes.pass(&self.nbi, revision, stop).await;
        let pause = self.rounds.passed(revision, &mut report);
        ended(&report, pause)
    }
}

impl Reconciler for Process {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        if let Source::Whole(revision) = source
            && self.revision.as_deref() != Some(revision.name.as_str())
        {
            self.revision = Some(revision.name.to_string());
            self.rounds = Rounds::default();
        }
        Box::pin(self.run_over(source, stop))
    }
}

/// What a pass comes to, as the operator's own runs have it.
pub fn ended(report: &PassReport, pause: Duration) -> Ended {
    let says = match report.end {
        _ if report.interrupted => Says::Progressing,
        PassEnd::Converged => Says::Ready,
        PassEnd::Waiting { .. } => Says::Progressing,
        PassEnd::Failed => Says::Failing,
        PassEnd::Stalled => Says::Stalled,
    };
    let outcome = Outcome::of_pass(report, pause);
    let told = match report.end {
        PassEnd::Converged => String::new(),
        _ => serde_json::to_string(report).unwrap_or_default(),
    };
    Ended { outcome, says, told }
}
