//! The files of one revision, by path: on disk, or in memory.
//!
//! In: a folder, or files held in memory (tests and the simulator). Out: a sorted list of regular files
//! that can be opened. Invariant: never follows a link, never lists a file outside the folder.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

/// A path relative to the repository's root, with `/` between its parts and no `.` or `..` among them.
/// The root itself is the empty path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The repository's root.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Reads a relative path as a file of the repository may write it (`./a//b` is `a/b`).
    ///
    /// Returns `None` when the path is absolute, or when `..` leads out of the root.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// This path with one more part, or several joined by `/`.
    pub fn join(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or("")
    }

    /// What follows `folder` in this path, when it lies below it.
    pub fn below(&self, folder: &TreePath) -> Option<&str> {
        if folder.0.is_empty() {
            return Some(&self.0);
        }
        self.0.strip_prefix(&folder.0)?.strip_prefix('/')
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// One regular file.
#[derive(Debug, Clone)]
pub struct TreeFile {
    content: Content,
    executable: bool,
}

#[derive(Debug, Clone)]
enum Content {
    Memory(Bytes),
    Disk { path: PathBuf, bytes: u64 },
}

impl TreeFile {
    /// A file held in memory.
    pub fn in_memory(content: impl Into<Bytes>, executable: bool) -> Self {
        Self { content: Content::Memory(content.into()), executable }
    }

    /// How long the file was when the tree was read, in bytes.
    pub fn size_bytes(&self) -> u64 {
        match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Disk { bytes, .. } => *bytes,
        }
    }

    /// Whether its owner may execute it (package scripts keep this bit).
    pub fn is_executable(&self) -> bool {
        self.executable
    }

    /// Opens the file from its start.
    ///
    /// # Errors
    /// The operating system's, with the path, when the file went away since the tree was read.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send + Sync>> {
        Ok(match &self.content {
            Content::Memory(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Content::Disk { path, .. } => Box::new(fs_err::File::open(path)?),
        })
    }
}

/// Every regular file of one revision, in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<TreePath, TreeFile>,
    skipped: Vec<TreePath>,
}

/// Why a folder could not be read as a tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A folder or file cannot be read; the cause names it.
    #[error("cannot read the repository's files")]
    Unreadable(#[source] io::Error),
}

impl Tree {
    /// Lists a folder. File contents are read when they are needed, not now.
    ///
    /// Links, special files and names that are not UTF-8 are left out and listed by [`Tree::skipped`];
    /// `.git` is left out silently.
    ///
    /// # Errors
    /// [`TreeError::Unreadable`] when a folder cannot be listed.
    pub fn read_folder(folder: &Path) -> Result<Self, TreeError> {
        let mut tree = Self::default();
        let mut to_visit = vec![(folder.to_path_buf(), TreePath::root())];
        while let Some((on_disk, in_tree)) = to_visit.pop() {
            for entry in fs_err::read_dir(&on_disk).map_err(TreeError::Unreadable)? {
                let entry = entry.map_err(TreeError::Unreadable)?;
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    // Names go into messages and to OSM, so they must be text.
                    tree.skipped.push(in_tree.join(&name.to_string_lossy()));
                    continue;
                };
                let path = in_tree.join(name);
                let file_type = entry.file_type().map_err(TreeError::Unreadable)?;
                if file_type.is_dir() {
                    if name != ".git" {
                        to_visit.push((entry.path(), path));
                    }
                } else if file_type.is_file() {
                    let metadata = entry.metadata().map_err(TreeError::Unreadable)?;
                    let content = Content::Disk { path: entry.path(), bytes: metadata.len() };
                    let executable = is_executable(&metadata);
                    tree.files.insert(path, TreeFile { content, executable });
                } else {
                    tree.skipped.push(path);
                }
            }
        }
        tree.skipped.sort();
        Ok(tree)
    }

    /// This tree, with more paths that were left out when it was made.
    pub fn with_skipped(mut self, skipped: Vec<TreePath>) -> Self {
        self.skipped.extend(skipped);
        self.skipped.sort();
        self
    }

    /// This tree, as it looks from a folder further up.
    pub fn moved_below(self, folder: &TreePath) -> Self {
        let move_path = |path: TreePath| folder.join(path.as_str());
        Self {
            files: self.files.into_iter().map(|(path, file)| (move_path(path), file)).collect(),
            skipped: self.skipped.into_iter().map(move_path).collect(),
        }
    }

    /// What lies below one of its folders, as it looks from there.
    pub fn seen_from(&self, folder: &TreePath) -> Self {
        let seen = |path: &TreePath| path.below(folder).map(|rest| TreePath(rest.to_owned()));
        let file = |(path, file): (&TreePath, &TreeFile)| Some((seen(path)?, file.clone()));
        Self {
            files: self.files_below(folder).filter_map(file).collect(),
            skipped: self.skipped.iter().filter_map(seen).collect(),
        }
    }

    /// A tree of files that are held in memory.
    pub fn from_files(files: impl IntoIterator<Item = (TreePath, TreeFile)>) -> Self {
        Self { files: files.into_iter().collect(), skipped: Vec::new() }
    }

    /// The file at `path`.
    pub fn file(&self, path: &TreePath) -> Option<&TreeFile> {
        self.files.get(path)
    }

    /// Every file below `folder`, in the order of their paths.
    pub fn files_below<'a>(
        &'a self,
        folder: &'a TreePath,
    ) -> impl Iterator<Item = (&'a TreePath, &'a TreeFile)> {
        let first = if folder.as_str().is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(folder.join(""))
        };
        self.files
            .range((first, Bound::Unbounded))
            .take_while(move |(path, _)| path.below(folder).is_some())
    }

    /// Whether any file lies below `folder`.
    pub fn has_folder(&self, folder: &TreePath) -> bool {
        self.files_below(folder).next().is_some()
    }

    /// What was left out, in order: links, special files, names that are no text.
    pub fn skipped(&self) -> &[TreePath] {
        &self.skipped
    }

    /// How many files there are, and how many folders hold them.
    pub fn counts(&self) -> (usize, usize) {
        let mut folders = std::collections::BTreeSet::new();
        for path in self.files.keys() {
            let mut rest = path.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder);
                rest = folder;
            }
        }
        (self.files.len(), folders.len())
    }
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

