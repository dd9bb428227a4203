//! Package folder → named, typed, hashed OSM package.
//!
//! In: a folder of the tree. Out: a [`Package`]: what its descriptor says, its files, and a digest of
//! them all. Invariant: two folders with equal files give equal digests and equal archives, byte for byte.

mod archive;
mod descriptor;
mod upload_name;

pub use archive::{Archive, ArchiveChunks, ArchiveError};
pub use descriptor::{Descriptor, Member};
pub use upload_name::{TreeDigest, UploadName};

use std::io::Read;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::repo::RepoProblem;
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreeFile, TreePath};

/// Generated for every archive; one that stands in the folder is left out as stale.
const CHECKSUMS_FILE: &str = "checksums.txt";

/// One OSM package as the repository has it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its folder, whose last part is the top folder of the archive.
    pub folder: TreePath,
    /// What the descriptor says.
    pub descriptor: Descriptor,
    /// Every file, in the order of their paths.
    pub files: Vec<PackageFile>,
    /// Stands for all files: their paths, contents and executable bits.
    pub digest: TreeDigest,
}

/// One file of a package.
#[derive(Debug, Clone)]
pub struct PackageFile {
    /// Relative to the package's folder.
    pub path: String,
    /// Its content.
    pub file: TreeFile,
    /// MD5 of the content, for `checksums.txt`.
    pub md5: [u8; 16],
}

impl Package {
    /// Reads the package in `folder`: its descriptor, and every file once to hash it.
    ///
    /// # Errors
    /// Every problem of its descriptor at once, or the first file that cannot be read.
    pub fn read(tree: &Tree, folder: &TreePath) -> Result<Self, Vec<RepoProblem>> {
        let descriptor = descriptor::read(tree, folder)?;
        let mut files = Vec::new();
        let mut digest = Sha256::new();
        for (path, file) in tree.files_below(folder) {
            let inside = path.below(folder).unwrap_or_default();
            if inside == CHECKSUMS_FILE {
                continue;
            }
            let hashed = hash_file(file, inside, &mut digest).map_err(|error| {
                let at = SourcePos::whole(path.clone());
                vec![RepoProblem::Unreadable { at, reason: error.to_string() }]
            })?;
            files.push(hashed);
        }
        let digest = TreeDigest::from_sha256(digest.finalize().into());
        Ok(Self { folder: folder.clone(), descriptor, files, digest })
    }

    /// The name of the folder, and of the archive's top folder.
    pub fn name(&self) -> &str {
        self.folder.file_name()
    }
}

/// Hashes one file, alone and into the digest of its tree. Lengths are hashed with names and contents,
/// so that no two different trees give the same input.
fn hash_file(file: &TreeFile, path: &str, digest: &mut Sha256) -> std::io::Result<PackageFile> {
    digest.update((path.len() as u64).to_be_bytes());
    digest.update(path.as_bytes());
    digest.update([u8::from(file.is_executable())]);
    digest.update(file.size_bytes().to_be_bytes());
    let mut md5 = Md5::new();
    let mut reader = file.open()?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let chunk = buffer.get(..read).unwrap_or_default();
        md5.update(chunk);
        digest.update(chunk);
    }
    Ok(PackageFile { path: path.to_owned(), file: file.clone(), md5: md5.finalize().into() })
}
