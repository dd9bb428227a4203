//! What OSM holds before the first commit: traces of earlier lives, ours and others'.
//!
//! They are left there by requests, as a client that was killed or badly served leaves them.

use std::time::Duration;

use mock_nbi::{Fault, FaultKind, MockNbi, RestState};
use osmops::ids::{Owner, PackageKind};
use osmops::package::{Archive, Package, UploadName};
use osmops::revision::Revision;
use serde_json::{Value, json};

use super::texts::{Declared, Repo};
use super::{OWNER, commit};
use crate::sim::hand::Hand;
use crate::sim::random::Dice;

/// The mark of someone else.
const THEIR_OWNER: &str = "other/deployment";

/// The instantiation of an instance that counts as the reconciler's own.
const INSTANTIATION: &str = "POST /nslcm/v1/ns_instances_content";

/// Something that an earlier life left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// A record whose upload never came.
    HalfMade(PackageKind),
    /// Packages and an instance of someone else.
    Theirs,
    /// Marked as ours, and declared by no commit.
    Orphans,
    /// The first commit's packages.
    Packages,
    /// Those, and an instance that never got its operation.
    WithoutOperation,
    /// Those, and an instance whose operation came to this.
    Operation(Course),
    /// Those, and two instances of one name.
    Twins,
}

/// What an operation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Processing,
    Completed,
    Failed,
    Stuck,
    Lost,
    Rests(RestState),
}

const TRACES: [Trace; 17] = [
    Trace::HalfMade(PackageKind::Vnfd),
    Trace::HalfMade(PackageKind::Nsd),
    Trace::Theirs,
    Trace::Theirs,
    Trace::Orphans,
    Trace::Orphans,
    Trace::Packages,
    Trace::WithoutOperation,
    Trace::Operation(Course::Processing),
    Trace::Operation(Course::Completed),
    Trace::Operation(Course::Failed),
    Trace::Operation(Course::Stuck),
    Trace::Operation(Course::Lost),
    Trace::Operation(Course::Rests(RestState::PartiallyCompleted)),
    Trace::Operation(Course::Rests(RestState::FailedTemp)),
    Trace::Operation(Course::Rests(RestState::RollingBack)),
    Trace::Twins,
];

/// Leaves one to three traces.
pub(super) async fn leave(nbi: &MockNbi, first: &Repo, dice: &mut Dice) {
    let mut life = Life { nbi, hand: Hand::new(nbi), vim: String::new() };
    let (_, vims) = life.hand.ask("GET", "/admin/v1/vim_accounts", None).await;
    vims[0]["_id"].as_str().unwrap_or_default().clone_into(&mut life.vim);
    for _ in 0..=dice.below(3) {
        let trace = *dice.pick(&TRACES);
        life.leaves(trace, first, dice).await;
    }
    nbi.clear_faults();
}

struct Life<'n> {
    nbi: &'n MockNbi,
    hand: Hand,
    vim: String,
}

