//! One run over one object: its connection, its artifact, one pass, and what is told of it.

mod deletion;
mod deployment;
mod files;
mod passes;
mod repository;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::artifact::FetchLimits;
use crate::ids::RevisionName;
use crate::nbi::Nbi;
use crate::reconcile::{PassOptions, Rounds};
use crate::revision::Revision;

use super::cluster::Task;
use super::conditions::Subject;
use super::crd::OsmDeploymentStatus;
use super::declared::Unreadable;
use super::driver::Outcome;
use super::end::{End, Standing};
use super::metrics::{Counted, Metrics};
use super::names::ObjectKey;
use super::sessions::Sessions;
use super::status::{self, Teller};

/// What all runs share.
pub(super) struct Context {
    pub(super) client: kube::Client,
    pub(super) http: reqwest::Client,
    pub(super) limits: FetchLimits,
    /// `host:port` to fetch artifacts from, instead of their URLs' own.
    pub(super) source_host: Option<String>,
    pub(super) connection_dir: PathBuf,
    pub(super) sessions: Arc<Sessions>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) teller: Teller,
    pub(super) options: PassOptions,
}

/// What is remembered of an object from one run to the next. Without it, only more is read and told.
#[derive(Default)]
pub(super) struct Memory {
    uid: String,
    /// The status as we wrote it last; what the watch has may be older.
    status: Option<OsmDeploymentStatus>,
    /// How the last run ended.
    told: Option<End>,
    /// What was tried last.
    subject: Option<Subject>,
    /// The revision that was announced last.
    announced: Option<RevisionName>,
    rounds: Rounds,
    waiting: Option<Waiting>,
    counted: Counted,
}

/// OSM was at work when the last pass ended.
struct Waiting {
    nbi: Nbi,
    /// How the pass ended.
    end: End,
}

impl Memory {
    /// Forgets what was another object's, or of something else that was to be done for it. Returns what
    /// was tried last; `None` when this is the first run.
    fn is_about(&mut self, uid: Option<String>, subject: &Subject) -> Option<Subject> {
        let uid = uid.unwrap_or_default();
        if self.uid != uid {
            let counted = std::mem::take(&mut self.counted);
            *self = Self { uid, counted, ..Self::default() };
        }
        if self.subject.as_ref() == Some(subject) {
            return self.subject.clone();
        }
        self.rounds = Rounds::default();
        self.waiting = None;
        self.subject.replace(subject.clone())
    }

    /// Logs what the revision holds, unless that was done.
    fn announce(&mut self, revision: &Revision) {
        if self.announced.as_ref() != Some(&revision.name) {
            revision.announce();
            self.announced = Some(revision.name.clone());
        }
    }
}

/// One object's turn to run.
pub(super) struct Turn {
    /// Since when it has been due. By then the object's last run had ended.
    pub(super) due: Instant,
    /// Ends it between two requests that write.
    pub(super) stop: CancellationToken,
}

/// How a run went, as far as others must know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ran {
    /// When the next run makes sense.
    pub(super) outcome: Outcome,
    /// Whether something is wrong, whatever comes next.
    pub(super) is_failure: bool,
}

/// Runs, and tells how it ended.
///
/// # Cancel safety
/// `turn.stop` is looked at between requests that write. A run that it ended tells nothing.
pub(super) async fn run(
    context: &Context,
    key: &ObjectKey,
    task: &Task,
    memory: &mut Memory,
    turn: &Turn,
) -> Ran {
    memory.counted = Counted::of(&context.metrics, key);
    if let Some(revision) = task.revision() {
        tracing::Span::current().record("revision", revision);
    }
    let end = match task {
        Task::Deployment { object, source } => {
            deployment::run(context, object, source.as_deref(), memory, turn).await
        }
        Task::Unreadable { object } => unreadable(context, object, memory).await,
        Task::Deletion { object } => deletion::run(context, object, memory, turn).await,
        Task::Repository { source } => match repository::run(context, source, memory, turn).await {
            Some(end) => end,
            None => return Ran { outcome: Outcome::Settled, is_failure: false },
        },
    };
    let is_repeated = memory.told.as_ref().is_some_and(|told| told.message == end.message);
    if !is_repeated {
        status::log(key, &end);
    }
    let is_failure = matches!(end.standing, Standing::Failed(_) | Standing::Stalled(_));
    let ran = Ran { outcome: end.outcome, is_failure };
    memory.told = Some(end);
    ran
}

/// Tells on an object that it cannot be read.
async fn unreadable(context: &Context, object: &Unreadable, memory: &mut Memory) -> End {
    let generation = object.metadata.generation;
    memory.is_about(object.metadata.uid.clone(), &Subject { generation, ..Subject::default() });
    let before = memory.status.take().or_else(|| object.status.clone()).unwrap_or_default();
    let subject = Subject { generation, ..Subject::default() };
    let end = End::unreadable(&object.error);
    let after = context.teller.deployment(&object.metadata, &before, &subject, &end).await;
    memory.status = Some(after);
    end
}
