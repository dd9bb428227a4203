//! Generated declarations, and generated readings of an OSM: also such as no fake ever comes to.

mod declared;
mod matching;
mod observed;

use std::sync::LazyLock;

use osmops::ids::{KduName, MemberIndex, PackageKind};
use osmops::package::Package;
use osmops::tree::{Tree, TreeFile, TreePath};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::world::{nsd, vnfd};

pub(super) use declared::declared;
pub(super) use matching::matching;
pub(super) use observed::{as_read_for, observed};

const OURS: &str = "team-a";
/// Pairs of a VNFD and an NSD.
const PAIRS: usize = 3;
/// Names of instances that may be declared; OSM may have one more.
const NAMES: usize = 4;
const VERSIONS: usize = 2;
const READ_AT: f64 = 1_700_000_000.0;
/// Values as files write them.
const VALUES: [&str; 3] = ["replicas: 1", "replicas: \"two\"", "nested: {a: [1, {b: true}]}"];

fn pair_files(pair: usize, version: usize) -> [(String, String); 2] {
    let knf = format!("p{pair}_knf");
    let version = format!("1.{version}");
    [vnfd(&knf, "ldap", &version), nsd(&format!("p{pair}_ns"), &knf, "openldap", &version)]
}

fn tree(files: &[(String, String)]) -> Tree {
    let file = |(path, text): &(String, String)| {
        (TreePath::parse(path).unwrap(), TreeFile::in_memory(text.clone(), false))
    };
    Tree::from_files(files.iter().map(file))
}

/// The packages of every pair in every version.
static PACKAGES: LazyLock<Vec<[Package; 2]>> = LazyLock::new(|| {
    let mut packages = Vec::new();
    for number in 0..PAIRS * VERSIONS {
        let files = pair_files(number / VERSIONS, number % VERSIONS);
        let tree = tree(&files);
        packages.push(files.each_ref().map(|(path, _)| {
            let (folder, _) = path.rsplit_once('/').unwrap();
            Package::read(&tree, &TreePath::parse(folder).unwrap()).unwrap()
        }));
    }
    packages
});

fn package(kind: PackageKind, pair: usize, version: usize) -> &'static Package {
    &PACKAGES[pair * VERSIONS + version][usize::from(kind == PackageKind::Nsd)]
}

/// Mostly the one, so that what is declared and what was read often agree.
fn usual(value: usize, any: std::ops::Range<usize>) -> impl Strategy<Value = usize> + Clone {
    prop_oneof![4 => Just(value), 1 => any]
}

fn member_and_kdu() -> (MemberIndex, KduName) {
    (MemberIndex::new("openldap").unwrap(), KduName::new("ldap").unwrap())
}

/// One of [`VALUES`] as OSM keeps it.
fn values_of(number: usize) -> Map<String, Value> {
    let value: Value = serde_yaml::from_str(VALUES[number]).unwrap();
    value.as_object().unwrap().clone()
}
