//! One run over one object: its connection, its artifact, one pass, and what is told of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::artifact::{Artifact, FetchError, FetchLimits, Remote, fetch};
use crate::desired::Prune;
use crate::failure::chain;
use crate::ids::{Owner, RevisionName};
use crate::nbi::{Connection, Nbi};
use crate::plan::render;
use crate::reconcile::{Following, PassOptions, Progress, pass, read_and_plan};
use crate::repo::CONFIG_FILE;
use crate::report::{PassEnd, PassReport};
use crate::revision::Revision;
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};

use super::cluster::{Task, secret_name};
use super::conditions::Subject;
use super::connection::{of_repository, of_secret};
use super::crd::{Mode, OsmDeployment, OsmDeploymentStatus};
use super::driver::Outcome;
use super::end::{End, Reason, Standing};
use super::flux::{self, REQUESTED_AT, Source};
use super::names::{Name, ObjectKey};
use super::sessions::Sessions;
use super::status::{self, Teller};

/// How soon to look at an operation for the first time; later looks come after longer pauses.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How soon to ask again for an artifact that is gone: by then the source has told of a newer one.
///
/// Source: Flux keeps an artifact for a minute after the next one came.
const ARTIFACT_AGAIN: Duration = Duration::from_secs(30);

/// What all runs share.
pub(super) struct Context {
    pub(super) client: kube::Client,
    pub(super) http: reqwest::Client,
    pub(super) limits: FetchLimits,
    /// `host:port` to fetch artifacts from, instead of their URLs' own.
    pub(super) source_host: Option<String>,
    pub(super) connection_dir: PathBuf,
    pub(super) sessions: Arc<Sessions>,
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
    subject: Subject,
    progress: Progress,
    waiting: Option<Waiting>,
}

/// Operations that are worth a look before the next pass.
struct Waiting {
    nbi: Nbi,
    following: Following,
    /// How the pass ended.
    end: End,
}

