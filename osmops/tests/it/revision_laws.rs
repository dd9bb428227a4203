//! Laws of reading a revision: names come back as they were written, a file of any content hides no healthy one,
//! and every problem has its place in a file that is there.

use std::path::Path;

use osmops::artifact::FileDigest;
use osmops::ids::RevisionName;
use osmops::package::{Package, UploadName};
use osmops::repo::RepoProblem;
use osmops::revision::Revision;
use osmops::tree::{Tree, TreeFile, TreePath};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::world::{config, instance, nsd, vnfd};

/// The files of a healthy repository that uses most of what files may say.
fn healthy() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos/healthy");
    let tree = Tree::read_folder(&folder).unwrap();
    let root = TreePath::root();
    let text = |(path, file): (&TreePath, &TreeFile)| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file.open().unwrap(), &mut text).unwrap();
        (path.as_str().to_owned(), text)
    };
    tree.files_below(&root).map(text).collect()
}

fn read(files: &[(String, Vec<u8>)]) -> (Tree, Revision) {
    let file = |(path, content): &(String, Vec<u8>)| {
        (TreePath::parse(path).unwrap(), TreeFile::in_memory(content.clone(), false))
    };
    let tree = Tree::from_files(files.iter().map(file));
    let revision = Revision::read(&tree, RevisionName::new("generated").unwrap());
    (tree, revision)
}

fn bytes(files: Vec<(String, String)>) -> Vec<(String, Vec<u8>)> {
    files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
}

