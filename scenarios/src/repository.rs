//! The tags of a scenario's repository, as trees in memory.
//!
//! In: a folder with a folder for each tag, or a Git repository. Out: a [`Checkout`] for each tag.
//! Invariant: everything is read before the scenario starts, so that running it opens no file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use osmops::ids::RevisionName;
use osmops::tree::{Tree, TreeError, TreeFile, TreePath, archive_path};
use tempfile::TempDir;

/// The largest repository that is read, in bytes of a tar archive; a scenario's has kilobytes.
const ARCHIVE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One tag of the repository.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The tag, as the name of a revision.
    pub tag: RevisionName,
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
    /// A tag of the Git repository in this folder.
    Git(PathBuf),
    /// A tag of the Git repository at this URL.
    Url(String),
}

/// A scenario's repository, ready to give its tags.
#[derive(Debug)]
pub struct Repository(Opened);

#[derive(Debug)]
enum Opened {
    /// A folder with a folder for each tag.
    Trees(PathBuf),
    /// A Git repository in `folder`, which is ours to remove when it was cloned.
    Git { folder: PathBuf, place: Place, _cloned: Option<TempDir> },
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
    /// A tag that git or the file system would read otherwise.
    #[error(
        "`{tag}` cannot be a tag: no `..`, no blanks, none of `\\:~^?*[`, no leading `-` or `/`"
    )]
    BadTag {
        /// As written.
        tag: String,
    },
    /// A folder cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file or folder cannot be read; the words name it.
    #[error(transparent)]
    Unreadable(io::Error),
    /// The `git` program cannot be run.
    #[error("cannot run `git`, which is needed to read a Git repository")]
    NoGit(#[source] io::Error),
    /// `git` ran and failed.
    #[error("`git {command}` failed: {words}")]
    GitFailed {
        /// What it was asked.
        command: String,
        /// Its own words.
        words: String,
    },
    /// `git archive` wrote more than a scenario's repository has.
    #[error("`git {command}` gives more than {ARCHIVE_BYTES_MAX} bytes")]
    TooLarge {
        /// What it was asked.
        command: String,
    },
    /// What `git archive` wrote cannot be used.
    #[error("cannot read what `git archive` gave")]
    BadArchive(#[source] io::Error),
}

impl Repository {
    /// The repository in `folder`, which has a folder for each tag.
    pub fn trees(folder: PathBuf) -> Self {
        Self(Opened::Trees(folder))
    }

    /// The Git repository in `folder`.
    ///
    /// # Errors
    /// [`RepositoryError::Unreadable`], as when there is no such folder.
    pub fn git(folder: &Path) -> Result<Self, RepositoryError> {
        let folder = fs_err::canonicalize(folder).map_err(RepositoryError::Unreadable)?;
        let place = Place::Git(folder.clone());
        Ok(Self(Opened::Git { folder, place, _cloned: None }))
    }

    /// The Git repository at `url`, cloned into a folder that is removed with this value.
    ///
    /// # Errors
    /// [`RepositoryError::NoGit`], or [`RepositoryError::GitFailed`] with git's own words.
    pub fn cloned(url: &str) -> Result<Self, RepositoryError> {
        let cloned = TempDir::with_prefix("scenario-").map_err(RepositoryError::Unreadable)?;
        let folder = cloned.path().to_owned();
        let mut clone = git();
        clone.args(["clone", "--quiet", "--bare", "--", url]).arg(&folder);
        output("clone", &mut clone)?;
        let place = Place::Url(url.to_owned());
        Ok(Self(Opened::Git { folder, place, _cloned: Some(cloned) }))
    }

    /// Reads all files of a tag into memory.
    ///
    /// # Errors
    /// [`RepositoryError`], as when there is no such tag.
    pub fn read(&self, tag: &str) -> Result<Checkout, RepositoryError> {
        let name = check_tag(tag)?;
        match &self.0 {
            Opened::Trees(folder) => {
                let path = folder.join(tag);
                if !path.is_dir() {
                    return Err(no_such_tag(folder, tag));
                }
                let path = fs_err::canonicalize(&path).map_err(RepositoryError::Unreadable)?;
                let tree = in_memory(&Tree::read_folder(&path)?)?;
                Ok(Checkout { tag: name, tree, place: Place::Folder(path) })
            }
            Opened::Git { folder, place, .. } => {
                let mut archive = git();
                archive.arg("-C").arg(folder);
                archive.args(["archive", "--format=tar", &format!("refs/tags/{tag}")]);
                let bytes = output(&format!("archive {tag}"), &mut archive)?;
                let tree = read_archive(&bytes).map_err(RepositoryError::BadArchive)?;
                Ok(Checkout { tag: name, tree, place: place.clone() })
            }
        }
    }
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

fn check_tag(tag: &str) -> Result<RevisionName, RepositoryError> {
    let bad = || RepositoryError::BadTag { tag: tag.to_owned() };
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || "\\:~^?*[".contains(c);
    if tag.starts_with(['-', '/']) || tag.contains("..") || tag.contains(is_strange) {
        return Err(bad());
    }
    RevisionName::new(tag).map_err(|_| bad())
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

/// What `git` writes to standard output, up to a limit.
fn output(what: &str, command: &mut Command) -> Result<Vec<u8>, RepositoryError> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(RepositoryError::NoGit)?;
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut limited = stdout.take(ARCHIVE_BYTES_MAX + 1);
        limited.read_to_end(&mut bytes).map_err(RepositoryError::NoGit)?;
    }
    // The pipe is closed by now, so a `git` that still writes ends as well.
    let output = child.wait_with_output().map_err(RepositoryError::NoGit)?;
    if bytes.len() as u64 > ARCHIVE_BYTES_MAX {
        return Err(RepositoryError::TooLarge { command: what.to_owned() });
    }
    if output.status.success() {
        return Ok(bytes);
    }
    Err(RepositoryError::GitFailed {
        command: what.to_owned(),
        words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

fn read_archive(bytes: &[u8]) -> io::Result<Tree> {
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    for entry in tar::Archive::new(bytes).entries()? {
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
        let repository = Repository::trees(folder.path().to_owned());
        let error = repository.read("v2").unwrap_err().to_string();
        assert!(error.ends_with("it has v1"), "{error}");
    }
}
