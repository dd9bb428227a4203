//! Which files and package folders are ours.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreeFile, TreePath};
use crate::yaml::{Node, parse_documents};

use super::config::{CONFIG_FILE, OpsConfig};
use super::problem::{RepoProblem, RepoWarning};

/// The folder under `targetDir` that holds one folder per package.
pub const PACKAGES_FOLDER: &str = "osm-pkgs";

/// The largest file that is read as YAML; the largest real descriptor known is below 200 kB.
const YAML_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the target folder holds.
pub(super) struct Found {
    pub(super) ops_files: Vec<TreePath>,
    pub(super) package_folders: Vec<TreePath>,
    pub(super) warnings: Vec<RepoWarning>,
}

/// Finds operations files (recursively, outside `osm-pkgs`) and package folders.
pub(super) fn scan(tree: &Tree, config: &OpsConfig) -> Found {
    let packages = config.target_dir.join(PACKAGES_FOLDER);
    let mut ops_files = Vec::new();
    let mut package_folders = BTreeSet::new();
    let mut warnings = Vec::new();
    for (path, _) in tree.files_below(&config.target_dir) {
        if let Some(inside) = path.below(&packages) {
            if let Some((folder, _)) = inside.split_once('/') {
                package_folders.insert(packages.join(folder));
            } else {
                warnings.push(RepoWarning::OutsidePackages { path: path.clone() });
            }
            continue;
        }
        let name = path.file_name().to_lowercase();
        let is_ours = config.file_extensions.iter().any(|suffix| name.ends_with(suffix));
        if is_ours && path.as_str() != CONFIG_FILE {
            ops_files.push(path.clone());
        }
    }
    let skipped = tree.skipped().iter().filter(|path| path.below(&config.target_dir).is_some());
    warnings.extend(skipped.map(|path| RepoWarning::NotARegularFile { path: path.clone() }));
    if ops_files.is_empty() && package_folders.is_empty() {
        warnings.push(RepoWarning::NothingDeclared {
            folder: config.target_dir.clone(),
            suffixes: config.file_extensions.clone(),
        });
    }
    Found { ops_files, package_folders: package_folders.into_iter().collect(), warnings }
}

/// Reads a YAML file of the tree into its documents.
pub(crate) fn read_documents(
    tree: &Tree,
    path: &TreePath,
) -> Result<(Arc<TreePath>, Vec<Node>), RepoProblem> {
    let unreadable =
        |reason: String| RepoProblem::Unreadable { at: SourcePos::whole(path.clone()), reason };
    let file = tree.file(path).ok_or_else(|| unreadable("no such file".to_owned()))?;
    let text = read_text(file).map_err(unreadable)?;
    let shared = Arc::new(path.clone());
    let documents =
        parse_documents(&text).map_err(|error| RepoProblem::from_yaml(&shared, error))?;
    Ok((shared, documents))
}

fn read_text(file: &TreeFile) -> Result<String, String> {
    if file.size_bytes() > YAML_BYTES_MAX {
        let size = file.size_bytes();
        return Err(format!(
            "has {size} bytes, more than the {YAML_BYTES_MAX} of a YAML file here"
        ));
    }
    let mut content = Vec::new();
    let reader = file.open().map_err(|error| error.to_string())?;
    reader.take(YAML_BYTES_MAX).read_to_end(&mut content).map_err(|error| error.to_string())?;
    let text = String::from_utf8(content).map_err(|_| "is not UTF-8 text".to_owned())?;
    // Editors of one vendor begin UTF-8 files with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yaml_file_may_be_as_large_as_is_told_and_no_larger() {
        let text = |size: u64| {
            let content = " ".repeat(usize::try_from(size).unwrap());
            read_text(&TreeFile::in_memory(content, false))
        };
        assert_eq!(text(YAML_BYTES_MAX).map(|text| text.len() as u64), Ok(YAML_BYTES_MAX));
        let refused = text(YAML_BYTES_MAX + 1).unwrap_err();
        assert_eq!(refused, "has 4194305 bytes, more than the 4194304 of a YAML file here");
    }
}
