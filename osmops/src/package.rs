//! Package folder → named, typed, hashed OSM package.
//!
//! In: a folder of the tree. Out: a [`Package`]: what its descriptor says, its files, and a digest of
//! them all. Invariant: two folders with equal files give equal digests and equal archives, byte for byte.

mod archive;
mod content;
mod descriptor;
mod descriptor_body;
mod tree_digest;
mod upload_name;

pub use archive::{Archive, ArchiveChunks, ArchiveError};
pub use content::{Content, ContentError, read_content};
pub use descriptor::{Descriptor, Member};
pub use descriptor_body::DescriptorBody;
pub use tree_digest::TreeDigest;
pub use upload_name::UploadName;

use std::io::Read;

use md5::{Digest, Md5};

use tree_digest::TreeHasher;

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
        let mut digest = TreeHasher::default();
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
        let digest = digest.finish();
        Ok(Self { folder: folder.clone(), descriptor, files, digest })
    }

    /// The name of the folder, and of the archive's top folder.
    pub fn name(&self) -> &str {
        self.folder.file_name()
    }
}

/// Reads one file once: its MD5, and its part in the digest of the tree.
fn hash_file(file: &TreeFile, path: &str, digest: &mut TreeHasher) -> std::io::Result<PackageFile> {
    let mut md5 = Md5::new();
    let mut reader = file.open()?;
    digest.add(path, file.is_executable(), &mut |buffer| {
        let read = reader.read(buffer)?;
        md5.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    })?;
    Ok(PackageFile { path: path.to_owned(), file: file.clone(), md5: md5.finalize().into() })
}
