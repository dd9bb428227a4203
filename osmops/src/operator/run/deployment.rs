//! A run over an OsmDeployment.

use kube::ResourceExt;
use tokio::time::sleep;

use crate::operator::claim::{claim, claim_drift, files_of};
use crate::operator::cluster::secret_name;
use crate::operator::conditions::Subject;
use crate::operator::connection::of_secret;
use crate::operator::crd::{DeletionPolicy, DriftMode, Mode, OsmDeployment, OsmDeploymentStatus};
use crate::operator::driver::Outcome;
use crate::operator::end::{End, Reason, Standing};
use crate::operator::finalizer;
use crate::operator::flux::{Artifact, REQUESTED_AT, Source};
use crate::report::PassReport;
use crate::tree::TreePath;

use super::files::{fetched, read};
use super::passes::{apply, look_first, plan};
use super::{Context, Memory, Turn};

/// Runs, and writes the status.
pub(super) async fn run(
    context: &Context,
    object: &OsmDeployment,
    source: Result<&Source, &End>,
    memory: &mut Memory,
    turn: &Turn,
) -> End {
    let artifact = source.ok().and_then(|source| source.artifact.as_ref());
    let folder = TreePath::parse(object.spec.path.as_deref().unwrap_or_default());
    let subject = Subject {
        generation: object.metadata.generation,
        revision: artifact.map(|artifact| artifact.revision.clone()),
        files: artifact.zip(folder.as_ref()).map(|(artifact, folder)| files_of(artifact, folder)),
        requested_at: object.annotations().get(REQUESTED_AT).cloned(),
    };
    let is_first = memory.is_about(object.uid(), &subject).is_none();
    let mut before = memory.status.take().or_else(|| object.status.clone()).unwrap_or_default();
    if is_first && is_finished(object, &before, &subject) {
        memory.status = Some(before.clone());
        return End::finished(&before);
    }
    let kept = finalizer::set(&context.client, object, is_to_be_removed(object)).await;
    let end = match (kept, artifact, folder) {
        (Err(end), ..) => end,
        (Ok(()), None, _) => source.err().cloned().unwrap_or_else(|| {
            End::awaits(Reason::ArtifactFailed, "the source has no artifact yet")
        }),
        (Ok(()), Some(_), None) => {
            let path = object.spec.path.as_deref().unwrap_or_default();
            let message = format!("spec.path is `{path}`, which leads out of the source");
            End::stalled(Reason::BuildFailed, message)
        }
        (Ok(()), Some(artifact), Some(folder)) => {
            let is_new = is_new(&before, &subject);
            if is_new {
                let began = End::began(format!("Applying revision {}", artifact.revision));
                let metadata = &object.metadata;
                before = context.teller.deployment(metadata, &before, &subject, &began).await;
            }
            let what = What { object, artifact, folder, subject: &subject, is_new };
            within_time(context, &what, &mut before, memory, turn).await
        }
    };
    // Whoever stopped it has news, which the next run tells.
    memory.status = Some(if end.outcome == Outcome::Cancelled {
        before
    } else {
        context.teller.deployment(&object.metadata, &before, &subject, &end).await
    });
    end
}

/// What is deployed.
struct What<'a> {
    object: &'a OsmDeployment,
    artifact: &'a Artifact,
    folder: TreePath,
    subject: &'a Subject,
    is_new: bool,
}

/// Whether OSM is to be rid of what it made before it may go.
fn is_to_be_removed(object: &OsmDeployment) -> bool {
    object.spec.deletion_policy == DeletionPolicy::Delete
}

/// Whether this was never tried. To be asked for another look makes nothing less ready.
fn is_new(status: &OsmDeploymentStatus, subject: &Subject) -> bool {
    status.observed_generation != subject.generation
        || status.last_attempted_revision != subject.revision
}

/// Whether these very files were applied.
fn was_applied(status: &OsmDeploymentStatus, subject: &Subject) -> bool {
    subject.files.is_some() && status.last_applied_files == subject.files
}

/// Whether an earlier process did all that there is to do, and OSM is not to be looked at again.
fn is_finished(object: &OsmDeployment, status: &OsmDeploymentStatus, subject: &Subject) -> bool {
    object.spec.drift == DriftMode::Disabled
        && object.is_ready()
        && was_applied(status, subject)
        && !is_new(status, subject)
        && status.last_handled_reconcile_at == subject.requested_at
}

/// Stops between two requests when the time that one run may take is over.
async fn within_time(
    context: &Context,
    what: &What<'_>,
    status: &mut OsmDeploymentStatus,
    memory: &mut Memory,
    turn: &Turn,
) -> End {
    let Some(limit) = what.object.timeout() else {
        return deploy(context, what, status, memory, turn).await.unwrap_or_else(|end| end);
    };
    let limited = Turn { due: turn.due, stop: turn.stop.child_token() };
    let mut deploying = std::pin::pin!(deploy(context, what, status, memory, &limited));
    let ended = tokio::select! {
        biased;
        ended = &mut deploying => ended,
        () = sleep(limit) => {
            limited.stop.cancel();
            deploying.await
        }
    };
    let end = ended.unwrap_or_else(|end| end);
    if end.outcome == Outcome::Cancelled && !turn.stop.is_cancelled() {
        End { changes: end.changes, ..End::timed_out(limit) }
    } else {
        end
    }
}

async fn deploy(
    context: &Context,
    what: &What<'_>,
    status: &mut OsmDeploymentStatus,
    memory: &mut Memory,
    turn: &Turn,
) -> Result<End, End> {
    if let Some(end) = look_first(memory).await {
        return Ok(end);
    }
    let What { object, artifact, folder, subject, is_new } = what;
    let connection = of_secret(&context.client, &secret_name(object)).await?;
    let files = fetched(context, artifact, folder, &turn.stop).await?;
    let mut read = read(files, artifact).await?;
    claim(&mut read.revision, object);
    claim_drift(&mut read.revision, object, was_applied(status, subject));
    let revision = &read.revision;
    memory.announce(revision);
    if object.spec.mode == Mode::Plan {
        return plan(context, revision, &connection, memory, turn).await;
    }
    if !revision.desired.is_empty() {
        // Before anything is made that bears the mark: what must be removed once is known by it.
        let (metadata, owner) = (&object.metadata, revision.desired.owner.as_ref());
        *status = context.teller.before_sending(metadata, status, subject, owner).await?;
    }
    let was_taken_on = !is_new && status.last_applied_revision == subject.revision;
    let tell = |report: &PassReport, pause| {
        let end = End::of_pass(report, &revision.desired, pause);
        if object.spec.wait {
            end
        } else {
            end.without_waiting(report, &revision.desired, was_taken_on)
        }
    };
    let mut end = apply(context, revision, &connection, tell, memory, turn).await?;
    if object.spec.drift == DriftMode::Disabled
        && matches!(end.standing, Standing::Converged { .. })
    {
        end.outcome = Outcome::Finished;
    }
    Ok(end)
}
