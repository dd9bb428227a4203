//! How operations are steered by hand: their mode, and the end, hold and cancellation of one.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Ending, Engine, Phase, Step};

/// How operations go on, set over the profile by `PUT /_mock/operations/mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// They never start.
    Off,
    /// They end well, 20 ms after they were asked for.
    Ok,
    /// They fail, 20 ms after they were asked for.
    Fail,
    /// They start at once and end on request.
    Manual,
}

/// How an operation is to end, on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// COMPLETED.
    Ok,
    /// FAILED.
    Fail {
        /// The text that OSM's life-cycle manager leaves.
        detail: String,
    },
}

impl OperationResult {
    pub(crate) fn ending(&self) -> Ending {
        match self {
            Self::Ok => Ending::Well,
            Self::Fail { detail } if detail.is_empty() => Ending::Badly(None),
            Self::Fail { detail } => Ending::Badly(Some(detail.clone())),
        }
    }
}

/// Why one operation cannot be steered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SteerError {
    /// No operation of this id is pending: unknown, or ended.
    #[error("no operation `{0}` is pending")]
    Unknown(String),
    /// It is behind others of its instance, which come first.
    #[error("operation `{id}` waits for `{first}` of the same instance")]
    Behind {
        /// The operation that was asked for.
        id: String,
        /// The one at the head of the queue.
        first: String,
    },
}

impl Engine {
    /// Sets the mode (none: the profile's own way); what is pending follows it from `now` on.
    pub(crate) fn set_mode(&mut self, mode: Option<Mode>, now: f64) {
        self.mode = mode;
        let numbers: Vec<u64> = self.pending.keys().copied().collect();
        for number in numbers {
            if let Some(pending) = self.pending.get_mut(&number) {
                pending.since = pending.since.max(now);
            }
            self.reckon(number);
        }
    }

    /// Gives the next step of ending everything that is pending, whatever the mode says.
    pub(crate) fn force_step(&mut self, now: f64, result: &OperationResult) -> Option<Step> {
        let number = *self.pending.keys().next()?;
        Some(self.force(number, now, result.ending()))
    }

    /// Gives the next step of ending one operation; none once it has ended.
    ///
    /// # Errors
    /// [`SteerError::Unknown`], and [`SteerError::Behind`] where others of its instance come first.
    pub(crate) fn force_one(
        &mut self,
        id: &str,
        now: f64,
        result: &OperationResult,
    ) -> Result<Step, SteerError> {
        let number = self.number_of(id)?;
        let first = self
            .pending
            .get(&number)
            .and_then(|pending| self.queues.get(pending.work.queue()))
            .and_then(|queue| queue.front());
        if let Some(first) = first.filter(|first| **first != number) {
            let first = self.pending.get(first).map(|first| first.work.op_id());
            return Err(SteerError::Behind { id: id.to_owned(), first: first.unwrap_or_default() });
        }
        Ok(self.force(number, now, result.ending()))
    }

    fn number_of(&self, id: &str) -> Result<u64, SteerError> {
        self.by_id.get(id).copied().ok_or_else(|| SteerError::Unknown(id.to_owned()))
    }

    /// Keeps an operation where it is until it is released; `is_held` false releases it, and the
    /// time of its stage begins anew.
    ///
    /// # Errors
    /// [`SteerError::Unknown`].
    pub(crate) fn hold(&mut self, id: &str, is_held: bool, now: f64) -> Result<(), SteerError> {
        let number = self.number_of(id)?;
        if let Some(pending) = self.pending.get_mut(&number) {
            if pending.is_held && !is_held {
                pending.since = pending.since.max(now);
            }
            pending.is_held = is_held;
        }
        self.reckon(number);
        Ok(())
    }

    /// Lets an operation end as soon as it can: where it runs, as a life-cycle manager leaves one that
    /// was cancelled; where it waits, without having begun.
    pub(crate) fn cancel(&mut self, id: &str, now: f64) {
        let Ok(number) = self.number_of(id) else {
            return;
        };
        if let Some(pending) = self.pending.get_mut(&number) {
            pending.is_cancelled = true;
            pending.since = now;
        }
        self.reckon(number);
    }

    fn force(&mut self, number: u64, now: f64, ending: Ending) -> Step {
        match self.pending.get(&number).map(|pending| pending.phase) {
            Some(Phase::Asked | Phase::Waiting) => self.enter(number, now, Phase::Running(1)),
            _ => self.end(number, now, ending),
        }
    }
}
