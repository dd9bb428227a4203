//! Inputs for the benchmarks: a repository of any size, and an OSM that has it.

use osmops::desired::{DesiredState, PackageKey};
use osmops::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, PackageId, RevisionName, VimAccountId,
    VimAccountName,
};
use osmops::moment::Moment;
use osmops::observed::{
    Content, NsState, ObservedInstance, ObservedKdu, ObservedPackage, ObservedState,
    ObservedVimAccount, PackageState,
};
use osmops::package::UploadName;
use osmops::revision::Revision;
use osmops::tree::{Tree, TreeFile, TreePath};
use serde_json::{Map, json};

/// How many instances share one NSD: ten, so that packages grow with the instances.
const INSTANCES_PER_NSD: usize = 10;

/// The one VIM account.
const VIM_ACCOUNT: &str = "00000000-0000-4000-8000-000000000000";

/// A revision with `instances` NS instances, each in a file of its own, and a package pair for every ten
/// of them. `replicas` is the declared value of instance 0; all others declare two.
///
/// # Panics
/// When the generated files are no healthy repository, which would be a mistake in here.
pub fn revision(instances: usize, replicas: &str) -> Revision {
    let mut files = vec![(
        "osm_ops_config.yaml".to_owned(),
        "fileExtensions: [.ops.yaml]\nconnectionFile: /etc/osmops/nbi-connection.yaml\n".to_owned(),
    )];
    for n in 0..instances.div_ceil(INSTANCES_PER_NSD) {
        files.push((format!("osm-pkgs/p{n}_knf/vnfd.yaml"), vnfd(n)));
        files.push((format!("osm-pkgs/p{n}_ns/nsd.yaml"), nsd(n)));
    }
    for n in 0..instances {
        let replicas = if n == 0 { replicas } else { "2" };
        files.push((format!("ns/i{n}.ops.yaml"), instance(n, replicas)));
    }
    let file = |(path, text): (String, String)| {
        let path = TreePath::parse(&path).expect("the paths above are relative");
        (path, TreeFile::in_memory(text, false))
    };
    let tree = Tree::from_files(files.into_iter().map(file));
    let name = RevisionName::new("generated").expect("a word");
    let revision = Revision::read(&tree, name);
    assert!(revision.problems.is_empty(), "{:?}", revision.problems);
    assert_eq!(revision.desired.instances.len(), instances);
    revision
}

/// An OSM that matches [`revision`] with two replicas everywhere.
pub fn observed(desired: &DesiredState) -> ObservedState {
    ObservedState {
        packages: desired.packages.iter().map(observed_package).collect(),
        instances: (0..desired.instances.len()).map(observed_instance).collect(),
        unnamed: Vec::new(),
        vim_accounts: Some(vec![ObservedVimAccount {
            id: id(VimAccountId::new(VIM_ACCOUNT)),
            name: id(VimAccountName::new("mylocation1")),
        }]),
        read_at: Moment::default(),
    }
}

/// An OSM with a VIM account and nothing else.
pub fn empty() -> ObservedState {
    ObservedState {
        packages: Vec::new(),
        instances: Vec::new(),
        ..observed(&DesiredState::default())
    }
}

fn observed_package(package: &osmops::desired::DesiredPackage) -> ObservedPackage {
    let PackageKey { kind, id: descriptor } = package.key.clone();
    let folder = package.folder.file_name().to_owned();
    let name = UploadName { folder, owner: None, adopted: false, digest: package.digest.clone() };
    let member = |m: &osmops::package::Member| Some((m.index.clone()?, m.vnfd.clone()));
    ObservedPackage {
        kind,
        record: id(PackageId::new(format!("{kind}-{descriptor}").replace('_', "-"))),
        id: Some(descriptor),
        version: package.version.clone(),
        modified: Moment::default(),
        state: PackageState::Usable,
        file_name: Some(name.to_string()),
        descriptor: Some(package.descriptor.json().clone()),
        repaired: None,
        content: Content::NotRead,
        members: package.members.iter().filter_map(member).collect(),
        vnfds: package.members.iter().map(|m| m.vnfd.clone()).collect(),
        kdus: package.kdus.clone(),
    }
}

fn observed_instance(n: usize) -> ObservedInstance {
    let values: Map<_, _> = [("replicaCount".to_owned(), json!("2"))].into_iter().collect();
    ObservedInstance {
        id: id(NsId::new(format!("ns-{n}"))),
        name: id(NsName::new(format!("i{n}"))),
        created: Moment::default(),
        description: None,
        nsd: Some(id(DescriptorId::new(format!("p{}_ns", n / INSTANCES_PER_NSD)))),
        packages: Vec::new(),
        owner: None,
        vim_account: Some(id(VimAccountId::new(VIM_ACCOUNT))),
        state: NsState::Ready,
        running: None,
        failure: None,
        can_reset_values: false,
        kdus: vec![ObservedKdu {
            member: id(MemberIndex::new("member")),
            name: id(KduName::new("kdu")),
            model: None,
            is_as_installed: true,
            values: Some(values),
        }],
        history: None,
    }
}

fn id<T, E: std::fmt::Debug>(made: Result<T, E>) -> T {
    made.expect("the names above are names")
}

fn vnfd(n: usize) -> String {
    format!(
        "vnfd:\n  id: p{n}_knf\n  version: '1.0'\n  kdu:\n  - name: kdu\n    helm-chart: stable/x\n"
    )
}

fn nsd(n: usize) -> String {
    format!(
        "nsd:\n  nsd:\n  - id: p{n}_ns\n    version: '1.0'\n    df:\n    - id: df\n      vnf-profile:\n      \
         - id: member\n        vnfd-id: p{n}_knf\n    vnfd-id: [p{n}_knf]\n"
    )
}

fn instance(n: usize, replicas: &str) -> String {
    format!(
        "kind: NsInstance\nname: i{n}\ndescription: number {n}\nnsdName: p{}_ns\nvnfName: member\n\
         vimAccountName: mylocation1\nkdu:\n  name: kdu\n  params:\n    replicaCount: \"{replicas}\"\n",
        n / INSTANCES_PER_NSD
    )
}
