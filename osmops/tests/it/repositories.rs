//! One repository for each mistake; every message that a user may see is in the snapshot.

use std::path::Path;

use osmops::ids::RevisionName;
use osmops::revision::Revision;
use osmops::tree::Tree;

fn read(name: &str) -> Revision {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos").join(name);
    let tree = Tree::read_folder(&folder).unwrap();
    Revision::read(&tree, RevisionName::new(name).unwrap())
}

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos");
    let mut names: Vec<String> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let mut text = String::new();
    for name in names() {
        let revision = read(&name);
        let desired = &revision.desired;
        text.push_str(&format!(
            "{name}: {} packages and {} instances are healthy\n",
            desired.packages.len(),
            desired.instances.len()
        ));
        for problem in &revision.problems {
            text.push_str(&format!("  problem {problem}\n"));
        }
        for warning in &revision.warnings {
            text.push_str(&format!("  warning {warning}\n"));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_revision_with_three_mistakes_reports_three_and_keeps_the_healthy_rest() {
    let revision = read("three-mistakes");
    let places: Vec<String> =
        revision.problems.iter().map(|problem| problem.at().to_string()).collect();
    assert_eq!(
        places,
        ["deploy/ldap.ops.yaml:4:1", "deploy/ldap.ops.yaml:6:1", "deploy/osm-pkgs/empty_ns"]
    );
    assert_eq!(revision.desired.packages.len(), 2, "the healthy packages are there");
}

#[test]
fn a_connection_file_in_the_repository_is_read_and_its_password_never_shown() {
    let tree =
        Tree::read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos/healthy"))
            .unwrap();
    let path = osmops::tree::TreePath::parse("deploy/secret.yaml").unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut tree.file(&path).unwrap().open().unwrap(), &mut text)
        .unwrap();
    let file = osmops::repo::read_connection_file("deploy/secret.yaml", &text).unwrap();
    assert_eq!(file.password.reveal(), "not-a-real-one");
    assert!(!format!("{file:?}").contains("not-a-real-one"));
}
