//! The inside of an uploaded package: a tar, compressed or not, or a zip, and the rules OSM has for
//! it.
//!
//! Pure. Source: NBI_FACTS.md section 7.

mod gunzip;
mod zip;

use std::io::{self, Read};
use std::ops::ControlFlow;

use bytes::Bytes;
use bzip2::read::MultiBzDecoder;
use lzma_rust2::XzReader;
use serde::{Deserialize, Serialize};

use crate::data::YAML_BYTES_MAX;
use crate::problem::Problem;

use gunzip::{Gunzip, MAGIC as GZIP_MAGIC};
pub(crate) use zip::read_zip;

/// Unpacked packages above this are refused, so that a small upload cannot keep the fake busy.
/// OSM itself has no such limit.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Packages of more files and folders are refused: their names are kept.
const ENTRIES_MAX: usize = 10_000;
/// Bytes of a header in a tar.
const HEADER_BYTES: usize = 512;
/// Streams of xz that need more memory are refused; its own strongest setting needs half of it.
const XZ_KIB_MAX: u32 = 128 * 1024;
/// Packages with longer paths are refused; no file system takes them.
const NAME_BYTES_MAX: usize = 4096;

/// What is in a package, and which of it is the descriptor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Archive {
    /// Paths of the files in the archive's order; folders are not kept.
    pub(crate) files: Vec<String>,
    /// Top folder.
    pub(crate) folder: String,
    /// Path of the descriptor.
    pub(crate) descriptor: String,
    /// Content of the descriptor.
    #[serde(with = "crate::base64_bytes")]
    pub(crate) descriptor_text: Bytes,
}