impl Memory {
    fn is_about(&mut self, uid: Option<String>, subject: &Subject) {
        let uid = uid.unwrap_or_default();
        if self.uid != uid {
            *self = Self { uid, ..Self::default() };
        }
        if self.subject != *subject {
            self.subject = subject.clone();
            self.progress = Progress::default();
            self.waiting = None;
        }
    }
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
/// `stop` is looked at between requests that write. A run that it ended tells nothing.
pub(super) async fn run(
    context: &Context,
    key: &ObjectKey,
    task: &Task,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Ran {
    let end = match task {
        Task::Deployment { object, source } => {
            deployment(context, object, source.as_deref(), memory, stop).await
        }
        Task::Repository { source } => match repository(context, source, memory, stop).await {
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

async fn deployment(
    context: &Context,
    object: &OsmDeployment,
    source: Result<&Source, &End>,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> End {
    let artifact = source.ok().and_then(|source| source.artifact.as_ref());
    let subject = Subject {
        generation: object.metadata.generation,
        revision: artifact.map(|artifact| artifact.revision.clone()),
        requested_at: object.annotations().get(REQUESTED_AT).cloned(),
    };
    memory.is_about(object.uid(), &subject);
    let mut before = memory.status.take().or_else(|| object.status.clone()).unwrap_or_default();
    let end = match artifact {
        None => source.err().cloned().unwrap_or_else(|| {
            End::awaits(Reason::ArtifactFailed, "the source has no artifact yet")
        }),
        Some(artifact) => {
            if is_new(&before, &subject) {
                let began = End::began(format!("Applying revision {}", artifact.revision));
                before = context.teller.deployment(object, &before, &subject, &began).await;
            }
            let ended = deploy(context, object, artifact, memory, stop).await;
            ended.unwrap_or_else(|end| end)
        }
    };
    // Whoever stopped it has news, which the next run tells.
    memory.status = Some(if end.outcome == Outcome::Cancelled {
        before
    } else {
        context.teller.deployment(object, &before, &subject, &end).await
    });
    end
}

/// Whether this was never tried. To be asked for another look makes nothing less ready.
fn is_new(status: &OsmDeploymentStatus, subject: &Subject) -> bool {
    status.observed_generation != subject.generation
        || status.last_attempted_revision != subject.revision
}

async fn deploy(
    context: &Context,
    object: &OsmDeployment,
    artifact: &flux::Artifact,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Result<End, End> {
    if let Some(end) = look_first(memory).await {
        return Ok(end);
    }
    let connection = of_secret(&context.client, &secret_name(object)).await?;
    let path = object.spec.path.as_deref().unwrap_or_default();
    let Some(folder) = TreePath::parse(path) else {
        let message = format!("spec.path is `{path}`, which leads out of the source");
        return Err(End::stalled(Reason::BuildFailed, message));
    };
    let files = fetched(context, artifact, &folder, stop).await?;
    let mut read = read(files, artifact).await?;
    claim(&mut read.revision, object);
    match object.spec.mode {
        Mode::Apply => apply(context, &read.revision, &connection, memory, stop).await,
        Mode::Plan => plan(context, &read.revision, &connection).await,
    }
}

/// Takes over what an OsmDeployment says of whose the declared is, and of what is declared no more.
fn claim(revision: &mut Revision, object: &OsmDeployment) {
    let name = Name::of(&object.metadata);
    let allow_large = revision.config.as_ref().is_some_and(|config| config.allow_large_prune);
    let desired = &mut revision.desired;
    desired.owner.get_or_insert_with(|| owner_of(&name));
    if object.spec.prune && revision.config.is_some() {
        let at = SourcePos::whole(TreePath::root().join(&format!("OsmDeployment/{name}")));
        desired.prune.get_or_insert(Prune { at, allow_large });
    }
}

/// What marks in OSM what an OsmDeployment made: its namespace and name, in the characters that a mark may
/// have. Kubernetes' names may be longer; such ones end in a digest.
fn owner_of(name: &Name) -> Owner {
    const OWNER_BYTES_MAX: usize = 63;
    const DIGEST_DIGITS: usize = 12;
    // Kubernetes' names have no `_`.
    let text = name.to_string().replace('.', "_");
    let text = if text.len() <= OWNER_BYTES_MAX {
        text
    } else {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let beginning = text.get(..OWNER_BYTES_MAX - DIGEST_DIGITS - 1).unwrap_or_default();
        format!("{beginning}-{}", digest.get(..DIGEST_DIGITS).unwrap_or_default())
    };
    Owner::new(text).expect("a Kubernetes name is a text without control characters")
}

/// A run over a GitRepository; `None` when it is no repository of ours.
async fn repository(
    context: &Context,
    source: &Source,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Option<End> {
    let artifact = source.artifact.as_ref()?;
    let subject = Subject {
        generation: None,
        revision: Some(artifact.revision.clone()),
        requested_at: source.requested_at.clone(),
    };
    memory.is_about(Some(source.uid.clone()), &subject);
    let end = match reconcile_repository(context, artifact, memory, stop).await {
        Ok(end) => end?,
        Err(end) => end,
    };
    if end.outcome != Outcome::Cancelled {
        context.teller.repository(source, memory.told.as_ref(), &end).await;
    }
    Some(end)
}

async fn reconcile_repository(
    context: &Context,
    artifact: &flux::Artifact,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Result<Option<End>, End> {
    if let Some(end) = look_first(memory).await {
        return Ok(Some(end));
    }
    let files = fetched(context, artifact, &TreePath::root(), stop).await?;
    if files.tree.file(&TreePath::root().join(CONFIG_FILE)).is_none() {
        tracing::debug!("no {CONFIG_FILE}: not a repository of OSM's");
        return Ok(None);
    }
    let read = read(files, artifact).await?;
    let revision = &read.revision;
    if revision.desired.is_empty() {
        return Ok(Some(End::of_pass(&PassReport::without_osm(revision), FIRST_LOOK)));
    }
    let tree = &read.files.tree;
    let connection = of_repository(revision.config.as_ref(), tree, &context.connection_dir)
        .map_err(|message| End::stalled(Reason::ReconciliationFailed, message))?;
    apply(context, revision, &connection, memory, stop).await.map(Some)
}

/// Looks at operations that ran when the last pass ended. While one still does, that is all there is to do.
async fn look_first(memory: &mut Memory) -> Option<End> {
    let waiting = memory.waiting.as_mut()?;
    match waiting.following.look(&waiting.nbi, &mut ()).await {
        Ok(false) => {
            let outcome = Outcome::Again { after: waiting.following.pause() };
            Some(End { outcome, ..waiting.end.clone() })
        }
        Err(error) if error.is_transient() => {
            let failure = error.failure();
            let outcome = Outcome::Failed { not_before: failure.retry_after };
            Some(End { outcome, ..End::failed(Reason::ReconciliationFailed, failure.message) })
        }
        // Where they were lost sight of, the pass finds out what became of them.
        Ok(true) | Err(_) => {
            memory.waiting = None;
            None
        }
    }
}

/// An artifact's files, from the folder that matters. They are gone with it.
struct Files {
    _artifact: Artifact,
    tree: Tree,
}

async fn fetched(
    context: &Context,
    artifact: &flux::Artifact,
    folder: &TreePath,
    stop: &CancellationToken,
) -> Result<Files, End> {
    let revision = RevisionName::new(&artifact.revision).map_err(|error| {
        let message = format!("the artifact's revision `{}` {error}", artifact.revision);
        End::stalled(Reason::ArtifactFailed, message)
    })?;
    let remote = Remote {
        url: &artifact.url,
        digest: &artifact.digest,
        revision,
        host: context.source_host.as_deref(),
    };
    let fetching = fetch(&context.http, &remote, &context.limits);
    let artifact = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(End::cancelled()),
        fetched = fetching => fetched.map_err(|error| not_fetched(&error))?,
    };
    if !folder.as_str().is_empty() && !artifact.tree.has_folder(folder) {
        let message = format!("spec.path is `{folder}`, which the source does not have");
        return Err(End::stalled(Reason::BuildFailed, message));
    }
    let tree = artifact.tree.seen_from(folder);
    Ok(Files { _artifact: artifact, tree })
}

fn not_fetched(error: &FetchError) -> End {
    let message = chain(error);
    match error {
        FetchError::Gone { .. } => End::later(Reason::ArtifactFailed, message, ARTIFACT_AGAIN),
        error if error.may_pass() => End::failed(Reason::ArtifactFailed, message),
        _ => End::stalled(Reason::ArtifactFailed, message),
    }
}

/// A revision and the files that its packages are made of.
struct Read {
    files: Files,
    revision: Revision,
}

async fn read(files: Files, artifact: &flux::Artifact) -> Result<Read, End> {
    let name = RevisionName::new(&artifact.revision)
        .map_err(|error| End::stalled(Reason::ArtifactFailed, chain(&error)))?;
    // Reading and hashing thousands of files must not keep others waiting.
    let span = tracing::Span::current();
    let reading = tokio::task::spawn_blocking(move || {
        let _inside = span.enter();
        let revision = Revision::read(&files.tree, name);
        Read { files, revision }
    });
    let read = reading.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    for problem in &read.revision.problems {
        tracing::error!("{problem}");
    }
    for warning in &read.revision.warnings {
        tracing::warn!("{warning}");
    }
    Ok(read)
}

fn session(context: &Context, connection: &Connection) -> Result<Nbi, End> {
    if connection.is_in_the_clear() {
        let base = &connection.base;
        tracing::debug!("{base} is plain http: the password crosses the network in the clear");
    }
    let session = context.sessions.of(connection);
    session.map_err(|error| End::stalled(Reason::ReconciliationFailed, chain(&error)))
}

/// One pass.
async fn apply(
    context: &Context,
    revision: &Revision,
    connection: &Connection,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Result<End, End> {
    if revision.desired.is_empty() {
        return Ok(End::of_pass(&PassReport::without_osm(revision), FIRST_LOOK));
    }
    let nbi = session(context, connection)?;
    let mut report = pass(&nbi, revision, &context.options, stop, &mut ()).await;
    let changes = report.changes.clone();
    memory.progress.add(&mut report);
    // Those of earlier passes were told by them.
    report.changes = changes;
    let following = Following::of(revision, &report, FIRST_LOOK);
    let pause = match report.end {
        PassEnd::Waiting { poll_after } if following.is_empty() => {
            memory.progress.pause_while_waiting(&report, poll_after)
        }
        _ => FIRST_LOOK,
    };
    let end = End::of_pass(&report, pause);
    if report.end == PassEnd::Converged {
        memory.progress = Progress::default();
    }
    if matches!(report.end, PassEnd::Waiting { .. }) && !following.is_empty() {
        let end = End { changes: Vec::new(), ..end.clone() };
        memory.waiting = Some(Waiting { nbi, following, end });
    }
    Ok(end)
}

/// Only reads, and tells what would be done.
async fn plan(context: &Context, revision: &Revision, connection: &Connection) -> Result<End, End> {
    let nbi = session(context, connection)?;
    if !revision.problems.is_empty() {
        let problems: Vec<String> = revision.problems.iter().map(ToString::to_string).collect();
        return Err(End::stalled(Reason::BuildFailed, problems.join("; ")));
    }
    match read_and_plan(&nbi, &revision.desired).await {
        Ok(plan) => Ok(End::of_plan(&plan, render(&plan), revision.name.as_str())),
        Err(error) => {
            let failure = error.failure();
            let message = match failure.help {
                Some(help) => format!("{} ({help})", failure.message),
                None => failure.message,
            };
            if failure.may_pass {
                let outcome = Outcome::Failed { not_before: failure.retry_after };
                Err(End { outcome, ..End::failed(Reason::ReconciliationFailed, message) })
            } else {
                Err(End::stalled(Reason::ReconciliationFailed, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_s_mark_is_its_namespace_and_name_within_63_characters() {
        let owner = |namespace: &str, name: &str| owner_of(&Name::new(namespace, name)).to_string();
        assert_eq!(owner("flux-system", "ldap.v1"), "flux-system/ldap_v1");
        let long = owner("flux-system", &"a".repeat(200));
        assert_eq!(long.len(), 63);
        assert_ne!(long, owner("flux-system", &"a".repeat(201)));
    }
}
