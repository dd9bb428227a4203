//! The file in a data folder: one `redb` database with a table of parts.
//!
//! Part `record/nsrs/000000000007` and its like hold JSON, compressed by LZ4. A commit is on disk
//! with all of its parts or not at all; what a crash left half written is undone at the next start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition,
};
use thiserror::Error;

use super::Changes;

const FILE_NAME: &str = "mock-nbi.redb";
const PARTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("parts");
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
/// Under this key in `about` stands what wrote the file.
const FORMAT_KEY: &str = "format";
const FORMAT: &str = "mock-nbi 1";
/// Enough for the upper pages of a database of gigabytes.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Why a data folder cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another process has it open.
    #[error("`{}` is in use by another process", path.display())]
    InUse {
        /// The file in the folder.
        path: PathBuf,
    },
    /// The file is none of this program's, or of another version.
    #[error("`{}` is no data of this mock-nbi: {found}", path.display())]
    Foreign {
        /// The file in the folder.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The folder cannot be made, read or written.
    #[error("`{}` cannot be used", path.display())]
    Unusable {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system or the database says.
        source: Box<redb::Error>,
    },
    /// What it holds does not fit together, or was made by another release.
    #[error("`{}` does not hold a world", path.display())]
    Broken {
        /// The file in the folder.
        path: PathBuf,
        /// What is wrong.
        source: crate::snapshot::SnapshotError,
    },
}

/// What has to be written.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    is_all: bool,
    parts: BTreeMap<String, Option<Vec<u8>>>,
}

impl Unsaved {
    pub(super) fn add(&mut self, changes: Changes) {
        if changes.is_all {
            self.is_all = true;
            self.parts.clear();
        }
        self.parts.extend(changes.parts);
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_all && self.parts.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// None after a failed commit, until it can be opened again.
    database: Option<Database>,
}

impl Disk {
    /// Opens the file in `folder`, made where there is none, for this process alone.
    pub(super) fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(FILE_NAME);
        let unusable = |path: &Path, error: redb::Error| DataError::Unusable {
            path: path.to_owned(),
            source: Box::new(error),
        };
        fs_err::create_dir_all(folder).map_err(|error| unusable(folder, error.into()))?;
        let is_new = !path.exists();
        let database = open_database(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => DataError::InUse { path: path.clone() },
            DatabaseError::Storage(redb::StorageError::Io(error))
                if error.kind() != std::io::ErrorKind::InvalidData =>
            {
                unusable(&path, error.into())
            }
            other => DataError::Foreign { path: path.clone(), found: other.to_string() },
        })?;
        let format = read_format(&database).map_err(|error| unusable(&path, error))?;
        match format.as_deref() {
            Some(FORMAT) => {}
            None if is_new => {}
            None => return Err(DataError::Foreign { path, found: "another database".to_owned() }),
            Some(other) => return Err(DataError::Foreign { path, found: other.to_owned() }),
        }
        Ok(Self { path, database: Some(database) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Every part, by key; none in a new file.
    pub(super) fn read(
        &self,
        mut each: impl FnMut(&str, &[u8]) -> Result<(), crate::snapshot::SnapshotError>,
    ) -> Result<bool, DataError> {
        let broken = |source| DataError::Broken { path: self.path.clone(), source };
        let unusable = |error: redb::Error| DataError::Unusable {
            path: self.path.clone(),
            source: Box::new(error),
        };
        let Some(database) = &self.database else {
            return Ok(false);
        };
        let reading = database.begin_read().map_err(|error| unusable(error.into()))?;
        let table = match reading.open_table(PARTS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(false),
            Err(error) => return Err(unusable(error.into())),
        };
        for entry in table.iter().map_err(|error| unusable(error.into()))? {
            let (key, value) = entry.map_err(|error| unusable(error.into()))?;
            let json =
                lz4_flex::block::decompress_size_prepended(value.value()).map_err(|error| {
                    broken(crate::snapshot::SnapshotError::broken(key.value(), &error))
                })?;
            each(key.value(), &json).map_err(broken)?;
        }
        Ok(true)
    }

    /// Writes all of it; after an error, nothing of it is written.
    pub(super) fn write(&mut self, unsaved: &Unsaved) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            None => open_database(&self.path)?,
        };
        // After a failure the database wants to be opened anew.
        commit(&database, unsaved)?;
        self.database = Some(database);
        Ok(())
    }
}

fn open_database(path: &Path) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(CACHE_BYTES).create(path)
}

fn read_format(database: &Database) -> Result<Option<String>, redb::Error> {
    let reading = database.begin_read()?;
    match reading.open_table(ABOUT) {
        Ok(table) => Ok(table.get(FORMAT_KEY)?.map(|format| format.value().to_owned())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn commit(database: &Database, unsaved: &Unsaved) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    if unsaved.is_all {
        writing.delete_table(PARTS)?;
        writing.open_table(ABOUT)?.insert(FORMAT_KEY, FORMAT)?;
    }
    let mut table = writing.open_table(PARTS)?;
    for (key, value) in &unsaved.parts {
        match value {
            None => {
                table.remove(key.as_str())?;
            }
            Some(json) => {
                let compressed = lz4_flex::block::compress_prepend_size(json);
                table.insert(key.as_str(), compressed.as_slice())?;
            }
        }
    }
    drop(table);
    writing.commit()?;
    Ok(())
}
