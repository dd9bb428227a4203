//! One operation that has not ended, and what is told of it.

use serde::{Deserialize, Serialize};

use crate::operation::{Mode, Work};
use crate::profile::{Course, Ending, Kind, Outcome};

/// One operation that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) work: Work,
    pub(super) course: Course,
    /// Forced outcome, from a fault.
    pub(super) fails_with: Option<String>,
    /// Waiting: when it could start. Running: when its stage began.
    pub(super) since: f64,
    pub(super) phase: Phase,
    pub(super) is_held: bool,
    pub(super) is_cancelled: bool,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The life-cycle manager has not heard of it.
    Asked,
    /// It has, and waits for those before it.
    Waiting,
    /// In the stage of this number, from 1.
    Running(u32),
    RollingBack,
}

/// An operation that has not ended, as the control API shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PendingOperation {
    /// The operation's id; of VIM accounts and the like `<id>:<index>`.
    pub id: String,
    /// Id of the NS instance or the item.
    pub of: String,
    /// `instantiate`, `action`, `scale`, `terminate`, `heal`, `update`, `migrate` or `admin`.
    pub operation: &'static str,
    /// `asked`, `waiting` (for those before it), `running` or `rolling-back`.
    pub state: &'static str,
    /// Number of the stage it is in, from 1; 0 before it runs.
    pub stage: u32,
    /// Whether it stands still until it is released.
    pub is_held: bool,
    /// How many operations of the same instance are before it.
    pub behind: usize,
    /// When it came to where it is, in epoch seconds.
    pub since: f64,
    /// When its next step comes by itself, if ever.
    pub due: Option<f64>,
}

impl Pending {
    /// Its course: the profile's, unless a mode is set over it.
    fn course(&self, mode: Option<Mode>) -> Course {
        match mode {
            None => self.course.clone(),
            Some(Mode::Off) => Course::never(),
            Some(Mode::Manual) => Course::on_request(),
            Some(Mode::Ok) => Course::at_once(super::MODE_DELAY, Ending::Well),
            Some(Mode::Fail) => Course::at_once(super::MODE_DELAY, Ending::Badly(None)),
        }
    }

    /// Whether the life-cycle manager is at it.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.phase, Phase::Running(_) | Phase::RollingBack)
    }

    /// When its next step comes.
    pub(super) fn due(&self, mode: Option<Mode>, is_first: bool) -> Option<f64> {
        if self.is_cancelled && mode != Some(Mode::Off) {
            return Some(self.since);
        }
        let is_admin = self.work.kind() == Kind::Admin;
        if self.is_held || !is_first && (self.phase == Phase::Waiting || is_admin) {
            return None;
        }
        let course = self.course(mode);
        let wait = match self.phase {
            Phase::Asked | Phase::Waiting => course.starts_after,
            Phase::Running(stage) => course.lasts(stage),
            Phase::RollingBack => match course.outcome {
                Outcome::RollsBack { within, .. } => within,
                Outcome::Ends(_) => Some(std::time::Duration::ZERO),
                Outcome::Stuck => None,
            },
        };
        wait.map(|wait| self.since + wait.as_secs_f64())
    }

    /// What its next step is, by its course.
    pub(super) fn next(&self, mode: Option<Mode>) -> Next {
        let course = self.course(mode);
        match self.phase {
            Phase::Asked | Phase::Waiting => Next::Start,
            Phase::Running(stage) if course.has_stage_after(stage) => Next::Stage(stage + 1),
            Phase::Running(_) => match course.outcome {
                Outcome::Ends(ending) => Next::End(ending),
                Outcome::Stuck => Next::End(Ending::Well),
                Outcome::RollsBack { detail, .. } => Next::RollBack(detail),
            },
            Phase::RollingBack => match course.outcome {
                Outcome::RollsBack { detail, .. } => Next::End(Ending::RolledBack(detail)),
                Outcome::Ends(_) | Outcome::Stuck => Next::End(Ending::RolledBack(None)),
            },
        }
    }

    pub(super) fn view(&self, behind: usize, due: Option<f64>) -> PendingOperation {
        let (state, stage) = match self.phase {
            Phase::Asked => ("asked", 0),
            Phase::Waiting => ("waiting", 0),
            Phase::Running(stage) => ("running", stage),
            Phase::RollingBack => ("rolling-back", 0),
        };
        PendingOperation {
            id: self.work.op_id(),
            of: self.work.queue().to_owned(),
            operation: self.work.kind().word(),
            state,
            stage,
            is_held: self.is_held,
            behind,
            since: self.since,
            due,
        }
    }
}

/// What comes next.
pub(super) enum Next {
    Start,
    Stage(u32),
    RollBack(Option<String>),
    End(Ending),
}
