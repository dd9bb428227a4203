//! A package as `.tar.gz`: same files in, same bytes out, in pieces that never fill the memory.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use md5::{Digest, Md5};
use tar::{Builder, EntryType, Header};

use super::{CHECKSUMS_FILE, Package, PackageFile};

/// How much of a file is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// An archive of up to so many bytes is kept until it was sent; a longer one is made again.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// The longest name that a header of a tar takes; a longer one has an entry of its own before it.
const NAME_BYTES_MAX: usize = 100;

/// Why a package could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read; the cause names it.
    #[error("cannot pack `{path}`")]
    Unreadable {
        /// Inside the package.
        path: String,
        /// The operating system's word.
        #[source]
        source: io::Error,
    },
    /// A file is not as long as it was when the package was read.
    #[error("cannot pack `{path}`: its length changed while it was read")]
    Changed {
        /// Inside the package.
        path: String,
    },
}

/// A packed package: what must be known before its first byte is sent.
#[derive(Debug, Clone)]
pub struct Archive {
    package: Package,
    /// The whole archive, if it is short.
    kept: Option<Bytes>,
    /// Length of the whole archive in bytes.
    pub size_bytes: u64,
    /// MD5 of the whole archive, in lower-case hexadecimal as OSM compares it.
    pub md5: String,
}

impl Archive {
    /// Packs once to learn length and MD5; the bytes of a long archive are made again when they are sent. Lets others
    /// go on after every piece of a file.
    ///
    /// # Errors
    /// [`ArchiveError`], naming the file.
    pub async fn measure(package: &Package) -> Result<Self, ArchiveError> {
        let mut md5 = Md5::new();
        let mut size_bytes = 0;
        let mut kept = Some(Vec::new());
        let mut chunks = ArchiveChunks::new(package);
        while chunks.state != State::Ended {
            chunks.advance()?;
            let made = std::mem::take(chunks.builder.get_mut().get_mut());
            size_bytes += made.len() as u64;
            md5.update(&made);
            kept = kept.filter(|kept| kept.len() + made.len() <= KEPT_BYTES_MAX);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&made);
            }
            tokio::task::yield_now().await;
        }
        let md5 = hex::encode(md5.finalize());
        Ok(Self { package: package.clone(), kept: kept.map(Bytes::from), size_bytes, md5 })
    }

    /// The archive's bytes from the start.
    pub fn chunks(
        &self,
    ) -> impl Iterator<Item = Result<Bytes, ArchiveError>> + Send + Sync + use<> {
        let made = self.kept.is_none().then(|| ArchiveChunks::new(&self.package));
        self.kept.clone().map(Ok).into_iter().chain(made.into_iter().flatten())
    }
}

/// The bytes of an archive, piece by piece.
///
/// The layout is what the `osm` client writes: the package's folder, its files, `checksums.txt`. Owners,
/// times and permissions say nothing of who packed: zero, zero, and 0644 or 0755.
///
/// OSM takes every file `FOLDER/*.yaml`, `*.yml` or `*.json` for the descriptor, and refuses two of them. So
/// another file of such a name is called `FOLDER/./NAME`: unpacked, it stands where it belongs.
///
/// Source: OSM NBI `descriptor_topics.py`, `upload_content`: it splits an entry's name at `/` and counts.
pub struct ArchiveChunks {
    builder: Builder<GzEncoder<Vec<u8>>>,
    top: String,
    descriptor: String,
    steps: std::vec::IntoIter<Step>,
    reading: Option<Reading>,
    state: State,
}

/// One entry of the archive.
enum Step {
    Folder(String),
    File(PackageFile),
    Checksums(String),
}

/// A file that is being copied into the archive.
struct Reading {
    path: String,
    reader: Box<dyn Read + Send + Sync>,
    left: u64,
    size: u64,
}

#[derive(PartialEq)]
enum State {
    Entries,
    Ended,
}