impl Life<'_> {
    async fn leaves(&mut self, trace: Trace, first: &Repo, dice: &mut Dice) {
        match trace {
            Trace::HalfMade(PackageKind::Vnfd) => {
                self.hand.ask("POST", "/vnfpkgm/v1/vnf_packages", Some(&json!({}))).await;
            }
            Trace::HalfMade(PackageKind::Nsd) => {
                self.hand.ask("POST", "/nsd/v1/ns_descriptors", Some(&json!({}))).await;
            }
            Trace::Theirs => self.makes(&stray("their"), THEIR_OWNER, Course::Completed).await,
            Trace::Orphans => self.makes(&stray("old"), OWNER, Course::Completed).await,
            Trace::Packages => self.uploads(first, OWNER).await,
            Trace::WithoutOperation => {
                self.uploads(first, OWNER).await;
                if let Some(instance) = one_of(first, dice) {
                    let body = self.body(instance, OWNER).await;
                    self.hand.ask("POST", "/nslcm/v1/ns_instances", Some(&body)).await;
                }
            }
            Trace::Operation(course) => {
                self.uploads(first, OWNER).await;
                if let Some(instance) = one_of(first, dice) {
                    self.instantiates(instance, OWNER, course).await;
                }
            }
            Trace::Twins => {
                self.uploads(first, OWNER).await;
                if let Some(instance) = one_of(first, dice) {
                    self.instantiates(instance, OWNER, Course::Completed).await;
                    self.instantiates(instance, OWNER, Course::Completed).await;
                }
            }
        }
    }

    async fn makes(&mut self, repo: &Repo, owner: &str, course: Course) {
        self.uploads(repo, owner).await;
        for instance in &repo.instances {
            self.instantiates(instance, owner, course).await;
        }
    }

    /// Uploads the packages of a repository; those that are there already are refused.
    async fn uploads(&mut self, repo: &Repo, owner: &str) {
        let commit = commit("start", Duration::ZERO, &repo.tree(), false);
        let Revision { packages, .. } = &commit.revision;
        for (key, package) in packages {
            let path = match key.kind {
                PackageKind::Vnfd => "/vnfpkgm/v1/vnf_packages_content",
                PackageKind::Nsd => "/nsd/v1/ns_descriptors_content",
            };
            self.hand.upload(path, &name_of(package, owner), bytes_of(package).await).await;
        }
    }

    async fn instantiates(&mut self, instance: &Declared, owner: &str, course: Course) {
        let kind = match course {
            Course::Processing | Course::Completed => None,
            Course::Failed => Some(FaultKind::OperationFails { detail: "of old".to_owned() }),
            Course::Stuck => Some(FaultKind::OperationStuck),
            Course::Lost => Some(FaultKind::OperationLost),
            Course::Rests(state) => Some(FaultKind::OperationRests { state, detail: None }),
        };
        if let Some(kind) = kind {
            self.nbi.inject(Fault { operation: INSTANTIATION.to_owned(), nth: 1, kind });
        }
        let body = self.body(instance, owner).await;
        self.hand.ask("POST", "/nslcm/v1/ns_instances_content", Some(&body)).await;
        if course != Course::Processing {
            self.nbi.advance(Duration::from_secs(600));
        }
    }

    async fn body(&mut self, instance: &Declared, owner: &str) -> Value {
        let (_, nsds) = self.hand.ask("GET", "/nsd/v1/ns_descriptors", None).await;
        let mut nsds = nsds.as_array().into_iter().flatten();
        let nsd = nsds.find(|nsd| nsd["id"] == instance.nsd.as_str());
        json!({
            "nsName": instance.name,
            "nsdId": nsd.map_or(&Value::Null, |nsd| &nsd["_id"]),
            "vimAccountId": self.vim,
            "additionalParamsForNs": {"osmops_owner": owner},
        })
    }
}

/// An instance that no commit declares, and what it is made from.
fn stray(name: &str) -> Repo {
    let (vnfd, nsd) = (format!("{name}_knf"), format!("{name}_ns"));
    Repo {
        instances: vec![Declared::new(&format!("{name}-life"), &nsd, 1)],
        nsds: [(nsd, (vnfd.clone(), 1))].into(),
        vnfds: [(vnfd, 1)].into(),
        timeout_minutes: 20,
        ..Repo::default()
    }
}

fn one_of<'r>(repo: &'r Repo, dice: &mut Dice) -> Option<&'r Declared> {
    (!repo.instances.is_empty()).then(|| dice.pick(&repo.instances))
}

fn name_of(package: &Package, owner: &str) -> String {
    let owner = Some(Owner::new(owner).expect("a plain text"));
    let (folder, digest) = (package.name().to_owned(), package.digest.clone());
    UploadName { folder, owner, adopted: false, digest }.to_string()
}

async fn bytes_of(package: &Package) -> Vec<u8> {
    let archive = Archive::measure(package).await.expect("files in memory can be read");
    let pieces = archive.chunks().map(|piece| piece.expect("files in memory can be read"));
    pieces.flatten().collect()
}