/// Turns a path inside an archive into a tree path.
///
/// Returns `None` for absolute paths, `..` and backslashes. What is no text in a name is replaced.
pub fn archive_path(path: &Path) -> Option<TreePath> {
    let mut tree_path = TreePath::root();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                if name.contains('\\') {
                    return None;
                }
                tree_path = tree_path.join(&name);
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => return None,
        }
    }
    Some(tree_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_root_are_refused() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(TreePath::parse(text).as_ref().map(TreePath::as_str), expected, "{text}");
        };
        check("a/b", Some("a/b"));
        check("./a//b/", Some("a/b"));
        check("a/../b", Some("b"));
        check(".", Some(""));
        check("../a", None);
        check("a/../../b", None);
        check("/etc", None);
    }

    #[test]
    fn files_below_a_folder_exclude_folders_with_the_same_start() {
        let file = |path: &str| (TreePath::parse(path).unwrap(), TreeFile::in_memory("", false));
        let tree = Tree::from_files([file("a/b"), file("a-b/c"), file("ab"), file("a/c/d")]);
        let below = |folder: &str| -> Vec<String> {
            let folder = TreePath::parse(folder).unwrap();
            tree.files_below(&folder).map(|(path, _)| path.to_string()).collect()
        };
        assert_eq!(below("a"), ["a/b", "a/c/d"]);
        assert_eq!(below(""), ["a-b/c", "a/b", "a/c/d", "ab"]);
        assert_eq!(tree.counts(), (4, 3));
        let link = TreePath::parse("a/link").unwrap();
        let tree = tree.with_skipped(vec![link, TreePath::parse("b/link").unwrap()]);
        let seen = tree.seen_from(&TreePath::parse("a").unwrap());
        let paths: Vec<&str> = seen.files.keys().map(TreePath::as_str).collect();
        assert_eq!(paths, ["b", "c/d"]);
        assert_eq!(seen.skipped(), [TreePath::parse("link").unwrap()]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_its_owner_may_run_is_executable() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o755, true), (0o100, true), (0o644, false), (0o611, false)] {
            let path = folder.path().join("file");
            fs_err::write(&path, "").unwrap();
            let permissions = std::fs::Permissions::from_mode(mode);
            fs_err::set_permissions(&path, permissions).unwrap();
            assert_eq!(is_executable(&fs_err::metadata(&path).unwrap()), expected, "{mode:o}");
        }
    }
}
