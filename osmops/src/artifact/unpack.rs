//! tar.gz → folder; refuses absolute paths and `..`, leaves out links, special files and names that are no text.

use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::tree::{TreePath, archive_path};

/// The most entries an archive may have; large repositories have tens of thousands.
const ENTRIES_MAX: usize = 200_000;

/// The most bytes an archive may unpack to. Flux's own limit is 100 MiB; packages with images are larger.
const UNPACKED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Not a gzipped tar, or cut short.
    #[error("not a whole gzipped tar archive")]
    NotAnArchive(#[source] io::Error),
    /// A file cannot be written; the cause names it.
    #[error("cannot write what is unpacked")]
    Unwritable(#[source] io::Error),
    /// A path that leads out of the folder, or is no text.
    #[error("entry `{path}` leads out of the archive's folder")]
    UnsafePath {
        /// As the archive has it.
        path: String,
    },
    /// More entries than any repository has.
    #[error("more than {ENTRIES_MAX} entries")]
    TooManyEntries,
    /// More bytes than any repository has.
    #[error("unpacks to more than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
}

/// Unpacks into `folder`, which is empty, and returns what was left out.
pub(super) fn unpack(reader: &mut impl Read, folder: &Path) -> Result<Vec<TreePath>, UnpackError> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(&mut *reader));
    let mut skipped = Vec::new();
    let mut bytes_left = UNPACKED_BYTES_MAX;
    let entries = archive.entries().map_err(UnpackError::NotAnArchive)?;
    for (count, entry) in entries.enumerate() {
        let mut entry = entry.map_err(UnpackError::NotAnArchive)?;
        if count >= ENTRIES_MAX {
            return Err(UnpackError::TooManyEntries);
        }
        let path = entry.path().map_err(UnpackError::NotAnArchive)?;
        let Some(inside) = archive_path(&path) else {
            return Err(UnpackError::UnsafePath { path: path.to_string_lossy().into_owned() });
        };
        let kind = entry.header().entry_type();
        if path.to_str().is_none() {
            skipped.push(inside);
            continue;
        }
        let target = folder.join(inside.as_str());
        if kind.is_dir() {
            fs_err::create_dir_all(&target).map_err(UnpackError::Unwritable)?;
        } else if kind.is_file() {
            if let Some(parent) = target.parent() {
                fs_err::create_dir_all(parent).map_err(UnpackError::Unwritable)?;
            }
            let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
            bytes_left -= write_file(&mut entry, &target, executable, bytes_left)?;
        } else if !kind.is_pax_global_extensions() {
            skipped.push(inside);
        }
    }
    // Whatever follows the archive is read too, so that its digest is that of the whole file.
    io::copy(reader, &mut io::sink()).map_err(UnpackError::NotAnArchive)?;
    Ok(skipped)
}

/// Writes one file and returns its length. The header's own word on it is not trusted.
fn write_file(
    entry: &mut impl Read,
    target: &Path,
    executable: bool,
    bytes_left: u64,
) -> Result<u64, UnpackError> {
    // Of two entries of one path the later counts, and the earlier one's permissions must not stay.
    match fs_err::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(UnpackError::Unwritable(error));
        }
        Ok(()) | Err(_) => {}
    }
    let mut file = fs_err::File::create(target).map_err(UnpackError::Unwritable)?;
    // An error of the source or of the disk looks the same here; archives that end early are far more
    // common than disks that fill up.
    let written =
        io::copy(&mut entry.take(bytes_left), &mut file).map_err(UnpackError::NotAnArchive)?;
    if written >= bytes_left {
        return Err(UnpackError::TooLarge);
    }
    if executable {
        make_executable(target).map_err(UnpackError::Unwritable)?;
    }
    Ok(written)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, EntryType, Header};

    fn archive(path: &str, kind: EntryType, content: &[u8]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = Header::new_gnu();
        // `set_path` refuses what a hostile archive may hold.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn check(archive: &[u8], expected: &str) {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("in");
        fs_err::create_dir(&folder).unwrap();
        let error = unpack(&mut &*archive, &folder).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(
            fs_err::read_dir(outside.path()).unwrap().count(),
            1,
            "nothing was written outside"
        );
    }

    #[test]
    fn hostile_archives_are_refused() {
        check(&archive("../out", EntryType::Regular, b"x"), "`../out` leads out");
        check(&archive("a/../../out", EntryType::Regular, b"x"), "leads out");
        check(&archive("/tmp/out", EntryType::Regular, b"x"), "`/tmp/out` leads out");
        check(&archive("a\\..\\out", EntryType::Regular, b"x"), "leads out");
        check(b"no archive", "not a whole");
        let whole = archive("a", EntryType::Regular, &[7; 4000]);
        check(&whole[..whole.len() / 2], "not a whole");
    }

    #[test]
    fn links_are_left_out_and_listed() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive("link", EntryType::Symlink, b"");
        let skipped = unpack(&mut archive.as_slice(), folder.path()).unwrap();
        assert_eq!(skipped, [TreePath::parse("link").unwrap()]);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }
}
