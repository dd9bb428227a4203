//! What is in the files of a package that another tool uploaded.

use std::io::{BufReader, Seek};

use crate::nbi::{Nbi, NbiError};
use crate::observed::{Content, ObservedPackage};
use crate::package::read_content;

/// Downloads a package's files, once a session for each of its changes, and hashes them. They are kept in a
/// temporary file meanwhile, never in memory.
pub(super) async fn read(nbi: &Nbi, package: &ObservedPackage) -> Result<Content, NbiError> {
    let mut known = nbi.package_contents().lock().await;
    if let Some((modified, content)) = known.get(&package.record)
        && *modified == package.modified
    {
        return Ok(content.clone());
    }
    let content = download(nbi, package).await?;
    if matches!(content, Content::Files(_)) {
        known.insert(package.record.clone(), (package.modified, content.clone()));
    }
    Ok(content)
}

async fn download(nbi: &Nbi, package: &ObservedPackage) -> Result<Content, NbiError> {
    let record = &package.record;
    let Ok(mut file) = tempfile::tempfile() else {
        tracing::warn!(%record, "no place for a temporary file, so its files are not compared");
        return Ok(Content::Strange);
    };
    match nbi.download_package(package.kind, record, &mut file).await {
        Ok(()) => {}
        Err(error) if error.is_no_answer() => return Err(error),
        // One package whose stored files OSM cannot give must not stop the others; an upload repairs it.
        Err(error) => {
            tracing::warn!(%record, %error, "its files cannot be compared");
            return Ok(Content::Strange);
        }
    }
    let digest = match file.rewind() {
        Ok(()) => read_content(BufReader::new(file)),
        Err(error) => Err(crate::package::ContentError::Unreadable(error)),
    };
    Ok(match digest {
        Ok(digest) => Content::Files(digest),
        Err(error) => {
            tracing::debug!(%record, %error, "no package of a repository");
            Content::Strange
        }
    })
}
