//! `osmops pack`: one package as `.tar.gz`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use osmops::package::{ArchiveChunks, Package};
use osmops::tree::{Tree, TreePath};

use super::Exit;
use super::arguments::Pack;
use super::output;
use super::validate::counted;

pub(super) fn run(command: &Pack) -> anyhow::Result<Exit> {
    let folder = fs_err::canonicalize(&command.folder)?;
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| anyhow!("`{}` has no name", folder.display()))?;
    let root = TreePath::root().join(name);
    // The archive's paths begin with the folder's name, so the folder is read as if in its parent.
    let tree = Tree::read_folder(&folder)?.moved_below(&root);
    let package = match Package::read(&tree, &root) {
        Ok(package) => package,
        Err(problems) => {
            for problem in problems {
                output::error(&problem.to_string());
            }
            return Ok(Exit::Failed);
        }
    };
    let target = command.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.tar.gz")));
    if target != Path::new("-") && is_inside(&target, &folder)? {
        bail!(
            "`{}` would become a part of the package itself; name a place outside it with -o",
            target.display()
        );
    }
    let bytes = if target == Path::new("-") {
        write_archive(&package, &mut std::io::stdout().lock())?
    } else {
        write_file(&package, &target)?
    };
    let kind = package.descriptor.kind;
    output::note(&format!(
        "{}: {kind} {} {}, {}, {}, sha256 of its files {}",
        target.display(),
        package.descriptor.id.0,
        package.descriptor.version.as_deref().unwrap_or("without a version"),
        counted(package.files.len(), "file"),
        counted(bytes, "byte"),
        package.digest.as_str()
    ));
    Ok(Exit::Converged)
}

/// Whether a file to be written lies in `folder`, which is canonical.
fn is_inside(target: &Path, folder: &Path) -> anyhow::Result<bool> {
    Ok(fs_err::canonicalize(parent(target))?.starts_with(folder))
}

fn parent(target: &Path) -> &Path {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

/// Writes beside the target and renames, so that a half-written archive never bears its name.
fn write_file(package: &Package, target: &Path) -> anyhow::Result<usize> {
    let folder = parent(target);
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write into `{}`", folder.display()))?;
    let bytes = write_archive(package, file.as_file_mut())?;
    file.persist(target).with_context(|| format!("cannot write `{}`", target.display()))?;
    make_readable(target)?;
    Ok(bytes)
}

/// A temporary file is its owner's alone; an archive is as readable as other files.
#[cfg(unix)]
fn make_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

fn write_archive(package: &Package, target: &mut impl Write) -> anyhow::Result<usize> {
    let mut bytes = 0;
    for chunk in ArchiveChunks::new(package) {
        let chunk = chunk?;
        target.write_all(&chunk).context("cannot write the archive")?;
        bytes += chunk.len();
    }
    target.flush().context("cannot write the archive")?;
    Ok(bytes)
}
