//! The digest of a package's files, from an archive that another tool packed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::tree::archive_path;

use super::tree_digest::TreeHasher;
use super::{CHECKSUMS_FILE, TreeDigest};

/// No package unpacks to more; a small archive that does is not meant well.
const UNPACKED_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// What is known of the files of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// Nobody needed to look.
    #[default]
    NotRead,
    /// They were read.
    Files(TreeDigest),
    /// They were read, and are no package that a repository may hold.
    Strange,
}

/// Why the files of an archive cannot be compared with those of a folder.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// No gzipped tar, or a broken one.
    #[error("no archive that can be read")]
    Unreadable(#[source] io::Error),
    /// It holds what no package folder of a repository holds.
    #[error("`{path}` is no file of a package")]
    Strange {
        /// The entry's name.
        path: String,
    },
}

/// Reads a `.tar.gz` as OSM takes it: the files below its top folder, but for `checksums.txt`.
///
/// # Errors
/// [`ContentError`]; such an archive is no folder of a repository, packed.
pub fn read_content(archive: impl Read) -> Result<TreeDigest, ContentError> {
    let unpacked = MultiGzDecoder::new(archive).take(UNPACKED_BYTES_MAX);
    let mut archive = tar::Archive::new(unpacked);
    let mut digest = TreeHasher::default();
    for entry in archive.entries().map_err(ContentError::Unreadable)? {
        let mut entry = entry.map_err(ContentError::Unreadable)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let strange = || ContentError::Strange { path: name.clone() };
        let path = archive_path(name.as_ref()).ok_or_else(strange)?;
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ => return Err(strange()),
        }
        let (_, inside) = path.as_str().split_once('/').ok_or_else(strange)?;
        if inside == CHECKSUMS_FILE {
            continue;
        }
        let mode = entry.header().mode().map_err(ContentError::Unreadable)?;
        digest
            .add(inside, mode & 0o100 != 0, &mut |buffer| entry.read(buffer))
            .map_err(ContentError::Unreadable)?;
    }
    Ok(digest.finish())
}
