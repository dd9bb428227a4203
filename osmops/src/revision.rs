//! One revision, read whole: what it asks for, the files to upload, and everything wrong with it.
//!
//! In: a [`Tree`]. Out: a [`Revision`], the input of every pass over it. Invariant: sends no request.

use std::collections::BTreeMap;

use crate::desired::{self, DesiredState, PackageKey};
use crate::ids::RevisionName;
use crate::package::Package;
use crate::repo::{OpsConfig, Repo, RepoProblem, RepoWarning};
use crate::tree::{Tree, TreePath};

/// Everything that a pass needs to know of one state of a repository.
#[derive(Debug)]
pub struct Revision {
    /// What the source calls it.
    pub name: RevisionName,
    /// `osm_ops_config.yaml`, unless it is missing or broken.
    pub config: Option<OpsConfig>,
    /// What OSM shall have, as far as it is healthy.
    pub desired: DesiredState,
    /// The files of every declared package.
    pub packages: BTreeMap<PackageKey, Package>,
    /// Everything that is wrong, in the order of files and lines.
    pub problems: Vec<RepoProblem>,
    /// What deserves a look.
    pub warnings: Vec<RepoWarning>,
    /// Every package folder that was read.
    pub package_folders: Vec<TreePath>,
    /// Every operations file that was read.
    pub ops_files: Vec<TreePath>,
}

impl Revision {
    /// Reads configuration, packages and declarations, and resolves what they say of each other.
    pub fn read(tree: &Tree, name: RevisionName) -> Self {
        let Repo { config, instances, ops_files, package_folders, mut problems, mut warnings } =
            Repo::read(tree);
        let mut packages = Vec::new();
        for folder in &package_folders {
            match Package::read(tree, folder) {
                Ok(package) => packages.push(package),
                Err(found) => problems.extend(found),
            }
        }
        let (mut desired, found, doubts) = desired::resolve(config.as_ref(), &instances, &packages);
        if config.is_none() {
            desired = DesiredState::default();
        }
        problems.extend(found);
        let left_out =
            |warning: &RepoWarning| matches!(warning, RepoWarning::NotARegularFile { .. });
        desired.is_complete = problems.is_empty() && !warnings.iter().any(left_out);
        warnings.extend(doubts);
        problems.sort_by_key(RepoProblem::at);
        let key = |package: &Package| PackageKey {
            kind: package.descriptor.kind,
            id: package.descriptor.id.0.clone(),
        };
        let packages = packages.into_iter().map(|package| (key(&package), package)).collect();
        Self { name, config, desired, packages, problems, warnings, package_folders, ops_files }
    }

    /// Logs which revision it is, and every package and file of it.
    pub fn announce(&self) {
        tracing::info!(revision = %self.name, "New revision detected");
        for folder in &self.package_folders {
            tracing::info!("osm package" = %folder, "processing");
        }
        for file in &self.ops_files {
            tracing::info!(file = %file, "processing");
        }
    }
}
