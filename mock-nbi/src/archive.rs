//! The inside of an uploaded package: a tar.gz (or zip) and the rules OSM has for it.
//!
//! Pure. Source: NBI_FACTS.md section 7.

use std::io::Read;

use bytes::Bytes;

use crate::problem::Problem;

/// Unpacked packages above this size are refused, so that a small upload cannot fill the memory.
/// OSM itself has no such limit.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A package's files and which of them is the descriptor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Archive {
    /// Path in the archive and content, in the archive's order; folders are not kept.
    pub(crate) files: Vec<(String, Bytes)>,
    /// Top folder.
    pub(crate) folder: String,
    /// Path of the descriptor.
    pub(crate) descriptor: String,
}

impl Archive {
    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&Bytes> {
        self.files.iter().find(|(name, _)| name == path).map(|(_, content)| content)
    }
}

/// Reads a gzipped tar and checks it as OSM does.
///
/// # Errors
/// 400 with OSM's text for what is wrong.
pub(crate) fn read_tar_gz(bytes: &[u8]) -> Result<Archive, Problem> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Problem::bad_request(
            "invalid file content file could not be opened successfully:\n\
             - method gz: ReadError('not a gzip file')\n\
             - method bz2: ReadError('not a bzip2 file')\n\
             - method xz: ReadError('not an lzma file')\n\
             - method tar: ReadError('truncated header')",
        ));
    }
    let mut plain = Vec::new();
    let decoder = flate2::read::GzDecoder::new(bytes);
    let read = decoder.take(UNPACKED_BYTES_MAX).read_to_end(&mut plain);
    // A damaged trailer (checksum) goes unnoticed in OSM, an early end does not.
    if let Err(error) = read
        && error.kind() == std::io::ErrorKind::UnexpectedEof
    {
        return Err(Problem::bad_request(
            "Compressed file ended before the end-of-stream marker was reached",
        ));
    }
    let mut archive = Archive::default();
    let mut tar = tar::Archive::new(plain.as_slice());
    let broken =
        |error: std::io::Error| Problem::bad_request(format!("invalid file content {error}"));
    for entry in tar.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_end_matches('/').to_owned();
        let is_folder = entry.header().entry_type().is_dir();
        archive.note(&name, is_folder)?;
        if !is_folder {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(broken)?;
            archive.files.push((name, content.into()));
        }
    }
    if archive.descriptor.is_empty() {
        return Err(Problem::bad_request(
            "Not found any descriptor file at package descriptor tar.gz",
        ));
    }
    Ok(archive)
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

    fn tar_gz(files: &[(&str, &str)]) -> Vec<u8> {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
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
    fn junk_and_cut_archives_are_told_apart() {
        assert!(read_tar_gz(b"junk").unwrap_err().detail.starts_with("invalid file content"));
        let whole = tar_gz(&[("a/d.yaml", "x: 1")]);
        let cut = read_tar_gz(&whole[..whole.len() / 2]).unwrap_err();
        assert!(cut.detail.starts_with("Compressed file ended"), "{}", cut.detail);
    }
}
