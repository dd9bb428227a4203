//! A run over an OsmDeployment.

use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use crate::operator::claim::claim;
use crate::operator::cluster::secret_name;
use crate::operator::conditions::Subject;
use crate::operator::connection::of_secret;
use crate::operator::crd::{DeletionPolicy, Mode, OsmDeployment, OsmDeploymentStatus};
use crate::operator::driver::Outcome;
use crate::operator::end::{End, Reason};
use crate::operator::finalizer;
use crate::operator::flux::{self, REQUESTED_AT, Source};
use crate::tree::TreePath;

use super::files::{fetched, read};
use super::passes::{apply, look_first, plan};
use super::{Context, Memory};

/// Runs, and writes the status.
pub(super) async fn run(
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
    let kept = finalizer::set(&context.client, object, is_to_be_removed(object)).await;
    let end = match (kept, artifact) {
        (Err(end), _) => end,
        (Ok(()), None) => source.err().cloned().unwrap_or_else(|| {
            End::awaits(Reason::ArtifactFailed, "the source has no artifact yet")
        }),
        (Ok(()), Some(artifact)) => {
            if is_new(&before, &subject) {
                let began = End::began(format!("Applying revision {}", artifact.revision));
                before = context.teller.deployment(object, &before, &subject, &began).await;
            }
            let ended = deploy(context, object, artifact, &mut before, memory, stop).await;
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

/// Whether OSM is to be rid of what it made before it may go.
fn is_to_be_removed(object: &OsmDeployment) -> bool {
    object.spec.deletion_policy == DeletionPolicy::Delete
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
    status: &mut OsmDeploymentStatus,
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
    let revision = &read.revision;
    if object.spec.mode == Mode::Plan {
        return plan(context, revision, &connection).await;
    }
    if !revision.desired.is_empty() {
        // Before anything is made that bears the mark: what must be removed once is known by it.
        *status = context.teller.owner(object, status, revision.desired.owner.as_ref()).await?;
    }
    apply(context, revision, &connection, End::of_pass, memory, stop).await
}
