//! How one operation is to go: when it starts, how long each stage lasts, how it ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What kind of operation takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Instantiate,
    Action,
    Scale,
    Terminate,
    Heal,
    Update,
    Migrate,
    /// Creation, edition or deletion of a VIM account, a cluster or the like.
    Admin,
}

impl Kind {
    /// The word in URLs and `lcmOperationType`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiate",
            Self::Action => "action",
            Self::Scale => "scale",
            Self::Terminate => "terminate",
            Self::Heal => "heal",
            Self::Update => "update",
            Self::Migrate => "migrate",
            Self::Admin => "admin",
        }
    }
}

/// The course of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    /// Wait before the start, counted from the request or the predecessor's end; none: it never
    /// starts.
    pub(crate) starts_after: Option<Duration>,
    /// How long each stage lasts, in order.
    pub(crate) stages: Vec<Duration>,
    pub(crate) outcome: Outcome,
}

/// How an operation ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// It ends, and how.
    Ends(Ending),
    /// It stays in its last stage until someone ends it.
    Stuck,
    /// It goes to `ROLLING_BACK` after its last stage, and to `ROLLED_BACK` after this time, or never.
    RollsBack { detail: Option<String>, within: Option<Duration> },
}

/// How an operation ends. A text is what OSM's life-cycle manager leaves; without one, its usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    /// `COMPLETED`
    Well,
    /// `FAILED`
    Badly(Option<String>),
    /// `PARTIALLY_COMPLETED`: done, with this to say.
    Partly(Option<String>),
    /// `FAILED_TEMP`
    ForNow(Option<String>),
    /// `ROLLED_BACK`
    RolledBack(Option<String>),
}

impl Course {
    /// Starts at once and ends on request.
    pub(crate) fn on_request() -> Self {
        Self {
            starts_after: Some(Duration::ZERO),
            stages: vec![Duration::ZERO],
            outcome: Outcome::Stuck,
        }
    }

    /// Takes no time after `wait`.
    pub(crate) fn at_once(wait: Duration, ending: Ending) -> Self {
        Self {
            starts_after: Some(wait),
            stages: vec![Duration::ZERO],
            outcome: Outcome::Ends(ending),
        }
    }

    /// Never starts.
    pub(crate) fn never() -> Self {
        Self { starts_after: None, ..Self::on_request() }
    }

    /// How long the stage of this number lasts, from 1; none: until someone ends it.
    pub(crate) fn lasts(&self, stage: u32) -> Option<Duration> {
        let index = (stage as usize).saturating_sub(1);
        let is_last = index + 1 >= self.stages.len();
        if is_last && self.outcome == Outcome::Stuck {
            return None;
        }
        Some(self.stages.get(index).copied().unwrap_or_default())
    }

    /// Whether a stage follows the one of this number. Stages without duration are not shown.
    pub(crate) fn has_stage_after(&self, stage: u32) -> bool {
        let takes_time = self.stages.iter().any(|stage| *stage > Duration::ZERO);
        takes_time && (stage as usize) < self.stages.len()
    }
}
