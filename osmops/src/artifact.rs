//! A folder or an artifact → the files of one revision.
//!
//! In: a folder, or a `.tar.gz` as Flux's source-controller makes it, from disk or over HTTP. Out: a [`Tree`]
//! and a name for the revision. Invariant: an archive is unpacked into a folder of its own, which goes away with the
//! [`Artifact`]; nothing outside it is written.

mod digest;
mod fetch;
mod unpack;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::ids::{RevisionName, TextError};
use crate::tree::{Tree, TreeError};

pub use digest::{BadDigest, FileDigest};
pub use fetch::{FetchError, FetchLimits, Remote, fetch};
pub use unpack::UnpackError;

/// The files of one revision. Keep it as long as they are needed.
#[derive(Debug)]
pub struct Artifact {
    /// Its files.
    pub tree: Tree,
    /// The folder on disk that holds them.
    pub root: PathBuf,
    /// What to call it: the folder's name, or the archive's name and digest.
    pub revision: RevisionName,
    _unpacked: Option<TempDir>,
}

/// Why a path gives no files.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Neither a folder nor a file, or unreadable; the cause names it.
    #[error("cannot read the repository")]
    Unreadable(#[source] io::Error),
    /// A file that is no folder and no `.tar.gz`.
    #[error("`{path}` is neither a folder nor a `.tar.gz` archive")]
    NotAnArtifact {
        /// Which.
        path: PathBuf,
    },
    /// An archive that cannot be unpacked, or must not be.
    #[error("cannot unpack `{name}`")]
    BadArchive {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: UnpackError,
    },
    /// The unpacked files or the folder cannot be listed.
    #[error(transparent)]
    BadTree(#[from] TreeError),
    /// The folder's or archive's name can be no revision's name.
    #[error("`{name}` cannot be a revision's name")]
    BadName {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: TextError,
    },
}

impl Artifact {
    /// Opens a folder or a `.tar.gz`.
    ///
    /// # Errors
    /// [`ArtifactError`], naming the path.
    pub fn open(path: &Path) -> Result<Self, ArtifactError> {
        let path = fs_err::canonicalize(path).map_err(ArtifactError::Unreadable)?;
        let name = path.file_name().map_or("root".to_owned(), |n| n.to_string_lossy().into_owned());
        if path.is_dir() {
            let tree = Tree::read_folder(&path)?;
            let revision = revision_name(&name)?;
            return Ok(Self { tree, root: path, revision, _unpacked: None });
        }
        if !(name.ends_with(".tar.gz") || name.ends_with(".tgz")) {
            return Err(ArtifactError::NotAnArtifact { path });
        }
        let file = fs_err::File::open(&path).map_err(ArtifactError::Unreadable)?;
        Self::from_archive(file, &name)
    }

    /// Unpacks a `.tar.gz` that is read from somewhere, as standard input; `name` is what messages and
    /// the revision call it.
    ///
    /// # Errors
    /// [`ArtifactError::BadArchive`], when it is none or must not be unpacked.
    pub fn from_archive(reader: impl Read, name: &str) -> Result<Self, ArtifactError> {
        let mut hashing = Hashing { reader, digest: Sha256::new() };
        let (tree, folder) = unpacked(&mut hashing, name)?;
        let digest = hex::encode(hashing.digest.finalize());
        let stem = name.trim_end_matches(".tgz").trim_end_matches(".tar.gz");
        let revision = revision_name(&format!("{stem}@sha256:{digest}"))?;
        let root = folder.path().to_path_buf();
        Ok(Self { tree, root, revision, _unpacked: Some(folder) })
    }

    /// Unpacks a `.tar.gz` whose bytes were checked and whose revision has a name of its own; `name` is
    /// what messages call the archive.
    ///
    /// # Errors
    /// [`ArtifactError::BadArchive`], when it is none or must not be unpacked.
    pub fn from_checked_archive(
        mut reader: impl Read,
        name: &str,
        revision: RevisionName,
    ) -> Result<Self, ArtifactError> {
        let (tree, folder) = unpacked(&mut reader, name)?;
        let root = folder.path().to_path_buf();
        Ok(Self { tree, root, revision, _unpacked: Some(folder) })
    }
}

/// Unpacks into a folder of its own.
fn unpacked(reader: &mut impl Read, name: &str) -> Result<(Tree, TempDir), ArtifactError> {
    let bad = |source| ArtifactError::BadArchive { name: name.to_owned(), source };
    let folder = TempDir::with_prefix("osmops-").map_err(ArtifactError::Unreadable)?;
    let skipped = unpack::unpack(reader, folder.path()).map_err(bad)?;
    let tree = Tree::read_folder(folder.path())?.with_skipped(skipped);
    let (files, folders) = tree.counts();
    let shown = folder.path().display();
    tracing::info!("Extracted tarball into {shown}: {files} files, {folders} dirs");
    Ok((tree, folder))
}

fn revision_name(name: &str) -> Result<RevisionName, ArtifactError> {
    RevisionName::new(name)
        .map_err(|source| ArtifactError::BadName { name: name.to_owned(), source })
}

/// Hashes what passes through.
struct Hashing<R> {
    reader: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.digest.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
