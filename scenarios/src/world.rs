//! Everything that a scenario needs besides a target, read before it starts.
//!
//! In: a [`Script`]. Out: a [`World`]: the tree of every tag, and every given package as an archive.
//! Invariant: afterwards no file is opened; the simulation lives from memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use osmops::tree::{Tree, TreeError, TreePath};

use crate::repository::{Checkout, Repository, RepositoryError, content};
use crate::script::{Script, Source};
use crate::step::{Given, Placed};

/// A scenario with all its files.
#[derive(Debug, Clone)]
pub struct World {
    /// What is to be done.
    pub script: Script,
    /// Every tag.
    pub checkouts: Vec<Checkout>,
    packages: BTreeMap<String, PackageArchive>,
}

/// A package as another tool would upload it.
#[derive(Debug, Clone)]
pub struct PackageArchive {
    /// The name that the tool gives.
    pub file_name: String,
    /// VNFD or NSD, by the descriptor on top.
    pub is_nsd: bool,
    /// The descriptor's id.
    pub id: String,
    /// The `.tar.gz`.
    pub bytes: Vec<u8>,
}

/// Why a scenario's files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The repository cannot be opened.
    #[error("{file}:{line}: the repository cannot be read", file = .file.display())]
    Repository {
        /// The scenario file.
        file: PathBuf,
        /// Where it is named.
        line: u32,
        /// Why.
        #[source]
        source: RepositoryError,
    },
    /// A tag cannot be read.
    #[error("{file}:{line}: the tag `{tag}` cannot be read", file = .file.display())]
    Tag {
        /// The scenario file.
        file: PathBuf,
        /// The first step that names it.
        line: u32,
        /// The tag.
        tag: String,
        /// Why.
        #[source]
        source: RepositoryError,
    },
    /// A given package cannot be read.
    #[error("{file}:{line}: the package `{folder}` cannot be read", file = .file.display())]
    Package {
        /// The scenario file.
        file: PathBuf,
        /// Where it is given.
        line: u32,
        /// The folder, as written.
        folder: String,
        /// Why.
        #[source]
        source: PackageError,
    },
    /// The scenario does not exist for the public demo repository.
    #[error("{file}: not for the public demo repository (`repository.upstream` is not set)", file = .file.display())]
    NotUpstream {
        /// The scenario file.
        file: PathBuf,
    },
}

/// Why a folder is no package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file of it cannot be read or packed.
    #[error("cannot pack it")]
    Io(#[from] io::Error),
    /// It has no descriptor.
    #[error("no `.yaml` file directly in it has `vnfd` or `nsd` on top")]
    NoDescriptor,
}

impl World {
    /// Reads everything that `script` names. With `upstream`, its tags are read from that folder, which
    /// holds the trees of the public demo repository, instead of the script's own.
    ///
    /// # Errors
    /// [`WorldError`], naming the scenario file.
    pub fn read(script: Script, upstream: Option<&Path>) -> Result<Self, WorldError> {
        let file = || script.file.clone();
        let line = script.repository.line;
        let repository = match (upstream, &script.repository.value) {
            (Some(_), _) if !script.is_upstream => {
                return Err(WorldError::NotUpstream { file: file() });
            }
            (Some(folder), _) => Ok(Repository::trees(folder.to_owned())),
            (None, Source::Trees(path)) => Ok(Repository::trees(script.beside(path))),
            (None, Source::Git(place)) if is_url(place) => Repository::cloned(place),
            (None, Source::Git(place)) => Repository::git(&script.beside(place)),
        };
        let repository =
            repository.map_err(|source| WorldError::Repository { file: file(), line, source })?;
        let mut checkouts = Vec::new();
        for Placed { line, value: tag } in script.tags() {
            checkouts.push(repository.read(tag).map_err(|source| {
                let tag = tag.to_owned();
                WorldError::Tag { file: file(), line, tag, source }
            })?);
        }
        let mut packages = BTreeMap::new();
        for given in &script.given {
            if let Given::Package { folder } = &given.value {
                let archive = PackageArchive::read(&script.beside(folder)).map_err(|source| {
                    let (line, folder) = (given.line, folder.clone());
                    WorldError::Package { file: file(), line, folder, source }
                })?;
                packages.insert(folder.clone(), archive);
            }
        }
        Ok(Self { script, checkouts, packages })
    }

    /// The files of a tag of the script.
    pub fn checkout(&self, tag: &str) -> &Checkout {
        let found = self.checkouts.iter().find(|checkout| checkout.tag.as_str() == tag);
        found.expect("every tag of the script was read")
    }

    /// A package of the script's givens.
    pub fn package(&self, folder: &str) -> &PackageArchive {
        let found = self.packages.get(folder);
        found.expect("every given package was read")
    }
}

/// Whether `place` is to be cloned, as `https://…` or `git@host:path`.
fn is_url(place: &str) -> bool {
    place.contains("://") || place.split_once(':').is_some_and(|(host, _)| host.contains('@'))
}

impl PackageArchive {
    fn read(folder: &Path) -> Result<Self, PackageError> {
        let tree = Tree::read_folder(folder)?;
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let (is_nsd, id) = descriptor(&tree)?.ok_or(PackageError::NoDescriptor)?;
        let gzip = GzBuilder::new().write(Vec::new(), Compression::default());
        let mut builder = tar::Builder::new(gzip);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        header.set_cksum();
        builder.append_data(&mut header, format!("{name}/"), io::empty())?;
        for (path, file) in tree.files_below(&TreePath::root()) {
            let bytes = content(file)?;
            let mut header = tar::Header::new_gnu();
            header.set_mode(if file.is_executable() { 0o755 } else { 0o644 });
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, format!("{name}/{path}"), bytes.as_slice())?;
        }
        Ok(Self {
            file_name: format!("{name}.tar.gz"),
            is_nsd,
            id,
            bytes: builder.into_inner()?.finish()?,
        })
    }
}

/// Whether the package's descriptor is an NSD, and its id.
fn descriptor(tree: &Tree) -> Result<Option<(bool, String)>, io::Error> {
    for (path, file) in tree.files_below(&TreePath::root()) {
        if path.as_str().contains('/') || !path.as_str().ends_with(".yaml") {
            continue;
        }
        let text = String::from_utf8_lossy(&content(file)?).into_owned();
        let documents = osmops::yaml::parse_documents(&text).map_err(io::Error::other)?;
        let Some(document) = documents.first() else {
            continue;
        };
        let id = |node: &osmops::yaml::Node| node.entry("id")?.scalar_text().map(str::to_owned);
        if let Some(id) = document.entry("vnfd").and_then(id) {
            return Ok(Some((false, id)));
        }
        let nsd = document.entry("nsd").and_then(|envelope| envelope.entry("nsd"));
        if let Some(id) = nsd.and_then(|list| list.items().first()).and_then(id) {
            return Ok(Some((true, id)));
        }
    }
    Ok(None)
}
