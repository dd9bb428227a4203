//! Folder → parsed files and every problem in them.
//!
//! In: a [`Tree`]. Out: a [`Repo`]: configuration, NS instance declarations, package folders, and all
//! [`RepoProblem`]s at once. Invariant: sends no request and writes nothing; a broken file never hides a
//! healthy one.

mod config;
mod connection;
mod dialect;
mod ops_file;
mod policy;
mod problem;
mod scan;
mod vnfs;

pub use config::{CONFIG_FILE, OpsConfig};
pub use connection::{ConnectionFile, read_connection_file};
pub(crate) use dialect::of_descriptor as descriptor_warnings;
pub use ops_file::NsDeclaration;
pub use policy::OperationPolicy;
pub use problem::{RepoProblem, RepoWarning};
pub use scan::PACKAGES_FOLDER;
pub(crate) use scan::read_documents;
pub use vnfs::KduDeclaration;

use crate::secret::SecretNames;
use crate::tree::{Tree, TreePath};

/// What one revision's files say, before anything is looked up.
#[derive(Debug, Default)]
pub struct Repo {
    /// `osm_ops_config.yaml`; absent when it is missing or has a mistake, and then nothing of the rest may
    /// be applied: it was read, if at all, for its problems.
    pub config: Option<OpsConfig>,
    /// Every healthy NS instance declaration, in the order of files and documents.
    pub instances: Vec<NsDeclaration>,
    /// Every operations file that was read, healthy or not.
    pub ops_files: Vec<TreePath>,
    /// Every folder directly below `osm-pkgs`.
    pub package_folders: Vec<TreePath>,
    /// Everything that is wrong.
    pub problems: Vec<RepoProblem>,
    /// What deserves a look but stops nothing.
    pub warnings: Vec<RepoWarning>,
}

impl Repo {
    /// Reads the configuration and, when it tells where they are, every file that it points at.
    pub fn read(tree: &Tree) -> Self {
        let mut repo = Self::default();
        let (config, problems) = match config::read(tree) {
            Ok(read) => read,
            Err(problems) => {
                repo.problems = problems;
                return repo;
            }
        };
        let is_healthy = problems.is_empty();
        repo.problems = problems;
        let found = scan::scan(tree, &config);
        repo.warnings = found.warnings;
        let names = SecretNames::with(config.secret_params.iter().map(String::as_str));
        for path in &found.ops_files {
            let read = ops_file::read(tree, path, &names);
            repo.instances.extend(read.declarations);
            repo.problems.extend(read.problems);
            repo.warnings.extend(read.warnings);
        }
        repo.ops_files = found.ops_files;
        repo.package_folders = found.package_folders;
        repo.config = is_healthy.then_some(config);
        repo
    }
}
