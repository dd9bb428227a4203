//! ObservedState: what OSM says it has.
//!
//! Filled by `observe`, read by `plan`. Invariant: plain values; what OSM did not say is absent, never
//! guessed.

use std::collections::BTreeMap;

mod history;

use serde_json::{Map, Value};

use crate::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, OpId, Owner, PackageId, PackageKind,
    VimAccountId, VimAccountName,
};
use crate::moment::Moment;
use crate::package::UploadName;

pub use crate::operation::{OpEnd, OpKind, OpState};
pub use crate::package::Content;
pub(crate) use history::made_with;
pub use history::{Change, KduChange, Operation, Settings};

/// OSM at one reading, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedState {
    /// VNF packages and NS descriptors, in OSM's order.
    pub packages: Vec<ObservedPackage>,
    /// NS instances, in OSM's order.
    pub instances: Vec<ObservedInstance>,
    /// NS instances whose name no file can declare; read only where packages may be removed.
    pub unnamed: Vec<UnnamedInstance>,
    /// VIM accounts; absent when no instance is declared.
    pub vim_accounts: Option<Vec<ObservedVimAccount>>,
    /// When it was read, by OSM's own clock.
    pub read_at: Moment,
}

/// Where a package keeps the mark of its last repair: among the data that OSM lets clients keep with it.
pub const REPAIRED_KEY: &str = "osmops_repaired";

/// A VNF package or NS descriptor in OSM.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedPackage {
    /// VNFD or NSD.
    pub kind: PackageKind,
    /// OSM's `_id`.
    pub record: PackageId,
    /// The descriptor's `id`; absent while no content was uploaded.
    pub id: Option<DescriptorId>,
    /// The descriptor's version.
    pub version: Option<String>,
    /// Whether it can be used.
    pub state: PackageState,
    /// When the package or its descriptor last changed.
    pub modified: Moment,
    /// The file name of the last upload, as stored; absent when it was a descriptor alone.
    pub file_name: Option<String>,
    /// Its descriptor as OSM lists it, with keys of OSM's own; absent when none of its id is declared.
    pub descriptor: Option<Value>,
    /// Which difference of the descriptor was repaired last, in our own words.
    pub repaired: Option<String>,
    /// Of a package that another tool uploaded, what was found in its files.
    pub content: Content,
    /// An NSD's VNFs: index and VNFD id.
    pub members: Vec<(MemberIndex, DescriptorId)>,
    /// The VNFDs that an NSD names; OSM keeps them from being deleted.
    pub vnfds: Vec<DescriptorId>,
    /// A VNFD's KDUs.
    pub kdus: Vec<KduName>,
}

impl ObservedPackage {
    /// The last upload, when it was ours or another owner's of ours.
    pub fn upload(&self) -> Option<UploadName> {
        UploadName::parse(self.file_name.as_deref()?)
    }
}

/// Whether a package can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageState {
    /// Made, but its content is not there yet (`CREATED`, `UPLOADING`, `PROCESSING`).
    WithoutContent,
    /// Onboarded, and disabled by someone.
    Disabled,
    /// Onboarded and enabled.
    Usable,
}

/// An NS instance in OSM.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedInstance {
    /// OSM's `_id`.
    pub id: NsId,
    /// Its name, which others may have too.
    pub name: NsName,
    /// When it was made.
    pub created: Moment,
    /// What is shown beside the name.
    pub description: Option<String>,
    /// The id of the NSD that it was made from, when it is one that can be declared.
    pub nsd: Option<DescriptorId>,
    /// OSM's records of its NSD and its VNFDs.
    pub packages: Vec<PackageId>,
    /// Whose mark it bears; absent when others made it, or we without an owner.
    pub owner: Option<Owner>,
    /// Where it runs.
    pub vim_account: Option<VimAccountId>,
    /// Where it stands in its life.
    pub state: NsState,
    /// What OSM is doing with it, if anything.
    pub running: Option<RunningOperation>,
    /// OSM's words on what went wrong last.
    pub failure: Option<String>,
    /// Whether an upgrade can take values back, which OSM learned in its release 16.
    pub can_reset_values: bool,
    /// Its KDUs and their values, as far as OSM recorded them.
    pub kdus: Vec<ObservedKdu>,
    /// Its operations, oldest first; absent when nobody needed them.
    pub history: Option<Vec<Operation>>,
}

/// An NS instance whose name no file can declare, so that it is somebody else's.
#[derive(Debug, Clone, PartialEq)]
pub struct UnnamedInstance {
    /// OSM's `_id`.
    pub id: NsId,
    /// OSM's records of its NSD and its VNFDs.
    pub packages: Vec<PackageId>,
}

/// The state of an NS instance (`nsState`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NsState {
    /// A record without a deployment.
    NotInstantiated,
    /// Being deployed.
    Building,
    /// Running.
    Ready,
    /// An instantiation or termination failed.
    Broken,
    /// Running, but a part of it is not well.
    Degraded,
    /// Being taken down.
    Terminating,
    /// A word that this release of ours does not know.
    Other(String),
}

/// An operation that OSM works on.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct RunningOperation {
    /// OSM's word for it, as `INSTANTIATING` or `upgrade`.
    pub what: String,
    /// Its id, when OSM names it.
    pub id: Option<OpId>,
    /// When it was asked for, when its record was read.
    pub since: Option<Moment>,
}

