//! The closed list of what we may do, and why.

use std::fmt;

use crate::desired::PackageKey;
use crate::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, Owner, PackageId, VimAccountId,
};
use crate::moment::Moment;
use crate::secret::Params;
use crate::source_pos::SourcePos;
use serde::Serialize;

use super::descriptor::DescriptorDifference;
use super::values::ValueDifference;
use super::{Attempt, Unchangeable};

/// The place of an action in its plan; actions refer to earlier ones by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ActionId(pub usize);

/// What an action or an entry of a plan is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(tag = "type", content = "name", rename_all = "lowercase")]
pub enum Item {
    /// A package.
    Package(PackageKey),
    /// An NS instance.
    Instance(NsName),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Package(key) => write!(f, "{key}"),
            Item::Instance(name) => write!(f, "NS {name}"),
        }
    }
}

/// One action, why it is taken, and what must have succeeded before it.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct PlannedAction {
    /// Its place in the plan.
    pub id: ActionId,
    /// What it is about.
    pub item: Item,
    /// What is done.
    pub action: Action,
    /// Why.
    pub why: Why,
    /// Earlier actions that must succeed first.
    pub needs: Vec<ActionId>,
    /// Earlier actions that must end first, however they do.
    pub after: Vec<ActionId>,
}

/// What is done to OSM. Each is one request.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Make a package and upload its files.
    CreatePackage {
        /// Which; the files are found by it.
        package: PackageKey,
    },
    /// Upload a package's files over those that OSM has.
    UpdatePackage {
        /// Which; the files are found by it.
        package: PackageKey,
        /// OSM's record of it.
        record: PackageId,
        /// Whether it was somebody else's before it was ours, so that we never remove it.
        adopted: bool,
    },
    /// Change keys of a package's descriptor, its files as they are.
    PatchPackage {
        /// Which.
        package: PackageKey,
        /// OSM's record of it.
        record: PackageId,
        /// A merge patch: `null` removes a key, lists are replaced as a whole.
        patch: Params,
    },
    /// Make an NS instance and start its instantiation.
    CreateInstance {
        /// What is made.
        spec: InstanceSpec,
    },
    /// Start the instantiation of a record that has none.
    Instantiate {
        /// The record.
        ns: NsId,
        /// What is made of it.
        spec: InstanceSpec,
    },
    /// Take an instance down and keep its record.
    TakeDown {
        /// The instance.
        ns: NsId,
    },
    /// Start an upgrade of one KDU to new values.
    UpgradeKdu {
        /// The instance.
        ns: NsId,
        /// The VNF.
        member: MemberIndex,
        /// The KDU.
        kdu: KduName,
        /// All declared values: OSM merges them over those of the instantiation, not over those of
        /// earlier upgrades.
        params: Params,
        /// The chart, where one is declared.
        model: Option<String>,
        /// Whether all other values are taken back.
        resets: bool,
    },
    /// Start the termination of an instance; OSM removes its record when it is done.
    Terminate {
        /// The instance.
        ns: NsId,
    },
    /// Delete the record of an instance that has no deployment.
    DeleteInstance {
        /// The record.
        ns: NsId,
    },
    /// Delete a package that nothing uses.
    DeletePackage {
        /// Which.
        package: PackageKey,
        /// OSM's record of it.
        record: PackageId,
    },
}

/// What an NS instance is made with.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct InstanceSpec {
    /// Its name.
    pub name: NsName,
    /// What OSM shows beside it.
    pub description: Option<String>,
    /// The NSD's id.
    pub nsd_id: DescriptorId,
    /// The NSD.
    pub nsd: PackageRef,
    /// Where it runs.
    pub vim_account: VimAccountId,
    /// The values of its KDUs.
    pub kdus: Vec<KduValues>,
    /// The mark, if there is an owner.
    pub owner: Option<Owner>,
}

/// The values of one KDU.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct KduValues {
    /// The VNF.
    pub member: MemberIndex,
    /// The KDU.
    pub kdu: KduName,
    /// Its values.
    pub params: Params,
}

/// A package that OSM has, or will have once an earlier action succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageRef {
    /// OSM has it.
    Existing(PackageId),
    /// An earlier action makes it.
    CreatedBy(ActionId),
}

/// Why an action is taken.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Why {
    /// OSM has none.
    Absent,
    /// OSM's files come from another tree.
    FilesDiffer {
        /// The version that OSM has.
        observed_version: Option<String>,
        /// The version that is declared.
        declared_version: Option<String>,
        /// Where it is, or the nearest value around where it would be.
        version_at: SourcePos,
        /// Digest of the tree that OSM's files come from, shortened.
        observed_digest: String,
        /// Digest of the declared tree, shortened.
        declared_digest: String,
        /// How the descriptor differs, keys aside that an upload leaves in OSM.
        differences: Vec<DescriptorDifference>,
    },
    /// Another tool uploaded OSM's files, so nobody knows what they are.
    UploadedByOther {
        /// The file name that it gave.
        file_name: Option<String>,
        /// How its descriptor differs; empty when only other files do.
        differences: Vec<DescriptorDifference>,
    },
    /// OSM's descriptor is not the declared one, though its files are: someone changed it in OSM.
    DescriptorDiffers {
        /// When OSM's copy was last changed.
        modified: Moment,
        /// Each difference.
        differences: Vec<DescriptorDifference>,
    },
    /// OSM merges an upload into what it has, so these keys, declared no more, would stay.
    KeysDropped {
        /// Each of them.
        differences: Vec<DescriptorDifference>,
    },
    /// The record was made, its instantiation was not.
    NeverInstantiated,
    /// It bears our mark, and no file declares it.
    DeclaredNoMore,
    /// OSM has another one of this name that bears our mark as well.
    MadeTwice {
        /// The other one, which stays.
        stays: NsId,
    },
    /// Values in effect are not the declared ones.
    ValuesDiffer {
        /// Each of them.
        differences: Vec<ValueDifference>,
        /// The attempt that this is, where one failed before.
        attempt: Option<Attempt>,
    },
    /// OSM cannot make it what is declared, and the file says `recreate`.
    MadeAnew {
        /// What differs, and where it is declared.
        change: Unchangeable,
    },
    /// OSM instantiates a record with the values and charts that it was made with, and these are not, or
    /// may not be, the declared ones.
    MadeOtherwise,
    /// It failed before.
    Failed {
        /// The attempt that this is.
        attempt: Attempt,
    },
    /// OSM says that it is broken, and nobody tried yet to bring about what is declared.
    Broken {
        /// OSM's own words.
        detail: String,
    },
}
