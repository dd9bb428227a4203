//! The tags of a scenario's repository, as trees in memory.
//!
//! In: a folder with a folder for each tag, or a Git repository. Out: a [`Checkout`] for each tag.
//! Invariant: everything is read before the scenario starts, so that running it opens no file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use osmops::tree::{Tree, TreeError, TreeFile, TreePath, archive_path};

/// The largest repository that is read, in bytes of a tar archive; a scenario's has kilobytes.
const ARCHIVE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One tag of the repository.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The tag.
    pub tag: String,
    /// Its files, in memory.
    pub tree: Tree,
    /// Where a person finds the same files.
    pub place: Place,
}

/// Where the files of a tag come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This folder.
    Folder(PathBuf),
    /// A tag of this Git repository: a path or a URL.
    Git(String),
}

/// Why a tag could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The folder has no folder of this name.
    #[error("no tag `{tag}` in `{folder}`: it has {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    NoSuchTag {
        /// The tag.
        tag: String,
        /// The folder of trees.
        folder: PathBuf,
        /// The tags that it has.
        known: Vec<String>,
    },
    /// A tag that is no single file name.
    #[error("`{tag}` cannot be a tag: no `..`, no blanks, no leading `-` or `/`")]
    BadTag {
        /// As written.
        tag: String,
    },
    /// A folder cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file or folder cannot be read; the cause names it.
    #[error("cannot read the repository of the scenario")]
    Unreadable(#[source] io::Error),
    /// The `git` program cannot be run.
    #[error("cannot run `git`; it is needed to read `{place}`")]
    NoGit {
        /// The repository.
        place: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `git` ran and failed.
    #[error("`git {command}` failed: {words}")]
    GitFailed {
        /// What it was asked.
        command: String,
        /// Its own words.
        words: String,
    },
    /// What `git archive` wrote cannot be used.
    #[error("cannot read what `git archive` gave for tag `{tag}`")]
    BadArchive {
        /// The tag.
        tag: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Reads `tags` from a folder that has a folder for each.
///
/// # Errors
/// [`RepositoryError::NoSuchTag`], or that something cannot be read.
pub fn read_trees(folder: &Path, tags: &[&str]) -> Result<Vec<Checkout>, RepositoryError> {
    let mut checkouts = Vec::new();
    for tag in tags {
        check_tag(tag)?;
        let path = folder.join(tag);
        if !path.is_dir() {
            return Err(no_such_tag(folder, tag));
        }
        let path = fs_err::canonicalize(&path).map_err(RepositoryError::Unreadable)?;
        checkouts.push(Checkout {
            tag: (*tag).to_owned(),
            tree: in_memory(&Tree::read_folder(&path)?)?,
            place: Place::Folder(path),
        });
    }
    Ok(checkouts)
}

/// Reads `tags` from a Git repository, whose `place` is a path, or a URL to clone.
///
/// # Errors
/// [`RepositoryError::NoGit`], [`RepositoryError::GitFailed`] with git's own words, or
/// [`RepositoryError::BadArchive`].
pub fn read_git(place: &str, tags: &[&str]) -> Result<Vec<Checkout>, RepositoryError> {
    let cloned =
        tempfile::TempDir::with_prefix("scenario-").map_err(RepositoryError::Unreadable)?;
    let mut folder = cloned.path().to_owned();
    let mut shown = place.to_owned();
    if Path::new(place).is_dir() {
        folder = fs_err::canonicalize(place).map_err(RepositoryError::Unreadable)?;
        shown = folder.to_string_lossy().into_owned();
    } else {
        let mut clone = git();
        clone.args(["clone", "--quiet", "--bare", "--", place]);
        output(place, "clone", clone.arg(&folder))?;
    }
    let mut checkouts = Vec::new();
    for tag in tags {
        check_tag(tag)?;
        let mut archive = git();
        archive.arg("-C").arg(&folder);
        archive.args(["archive", "--format=tar", &format!("refs/tags/{tag}")]);
        let bytes = output(place, &format!("archive {tag}"), &mut archive)?;
        let tree = read_archive(&bytes)
            .map_err(|source| RepositoryError::BadArchive { tag: (*tag).to_owned(), source })?;
        checkouts.push(Checkout { tag: (*tag).to_owned(), tree, place: Place::Git(shown.clone()) });
    }
    Ok(checkouts)
}

/// The whole content of a file.
///
/// # Errors
/// The operating system's, for files that are not in memory.
pub fn content(file: &TreeFile) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.open()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_tag(tag: &str) -> Result<(), RepositoryError> {
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || "\\:~^?*[".contains(c);
    if tag.is_empty()
        || tag.starts_with(['-', '/'])
        || tag.contains("..")
        || tag.contains(is_strange)
    {
        let tag = tag.to_owned();
        return Err(RepositoryError::BadTag { tag });
    }
    Ok(())
}

fn no_such_tag(folder: &Path, tag: &str) -> RepositoryError {
    let mut known = Vec::new();
    match fs_err::read_dir(folder) {
        Err(error) => return RepositoryError::Unreadable(error),
        Ok(entries) => {
            for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
                known.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    known.sort();
    RepositoryError::NoSuchTag { tag: tag.to_owned(), folder: folder.to_owned(), known }
}

/// The same tree, with every file's content read.
fn in_memory(tree: &Tree) -> Result<Tree, RepositoryError> {
    let root = TreePath::root();
    let mut files = Vec::new();
    for (path, file) in tree.files_below(&root) {
        let bytes = content(file).map_err(RepositoryError::Unreadable)?;
        let file = TreeFile::in_memory(bytes, file.is_executable());
        files.push((path.clone(), file));
    }
    Ok(Tree::from_files(files).with_skipped(tree.skipped().to_vec()))
}

/// `git`, untouched by a repository that we may be called from, and never asking anybody.
fn git() -> Command {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    command
}

fn output(place: &str, what: &str, command: &mut Command) -> Result<Vec<u8>, RepositoryError> {
    let output = command
        .output()
        .map_err(|source| RepositoryError::NoGit { place: place.to_owned(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(RepositoryError::GitFailed {
        command: what.to_owned(),
        words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

fn read_archive(bytes: &[u8]) -> io::Result<Tree> {
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    for entry in tar::Archive::new(bytes.take(ARCHIVE_BYTES_MAX)).entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind == tar::EntryType::XGlobalHeader {
            continue;
        }
        let path = archive_path(&entry.path()?)
            .ok_or_else(|| io::Error::other("a path that leaves the archive"))?;
        if !kind.is_file() {
            skipped.push(path);
            continue;
        }
        let is_executable = entry.header().mode()? & 0o100 != 0;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push((path, TreeFile::in_memory(content, is_executable)));
    }
    Ok(Tree::from_files(files).with_skipped(skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_git_or_the_file_system_would_read_otherwise_are_refused() {
        for tag in ["", "-x", "a/../b", "/etc", "a b", "a:b"] {
            assert!(check_tag(tag).is_err(), "{tag}");
        }
        for tag in ["test.0.0.7", "v5", "release/1.0"] {
            assert!(check_tag(tag).is_ok(), "{tag}");
        }
    }

    #[test]
    fn a_missing_tag_is_reported_with_those_that_there_are() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("v1")).unwrap();
        let error = read_trees(folder.path(), &["v2"]).unwrap_err().to_string();
        assert!(error.ends_with("it has v1"), "{error}");
    }
}
