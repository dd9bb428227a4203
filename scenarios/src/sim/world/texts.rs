//! Repositories as texts.

use std::collections::BTreeMap;
use std::time::Duration;

use osmops::tree::{Tree, TreeFile, TreePath};

use super::{OWNER, SECRET_VALUE};

/// A declared instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// The NSD's id.
    pub nsd: String,
    /// `replicaCount`.
    pub replicas: u32,
    /// Whether it has a value that is secret.
    pub has_secret: bool,
    /// What it comes after.
    pub depends_on: Option<String>,
    /// Whether it is to be made anew where it is of another NSD.
    pub recreate: bool,
}

/// A repository at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repo {
    /// Whether what is declared no more is to be removed.
    pub prune: bool,
    /// VNFDs: id, and how often it was changed.
    pub vnfds: BTreeMap<String, u32>,
    /// NSDs: id, the VNFD it is made from, and version.
    pub nsds: BTreeMap<String, (String, u32)>,
    /// Instances.
    pub instances: Vec<Declared>,
    /// Whether a file of it cannot be read.
    pub has_broken_file: bool,
    /// How long OSM's operations may take, in minutes.
    pub timeout_minutes: u32,
    /// Whether files have other names and another order.
    pub is_reordered: bool,
}

impl Repo {
    /// Its files.
    pub fn tree(&self) -> Tree {
        let mut files: Vec<(String, String)> = Vec::new();
        files.push((
            "osm_ops_config.yaml".to_owned(),
            format!(
                "targetDir: d\nowner: {OWNER}\nconnectionFile: /etc/osmops/nbi-connection.yaml\nprune: {}\nallowLargePrune: {}\n\
                 timeout: {}m\nretry: {{attempts: 4, backoff: 20s}}\n",
                self.prune, self.prune, self.timeout_minutes
            ),
        ));
        for (id, version) in &self.vnfds {
            files.push((format!("d/osm-pkgs/{id}/vnfd.yaml"), vnfd(id, *version)));
        }
        for (id, (vnfd, version)) in &self.nsds {
            files.push((format!("d/osm-pkgs/{id}/nsd.yaml"), nsd(id, vnfd, *version)));
        }
        for (index, instance) in self.instances.iter().enumerate() {
            let place = if self.is_reordered { self.instances.len() - index } else { index };
            files.push((format!("d/kdu/{place}-{}.osmops.yaml", instance.name), instance.text()));
        }
        if self.has_broken_file {
            files.push((
                "d/kdu/broken.osmops.yaml".to_owned(),
                "kind: NsInstance\nnam: x\n".to_owned(),
            ));
        }
        Tree::from_files(files.into_iter().map(|(path, text)| {
            let path = TreePath::parse(&path).expect("a relative path");
            (path, TreeFile::in_memory(text, false))
        }))
    }
}

impl Declared {
    /// One of `replicas`, of an NSD.
    pub fn new(name: &str, nsd: &str, replicas: u32) -> Self {
        let (name, nsd) = (name.to_owned(), nsd.to_owned());
        Self { name, nsd, replicas, has_secret: false, depends_on: None, recreate: false }
    }

    fn text(&self) -> String {
        let Self { name, nsd, replicas, has_secret, depends_on, recreate } = self;
        let mut text = format!(
            "kind: NsInstance\nname: {name}\ndescription: of the simulation\nnsdName: {nsd}\nvnfName: m1\n\
             vimAccountName: mylocation1\n"
        );
        if let Some(other) = depends_on {
            text.push_str(&format!("dependsOn: [{other}]\n"));
        }
        if *recreate {
            text.push_str("recreate: true\n");
        }
        text.push_str(&format!("kdu:\n  name: k\n  params:\n    replicaCount: \"{replicas}\"\n"));
        if *has_secret {
            text.push_str(&format!("    adminPassword: {SECRET_VALUE}\n"));
        }
        text
    }
}

