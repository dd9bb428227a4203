//! Who uses a package: NS instances of it, and the NSDs that name a VNFD.

use std::collections::BTreeMap;

use crate::desired::PackageKey;
use crate::ids::{DescriptorId, NsId, Owner, PackageId, PackageKind};
use crate::observed::{ObservedPackage, ObservedState};
use crate::plan::Item;

/// A record in OSM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Record {
    Instance(NsId),
    Package(PackageId),
}

/// Something that uses a package.
#[derive(Clone)]
pub(super) struct User {
    /// Its record.
    pub(super) record: Record,
    /// What it goes by, when it can be declared.
    pub(super) item: Option<Item>,
    /// Whether a declaration of `item` means it: of an instance, whether it bears our mark.
    pub(super) is_ours: bool,
    /// What it is, for people.
    pub(super) words: String,
}

/// Who uses which package.
pub(super) struct Users<'a> {
    of_record: BTreeMap<&'a PackageId, Vec<User>>,
    of_vnfd: BTreeMap<&'a DescriptorId, Vec<User>>,
}

impl<'a> Users<'a> {
    /// Everybody's, whether `ours` or not: OSM refuses to delete what anybody uses.
    pub(super) fn of(observed: &'a ObservedState, ours: Option<&Owner>) -> Self {
        let mut users = Self { of_record: BTreeMap::new(), of_vnfd: BTreeMap::new() };
        for instance in &observed.instances {
            let item = Item::Instance(instance.name.clone());
            let is_ours = instance.owner.is_some() && instance.owner.as_ref() == ours;
            let words = match &instance.owner {
                Some(_) if is_ours => item.to_string(),
                Some(owner) => {
                    format!(
                        "{item} ({}, of owner `{owner}`, not made by this repository)",
                        instance.id
                    )
                }
                None => {
                    format!(
                        "{item} ({}, without an owner's mark, so not this repository's)",
                        instance.id
                    )
                }
            };
            for package in &instance.packages {
                let record = Record::Instance(instance.id.clone());
                let user = User { record, item: Some(item.clone()), is_ours, words: words.clone() };
                users.of_record.entry(package).or_default().push(user);
            }
        }
        for instance in &observed.unnamed {
            let words = format!("the NS instance {}", instance.id);
            for package in &instance.packages {
                let record = Record::Instance(instance.id.clone());
                let user = User { record, item: None, is_ours: false, words: words.clone() };
                users.of_record.entry(package).or_default().push(user);
            }
        }
        for nsd in observed.packages.iter().filter(|package| package.kind == PackageKind::Nsd) {
            let key = |id: &DescriptorId| PackageKey { kind: PackageKind::Nsd, id: id.clone() };
            let item = nsd.id.as_ref().map(|id| Item::Package(key(id)));
            let unnamed = || format!("the NSD {}", nsd.record);
            let words = item.as_ref().map_or_else(unnamed, ToString::to_string);
            for vnfd in &nsd.vnfds {
                let record = Record::Package(nsd.record.clone());
                let user = User { record, item: item.clone(), is_ours: true, words: words.clone() };
                users.of_vnfd.entry(vnfd).or_default().push(user);
            }
        }
        users
    }

    /// Who uses this package.
    pub(super) fn of_package(&self, package: &ObservedPackage) -> Vec<User> {
        let of_record = self.of_record.get(&package.record).into_iter().flatten();
        let of_vnfd = match (package.kind, &package.id) {
            (PackageKind::Vnfd, Some(id)) => self.of_vnfd.get(id),
            (PackageKind::Vnfd, None) | (PackageKind::Nsd, _) => None,
        };
        of_record.chain(of_vnfd.into_iter().flatten()).cloned().collect()
    }
}
