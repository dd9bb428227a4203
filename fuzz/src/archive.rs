//! Any archive: unpacked inside its own folder or refused; a package in it has one digest, read either way.
//!
//! The input is a `.tar.gz`, or a tar that is gzipped here: of a changed gzip little more than its checksum
//! would be looked at.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use osmops::artifact::Artifact;
use osmops::package::{ArchiveChunks, Package, read_content};
use osmops::tree::{Tree, TreePath};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Unpacks an archive, and reads it as a package.
pub fn run(input: &[u8]) {
    let packed = if input.starts_with(&GZIP_MAGIC) { input.to_vec() } else { gzipped(input) };
    let content = read_content(packed.as_slice());
    let Ok(artifact) = Artifact::from_archive(packed.as_slice(), "fuzz.tar.gz") else {
        return;
    };
    check_folder(&artifact.root);
    let tree = &artifact.tree;
    let Some(package) = only_package(tree) else {
        return;
    };
    // Links and the like are left out when an archive is unpacked, and make a package's content strange.
    if let (Ok(digest), []) = (&content, tree.skipped()) {
        assert_eq!(*digest, package.digest, "read from the archive, and from its files");
    }
    assert_eq!(digest_of_packed(&package), package.digest.as_str(), "packed again");
}

/// The digest of what a package's archive holds.
pub(crate) fn digest_of_packed(package: &Package) -> String {
    let chunks = ArchiveChunks::new(package).map(|chunk| chunk.expect("files that can be read"));
    let packed: Vec<u8> = chunks.flatten().collect();
    read_content(packed.as_slice()).expect("an archive of ours").as_str().to_owned()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The package in the archive's only top folder, if there is one.
fn only_package(tree: &Tree) -> Option<Package> {
    let root = TreePath::root();
    let mut paths = tree.files_below(&root).map(|(path, _)| path.as_str());
    let (top, _) = paths.next()?.split_once('/')?;
    if paths.any(|path| path.split_once('/').is_none_or(|(other, _)| other != top)) {
        return None;
    }
    Package::read(tree, &TreePath::parse(top)?).ok()
}

/// Nothing but folders and files came of it.
fn check_folder(folder: &Path) {
    for entry in fs_err::read_dir(folder).expect("a folder of ours") {
        let entry = entry.expect("a folder of ours");
        let kind = entry.file_type().expect("a file of ours");
        assert!(kind.is_dir() || kind.is_file(), "{}", entry.path().display());
        if kind.is_dir() {
            check_folder(&entry.path());
        }
    }
}
