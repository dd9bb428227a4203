//! What is in the files of a package that another tool uploaded.

use std::io::{BufReader, Seek};

use crate::nbi::{Nbi, NbiError};
use crate::observed::{Content, ObservedPackage};
use crate::package::{ContentError, TreeDigest, read_content};

#[expect(clippy::disallowed_types, reason = "it has no path that an error could name")]
type Unnamed = std::fs::File;

/// Downloads a package's files, once a session for each of its changes, and hashes them. They are kept in a
/// temporary file meanwhile, never in memory.
pub(super) async fn read(nbi: &Nbi, package: &ObservedPackage) -> Result<Content, NbiError> {
    let known = nbi.package_contents().lock().await.get(&package.record).cloned();
    if let Some((modified, content)) = known
        && modified == package.modified
    {
        return Ok(content);
    }
    // Others who share the session need not wait for this.
    let Some(file) = download(nbi, package).await? else { return Ok(Content::Strange) };
    let content = match hashed(file).await {
        Ok(digest) => Content::Files(digest),
        Err(error) => {
            tracing::debug!(record = %package.record, %error, "no package of a repository");
            Content::Strange
        }
    };
    let found = (package.modified, content.clone());
    nbi.package_contents().lock().await.insert(package.record.clone(), found);
    Ok(content)
}

/// How large an archive is read at once, in bytes. None unpacks to more than a thousand times its size, so that
/// it takes less than a second; a larger one must not keep others waiting.
const READ_AT_ONCE_BYTES_MAX: u64 = 64 * 1024;

async fn hashed(file: Unnamed) -> Result<TreeDigest, ContentError> {
    let size_bytes = file.metadata().map_err(ContentError::Unreadable)?.len();
    let reading = move || read_content(BufReader::new(file));
    if size_bytes <= READ_AT_ONCE_BYTES_MAX {
        return reading();
    }
    let read = tokio::task::spawn_blocking(reading).await;
    read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// A package's files, from their beginning. One whose stored files OSM cannot give must not stop the others,
/// because an upload repairs it; the next pass asks again.
async fn download(nbi: &Nbi, package: &ObservedPackage) -> Result<Option<Unnamed>, NbiError> {
    let record = &package.record;
    let Ok(mut file) = tempfile::tempfile() else {
        tracing::warn!(%record, "no place for a temporary file, so its files are not compared");
        return Ok(None);
    };
    match nbi.download_package(package.kind, record, &mut file).await {
        Ok(()) => {}
        Err(error) if error.is_no_answer() => return Err(error),
        Err(error) => {
            tracing::warn!(%record, %error, "its files cannot be compared");
            return Ok(None);
        }
    }
    match file.rewind() {
        Ok(()) => Ok(Some(file)),
        Err(error) => {
            tracing::warn!(%record, %error, "its files cannot be compared");
            Ok(None)
        }
    }
}
