//! Laws of packing and unpacking: bytes and digest depend on the tree alone, what was packed unpacks to what it
//! was, and neither a hostile folder nor a hostile archive leads out of its place.

use std::collections::BTreeMap;
use std::fs::{FileTimes, Permissions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use osmops::artifact::Artifact;
use osmops::package::{ArchiveChunks, Package, read_content};
use osmops::tree::{Tree, TreePath};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

const FOLDER: &str = "p_knf";
const DESCRIPTOR: &str = "vnfd: {id: p_knf, kdu: [{name: k}]}\n";

/// Path below the package's folder → content, and whether its owner may execute it.
type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// What of a file is no part of a package: when it was written, and what others may do with it.
#[derive(Debug, Clone)]
struct Incidental {
    seconds: u32,
    mode_of_others: u32,
    has_empty_folder: bool,
}

fn files() -> impl Strategy<Value = Files> {
    let path = "[a-z]{1,5}(/[a-zé ._-]{1,3}[a-z]){1,3}|[a-z]{1,5}\\.(txt|json)|[a-z]{60}/[a-z]{70}";
    let content = prop_oneof![prop::collection::vec(any::<u8>(), 0..600), Just(vec![7; 70_000])];
    prop::collection::btree_map(path, (content, any::<bool>()), 0..6).prop_map(|mut files| {
        // A path cannot be a file and a folder.
        let paths: Vec<String> = files.keys().cloned().collect();
        files.retain(|path, _| !paths.iter().any(|other| other.starts_with(&format!("{path}/"))));
        files.insert("vnfd.yaml".to_owned(), (DESCRIPTOR.into(), false));
        files
    })
}

fn incidental() -> impl Strategy<Value = Incidental> {
    let mode_of_others = prop_oneof![Just(0o000), Just(0o044), Just(0o055), Just(0o066)];
    (any::<u32>(), mode_of_others, any::<bool>()).prop_map(
        |(seconds, mode_of_others, has_empty_folder)| Incidental {
            seconds,
            mode_of_others,
            has_empty_folder,
        },
    )
}

/// Writes files in an order of their own.
fn write(order: &[(String, (Vec<u8>, bool))], incidental: &Incidental) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    for (path, (content, executable)) in order {
        let path = folder.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(incidental.seconds.into());
        let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
        file.file().set_times(FileTimes::new().set_modified(time)).unwrap();
        let mode = if *executable { 0o700 } else { 0o600 } | incidental.mode_of_others;
        fs_err::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    if incidental.has_empty_folder {
        fs_err::create_dir_all(folder.join("empty/more")).unwrap();
    }
    root
}

fn package_in(root: &Path) -> Package {
    let tree = Tree::read_folder(root).unwrap();
    Package::read(&tree, &TreePath::parse(FOLDER).unwrap()).unwrap()
}

fn packed(package: &Package) -> Vec<u8> {
    ArchiveChunks::new(package).flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

/// What lies below a folder of a tree.
fn files_of(tree: &Tree, folder: &TreePath) -> Files {
    let read = |(path, file): (&TreePath, &osmops::tree::TreeFile)| {
        let mut content = Vec::new();
        file.open().unwrap().read_to_end(&mut content).unwrap();
        (path.below(folder).unwrap().to_owned(), (content, file.is_executable()))
    };
    tree.files_below(folder).map(read).collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of an archive that nobody sane made.
#[derive(Debug, Clone)]
struct Entry {
    path: Vec<u8>,
    kind: EntryType,
    link: String,
    content: Vec<u8>,
    mode: u32,
}

fn entry() -> impl Strategy<Value = Entry> {
    let part = prop_oneof![
        6 => "[ab]".prop_map(String::into_bytes),
        1 => Just(b"..".to_vec()),
        1 => Just(b".".to_vec()),
        1 => Just(b"".to_vec()),
        1 => Just(b"a\\..".to_vec()),
        1 => Just(b"\xff\xfe".to_vec()),
        1 => Just("é\n".as_bytes().to_vec()),
    ];
    let path = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(&b'/'));
    let kind = prop_oneof![
        5 => Just(EntryType::Regular),
        1 => Just(EntryType::Directory),
        1 => Just(EntryType::Symlink),
        1 => Just(EntryType::Link),
        1 => Just(EntryType::Fifo),
        1 => Just(EntryType::Char),
        1 => Just(EntryType::Continuous),
    ];
    let link = prop_oneof![Just(".."), Just("/tmp"), Just("a"), Just("../secret")];
    let content = prop::collection::vec(any::<u8>(), 0..20);
    let mode = prop_oneof![Just(0o644), Just(0o755), Just(0o4777), Just(0)];
    (path, kind, link, content, mode).prop_map(|(path, kind, link, content, mode)| Entry {
        path,
        kind,
        link: link.to_owned(),
        content: if kind == EntryType::Regular { content } else { Vec::new() },
        mode,
    })
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        // `set_path` refuses what a hostile archive may hold.
        header.as_old_mut().name[..entry.path.len()].copy_from_slice(&entry.path);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_cksum();
        builder.append(&header, entry.content.as_slice()).unwrap();
    }
    gzipped(&builder.into_inner().unwrap())
}

/// What the last regular entry of each path holds.
fn last_of_each_path(entries: &[Entry]) -> Files {
    let mut files = Files::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryType::Regular) {
        let Ok(path) = String::from_utf8(entry.path.clone()) else { continue };
        let path = TreePath::parse(&path).unwrap();
        files.insert(path.as_str().to_owned(), (entry.content.clone(), entry.mode & 0o100 != 0));
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn one_tree_gives_one_archive_however_its_files_came_to_be(
        (order, other_order) in files().prop_flat_map(|files| {
            let files: Vec<(String, (Vec<u8>, bool))> = files.into_iter().collect();
            (Just(files.clone()).prop_shuffle(), Just(files).prop_shuffle())
        }),
        (incidental, others) in (incidental(), incidental()),
    ) {
        // The folders must stand while they are packed.
        let folders = (write(&order, &incidental), write(&other_order, &others));
        let (one, other) = (package_in(folders.0.path()), package_in(folders.1.path()));
        prop_assert_eq!(&one.digest, &other.digest);
        prop_assert_eq!(packed(&one), packed(&other));
    }

    #[test]
    fn what_was_packed_unpacks_to_the_same_tree(files in files(), incidental in incidental()) {
        let order: Vec<(String, (Vec<u8>, bool))> = files.clone().into_iter().collect();
        let root = write(&order, &incidental);
        let package = package_in(root.path());
        let archive = packed(&package);
        prop_assert_eq!(&read_content(archive.as_slice()).unwrap(), &package.digest);
        let unpacked = Artifact::from_archive(archive.as_slice(), "p_knf.tar.gz").unwrap();
        let folder = TreePath::parse(FOLDER).unwrap();
        let mut found = files_of(&unpacked.tree, &folder);
        let (checksums, _) = found.remove("checksums.txt").unwrap();
        prop_assert_eq!(&found, &files);
        let again = Package::read(&unpacked.tree, &folder).unwrap();
        prop_assert_eq!(&again.digest, &package.digest);
        prop_assert_eq!(packed(&again), archive);
        let checksums = String::from_utf8(checksums).unwrap();
        for file in &package.files {
            let line = format!("{}\t{FOLDER}/{}\n", hex::encode(file.md5), file.path);
            prop_assert!(checksums.contains(&line), "{checksums}");
        }
    }

    #[test]
    fn how_an_archive_was_gzipped_says_nothing_of_the_package(
        files in files(),
        cut in any::<prop::sample::Index>(),
    ) {
        let plain = Incidental { seconds: 0, mode_of_others: 0, has_empty_folder: false };
        let order: Vec<(String, (Vec<u8>, bool))> = files.into_iter().collect();
        let root = write(&order, &plain);
        let package = package_in(root.path());
        let mut tar = Vec::new();
        GzDecoder::new(packed(&package).as_slice()).read_to_end(&mut tar).unwrap();
        // Tools that compress with several threads make several members.
        let (first, second) = tar.split_at(cut.index(tar.len()));
        let members = [gzipped(first), gzipped(second)].concat();
        prop_assert_eq!(read_content(members.as_slice()).unwrap(), package.digest);
        prop_assert!(Artifact::from_archive(members.as_slice(), "p_knf.tgz").is_ok());
    }

    #[test]
    fn any_change_of_a_tree_changes_its_digest(
        files in files(),
        place in any::<prop::sample::Index>(),
        what in 0..4_usize,
    ) {
        let plain = Incidental { seconds: 0, mode_of_others: 0, has_empty_folder: false };
        let mut changed = files.clone();
        let others: Vec<String> =
            files.keys().filter(|path| *path != "vnfd.yaml").cloned().collect();
        match (what, others.is_empty()) {
            (0, _) | (_, true) => drop(changed.insert("zz.new".to_owned(), (Vec::new(), false))),
            (1, false) => drop(changed.remove(place.get(&others))),
            (2, false) => changed.get_mut(place.get(&others)).unwrap().0.push(b'x'),
            _ => {
                let file = changed.get_mut(place.get(&others)).unwrap();
                file.1 = !file.1;
            }
        }
        let write = |files: &Files| write(&files.clone().into_iter().collect::<Vec<_>>(), &plain);
        let folders = (write(&files), write(&changed));
        let (one, other) = (package_in(folders.0.path()), package_in(folders.1.path()));
        prop_assert_ne!(&one.digest, &other.digest);
        prop_assert_ne!(packed(&one), packed(&other));
    }

    #[test]
    fn links_and_special_files_of_a_folder_are_left_out_and_never_followed(
        files in files(),
        links in prop::collection::btree_map("[x-z]{1,3}", 0..6_usize, 1..4),
    ) {
        let plain = Incidental { seconds: 0, mode_of_others: 0, has_empty_folder: false };
        let order: Vec<(String, (Vec<u8>, bool))> = files.clone().into_iter().collect();
        let root = write(&order, &plain);
        let folder = root.path().join(FOLDER);
        fs_err::write(root.path().join("secret"), "secret").unwrap();
        let before = package_in(root.path());
        let mut expected = Vec::new();
        for (name, what) in links {
            let place = folder.join("links").join(&name);
            fs_err::create_dir_all(place.parent().unwrap()).unwrap();
            match what {
                0 => symlink("../../secret", &place).unwrap(),
                1 => symlink(root.path(), &place).unwrap(),
                2 => symlink("nowhere", &place).unwrap(),
                3 => symlink(&name, &place).unwrap(),
                4 => drop(std::os::unix::net::UnixListener::bind(&place).unwrap()),
                _ => {
                    let name = std::ffi::OsString::from_vec(vec![b'a', 0xff, what as u8]);
                    fs_err::write(place.with_file_name(name), "no text in its name").unwrap();
                    continue;
                }
            }
            expected.push(format!("{FOLDER}/links/{name}"));
        }
        let tree = Tree::read_folder(root.path()).unwrap();
        let skipped: Vec<&str> = tree.skipped().iter().map(TreePath::as_str).collect();
        for path in &expected {
            prop_assert!(skipped.contains(&path.as_str()), "{path} in {skipped:?}");
        }
        prop_assert_eq!(&package_in(root.path()).digest, &before.digest);
    }
}

#[test]
fn a_file_whose_length_changes_before_it_is_packed_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    fs_err::create_dir(&folder).unwrap();
    fs_err::write(folder.join("vnfd.yaml"), DESCRIPTOR).unwrap();
    let image = folder.join("image.bin");
    fs_err::write(&image, "as it was").unwrap();
    let package = package_in(root.path());
    for content in ["as it was, and more", "as it"] {
        fs_err::write(&image, content).unwrap();
        let fault = ArchiveChunks::new(&package).find_map(Result::err).unwrap();
        let words = "cannot pack `p_knf/image.bin`: its length changed while it was read";
        assert_eq!(fault.to_string(), words, "{content}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_hostile_archive_is_refused_or_unpacked_in_its_place(
        entries in prop::collection::vec(entry(), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = archive(&entries);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read_content(bytes.as_slice());
        let Ok(unpacked) = Artifact::from_archive(bytes.as_slice(), "hostile.tar.gz") else {
            return Ok(());
        };
        let leads_out = |entry: &&Entry| {
            let path = &entry.path;
            path.starts_with(b"/") || path.split(|b| *b == b'/').any(|part| part == b".." || part.contains(&b'\\'))
        };
        prop_assert_eq!(entries.iter().filter(leads_out).count(), 0, "{:?}", entries);
        let found = files_of(&unpacked.tree, &TreePath::root());
        prop_assert_eq!(found, last_of_each_path(&entries));
        let left_out = entries.iter().filter(|entry| {
            !matches!(entry.kind, EntryType::Regular | EntryType::Directory)
                || std::str::from_utf8(&entry.path).is_err()
        });
        prop_assert_eq!(unpacked.tree.skipped().len(), left_out.count());
    }
}
