//! A run over a GitRepository that is reconciled by itself.

use crate::operator::conditions::Subject;
use crate::operator::connection::of_repository;
use crate::operator::driver::Outcome;
use crate::operator::end::{End, Reason};
use crate::operator::flux::{self, Source};
use crate::reconcile::FIRST_LOOK;
use crate::repo::CONFIG_FILE;
use crate::report::PassReport;
use crate::tree::TreePath;

use super::files::{fetched, read};
use super::passes::{apply, look_first};
use super::{Context, Memory, Turn};

/// A run over a GitRepository; `None` when it is no repository of ours.
pub(super) async fn run(
    context: &Context,
    source: &Source,
    memory: &mut Memory,
    turn: &Turn,
) -> Option<End> {
    let artifact = source.artifact.as_ref()?;
    let subject = Subject {
        generation: None,
        revision: Some(artifact.revision.clone()),
        requested_at: source.requested_at.clone(),
        ..Subject::default()
    };
    memory.is_about(Some(source.uid.clone()), &subject);
    let end = match reconcile_repository(context, artifact, memory, turn).await {
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
    turn: &Turn,
) -> Result<Option<End>, End> {
    if let Some(end) = look_first(memory).await {
        return Ok(Some(end));
    }
    let files = fetched(context, artifact, &TreePath::root(), &turn.stop).await?;
    if files.tree.file(&TreePath::root().join(CONFIG_FILE)).is_none() {
        tracing::debug!("no {CONFIG_FILE}: not a repository of OSM's");
        return Ok(None);
    }
    let read = read(files, artifact).await?;
    let revision = &read.revision;
    memory.announce(revision);
    if revision.desired.is_empty() {
        let report = PassReport::without_osm(revision);
        return Ok(Some(End::of_pass(&report, &revision.desired, FIRST_LOOK)));
    }
    let tree = &read.files.tree;
    let connection = of_repository(revision.config.as_ref(), tree, &context.connection_dir)
        .map_err(|message| End::stalled(Reason::AuthenticationFailed, message))?;
    let tell = |report: &PassReport, pause| End::of_pass(report, &revision.desired, pause);
    apply(context, revision, &connection, tell, memory, turn).await.map(Some)
}
