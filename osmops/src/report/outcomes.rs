//! What the outcomes of a plan's actions make of its items, and of the pass.

use std::time::Duration;

use crate::apply::{ActionOutcome, ActionResult};
use crate::plan::{Entry, Plan, PlannedAction, Verdict, Wait};

use super::{Change, ChangeKind, ItemOperation, ItemReport, ItemStatus, PassEnd};

/// How soon to look at an operation again. Real ones take from seconds (an upgrade) to minutes.
const POLL_AFTER: Duration = Duration::from_secs(1);

pub(super) fn retry_after(outcome: &ActionOutcome) -> Option<Duration> {
    match &outcome.result {
        ActionResult::Failed(failure) => failure.retry_after,
        _ => None,
    }
}

pub(super) fn changes_of(plan: &Plan, outcomes: &[ActionOutcome]) -> Vec<Change> {
    let change = |outcome: &ActionOutcome| {
        let operation = match &outcome.result {
            ActionResult::Done => None,
            ActionResult::Started(operation) => Some(operation.clone()),
            ActionResult::Failed(_) | ActionResult::Skipped(_) | ActionResult::Cancelled => {
                return None;
            }
        };
        let planned = plan.action(outcome.id)?;
        Some(Change {
            item: planned.item.clone(),
            what: ChangeKind::of(&planned.action),
            operation,
        })
    };
    outcomes.iter().filter_map(change).collect()
}

pub(super) fn end_of(items: &[ItemReport], has_problems: bool) -> PassEnd {
    let any = |status: ItemStatus| items.iter().any(|item| item.status == status);
    // Beside a refused action another one may have started its operation.
    let has_operation = items.iter().any(|item| !item.operations.is_empty());
    if has_operation || any(ItemStatus::AtWork) {
        PassEnd::Waiting { poll_after: POLL_AFTER }
    } else if any(ItemStatus::Written) || any(ItemStatus::Unsent) {
        PassEnd::Waiting { poll_after: Duration::ZERO }
    } else if items.iter().any(|item| item.may_pass) {
        PassEnd::Failed
    } else if let Some(poll_after) = due_in(items) {
        PassEnd::Waiting { poll_after }
    } else if has_problems || items.iter().any(is_bad) {
        PassEnd::Stalled
    } else {
        PassEnd::Converged
    }
}

pub(super) fn is_bad(item: &ItemReport) -> bool {
    matches!(item.status, ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped)
}

pub(super) fn due_in(items: &[ItemReport]) -> Option<Duration> {
    items.iter().filter_map(|item| item.due_in).min()
}

pub(super) fn item_report(plan: &Plan, outcomes: &[ActionOutcome], entry: &Entry) -> ItemReport {
    let mut report = ItemReport {
        item: entry.item.clone(),
        at: entry.at.clone(),
        status: ItemStatus::Current,
        detail: None,
        blocked: None,
        operations: Vec::new(),
        may_pass: false,
        help: None,
        due_in: None,
        notes: entry.notes.clone(),
    };
    match &entry.verdict {
        Verdict::Current => {}
        Verdict::Waiting { on } => {
            report.status = ItemStatus::Waiting;
            report.detail = Some(on.to_string());
            match on {
                Wait::Operation(operation) => {
                    report.status = ItemStatus::AtWork;
                    let what = operation.what.clone();
                    report.operations = operation
                        .id
                        .iter()
                        .map(|id| ItemOperation { what: what.clone(), id: id.clone() })
                        .collect();
                }
                Wait::Removal { .. } => report.status = ItemStatus::AtWork,
                Wait::Retry { due, .. } => report.due_in = Some(due.since(plan.read_at)),
                // What they wait for has an item of its own, which tells how the pass ends.
                Wait::Users(_) | Wait::Instance { .. } => {}
            }
        }
        Verdict::Blocked { reason } => {
            report.status = ItemStatus::Blocked;
            report.detail = Some(reason.to_string());
            report.blocked = Some(reason.clone());
        }
        Verdict::Act { actions } => {
            // An outcome stands where its action does.
            for outcome in actions.iter().filter_map(|id| outcomes.get(id.0)) {
                let planned = plan.action(outcome.id);
                add_outcome(&mut report, plan, planned, &outcome.result);
            }
        }
    }
    report
}

fn add_outcome(
    report: &mut ItemReport,
    plan: &Plan,
    planned: Option<&PlannedAction>,
    result: &ActionResult,
) {
    let what = planned.map(|planned| ChangeKind::of(&planned.action));
    let words = || what.as_ref().map(ToString::to_string).unwrap_or_default();
    let (status, detail) = match result {
        ActionResult::Done => (ItemStatus::Written, words()),
        ActionResult::Started(id) => {
            let what = what.as_ref().and_then(ChangeKind::operation).unwrap_or_default();
            report.operations.push(ItemOperation { what, id: id.clone() });
            (ItemStatus::Started, words())
        }
        ActionResult::Failed(failure) => {
            report.may_pass |= failure.may_pass;
            report.help = report.help.or(failure.help);
            (ItemStatus::Failed, failure.message.clone())
        }
        ActionResult::Skipped(need) => {
            let needed = plan.action(*need).map(|action| action.item.to_string());
            let needed = needed.unwrap_or_default();
            (ItemStatus::Skipped, format!("not sent, because {needed} was not done"))
        }
        ActionResult::Cancelled => {
            (ItemStatus::Unsent, "not sent, because it was time to stop".to_owned())
        }
    };
    if status < report.status {
        return;
    }
    report.detail = match report.detail.take() {
        Some(first) if report.status == status && first != detail => {
            Some(format!("{first}; {detail}"))
        }
        Some(_) | None => Some(detail),
    };
    report.status = status;
}
