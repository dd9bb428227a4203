//! Packages that are zip files.
//!
//! Pure. Source: OSM NBI `descriptor_topics.py` (`upload_content`) of release 19.

use std::io::{Cursor, Read as _};

use bytes::Bytes;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::{Archive, ENTRIES_MAX, NAME_BYTES_MAX, UNPACKED_BYTES_MAX};
use crate::data::YAML_BYTES_MAX;
use crate::problem::Problem;

/// What stands before each entry of a zip's directory.
const ENTRY_MAGIC: [u8; 4] = *b"PK\x01\x02";

type Zip<'b> = ZipArchive<Cursor<&'b [u8]>>;

/// Whether these bytes, which were read as an archive before, are those of a zip.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Reads a zip and checks it as OSM does: the descriptor stands at the top, or in `Definitions`.
///
/// # Errors
/// 400 with OSM's text for what is wrong, 413 for more than the fake reads.
pub(crate) fn read_zip(bytes: &[u8]) -> Result<Archive, Problem> {
    let mut zip = open(bytes)?;
    let mut archive = Archive::default();
    let mut unpacked: u64 = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| unreadable(&error))?;
        let name = entry.name().map_err(|error| unreadable(&error))?;
        unpacked = unpacked.saturating_add(entry.size());
        if name.len() > NAME_BYTES_MAX || unpacked > UNPACKED_BYTES_MAX {
            return Err(Problem::too_large());
        }
        if name.is_empty() || name.starts_with('/') || name.contains("..") {
            return Err(Problem::bad_request(
                "Absolute path or '..' are not allowed for package descriptor zip",
            ));
        }
        let is_descriptor = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
            && (!name.contains('/') || name.contains("Definitions"));
        if is_descriptor {
            if !archive.descriptor.is_empty() {
                return Err(Problem::bad_request(
                    "Found more than one descriptor file at package descriptor zip",
                ));
            }
            archive.descriptor = name.to_string();
        }
        if !entry.is_dir() {
            archive.files.push(name.to_string());
        }
    }
    if archive.descriptor.is_empty() {
        return Err(Problem::bad_request(
            "Not found any descriptor file at package descriptor zip",
        ));
    }
    let entry = zip.by_name(&archive.descriptor).map_err(|error| unreadable(&error))?;
    archive.descriptor_text = content_of(entry, YAML_BYTES_MAX as u64)?;
    Ok(archive)
}

/// The file at `path`.
///
/// # Errors
/// 413 for a file of more than the fake reads.
pub(super) fn file_in(bytes: &[u8], path: &str) -> Result<Bytes, Problem> {
    let mut zip = open(bytes)?;
    let entry = zip.by_name(path).map_err(|error| unreadable(&error))?;
    content_of(entry, UNPACKED_BYTES_MAX)
}

fn open(bytes: &[u8]) -> Result<Zip<'_>, Problem> {
    // The directory is kept, so its length is looked at before it is read.
    if bytes.windows(4).filter(|four| *four == ENTRY_MAGIC).nth(ENTRIES_MAX).is_some() {
        return Err(Problem::too_large());
    }
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))
}

/// The content of a file; what it says of its length is not relied on.
fn content_of(entry: ZipFile<'_, Cursor<&[u8]>>, bytes_max: u64) -> Result<Bytes, Problem> {
    let name = entry.name().map_err(|error| unreadable(&error))?.into_owned();
    let mut content = Vec::new();
    entry.take(bytes_max + 1).read_to_end(&mut content).map_err(|_| {
        let name = crate::python::repr_str(&name);
        Problem::bad_request(format!("Bad CRC-32 for file {name}"))
    })?;
    if content.len() as u64 > bytes_max {
        return Err(Problem::too_large());
    }
    Ok(content.into())
}

/// What Python says of a zip that cannot be read.
fn unreadable(error: &ZipError) -> Problem {
    Problem::bad_request(match error {
        ZipError::UnsupportedArchive(_) => "That compression method is not supported",
        _ => "File is not a zip file",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[track_caller]
    fn check(files: &[(&str, &[u8])], expected: &str) {
        let read = read_zip(&zip_of(files));
        assert_eq!(read.map_or_else(|p| p.detail, |archive| archive.descriptor), expected);
    }

    #[test]
    fn zips_meet_the_rules_or_say_which_they_break() {
        check(&[("d.yaml", b"x: 1"), ("Scripts/e.yaml", b"")], "d.yaml");
        check(&[("Definitions/d.json", b"{}"), ("README", b"")], "Definitions/d.json");
        let two = "Found more than one descriptor file at package descriptor zip";
        check(&[("d.yaml", b""), ("Definitions/e.yml", b"")], two);
        check(&[("a/d.yaml", b"")], "Not found any descriptor file at package descriptor zip");
        let path = "Absolute path or '..' are not allowed for package descriptor zip";
        check(&[("../d.yaml", b"")], path);
        check(&[("/d.yaml", b"")], path);
        check(&[("a..b", b"")], path);
        assert_eq!(read_zip(b"junk").unwrap_err().detail, "File is not a zip file");
    }

    #[test]
    fn one_file_is_found_by_its_path() {
        let packed = zip_of(&[("d.yaml", b"x: 1"), ("Scripts/e", b"content")]);
        let archive = read_zip(&packed).unwrap();
        assert_eq!((archive.folder.as_str(), &archive.descriptor_text[..]), ("", &b"x: 1"[..]));
        assert_eq!(super::super::file_in(&packed.into(), "Scripts/e").unwrap(), "content");
    }

    #[test]
    fn zips_that_unpack_to_more_than_the_limit_are_refused() {
        let bomb = vec![b' '; YAML_BYTES_MAX + 1];
        assert_eq!(read_zip(&zip_of(&[("d.yaml", &bomb)])).unwrap_err(), Problem::too_large());
        let names: Vec<String> = (0..=ENTRIES_MAX).map(|n| format!("a/{n}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
        assert_eq!(read_zip(&zip_of(&files)).unwrap_err(), Problem::too_large());
    }

    #[test]
    fn a_length_that_lies_does_not_help() {
        let mut packed = zip_of(&[("d.yaml", &vec![b' '; YAML_BYTES_MAX + 1])]);
        let at = packed.windows(4).rposition(|four| four == ENTRY_MAGIC).unwrap();
        packed[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
        read_zip(&packed).unwrap_err();
    }

    #[test]
    fn damaged_content_is_noticed() {
        let mut packed = zip_of(&[("d.yaml", b"x: 1")]);
        let at = packed.windows(4).rposition(|four| four == ENTRY_MAGIC).unwrap();
        packed[at + 16] ^= 1;
        assert_eq!(read_zip(&packed).unwrap_err().detail, "Bad CRC-32 for file 'd.yaml'");
    }
}
