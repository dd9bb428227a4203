//! Drift: what was changed in OSM after it was applied, and what is done about it.
//!
//! OSM's history tells which operation changed a value. That an item was applied before as it is declared
//! now is in no record of OSM's: who asks for passes says so, where drift is only to be reported.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::desired::{DesiredKdu, DesiredState, Drift};
use crate::ids::OpId;
use crate::moment::Moment;
use crate::observed::{Change, OpEnd, Operation};
use crate::source_pos::SourcePos;

use super::values::same;
use super::{Blocked, Item, Plan, Verdict, Why, Would};

/// The operation that changed a value which had been as it is declared.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ChangedBy {
    /// OSM's id of it.
    pub operation: OpId,
    /// When it was asked for, by OSM's clock.
    pub at: Moment,
}

impl fmt::Display for ChangedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, at } = self;
        write!(f, "set by operation {operation} of {at}")
    }
}

/// Which operation of `history` changed the value of `key` to the `observed` one, when it had the declared
/// value before. It may have been an earlier commit's: OSM does not say who asked for an operation.
pub(super) fn changed_by(
    history: &[Operation],
    kdu: &DesiredKdu,
    key: &str,
    observed: &Value,
) -> Option<ChangedBy> {
    let declared = kdu.params.get(key)?;
    let set = |op: &Operation| match op.change_of(&kdu.member.0, &kdu.name.0) {
        Some(Change::Set(settings)) => settings.values.get(key).cloned(),
        Some(Change::Back) | None => None,
    };
    let done = history.iter().filter(|op| op.state.end() == Some(OpEnd::Done));
    let sets: Vec<(&Operation, Value)> = done.filter_map(|op| Some((op, set(op)?))).collect();
    let declared_at = sets.iter().rposition(|(_, value)| same(value, declared))?;
    let (operation, value) = sets.get(declared_at + 1)?;
    same(sets.last().map_or(value, |(_, last)| last), observed)
        .then(|| ChangedBy { operation: operation.id.clone(), at: operation.started })
}

/// Takes back what was planned for an item since `planned_before`, when it was applied before as it is
/// declared now, and drift is only reported.
pub(super) fn or_report(
    plan: &mut Plan,
    desired: &DesiredState,
    item: &Item,
    at: &SourcePos,
    planned_before: usize,
    verdict: Verdict,
) -> Verdict {
    if !matches!(verdict, Verdict::Act { .. }) || !is_applied(desired, item) {
        return verdict;
    }
    let planned = plan.actions.split_off(planned_before);
    let (at, would) = (at.clone(), Would::change(&planned, at));
    let is_gone = !planned.is_empty() && planned.iter().all(|planned| planned.why == Why::Absent);
    let reason =
        if is_gone { Blocked::Deleted { at, would } } else { Blocked::Drifted { at, would } };
    Verdict::Blocked { reason }
}

/// Whether an item is declared as it was when it was applied last, as far as one was told.
fn is_applied(desired: &DesiredState, item: &Item) -> bool {
    let Drift::Report { applied } = &desired.drift else { return false };
    match item {
        Item::Package(key) => {
            let (now, then) =
                (desired.package(key.kind, &key.id), applied.package(key.kind, &key.id));
            now.zip(then).is_some_and(|(now, then)| now.digest == then.digest)
        }
        Item::Instance(name) => {
            let both = desired.instance(name).zip(applied.instance(name));
            both.is_some_and(|(now, then)| now.declares_the_same(then))
        }
    }
}
