//! Whether something that failed is tried again: by the policy, and by what OSM's history says.

use std::time::Duration;

use crate::moment::Moment;
use crate::observed::{ObservedInstance, OpEnd, Operation};
use crate::redact::Secrets;
use crate::repo::OperationPolicy;

use super::{Attempt, FailedOperation, Wait};

/// How long OSM may take to remove the record of an instance that it has terminated.
const REMOVAL_MAX: Duration = Duration::from_secs(60);

/// The removal of a record that OSM has terminated: its life-cycle manager says so first, and the NBI
/// removes the record when it hears of it.
pub(super) fn being_removed(have: &ObservedInstance, now: Moment) -> Option<Wait> {
    let history = have.history.as_deref().unwrap_or_default();
    let last = history.iter().rfind(|op| op.state.end().is_some())?;
    let until = last.entered.plus(REMOVAL_MAX).whole_second();
    let is_due = last.removes && last.state.end() == Some(OpEnd::Done) && now < until;
    is_due.then(|| Wait::Removal { operation: last.id.clone(), until })
}

/// What the policy says of trying something once more.
pub(super) enum Again {
    /// It is time; with the attempt that this is, unless it is the first.
    Now(Option<Attempt>),
    /// It is not time yet.
    Later(Wait),
    /// It was tried often enough.
    GivenUp(Attempt),
}

/// Decides by the failures so far, oldest first. `what` was tried, in words.
pub(super) fn again(
    policy: &OperationPolicy,
    now: Moment,
    what: &str,
    failures: &[&Operation],
    secrets: &Secrets,
) -> Again {
    let (Some(attempt), Some(last)) =
        (attempt_after(policy, what, failures, secrets), failures.last())
    else {
        return Again::Now(None);
    };
    let count = attempt.number - 1;
    if count >= policy.attempts {
        return Again::GivenUp(Attempt { number: count, ..attempt });
    }
    // OSM's clock is told in whole seconds.
    let due = last.entered.plus(policy.pause_after(count)).whole_second();
    if now < due { Again::Later(Wait::Retry { attempt, due }) } else { Again::Now(Some(attempt)) }
}

/// The attempt that comes after these failures; `None` when there was none.
pub(super) fn attempt_after(
    policy: &OperationPolicy,
    what: &str,
    failures: &[&Operation],
    secrets: &Secrets,
) -> Option<Attempt> {
    let last = failures.last()?;
    let count = u32::try_from(failures.len()).unwrap_or(u32::MAX - 1);
    let failed = FailedOperation {
        what: what.to_owned(),
        id: last.id.clone(),
        asked_at: last.started,
        detail: secrets.hide(&last.detail),
    };
    Some(Attempt { number: count + 1, of: policy.attempts, failed })
}

/// The operations of `history` that failed at what `is_same` says, since `ends_it` was last completed and
/// since `fresh_since` (epoch seconds), when the packages last changed.
pub(super) fn failures(
    history: &[Operation],
    fresh_since: f64,
    is_same: impl Fn(&Operation) -> bool,
    ends_it: impl Fn(&Operation) -> bool,
) -> Vec<&Operation> {
    let done = |op: &Operation| op.state.end() == Some(OpEnd::Done) && ends_it(op);
    let after = history.iter().rposition(done).map_or(0, |index| index + 1);
    let failed = |op: &&Operation| {
        op.state.end() == Some(OpEnd::Failed)
            && op.started.epoch_seconds() >= fresh_since
            && is_same(op)
    };
    history.iter().skip(after).filter(failed).collect()
}