/// Reads a tar, compressed or not, and checks it as OSM does.
///
/// # Errors
/// 400 with OSM's text for what is wrong, 413 for more than the fake reads.
pub(crate) fn read_tar_gz(bytes: &Bytes) -> Result<Archive, Problem> {
    let mut archive = Archive::default();
    let mut entries = 0;
    walk(bytes, |name, entry| {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(Problem::too_large());
        }
        let is_folder = entry.header().entry_type().is_dir();
        archive.note(name, is_folder)?;
        if !is_folder {
            archive.files.push(name.to_owned());
        }
        if archive.descriptor == name && !is_folder {
            archive.descriptor_text = content_of(entry, YAML_BYTES_MAX as u64)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if archive.descriptor.is_empty() {
        return Err(Problem::bad_request(
            "Not found any descriptor file at package descriptor tar.gz",
        ));
    }
    Ok(archive)
}

/// The file at `path` of an archive that [`read_tar_gz`] or [`read_zip`] has read before.
///
/// # Errors
/// 413 for a file of more than the fake reads.
pub(crate) fn file_in(bytes: &Bytes, path: &str) -> Result<Bytes, Problem> {
    if zip::is_zip(bytes) {
        return zip::file_in(bytes, path);
    }
    let mut content = Bytes::new();
    walk(bytes, |name, entry| {
        if name != path {
            return Ok(ControlFlow::Continue(()));
        }
        content = content_of(entry, UNPACKED_BYTES_MAX)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(content)
}

type Entry<'tar, 'b> = tar::Entry<'tar, io::Take<Box<dyn Read + 'b>>>;

/// Shows each entry with its name, in order. As in OSM, what follows the end of the tar (the
/// checksum of the gzip stream) is not looked at.
fn walk<'b>(
    bytes: &'b Bytes,
    mut visit: impl FnMut(&str, &mut Entry<'_, 'b>) -> Result<ControlFlow<()>, Problem>,
) -> Result<(), Problem> {
    let mut tar = tar::Archive::new(unpacked(bytes)?.take(UNPACKED_BYTES_MAX));
    for entry in tar.entries().map_err(|error| unreadable(&error))? {
        let mut entry = entry.map_err(|error| unreadable(&error))?;
        let end = entry.raw_file_position().saturating_add(raw_bytes(&entry));
        if end > UNPACKED_BYTES_MAX || entry.path_bytes().len() > NAME_BYTES_MAX {
            return Err(Problem::too_large());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_end_matches('/').to_owned();
        if visit(&name, &mut entry)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// A compression that a tar can come in.
struct Method {
    name: &'static str,
    /// What its streams begin with.
    magic: &'static [u8],
    /// What Python says of anything else.
    complaint: &'static str,
    open: for<'b> fn(&'b Bytes) -> io::Result<Box<dyn Read + 'b>>,
}

/// In the order in which Python tries them.
const METHODS: [Method; 3] = [
    Method {
        name: "gz",
        magic: &GZIP_MAGIC,
        complaint: "not a gzip file",
        open: |bytes| Ok(Box::new(Gunzip::new(bytes)?)),
    },
    Method {
        name: "bz2",
        magic: b"BZh",
        complaint: "not a bzip2 file",
        open: |bytes| Ok(Box::new(MultiBzDecoder::new(bytes.as_ref()))),
    },
    Method {
        name: "xz",
        magic: b"\xfd7zXZ\0",
        complaint: "not an lzma file",
        open: |bytes| Ok(Box::new(XzReader::new_mem_limit(bytes.as_ref(), true, XZ_KIB_MAX))),
    },
];

/// The tar without its compression.
///
/// Source: OSM NBI `descriptor_topics.py` (`tarfile.open(mode="r")`) of releases 8 and 19; Python
/// `tarfile.py` (`TarFile.open`).
fn unpacked(bytes: &Bytes) -> Result<Box<dyn Read + '_>, Problem> {
    let mut complaints = String::new();
    for method in METHODS {
        let mut complaint = method.complaint;
        if bytes.starts_with(method.magic) {
            let mut head = Vec::new();
            let read = (method.open)(bytes)
                .and_then(|unpacked| unpacked.take(HEADER_BYTES as u64).read_to_end(&mut head));
            match read.map(|_| complaint_about(&head)) {
                Ok(None) => return (method.open)(bytes).map_err(|error| unreadable(&error)),
                Ok(Some(found)) => complaint = found,
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    return Err(Problem::too_large());
                }
                // Python lets only this one pass.
                Err(error) if method.name == "gz" && is_cut(&error) => {
                    return Err(unreadable(&error));
                }
                Err(_) => {}
            }
        }
        complaints += &format!("- method {}: ReadError('{complaint}')\n", method.name);
    }
    match complaint_about(bytes) {
        None => Ok(Box::new(bytes.as_ref())),
        Some(complaint) => Err(Problem::bad_request(format!(
            "invalid file content file could not be opened successfully:\n\
             {complaints}- method tar: ReadError('{complaint}')"
        ))),
    }
}

/// What Python says of a tar by its first header; nothing where that is a good one.
///
/// Source: Python `tarfile.py` (`TarInfo.frombuf`).
fn complaint_about(bytes: &[u8]) -> Option<&'static str> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Some(if bytes.is_empty() { "empty file" } else { "truncated header" });
    };
    if header.iter().all(|byte| *byte == 0) {
        return None;
    }
    let header = tar::Header::from_byte_slice(header);
    let Ok(expected) = header.cksum() else {
        return Some("invalid header");
    };
    let mut blank = header.clone();
    blank.set_cksum();
    (blank.cksum().ok() != Some(expected)).then_some("bad checksum")
}

/// Bytes that an entry takes in the archive; a sparse file is larger than that once it is read.
fn raw_bytes(entry: &Entry<'_, '_>) -> u64 {
    if entry.header().entry_type().is_gnu_sparse() {
        entry.header().entry_size().unwrap_or(u64::MAX)
    } else {
        entry.size()
    }
}

fn content_of(entry: &mut Entry<'_, '_>, bytes_max: u64) -> Result<Bytes, Problem> {
    if entry.size() > bytes_max {
        return Err(Problem::too_large());
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(|error| unreadable(&error))?;
    Ok(content.into())
}

fn is_cut(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// What OSM says of an archive that cannot be read on.
fn unreadable(error: &io::Error) -> Problem {
    Problem::bad_request(if is_cut(error) {
        "Compressed file ended before the end-of-stream marker was reached".to_owned()
    } else {
        format!("invalid file content {error}")
    })
}

impl Archive {
    fn note(&mut self, name: &str, is_folder: bool) -> Result<(), Problem> {
        let steps: Vec<&str> = name.split('/').collect();
        if steps.first().is_none_or(|first| first.is_empty()) || steps.contains(&"..") {
            return Err(Problem::bad_request(
                "Absolute path or '..' are not allowed for package descriptor tar.gz",
            ));
        }
        if steps.len() == 1 && !is_folder {
            return Err(Problem::bad_request(
                "All files must be inside a dir for package descriptor tar.gz",
            ));
        }
        let is_descriptor = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
        if is_descriptor && !is_folder {
            steps[0].clone_into(&mut self.folder);
            if steps.len() == 2 {
                if !self.descriptor.is_empty() {
                    return Err(Problem::bad_request(
                        "Found more than one descriptor file at package descriptor tar.gz",
                    ));
                }
                name.clone_into(&mut self.descriptor);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;

    fn tar_gz(files: &[(&str, &str)]) -> Bytes {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap().into()
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let got = read_tar_gz(&tar_gz(files)).map_or_else(|p| p.detail, |a| a.descriptor);
        assert_eq!(got, expected);
    }

    #[test]
    fn archives_meet_the_rules_or_say_which_they_break() {
        check(&[("a/d.yaml", "x: 1"), ("a/b/e.yaml", "")], "a/d.yaml");
        check(&[("d.yaml", "")], "All files must be inside a dir for package descriptor tar.gz");
        check(
            &[("a/d.yaml", ""), ("a/e.yml", "")],
            "Found more than one descriptor file at package descriptor tar.gz",
        );
        check(&[("a/README", "")], "Not found any descriptor file at package descriptor tar.gz");
        check(
            &[("a/../b", "")],
            "Absolute path or '..' are not allowed for package descriptor tar.gz",
        );
    }

    #[test]
    fn one_file_is_found_by_its_path() {
        let packed = tar_gz(&[("a/d.yaml", "x: 1"), ("a/b/e", "content")]);
        let archive = read_tar_gz(&packed).unwrap();
        assert_eq!(archive.files, ["a/d.yaml", "a/b/e"]);
        assert_eq!(archive.descriptor_text, "x: 1");
        assert_eq!(file_in(&packed, "a/b/e").unwrap(), "content");
    }

    /// An archive of a descriptor and a file whose header says what `change` makes of it.
    fn with_odd_file(change: impl Fn(&mut tar::Header)) -> Bytes {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, content) in [("a/d.yaml", "x: 1"), ("a/odd", "y")] {
            let mut header = tar::Header::new_gnu();
            header.set_path(name).unwrap();
            header.set_size(content.len() as u64);
            if name == "a/odd" {
                change(&mut header);
            }
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap().into()
    }

    #[test]
    fn tars_need_no_compression_and_what_is_none_is_told() {
        let mut plain = Vec::new();
        GzDecoder::new(&tar_gz(&[("a/d.yaml", "x: 1")])[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(read_tar_gz(&plain.clone().into()).unwrap().descriptor, "a/d.yaml");
        plain[0] = b'b';
        for (bytes, complaint) in [
            (Bytes::from(plain), "bad checksum"),
            (Bytes::from(vec![b'x'; 600]), "invalid header"),
            (Bytes::from_static(b"x"), "truncated header"),
            (Bytes::new(), "empty file"),
        ] {
            let detail = read_tar_gz(&bytes).unwrap_err().detail;
            assert!(detail.ends_with(&format!("method tar: ReadError('{complaint}')")), "{detail}");
        }
    }

    /// `tar c --xz a`, where `a/d.yaml` is `x: 1`.
    const TAR_XZ: &str = "\
        fd377a585a000004e6d6b4460200210116000000742fe5a3e027ff005f5d00308bc8830e25924a9a2f452f90\
        686a4717b4f1e94f6769644c150b66528afa2008548063ca5b5c9077be19f6b89282fd28ffb0e7bd7d022fec\
        d0062ac39fcca3151da130d99bc54a26dcf5928dd3f024bbac852444ef08e2219880b2d0260000007bd21ccc\
        e6ec93cf00017b8050000000ef965bd8b1c467fb020000000004595a";

    #[test]
    fn tars_come_in_three_compressions_whatever_their_type_says() {
        let mut plain = Vec::new();
        GzDecoder::new(&tar_gz(&[("a/d.yaml", "x: 1")])[..]).read_to_end(&mut plain).unwrap();
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        io::Write::write_all(&mut encoder, &plain).unwrap();
        let bz2 = Bytes::from(encoder.finish().unwrap());
        let xz = Bytes::from(hex::decode(TAR_XZ).unwrap());
        for packed in [&bz2, &xz] {
            assert_eq!(read_tar_gz(packed).unwrap().descriptor_text, "x: 1");
            assert_eq!(file_in(packed, "a/d.yaml").unwrap(), "x: 1");
        }
        let cut = read_tar_gz(&bz2.slice(..bz2.len() / 2)).unwrap_err().detail;
        assert!(cut.contains("- method bz2: ReadError('not a bzip2 file')"), "{cut}");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut encoder, &[b'x'; 600]).unwrap();
        let no_tar = read_tar_gz(&encoder.finish().unwrap().into()).unwrap_err().detail;
        assert!(no_tar.contains("- method gz: ReadError('invalid header')"), "{no_tar}");
    }

    #[test]
    fn sparse_files_do_not_fill_the_memory() {
        let packed = with_odd_file(|header| {
            header.set_entry_type(tar::EntryType::GNUSparse);
            let gnu = header.as_gnu_mut().unwrap();
            gnu.sparse[0].offset.copy_from_slice(b"00000000000\0");
            gnu.sparse[0].numbytes.copy_from_slice(b"00000000001\0");
            gnu.sparse[1].offset.copy_from_slice(b"77777777777\0");
            gnu.sparse[1].numbytes.copy_from_slice(b"00000000000\0");
            gnu.realsize.copy_from_slice(b"77777777777\0");
        });
        assert_eq!(read_tar_gz(&packed).unwrap().files.len(), 2);
        assert_eq!(file_in(&packed, "a/odd").unwrap_err(), Problem::too_large());
    }

    #[test]
    fn archives_that_unpack_to_more_than_the_limit_are_refused() {
        let packed = with_odd_file(|header| header.set_size(UNPACKED_BYTES_MAX));
        assert_eq!(read_tar_gz(&packed).unwrap_err(), Problem::too_large());
        let names: Vec<String> = (0..ENTRIES_MAX).map(|n| format!("a/{n}")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_ne!(read_tar_gz(&tar_gz(&files)).unwrap_err(), Problem::too_large());
        let files = [files.as_slice(), &[("a/one-more", "")]].concat();
        assert_eq!(read_tar_gz(&tar_gz(&files)).unwrap_err(), Problem::too_large());
    }

    #[test]
    fn junk_and_cut_archives_are_told_apart() {
        assert!(
            read_tar_gz(&Bytes::from_static(b"junk"))
                .unwrap_err()
                .detail
                .starts_with("invalid file content")
        );
        let whole = tar_gz(&[("a/d.yaml", "x: 1")]);
        let cut = read_tar_gz(&whole.slice(..whole.len() / 2)).unwrap_err();
        assert!(cut.detail.starts_with("Compressed file ended"), "{}", cut.detail);
    }
}
