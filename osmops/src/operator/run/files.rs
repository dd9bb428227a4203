//! A revision's files: fetched, checked, unpacked and read.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::artifact::{Artifact, FetchError, Remote, fetch};
use crate::failure::chain;
use crate::ids::RevisionName;
use crate::operator::end::{End, Reason};
use crate::operator::flux;
use crate::revision::Revision;
use crate::tree::{Tree, TreePath};

use super::Context;

/// How soon to ask again for an artifact that is gone: by then the source has told of a newer one.
///
/// Source: Flux keeps an artifact for a minute after the next one came.
const ARTIFACT_AGAIN: Duration = Duration::from_secs(30);

/// An artifact's files, from the folder that matters. They are gone with it.
pub(super) struct Files {
    _artifact: Artifact,
    pub(super) tree: Tree,
}

pub(super) async fn fetched(
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
        FetchError::TooLarge { .. } => {
            let message = format!("{message} (--artifact-bytes-max allows more)");
            End::stalled(Reason::ArtifactFailed, message)
        }
        error if error.may_pass() => End::failed(Reason::ArtifactFailed, message),
        _ => End::stalled(Reason::ArtifactFailed, message),
    }
}

/// A revision and the files that its packages are made of.
pub(super) struct Read {
    pub(super) files: Files,
    pub(super) revision: Revision,
}

pub(super) async fn read(files: Files, artifact: &flux::Artifact) -> Result<Read, End> {
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
