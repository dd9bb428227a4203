//! What OSM was sent and took on, in the past tense.

use std::fmt;

use serde::Serialize;

use crate::ids::{KduName, MemberIndex, OpId};
use crate::plan::{Action, Item};

/// Something that OSM was sent and took on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Change {
    /// About what.
    pub item: Item,
    /// What was done.
    pub what: ChangeKind,
    /// The operation that it started.
    pub operation: Option<OpId>,
}

/// What was done to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A package was made.
    Created,
    /// A package's files were replaced.
    Updated,
    /// Just the descriptor of a package was changed.
    DescriptorChanged,
    /// An instance was made, and its instantiation started.
    CreatedAndInstantiated,
    /// The instantiation of a record was started.
    Instantiated,
    /// A termination was started that keeps the record.
    TakenDown,
    /// The upgrade of a KDU was started.
    Upgraded {
        /// The VNF.
        member: MemberIndex,
        /// The KDU.
        kdu: KduName,
    },
    /// A termination was started that removes the record.
    Terminated,
    /// A record was deleted.
    Deleted,
}

impl ChangeKind {
    /// What an action does, once OSM took it on.
    pub(crate) fn of(action: &Action) -> Self {
        match action {
            Action::CreatePackage { .. } => Self::Created,
            Action::UpdatePackage { .. } => Self::Updated,
            Action::PatchPackage { .. } => Self::DescriptorChanged,
            Action::CreateInstance { .. } => Self::CreatedAndInstantiated,
            Action::Instantiate { .. } => Self::Instantiated,
            Action::TakeDown { .. } => Self::TakenDown,
            Action::UpgradeKdu { member, kdu, .. } => {
                Self::Upgraded { member: member.clone(), kdu: kdu.clone() }
            }
            Action::Terminate { .. } => Self::Terminated,
            Action::DeleteInstance { .. } | Action::DeletePackage { .. } => Self::Deleted,
        }
    }

    /// What the operation does that it started, if it did.
    pub fn operation(&self) -> Option<String> {
        match self {
            Self::Created | Self::Updated | Self::DescriptorChanged | Self::Deleted => None,
            Self::CreatedAndInstantiated | Self::Instantiated => Some("instantiation".to_owned()),
            Self::TakenDown | Self::Terminated => Some("termination".to_owned()),
            Self::Upgraded { member, kdu } => Some(format!("upgrade of KDU {member}/{kdu}")),
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Updated => f.write_str("updated"),
            Self::DescriptorChanged => f.write_str("descriptor changed"),
            Self::CreatedAndInstantiated => f.write_str("created, instantiation started"),
            Self::Instantiated => f.write_str("instantiation started"),
            Self::TakenDown => f.write_str("termination started, to try again"),
            Self::Upgraded { member, kdu } => write!(f, "upgrade of KDU {member}/{kdu} started"),
            Self::Terminated => f.write_str("termination started"),
            Self::Deleted => f.write_str("deleted"),
        }
    }
}

impl Serialize for ChangeKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

crate::schema::written_as_text!(
    ChangeKind,
    "ChangeKind",
    "What was done, in the past tense, as `upgrade of KDU front/web started`."
);