/// A KDU that OSM deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedKdu {
    /// The VNF that it belongs to.
    pub member: MemberIndex,
    /// Its name.
    pub name: KduName,
    /// The chart that it was installed from.
    pub model: Option<String>,
    /// Whether nothing was done to it since.
    pub is_as_installed: bool,
    /// The helm values in effect, when OSM recorded helm's own answer.
    pub values: Option<Map<String, Value>>,
}

/// A VIM account in OSM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedVimAccount {
    /// OSM's `_id`.
    pub id: VimAccountId,
    /// Its name.
    pub name: VimAccountName,
}

/// An [`ObservedState`] that is looked up by name.
#[derive(Debug)]
pub struct Index<'a> {
    vnfds: BTreeMap<&'a DescriptorId, Vec<&'a ObservedPackage>>,
    nsds: BTreeMap<&'a DescriptorId, Vec<&'a ObservedPackage>>,
    instances: BTreeMap<&'a NsName, Vec<&'a ObservedInstance>>,
    vim_accounts: &'a [ObservedVimAccount],
    read_at: Moment,
}

impl ObservedState {
    /// Sorts everything by name, once for many look-ups.
    pub fn index(&self) -> Index<'_> {
        let mut index = Index {
            vnfds: BTreeMap::new(),
            nsds: BTreeMap::new(),
            instances: BTreeMap::new(),
            vim_accounts: self.vim_accounts.as_deref().unwrap_or_default(),
            read_at: self.read_at,
        };
        for package in &self.packages {
            if let Some(id) = &package.id {
                let by_id = match package.kind {
                    PackageKind::Vnfd => &mut index.vnfds,
                    PackageKind::Nsd => &mut index.nsds,
                };
                by_id.entry(id).or_default().push(package);
            }
        }
        for instance in &self.instances {
            index.instances.entry(&instance.name).or_default().push(instance);
        }
        index
    }
}

impl<'a> Index<'a> {
    /// Every package of this kind and id; OSM refuses a second one unless forced.
    pub fn packages_of(&self, kind: PackageKind, id: &DescriptorId) -> &[&'a ObservedPackage] {
        let by_id = match kind {
            PackageKind::Vnfd => &self.vnfds,
            PackageKind::Nsd => &self.nsds,
        };
        by_id.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every instance of this name; OSM allows several.
    pub fn named(&self, name: &NsName) -> &[&'a ObservedInstance] {
        self.instances.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// When it was read, by OSM's own clock.
    pub fn read_at(&self) -> Moment {
        self.read_at
    }

    /// The VIM accounts, as far as they were read.
    pub fn vim_accounts(&self) -> &'a [ObservedVimAccount] {
        self.vim_accounts
    }
}

impl ObservedInstance {
    /// The values in effect for one KDU: helm's own answer where OSM recorded it, else what COMPLETED
    /// operations set, oldest first. `None` when neither was read.
    pub fn effective_values(
        &self,
        member: &MemberIndex,
        kdu: &KduName,
    ) -> Option<Map<String, Value>> {
        let recorded = self.kdus.iter().find(|k| k.member == *member && k.name == *kdu);
        if let Some(values) = recorded.and_then(|k| k.values.clone()) {
            return Some(values);
        }
        Some(history::values(self.history.as_ref()?, member, kdu))
    }

    /// The chart in effect for one KDU, by the operations that were completed. `None` when they were not
    /// read and something was done to it since it was installed.
    pub fn effective_model(&self, member: &MemberIndex, kdu: &KduName) -> Option<String> {
        let recorded = self.kdus.iter().find(|k| k.member == *member && k.name == *kdu)?;
        let installed = recorded.model.as_ref()?;
        match &self.history {
            Some(history) => Some(history::model(history, member, kdu, installed)),
            None => recorded.is_as_installed.then(|| installed.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kdu_has_its_own_chart_whatever_others_of_its_vnf_or_name_have() {
        let kdu = |member: &str, name: &str, model: &str| ObservedKdu {
            member: MemberIndex::new(member).unwrap(),
            name: KduName::new(name).unwrap(),
            model: Some(model.to_owned()),
            is_as_installed: true,
            values: None,
        };
        let instance = ObservedInstance {
            id: NsId::new("ns-1").unwrap(),
            name: NsName::new("ldap").unwrap(),
            created: Moment::default(),
            description: None,
            nsd: None,
            packages: Vec::new(),
            owner: None,
            vim_account: None,
            state: NsState::Ready,
            running: None,
            failure: None,
            can_reset_values: true,
            kdus: vec![kdu("m", "one", "a"), kdu("n", "two", "b"), kdu("m", "two", "c")],
            history: None,
        };
        let model = |member: &str, name: &str| {
            let (member, name) = (MemberIndex::new(member).unwrap(), KduName::new(name).unwrap());
            instance.effective_model(&member, &name)
        };
        assert_eq!(model("m", "one").as_deref(), Some("a"));
        assert_eq!(model("n", "two").as_deref(), Some("b"));
        assert_eq!(model("m", "two").as_deref(), Some("c"));
        assert_eq!(model("n", "one"), None);
    }
}
