//! Looks at running operations between passes. Decides nothing but when the next pass runs.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::ids::OpId;
use crate::nbi::{Nbi, NbiError, OpRecord, Refusal};
use crate::observe::describe_operation;
use crate::observed::OpEnd;
use crate::plan::Item;
use crate::redact::Secrets;
use crate::report::PassReport;
use crate::revision::Revision;

use super::{Observer, OperationLook};

/// The longest pause between two looks at an operation.
pub(super) const POLL_MAX: Duration = Duration::from_secs(10);

/// How long nothing may have ended after something has, before the next pass takes that further.
const LULL: Duration = Duration::from_secs(10);

/// Looks at the operations of a pass until all have ended, or until others may go on: when something is
/// due, and when one has ended and no other does for a while.
pub(super) async fn follow(
    nbi: &Nbi,
    revision: &Revision,
    report: &PassReport,
    poll_after: Duration,
    deadline: Instant,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) {
    let secrets = Secrets::of(&revision.desired);
    let mut open: Vec<(Item, OpId, String)> = report
        .operations()
        .into_iter()
        .map(|(item, operation)| (item, operation, String::new()))
        .collect();
    let mut pause = poll_after;
    // What lasts too long is for the next pass to judge; OSM's clock is told in whole seconds.
    let limit = revision.desired.policy.timeout.saturating_add(Duration::from_secs(1));
    let wait = report.due_in().map_or(limit, |due_in| due_in.min(limit));
    let due = Instant::now().checked_add(wait).unwrap_or(deadline);
    let mut last_end: Option<Instant> = None;
    loop {
        pause_until(Instant::now() + pause, deadline, stop).await;
        if stop.is_cancelled() || Instant::now() >= deadline {
            return;
        }
        let before = open.len();
        let ids: Vec<&OpId> = open.iter().map(|(_, operation, _)| operation).collect();
        let records = match read(nbi, &ids).await {
            Ok(records) => records,
            // The next look may reach OSM again.
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "cannot look at operations");
                pause = longer(pause);
                continue;
            }
            // The next pass finds out what became of them.
            Err(error) => {
                tracing::warn!(%error, "lost sight of operations");
                return;
            }
        };
        let mut still_open = Vec::new();
        for (item, operation, told) in open {
            let Some(record) = records.iter().find(|record| record.id == operation) else {
                tracing::info!(op_id = %operation, "{item}: OSM has removed it, and the operation with it");
                observer.operation_forgotten(&item, &operation);
                continue;
            };
            let look = look_at(&item, &operation, record, &secrets);
            if look.words != told || look.state.end().is_some() {
                log_look(&look);
            }
            observer.operation_seen(&look);
            if look.state.end().is_none() {
                still_open.push((item, operation, look.words));
            }
        }
        open = still_open;
        if open.len() < before {
            last_end = Some(Instant::now());
        }
        let is_lull = last_end.is_some_and(|end| end.elapsed() >= LULL);
        if open.is_empty() || is_lull || Instant::now() >= due {
            return;
        }
        pause = longer(pause);
    }
}

fn longer(pause: Duration) -> Duration {
    pause.mul_f64(1.5).clamp(Duration::from_millis(100), POLL_MAX)
}

/// One operation by its own address, several with as few requests as can be.
async fn read(nbi: &Nbi, operations: &[&OpId]) -> Result<Vec<OpRecord>, NbiError> {
    match operations {
        [one] => match nbi.read_operation(one).await {
            // Forgotten, as the whole instance is when somebody removes it.
            Err(error) if error.refusal() == Some(Refusal::Gone) => Ok(Vec::new()),
            other => other.map(|record| vec![record]),
        },
        several => nbi.read_operations(several).await,
    }
}

fn look_at(item: &Item, operation: &OpId, record: &OpRecord, secrets: &Secrets) -> OperationLook {
    let words = match record.state.end() {
        None => stage(record),
        Some(OpEnd::Done) => String::new(),
        Some(OpEnd::Failed) => secrets.hide(&describe_operation(record)),
    };
    OperationLook { item: item.clone(), operation: operation.clone(), state: record.state, words }
}

/// What OSM writes of an operation while it runs. Upgrades have no stages.
///
/// Source: OSM LCM `lcm.py` and `ns.py`; a queued operation has no `queuePosition`, a running one has 0.
fn stage(record: &OpRecord) -> String {
    let stage = record.stage.as_ref().and_then(serde_json::Value::as_str);
    let running = record.queue_position.is_some();
    let unnamed = if running { "running" } else { "queued" };
    stage.filter(|stage| !stage.is_empty()).unwrap_or(unnamed).to_owned()
}

fn log_look(look: &OperationLook) {
    let OperationLook { item, operation, state, words } = look;
    match state.end() {
        None => tracing::info!(op_id = %operation, "{item}: {words}"),
        Some(OpEnd::Done) => tracing::info!(op_id = %operation, "{item}: operation {state}"),
        Some(OpEnd::Failed) => {
            tracing::error!(op_id = %operation, "{item}: operation {state}: {words}");
        }
    }
}

/// Waits until `when`, the deadline, or the wish to stop, whichever comes first.
pub(super) async fn pause_until(when: Instant, deadline: Instant, stop: &CancellationToken) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = sleep_until(when.min(deadline)) => {}
    }
}
