//! What OSM did to an instance, and what came of it.

use serde_json::{Map, Value};

use crate::ids::{KduName, MemberIndex, OpId};
use crate::moment::Moment;

/// One operation of an instance's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// OSM's `_id`.
    pub id: OpId,
    /// What it does (`lcmOperationType`): `instantiate`, `action`, `terminate`, …
    pub kind: String,
    /// How it goes or went.
    pub state: OpState,
    /// When it was asked for.
    pub started: Moment,
    /// When it came into its state; for one that ended, when it ended.
    pub entered: Moment,
    /// OSM's words on it.
    pub detail: String,
    /// What it did, or was to do, to which KDU.
    pub changes: Vec<KduChange>,
}

/// What an operation does to one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct KduChange {
    /// The VNF that it belongs to.
    pub member: MemberIndex,
    /// Its name.
    pub kdu: KduName,
    /// What is done to it.
    pub change: Change,
}

/// What is done to a KDU.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It gets these values, at its instantiation or over those that it has.
    Set(Map<String, Value>),
    /// It goes back to what it was before its last upgrade.
    Back,
}

/// The state of an operation (`operationState`).
///
/// Source: ETSI NFV-SOL 005, `LcmOperationStateType`; OSM writes these seven.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OpState {
    /// OSM works on it, or has queued it.
    Processing,
    /// Done.
    Completed,
    /// Done in part.
    PartiallyCompleted,
    /// Failed; OSM may try again.
    FailedTemp,
    /// Failed.
    Failed,
    /// Failed, and being undone.
    RollingBack,
    /// Failed and undone.
    RolledBack,
}

impl OpState {
    /// How it ended, or `None` while OSM still works on it.
    pub fn end(self) -> Option<OpEnd> {
        match self {
            OpState::Processing | OpState::RollingBack => None,
            OpState::Completed => Some(OpEnd::Done),
            OpState::PartiallyCompleted
            | OpState::FailedTemp
            | OpState::Failed
            | OpState::RolledBack => Some(OpEnd::Failed),
        }
    }
}

impl std::fmt::Display for OpState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OpState::Processing => "PROCESSING",
            OpState::Completed => "COMPLETED",
            OpState::PartiallyCompleted => "PARTIALLY_COMPLETED",
            OpState::FailedTemp => "FAILED_TEMP",
            OpState::Failed => "FAILED",
            OpState::RollingBack => "ROLLING_BACK",
            OpState::RolledBack => "ROLLED_BACK",
        })
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpEnd {
    /// It did what it should.
    Done,
    /// It did not, or only in part.
    Failed,
}

impl Operation {
    /// The values that it sets, of whichever KDU.
    pub fn values(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.changes.iter().filter_map(|change| match &change.change {
            Change::Set(values) => Some(values),
            Change::Back => None,
        })
    }

    /// What it does to one KDU.
    pub fn change_of(&self, member: &MemberIndex, kdu: &KduName) -> Option<&Change> {
        let own = |change: &&KduChange| change.member == *member && change.kdu == *kdu;
        self.changes.iter().find(own).map(|change| &change.change)
    }
}

/// The values of a KDU after every operation that was completed, in the order of `history`.
pub(super) fn values(
    history: &[Operation],
    member: &MemberIndex,
    kdu: &KduName,
) -> Map<String, Value> {
    // What each of helm's revisions had, the last one in effect.
    let mut revisions: Vec<Map<String, Value>> = Vec::new();
    for operation in history.iter().filter(|op| op.state.end() == Some(OpEnd::Done)) {
        if matches!(operation.kind.as_str(), "instantiate" | "terminate") {
            revisions.clear();
        }
        match operation.change_of(member, kdu) {
            None => {}
            Some(Change::Set(values)) => {
                let mut now = revisions.last().cloned().unwrap_or_default();
                now.extend(values.clone());
                revisions.push(now);
            }
            Some(Change::Back) => {
                let before = revisions.len().checked_sub(2).and_then(|n| revisions.get(n));
                revisions.push(before.cloned().unwrap_or_default());
            }
        }
    }
    revisions.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation(kind: &str, state: OpState, change: Change) -> Operation {
        let (member, kdu) = names();
        Operation {
            id: OpId::new("1").unwrap(),
            kind: kind.to_owned(),
            state,
            started: Moment::default(),
            entered: Moment::default(),
            detail: String::new(),
            changes: vec![KduChange { member, kdu, change }],
        }
    }

    fn names() -> (MemberIndex, KduName) {
        (MemberIndex::new("m").unwrap(), KduName::new("k").unwrap())
    }

    fn set(values: &Value) -> Change {
        Change::Set(values.as_object().unwrap().clone())
    }

    fn check(history: &[Operation], expected: &Value) {
        let (member, kdu) = names();
        assert_eq!(Value::Object(values(history, &member, &kdu)), *expected);
    }

    #[test]
    fn values_are_what_completed_operations_set() {
        let mut history = vec![
            operation("instantiate", OpState::Completed, set(&json!({"a": 1, "b": 1}))),
            operation("action", OpState::Failed, set(&json!({"a": 2}))),
            operation("action", OpState::Completed, set(&json!({"b": 3}))),
            operation("action", OpState::Processing, set(&json!({"a": 4}))),
        ];
        check(&history, &json!({"a": 1, "b": 3}));
        history.push(operation("action", OpState::Completed, Change::Back));
        check(&history, &json!({"a": 1, "b": 1}));
        history.push(operation("instantiate", OpState::Completed, set(&json!({"c": 5}))));
        check(&history, &json!({"c": 5}));
        check(&[], &json!({}));
    }
}
