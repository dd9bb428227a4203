//! What a descriptor wants to find beside it in its package.

/// The files of a package, without its top folder; none for a descriptor that came alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PackageFiles<'a> {
    files: &'a [String],
    folder: &'a str,
    has_own_folder: bool,
}

impl<'a> PackageFiles<'a> {
    /// Of an archive; `folder` is its top folder, empty in a zip.
    pub(crate) fn new(files: &'a [String], folder: &'a str) -> Self {
        Self { files, folder, has_own_folder: !folder.is_empty() }
    }

    /// Whether there is this file.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.inner().any(|file| file == path)
    }

    /// Whether there is this folder with something in it.
    pub(crate) fn has_folder(&self, path: &str) -> bool {
        self.inner().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    fn inner(&self) -> impl Iterator<Item = &'a str> {
        let (folder, has_own_folder) = (self.folder, self.has_own_folder);
        self.files.iter().filter_map(move |file| {
            if has_own_folder { file.strip_prefix(folder)?.strip_prefix('/') } else { Some(file) }
        })
    }
}
