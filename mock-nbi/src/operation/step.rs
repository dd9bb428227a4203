//! Operations under way, and what can happen to one.

use serde::{Deserialize, Serialize};

use crate::profile::{Ending, Kind};
use crate::state::db::Collection;

/// What an operation works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// An operation of an NS instance.
    Ns { ns_id: String, op_id: String, kind: Kind },
    /// The operation `index` of a VIM account or cluster.
    Admin { collection: Collection, id: String, index: usize },
}

impl Work {
    pub(crate) fn queue(&self) -> &str {
        match self {
            Self::Ns { ns_id, .. } => ns_id,
            Self::Admin { id, .. } => id,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Ns { kind, .. } => *kind,
            Self::Admin { .. } => Kind::Admin,
        }
    }

    /// The operation's id; of admin items, `<id>:<index>`.
    pub(crate) fn op_id(&self) -> String {
        match self {
            Self::Ns { op_id, .. } => op_id.clone(),
            Self::Admin { id, index, .. } => format!("{id}:{index}"),
        }
    }
}

/// One thing that happens to an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Epoch seconds.
    pub(crate) at: f64,
    pub(crate) work: Work,
    pub(crate) change: Change,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// The life-cycle manager has heard of it and lets it wait behind another.
    Wait,
    Start,
    /// The operation enters its stage of this number, from 2.
    Stage(u32),
    /// It begins to take back what it did, and says this.
    RollBack(Option<String>),
    /// It was cancelled before it began.
    Drop,
    /// It ends; with a text when it is to fail and who asked for that gave one.
    End(Ending),
}