/// Of two changes, only one comes with another version, as people have it.
fn vnfd(id: &str, change: u32) -> String {
    let version = change.div_ceil(2);
    format!(
        "vnfd:\n  id: {id}\n  product-name: {id}\n  provider: sim\n  version: \"{version}.0\"\n  df:\n  - id: default-df\n  \
         ext-cpd:\n  - id: mgmt-ext\n    k8s-cluster-net: mgmtnet\n  k8s-cluster:\n    nets:\n    - id: mgmtnet\n  \
         kdu:\n  - name: k\n    helm-chart: stable/chart:1.0\n  mgmt-cp: mgmt-ext\n# change {change}\n"
    )
}

fn nsd(id: &str, vnfd: &str, version: u32) -> String {
    format!(
        "nsd:\n  nsd:\n  - id: {id}\n    name: {id}\n    designer: sim\n    version: \"{version}.0\"\n    df:\n    - id: \
         default-df\n      vnf-profile:\n      - id: m1\n        vnfd-id: {vnfd}\n        virtual-link-connectivity:\n        \
         - virtual-link-profile-id: mgmtnet\n          constituent-cpd-id:\n          - constituent-base-element-id: m1\n            \
         constituent-cpd-id: mgmt-ext\n    virtual-link-desc:\n    - id: mgmtnet\n      mgmt-network: \"true\"\n    \
         vnfd-id:\n    - {vnfd}\n"
    )
}

/// Three packages and four instances: made, and changed in every way while OSM is at work. Short, so that all pairs of faults can be
/// tried.
pub(super) fn shop() -> Vec<(Duration, Repo)> {
    let first = opened();
    let mut second = first.clone();
    second.vnfds.insert("shop_knf".to_owned(), 2);
    second.instances[1].replicas = 3;
    second.instances[2] = Declared::new("till-c", "till_ns", 2);
    second.instances[3].depends_on = Some("till-c".to_owned());
    second.is_reordered = true;
    in_seconds([0, 2], [first, second])
}

/// The shop's longer life, over five commits: made; changed while OSM is at work; with a broken file, and an instance
/// whose removal must wait for it; mended; without its tills and what they were made of.
pub(super) fn market() -> Vec<(Duration, Repo)> {
    let first = opened();
    let mut second = first.clone();
    second.vnfds.insert("shop_knf".to_owned(), 2);
    second.instances[1].replicas = 3;
    let mut third = second.clone();
    third.has_broken_file = true;
    third.instances[0].replicas = 4;
    third.instances[2] = Declared::new("till-c", "till_ns", 2);
    third.instances[3].depends_on = None;
    let mut fourth = third.clone();
    fourth.has_broken_file = false;
    fourth.is_reordered = true;
    let mut fifth = fourth.clone();
    fifth.nsds.remove("till_ns");
    fifth.instances.retain(|instance| instance.nsd != "till_ns");
    in_seconds([0, 5, 30, 70, 100], [first, second, third, fourth, fifth])
}

fn opened() -> Repo {
    let mut repo = Repo {
        prune: true,
        vnfds: [("shop_knf".to_owned(), 1)].into(),
        nsds: [
            ("shop_ns".to_owned(), ("shop_knf".to_owned(), 1)),
            ("till_ns".to_owned(), ("shop_knf".to_owned(), 1)),
        ]
        .into(),
        instances: vec![
            Declared::new("shop-a", "shop_ns", 1),
            Declared::new("shop-b", "shop_ns", 2),
            Declared::new("till-a", "till_ns", 1),
            Declared::new("till-b", "till_ns", 1),
        ],
        timeout_minutes: 5,
        ..Repo::default()
    };
    repo.instances[0].has_secret = true;
    repo.instances[3].depends_on = Some("till-a".to_owned());
    repo
}

fn in_seconds<const N: usize>(times: [u64; N], repos: [Repo; N]) -> Vec<(Duration, Repo)> {
    times.map(Duration::from_secs).into_iter().zip(repos).collect()
}