impl ArchiveChunks {
    /// Starts at the first byte.
    pub fn new(package: &Package) -> Self {
        let gzip = GzBuilder::new().mtime(0).operating_system(255);
        let encoder = gzip.write(Vec::new(), Compression::default());
        let top = package.name().to_owned();
        let mut folders: BTreeSet<String> = BTreeSet::new();
        let mut checksums = String::new();
        for file in &package.files {
            let mut rest = file.path.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder.to_owned());
                rest = folder;
            }
            checksums.push_str(&format!("{}\t{top}/{}\n", hex::encode(file.md5), file.path));
        }
        let descriptor = package.descriptor.id.1.file().below(&package.folder).unwrap_or_default();
        let mut steps = vec![Step::Folder(String::new())];
        steps.extend(folders.into_iter().map(Step::Folder));
        steps.extend(package.files.iter().cloned().map(Step::File));
        steps.push(Step::Checksums(checksums));
        Self {
            builder: Builder::new(encoder),
            top,
            descriptor: descriptor.to_owned(),
            steps: steps.into_iter(),
            reading: None,
            state: State::Entries,
        }
    }

    /// Writes a little more into the encoder; the last call ends the archive.
    fn advance(&mut self) -> Result<(), ArchiveError> {
        if let Some(mut reading) = self.reading.take() {
            self.copy_some(&mut reading)?;
            if reading.left > 0 {
                self.reading = Some(reading);
            }
            return Ok(());
        }
        match self.steps.next() {
            Some(Step::Folder(inside)) => {
                self.add(&self.name_of(&inside), EntryType::Directory, 0, 0o755, &[])
            }
            Some(Step::Checksums(text)) => {
                let path = format!("{}/{CHECKSUMS_FILE}", self.top);
                self.add(&path, EntryType::Regular, text.len() as u64, 0o644, text.as_bytes())?;
                self.pad(&path, text.len() as u64)
            }
            Some(Step::File(file)) => self.begin(&file),
            None => {
                self.state = State::Ended;
                let wrap = |source| ArchiveError::Unreadable { path: self.top.clone(), source };
                self.builder.finish().map_err(wrap)?;
                self.builder.get_mut().try_finish().map_err(wrap)
            }
        }
    }

    /// What the archive calls a file or folder of the package.
    fn name_of(&self, inside: &str) -> String {
        let top = &self.top;
        let may_be_descriptor = [".yaml", ".yml", ".json"].iter().any(|end| inside.ends_with(end));
        if inside.is_empty() {
            top.clone()
        } else if may_be_descriptor && !inside.contains('/') && inside != self.descriptor {
            format!("{top}/./{inside}")
        } else {
            format!("{top}/{inside}")
        }
    }

    fn begin(&mut self, file: &PackageFile) -> Result<(), ArchiveError> {
        let size = file.file.size_bytes();
        let mode = if file.file.is_executable() { 0o755 } else { 0o644 };
        let path = self.name_of(&file.path);
        let wrap = |source| ArchiveError::Unreadable { path: path.clone(), source };
        let reader = file.file.open().map_err(wrap)?;
        self.add(&path, EntryType::Regular, size, mode, &[])?;
        if size > 0 {
            self.reading = Some(Reading { path, reader, left: size, size });
        }
        Ok(())
    }

    fn copy_some(&mut self, reading: &mut Reading) -> Result<(), ArchiveError> {
        let path = &reading.path;
        let wrap = |source| ArchiveError::Unreadable { path: path.clone(), source };
        // One byte more than is left shows a file that has grown.
        let left = usize::try_from(reading.left).unwrap_or(READ_BYTES);
        let mut buffer = vec![0; READ_BYTES.min(left.saturating_add(1))];
        let read = reading.reader.read(&mut buffer).map_err(wrap)?;
        let chunk = buffer.get(..read).unwrap_or_default();
        if read == 0 || read as u64 > reading.left {
            return Err(ArchiveError::Changed { path: path.clone() });
        }
        self.builder.get_mut().write_all(chunk).map_err(wrap)?;
        reading.left -= read as u64;
        if reading.left == 0 {
            self.pad(path, reading.size)?;
        }
        Ok(())
    }

    /// Writes an entry's header, long names included, and `content` if it is at hand.
    fn add(
        &mut self,
        path: &str,
        kind: EntryType,
        size: u64,
        mode: u32,
        content: &[u8],
    ) -> Result<(), ArchiveError> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let wrap = |source| ArchiveError::Unreadable { path: path.to_owned(), source };
        if path.len() > NAME_BYTES_MAX {
            let mut long = Header::new_gnu();
            set_name(&mut long, b"././@LongLink");
            long.set_entry_type(EntryType::GNULongName);
            long.set_size(path.len() as u64 + 1);
            long.set_cksum();
            self.builder
                .append(&long, [path.as_bytes(), b"\0"].concat().as_slice())
                .map_err(wrap)?;
        }
        // Builder's own way to set a name would take the `.` out of it.
        set_name(&mut header, path.as_bytes());
        header.set_cksum();
        self.builder.append(&header, io::empty()).map_err(wrap)?;
        self.builder.get_mut().write_all(content).map_err(wrap)
    }

    /// Fills up to the next 512 bytes, as tar wants it after each file.
    fn pad(&mut self, path: &str, size: u64) -> Result<(), ArchiveError> {
        let filling = vec![0; usize::try_from((512 - size % 512) % 512).unwrap_or(0)];
        self.builder
            .get_mut()
            .write_all(&filling)
            .map_err(|source| ArchiveError::Unreadable { path: path.to_owned(), source })
    }
}

