//! DesiredState: what this revision asks for.
//!
//! In: a [`Repo`](crate::repo::Repo) and its [`Package`](crate::package::Package)s. Out: packages and
//! instances in a fixed order, with every reference that can be checked without OSM checked. Invariant:
//! pure; the order of files decides nothing.

mod dependencies;
mod resolve;

use crate::ids::{DescriptorId, KduName, MemberIndex, NsName, Owner, PackageKind, VimAccountName};
use crate::package::{DescriptorBody, Member, TreeDigest};
use crate::repo::OperationPolicy;
use crate::secret::{Params, SecretNames};
use crate::source_pos::SourcePos;
use crate::tree::TreePath;

pub use resolve::resolve;

/// What OSM shall have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DesiredState {
    /// Marks what we make.
    pub owner: Option<Owner>,
    /// Whether what others made, or we before there was an owner, may be taken over.
    pub adopt: bool,
    /// How what we made and no file declares is removed; absent where it is left.
    pub prune: Option<Prune>,
    /// Whether this is all that the revision declares: no file of it is broken, no link was left out.
    pub is_complete: bool,
    /// What is done about what was changed in OSM after it was applied.
    pub drift: Drift,
    /// How long OSM's operations may take, and how failed ones are tried again.
    pub policy: OperationPolicy,
    /// The names of parameters that are secret.
    pub secret_names: SecretNames,
    /// VNFDs first, then NSDs, each in the order of their ids; look-ups rely on it.
    pub packages: Vec<DesiredPackage>,
    /// In the order of their names; look-ups rely on it.
    pub instances: Vec<DesiredInstance>,
}

/// That what bears our mark and is declared no more is to be removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Prune {
    /// What asks for it.
    pub at: SourcePos,
    /// Whether everything may go, or more than half of many.
    pub allow_large: bool,
}

/// What is done about items that differ though they were applied as they are declared now.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Drift {
    /// They are made to match again.
    #[default]
    Repair,
    /// They are only reported.
    Report {
        /// What was applied last. No record of OSM's tells it, so who asks for passes must know.
        applied: Box<DesiredState>,
    },
}

/// Kind and descriptor id: what a package goes by, in the repository and in OSM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct PackageKey {
    /// VNFD or NSD.
    pub kind: PackageKind,
    /// The descriptor's `id`.
    pub id: DescriptorId,
}

impl std::fmt::Display for PackageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// A package that OSM shall have with just these files.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredPackage {
    /// What it goes by.
    pub key: PackageKey,
    /// Where its id stands.
    pub at: SourcePos,
    /// The folder with its files.
    pub folder: TreePath,
    /// The descriptor's version, for people.
    pub version: Option<String>,
    /// Stands for its files.
    pub digest: TreeDigest,
    /// Whether it has no file but its descriptor.
    pub is_descriptor_alone: bool,
    /// What the descriptor says.
    pub descriptor: DescriptorBody,
    /// An NSD's VNFs.
    pub members: Vec<Member>,
    /// A VNFD's KDUs.
    pub kdus: Vec<KduName>,
}

/// An NS instance that OSM shall run with these values.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredInstance {
    /// Its name.
    pub name: NsName,
    /// Where the name stands.
    pub at: SourcePos,
    /// What OSM shows beside the name, and where it stands.
    pub description: Option<(String, SourcePos)>,
    /// The NSD's id, and where it stands.
    pub nsd: (DescriptorId, SourcePos),
    /// Where it runs, and where that is said.
    pub vim_account: (VimAccountName, SourcePos),
    /// The KDUs with declared values.
    pub kdus: Vec<DesiredKdu>,
    /// Whether an instance of this name without a mark may be taken over.
    pub adopt: bool,
    /// The instances that must run before this one is made, and where each is named. Those that are
    /// declared have no circles.
    pub depends_on: Vec<(NsName, SourcePos)>,
    /// Whether it is made anew where OSM cannot change it: for another NSD or VIM account.
    pub recreate: bool,
}

