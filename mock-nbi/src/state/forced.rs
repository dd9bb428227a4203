//! What a fault makes of the next operation that a request starts.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::{Change, OperationResult, SteerError, Step, Work};
use crate::profile::Subject;
use crate::state::State;
use crate::state::db::{Collection, set, text};
use crate::state::lcm;

/// A state in which an operation comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RestState {
    /// It did what it should.
    Completed,
    /// It did some of it.
    PartiallyCompleted,
    /// It failed.
    Failed,
    /// It failed, and may be tried again.
    FailedTemp,
    /// It takes back what it did, and never comes to an end.
    RollingBack,
    /// It failed, and took back what it did.
    RolledBack,
}

impl RestState {
    /// OSM's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::PartiallyCompleted => "PARTIALLY_COMPLETED",
            Self::Failed => "FAILED",
            Self::FailedTemp => "FAILED_TEMP",
            Self::RollingBack => "ROLLING_BACK",
            Self::RolledBack => "ROLLED_BACK",
        }
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Completed | Self::PartiallyCompleted)
    }
}

/// What a fault makes of an operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Forced {
    /// It fails with this text.
    Fails(String),
    /// It comes to rest in this state.
    Rests(RestState, String),
    /// It starts and never ends by itself.
    Stuck,
    /// The life-cycle manager never hears of it.
    Lost,
}

/// What is to become of operations that are under way, by their ids.
pub(crate) type ForcedOperations = IndexMap<String, Forced>;

impl State {
    /// Hands the operation of an admin item, whose record shows it already, to the engine.
    pub(crate) fn submit_admin(&mut self, work: Work, now: f64) {
        let Work::Admin { collection, id, index } = &work else {
            return;
        };
        let record = self.db.get(*collection, id).unwrap_or_default();
        let change = match text(&record["_admin"]["operations"][*index], "lcmOperationType") {
            "" => text(&record["operationHistory"][*index], "operationType"),
            of_account => of_account,
        };
        let change = change.to_owned();
        let subject = Subject {
            name: text(&record, "name").to_owned(),
            item: collection.singular().to_owned(),
            change,
            ..Subject::default()
        };
        drop(record);
        self.submit(work, &subject, now);
    }

    /// Hands an operation to the engine.
    pub(crate) fn submit(&mut self, work: Work, subject: &Subject, now: f64) {
        let forced = self.forced_next.take();
        let fails_with = match &forced {
            None | Some(Forced::Stuck) => None,
            Some(Forced::Fails(detail)) => Some(detail.clone()),
            Some(Forced::Rests(state, detail)) => (!state.is_good()).then(|| detail.clone()),
            Some(Forced::Lost) => return,
        };
        if let Some(forced @ (Forced::Rests(..) | Forced::Stuck)) = forced {
            self.forced.insert(work.op_id(), forced);
        }
        self.engine.submit(work, subject, now, fails_with);
    }

    /// Writes one step of an operation.
    pub(crate) fn take_step(&mut self, step: &Step, now: f64) {
        lcm::apply(self, step);
        let id = step.work.op_id();
        match (&step.change, self.forced.get(&id)) {
            (Change::Start, Some(Forced::Stuck)) => {
                // It has just started, so it is pending.
                let _ = self.engine.hold(&id, true, now);
            }
            (Change::End(_), Some(_)) => {
                if let Some(Forced::Rests(rest, _)) = self.forced.shift_remove(&id) {
                    self.rest(&step.work, rest);
                }
            }
            _ => {}
        }
    }

    fn rest(&mut self, work: &Work, rest: RestState) {
        match work {
            Work::Ns { op_id, .. } => {
                if let Some(operation) = self.db.get_mut(Collection::Operations, op_id) {
                    set(operation, "operationState", rest.word());
                }
            }
            Work::Admin { collection, id, index } => {
                let operation = self.db.get_mut(*collection, id);
                let operation =
                    operation.and_then(|r| r.pointer_mut(&format!("/_admin/operations/{index}")));
                if let Some(operation) = operation {
                    set(operation, "operationState", Value::from(rest.word()));
                }
            }
        }
    }

    /// Ends one operation; starts it first where it has not begun.
    ///
    /// # Errors
    /// [`SteerError`] for an operation that is not pending, or behind others.
    pub(crate) fn end_operation(
        &mut self,
        id: &str,
        result: &OperationResult,
        now: f64,
    ) -> Result<(), SteerError> {
        loop {
            let step = self.engine.force_one(id, now, result)?;
            self.take_step(&step, now);
            if !self.engine.is_pending(id) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use serde_json::json;

    #[test]
    fn a_rule_for_one_change_of_items_is_for_no_other() {
        let text = "rules: [{change: delete, outcome: fail}]\n";
        let mut state = State::empty(Release::R10, Profile::from_yaml(text, "p").unwrap(), 1);
        let operations = json!([{"lcmOperationType": "create"}, {"lcmOperationType": "delete"}]);
        let collection = Collection::VimAccounts;
        state.db.put(collection, json!({"_id": "v", "_admin": {"operations": operations}}));
        for (index, used) in [(0, 0_u32), (1, 1)] {
            state.submit_admin(Work::Admin { collection, id: "v".to_owned(), index }, 0.0);
            assert_eq!(state.engine.rules_used(), [used]);
        }
    }

    #[test]
    fn a_rule_for_items_of_one_name_is_for_no_other() {
        let text = "rules: [{name: site, outcome: fail}]\n";
        let mut state = State::empty(Release::R10, Profile::from_yaml(text, "p").unwrap(), 1);
        let collection = Collection::VimAccounts;
        for (name, used) in [("other", 0_u32), ("site", 1)] {
            let admin = json!({"operations": [{"lcmOperationType": "create"}]});
            state.db.put(collection, json!({"_id": name, "name": name, "_admin": admin}));
            state.submit_admin(Work::Admin { collection, id: name.to_owned(), index: 0 }, 0.0);
            assert_eq!(state.engine.rules_used(), [used]);
        }
    }
}
