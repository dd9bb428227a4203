//! Revisions that are kept, by whoever goes back to them.

use osmops::revision::Revision;

/// The same once more.
pub fn copy(revision: &Revision) -> Revision {
    let Revision {
        name,
        config,
        desired,
        packages,
        problems,
        warnings,
        package_folders,
        ops_files,
    } = revision;
    Revision {
        name: name.clone(),
        config: config.clone(),
        desired: desired.clone(),
        packages: packages.clone(),
        problems: problems.clone(),
        warnings: warnings.clone(),
        package_folders: package_folders.clone(),
        ops_files: ops_files.clone(),
    }
}