/// The declared helm values of one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredKdu {
    /// The VNF that it belongs to, and where that is said.
    pub member: (MemberIndex, SourcePos),
    /// The KDU, and where it is named.
    pub name: (KduName, SourcePos),
    /// The chart, where it is not to be the VNFD's, and where it is named.
    pub model: Option<(String, SourcePos)>,
    /// Values by key.
    pub params: Params,
    /// Where each of `params` stands, in the same order.
    pub param_positions: Vec<SourcePos>,
}

impl DesiredInstance {
    /// Whether another declaration asks for the same, wherever it stands.
    pub fn declares_the_same(&self, other: &Self) -> bool {
        // A KDU is declared once, and in any order.
        let has_same = |a: &DesiredKdu| {
            let b = other.kdus.iter().find(|b| a.member.0 == b.member.0 && a.name.0 == b.name.0);
            b.is_some_and(|b| {
                a.params.values() == b.params.values()
                    && a.model.as_ref().map(|(model, _)| model)
                        == b.model.as_ref().map(|(model, _)| model)
            })
        };
        self.name == other.name
            && self.nsd.0 == other.nsd.0
            && self.vim_account.0 == other.vim_account.0
            && self.kdus.len() == other.kdus.len()
            && self.kdus.iter().all(has_same)
    }
}

impl DesiredState {
    /// The declared package of this kind and id.
    pub fn package(&self, kind: PackageKind, id: &DescriptorId) -> Option<&DesiredPackage> {
        let found = self.packages.binary_search_by(|p| (p.key.kind, &p.key.id).cmp(&(kind, id)));
        self.packages.get(found.ok()?)
    }

    /// The declared instance of this name.
    pub fn instance(&self, name: &NsName) -> Option<&DesiredInstance> {
        let found = self.instances.binary_search_by(|instance| instance.name.cmp(name));
        self.instances.get(found.ok()?)
    }

    /// The declared instances, each after those that it depends on.
    pub fn instances_in_order(&self) -> Vec<&DesiredInstance> {
        dependencies::in_order(&self.instances)
    }

    /// Whether OSM has no part in it: nothing is declared, and nothing is to be removed.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.instances.is_empty() && self.prune.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn at(line: u32) -> SourcePos {
        SourcePos::at(&Arc::new(TreePath::root()), line, 1)
    }

    fn kdu(name: &str) -> DesiredKdu {
        let values = json!({ "a": 1 }).as_object().unwrap().clone();
        DesiredKdu {
            member: (MemberIndex::new("openldap").unwrap(), at(5)),
            name: (KduName::new(name).unwrap(), at(6)),
            model: Some(("stable/ldap:1".to_owned(), at(7))),
            params: Params::new(values, SecretNames::default()),
            param_positions: vec![at(8)],
        }
    }

    fn instance() -> DesiredInstance {
        DesiredInstance {
            name: NsName::new("ldap").unwrap(),
            at: at(1),
            description: None,
            nsd: (DescriptorId::new("ldap_ns").unwrap(), at(2)),
            vim_account: (VimAccountName::new("here").unwrap(), at(3)),
            kdus: vec![kdu("one"), kdu("two")],
            adopt: false,
            depends_on: Vec::new(),
            recreate: false,
        }
    }

    #[test]
    fn declarations_are_the_same_when_all_that_is_deployed_is() {
        let same = |change: &dyn Fn(&mut DesiredInstance)| {
            let mut other = instance();
            change(&mut other);
            instance().declares_the_same(&other)
        };
        assert!(same(&|_| {}));
        assert!(same(&|other| other.at = at(9)), "wherever it stands");
        assert!(same(&|other| other.kdus.reverse()), "in whatever order");
        assert!(!same(&|other| other.name = NsName::new("other").unwrap()));
        assert!(!same(&|other| other.nsd.0 = DescriptorId::new("other_ns").unwrap()));
        assert!(!same(&|other| other.vim_account.0 = VimAccountName::new("there").unwrap()));
        assert!(!same(&|other| other.kdus.push(kdu("three"))));
        assert!(!same(&|other| other.kdus[1].name.0 = KduName::new("three").unwrap()));
        assert!(!same(&|other| other.kdus[1].params = Params::default()));
        assert!(!same(&|other| other.kdus[1].model = None));
    }
}