/// A change of some bytes of a text.
#[derive(Debug, Clone)]
enum Change {
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    /// One line once more, somewhere else.
    Repeat(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let words = prop_oneof![
        Just(b": ".to_vec()),
        Just(b"- ".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"[".to_vec()),
        Just(b"&a ".to_vec()),
        Just(b"*a".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\xff".to_vec()),
        Just("\u{feff}é".as_bytes().to_vec()),
        Just(b"~".to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop_oneof![
        (any::<prop::sample::Index>(), 1..12_usize)
            .prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<prop::sample::Index>(), words).prop_map(|(at, words)| Change::Insert(at, words)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(from, to)| Change::Repeat(from, to)),
    ]
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>) {
        match self {
            Change::Remove(at, count) if !text.is_empty() => {
                let at = at.index(text.len());
                text.drain(at..(at + count).min(text.len()));
            }
            Change::Insert(at, words) => {
                let at = at.index(text.len() + 1);
                drop(text.splice(at..at, words.clone()));
            }
            Change::Repeat(from, to) => {
                let mut lines: Vec<Vec<u8>> =
                    text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let line = lines[from.index(lines.len())].clone();
                lines.insert(to.index(lines.len()), line);
                *text = lines.join(&b'\n');
            }
            Change::Remove(..) => {}
        }
    }
}

/// Every problem names a file or folder that is there, and a place in it.
fn check_problems(tree: &Tree, revision: &Revision) -> TestCaseResult {
    for problem in &revision.problems {
        let at = problem.at();
        let Some(file) = tree.file(at.file()) else {
            let is_config = at.file().as_str() == "osm_ops_config.yaml";
            prop_assert!(tree.has_folder(at.file()) || is_config, "{problem}");
            continue;
        };
        if let Some((line, column)) = at.line_and_column() {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut file.open().unwrap(), &mut text).unwrap();
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let text = text.replace("\r\n", "\n");
            let lines: Vec<&str> = text.split(['\n', '\r']).collect();
            let (line, column) = (line as usize, column as usize);
            prop_assert!((1..=lines.len()).contains(&line), "{problem} in {text:?}");
            let length = lines[line - 1].chars().count();
            prop_assert!((1..=length + 1).contains(&column), "{problem} in {text:?}");
        }
        prop_assert!(problem.to_string().starts_with(&at.to_string()), "{problem}");
        prop_assert!(!problem.message().is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_repository_with_any_damage_is_read_to_its_end(
        place in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let mut files = bytes(healthy());
        let damaged = place.index(files.len());
        changes.iter().for_each(|change| change.apply(&mut files[damaged].1));
        let (tree, revision) = read(&files);
        check_problems(&tree, &revision)?;
        prop_assert!(revision.problems.is_sorted_by_key(RepoProblem::at));
        prop_assert!(revision.problems.is_empty() || !revision.desired.is_complete);
    }

    #[test]
    fn a_damaged_file_hides_no_healthy_one(
        place in 0..3_usize,
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let mut files = vec![config("")];
        for n in 0..3 {
            let (knf, ns) = (format!("p{n}_knf"), format!("p{n}_ns"));
            files.push(vnfd(&knf, "ldap", "1"));
            files.push(nsd(&ns, &knf, "openldap", "1"));
            files.push(instance(&format!("i{n}"), &ns, "a: 1"));
        }
        let mut files = bytes(files);
        let (_, whole) = read(&files);
        let victim = format!("ns/i{place}.ops.yaml");
        let file = files.iter_mut().find(|(path, _)| *path == victim).unwrap();
        changes.iter().for_each(|change| change.apply(&mut file.1));
        let (tree, damaged) = read(&files);
        check_problems(&tree, &damaged)?;
        prop_assert_eq!(damaged.desired.packages, whole.desired.packages);
        // One that takes the name of another is a mistake of both.
        let names: Vec<&str> = damaged.problems.iter().filter_map(|problem| match problem {
            RepoProblem::DuplicateInstance { name, .. } => Some(name.as_str()),
            _ => None,
        }).collect();
        for want in &whole.desired.instances {
            if want.at.file().as_str() != victim && !names.contains(&want.name.as_str()) {
                prop_assert!(damaged.desired.instances.contains(want), "{}", want.name);
            }
        }
    }

    #[test]
    fn the_name_of_a_revision_comes_back_as_it_was_written(text in ".{0,300}") {
        match RevisionName::new(text.clone()) {
            Ok(name) => {
                prop_assert_eq!(name.to_string(), text.clone());
                prop_assert_eq!(RevisionName::new(name.to_string()), Ok(name.clone()));
                let json = serde_json::to_string(&name).unwrap();
                prop_assert_eq!(serde_json::from_str::<RevisionName>(&json).unwrap(), name);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_digest_comes_back_as_it_was_written(
        algorithm in "sha256|sha384|sha512|blake3",
        digits in "[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}|[0-9A-Fa-f]{64}",
        other in ".{0,80}|(sha256|blake3|md5):[0-9a-g]{60,66}",
    ) {
        let text = format!("{algorithm}:{digits}");
        let fits = digits.len() == match algorithm.as_str() { "sha384" => 96, "sha512" => 128, _ => 64 };
        match FileDigest::parse(&text) {
            Ok(digest) => {
                prop_assert!(fits);
                prop_assert_eq!(digest.to_string(), text.to_lowercase());
                prop_assert_eq!(FileDigest::parse(&digest.to_string()), Ok(digest));
            }
            Err(_) => prop_assert!(!fits, "{text}"),
        }
        if let Ok(digest) = FileDigest::parse(&other) {
            prop_assert_eq!(digest.to_string(), other.to_lowercase());
        }
    }

    #[test]
    fn the_name_of_an_upload_comes_back_as_it_was_written(
        folder in "[a-zA-Z0-9._-]{1,110}",
        owner in prop::option::of("[a-zA-Z0-9_/-]{1,63}|[-/_]{1,2}"),
        adopted in any::<bool>(),
        other in ".{0,40}|[a-z.-]{0,20}\\.[0-9a-f]{64}\\.tar\\.gz",
    ) {
        let owner_line = owner.map(|owner| format!("owner: '{owner}'\n")).unwrap_or_default();
        let (tree, revision) = read(&bytes(vec![config(&owner_line), vnfd("p_knf", "ldap", "1")]));
        // Only of an owner that a repository may have.
        prop_assume!(revision.config.is_some());
        let package = Package::read(&tree, &TreePath::parse("osm-pkgs/p_knf").unwrap()).unwrap();
        let owner = revision.desired.owner;
        let name = UploadName { folder, owner, adopted, digest: package.digest };
        let text = name.to_string();
        prop_assert!(text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/'));
        prop_assert_eq!(UploadName::parse(&text), Some(name));
        if let Some(read) = UploadName::parse(&other) {
            prop_assert_eq!(UploadName::parse(&read.to_string()), Some(read));
        }
    }

    #[test]
    fn a_path_of_a_repository_stays_inside_and_comes_back_as_it_was_written(text in "[a./]{0,12}|.{0,30}") {
        if let Some(path) = TreePath::parse(&text) {
            prop_assert!(!path.as_str().starts_with('/'), "{path:?}");
            let is_plain = |part: &str| !["", ".", ".."].contains(&part);
            prop_assert!(path.as_str().is_empty() || path.as_str().split('/').all(is_plain), "{path:?}");
            prop_assert_eq!(TreePath::parse(path.as_str()), Some(path));
        } else {
            prop_assert!(text.starts_with('/') || text.contains(".."));
        }
    }
}