/// Puts as much of a name into a header as it takes.
fn set_name(header: &mut Header, name: &[u8]) {
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name[..length]);
}

impl Iterator for ArchiveChunks {
    type Item = Result<Bytes, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.state != State::Ended {
            if let Err(error) = self.advance() {
                self.state = State::Ended;
                return Some(Err(error));
            }
            let made = self.builder.get_mut().get_mut();
            if made.len() >= READ_BYTES || (self.state == State::Ended && !made.is_empty()) {
                return Some(Ok(Bytes::from(std::mem::take(made))));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::read_content;
    use crate::tree::{Tree, TreeFile, TreePath};
    use proptest::prelude::*;

    fn package(files: &[(String, Vec<u8>, bool)]) -> Package {
        let root = TreePath::parse("osm-pkgs/p_knf").unwrap();
        let descriptor = TreeFile::in_memory("vnfd: {id: p_knf}\n", false);
        let files = files
            .iter()
            .map(|(path, content, x)| (root.join(path), TreeFile::in_memory(content.clone(), *x)))
            .chain([(root.join("p_vnfd.yaml"), descriptor)]);
        Package::read(&Tree::from_files(files), &root).unwrap()
    }

    fn bytes_of(package: &Package) -> Vec<u8> {
        ArchiveChunks::new(package).flat_map(|chunk| chunk.unwrap().to_vec()).collect()
    }

    fn entries(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
        let read = |entry: io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            Read::read_to_end(&mut entry, &mut content).unwrap();
            (path, entry.header().mode().unwrap(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn the_layout_is_that_of_the_osm_client() {
        let files = [
            ("charts/Chart.yaml".to_owned(), b"name: x".to_vec(), false),
            ("scripts/run".to_owned(), b"#!/bin/sh".to_vec(), true),
            ("checksums.txt".to_owned(), b"stale".to_vec(), false),
        ];
        let found = entries(&bytes_of(&package(&files)));
        let paths: Vec<(&str, u32)> = found.iter().map(|(p, m, _)| (p.as_str(), *m)).collect();
        assert_eq!(
            paths,
            [
                ("p_knf", 0o755),
                ("p_knf/charts", 0o755),
                ("p_knf/scripts", 0o755),
                ("p_knf/charts/Chart.yaml", 0o644),
                ("p_knf/p_vnfd.yaml", 0o644),
                ("p_knf/scripts/run", 0o755),
                ("p_knf/checksums.txt", 0o644),
            ]
        );
        let checksums = String::from_utf8(found[6].2.clone()).unwrap();
        assert!(
            checksums.starts_with("f1d5ab5f88f8dfdf0b6f2d8b28439079\tp_knf/charts/Chart.yaml\n"),
            "{checksums}"
        );
        assert_eq!(checksums.lines().count(), 3, "{checksums}");
        assert!(!checksums.contains("checksums.txt"), "{checksums}");
    }

    #[test]
    fn a_name_that_a_header_cannot_hold_has_an_entry_of_its_own_that_ends_with_a_zero() {
        let check = |length: usize, long_sizes: &[u64]| {
            let name = "n".repeat(length - "p_knf/".len());
            let packed = bytes_of(&package(&[(name.clone(), b"x".to_vec(), false)]));
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
            let raw = archive.entries().unwrap().raw(true).map(Result::unwrap);
            let long = raw.filter(|entry| entry.header().entry_type() == EntryType::GNULongName);
            let sizes: Vec<u64> = long.map(|entry| entry.size()).collect();
            assert_eq!(sizes, long_sizes, "{length}");
            let (path, _, content) = entries(&packed).remove(1);
            assert_eq!((path, content), (format!("p_knf/{name}"), b"x".to_vec()));
        };
        check(100, &[]);
        check(101, &[102]);
        // The zero alone fills a block of its own.
        check(512, &[513]);
    }

    #[tokio::test]
    async fn measuring_tells_the_length_and_md5_of_what_is_sent() {
        let big = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
        let package = package(&[("image.bin".to_owned(), big.collect(), false)]);
        let archive = Archive::measure(&package).await.unwrap();
        let sent = bytes_of(&package);
        assert_eq!(archive.size_bytes, sent.len() as u64);
        assert_eq!(archive.md5, hex::encode(Md5::digest(&sent)));
        let ended = std::cell::Cell::new(false);
        let measuring = async {
            let archive = Archive::measure(&package).await;
            ended.set(true);
            archive
        };
        let others = async {
            let mut turns = 0;
            while !ended.get() {
                turns += 1;
                tokio::task::yield_now().await;
            }
            turns
        };
        let (_, turns) = tokio::join!(measuring, others);
        assert!(turns > 10, "others go on meanwhile: {turns} turns");
        let largest = archive.chunks().map(|chunk| chunk.unwrap().len()).max().unwrap();
        assert!(largest < 4 * READ_BYTES, "pieces stay small, {largest} bytes at most");
    }

    proptest! {
        #[test]
        fn packing_twice_gives_equal_bytes_and_keeps_every_file(
            files in proptest::collection::btree_map(
                "[a-z]{1,8}(/[a-z]{1,120}){1,3}|[a-z]{1,9}\\.(yaml|json)|[a-z]{110}\\.yml",
                (proptest::collection::vec(any::<u8>(), 0..2000), any::<bool>()),
                0..6,
            )
        ) {
            let files: Vec<(String, Vec<u8>, bool)> =
                files.into_iter().map(|(path, (content, x))| (path, content, x)).collect();
            let mut reversed = files.clone();
            reversed.reverse();
            let packed = bytes_of(&package(&files));
            prop_assert_eq!(&packed, &bytes_of(&package(&reversed)));
            prop_assert_eq!(read_content(&*packed).unwrap(), package(&files).digest);
            let found = entries(&packed);
            let top = |(path, ..): &&(String, u32, Vec<u8>)| {
                path.split('/').count() == 2 && [".yaml", ".yml", ".json"].iter().any(|e| path.ends_with(e))
            };
            prop_assert_eq!(found.iter().filter(top).count(), 1, "the descriptor alone");
            for (path, content, executable) in files {
                let path = format!("p_knf/{path}");
                let entry = found.iter().find(|(p, ..)| p.replace("/./", "/") == path).unwrap();
                prop_assert_eq!(&entry.2, &content);
                prop_assert_eq!(entry.1, if executable { 0o755 } else { 0o644 });
            }
        }

        #[test]
        fn the_digest_tells_trees_apart(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
            let one = package(&[("x".to_owned(), a.clone(), false)]);
            let other = package(&[("x".to_owned(), b.clone(), false)]);
            prop_assert_eq!(one.digest == other.digest, a == b);
        }
    }
}
