//! One pass, and passes until converged.
//!
//! In: [`Nbi`] and a [`Revision`]. Out: a [`PassReport`]. Invariant: a pass never waits for OSM: it reads,
//! plans, starts what the plan says, and ends. Nothing is remembered from one pass to the next but what
//! operations to look at.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::apply::{ActionResult, ApplyObserver, apply};
use crate::desired::DesiredState;
use crate::failure::Failure;
use crate::ids::OpId;
use crate::nbi::{Nbi, NbiError};
use crate::observe::{describe_operation, observe};
use crate::observed::{OpEnd, OpState};
use crate::plan::{Item, Plan, PlannedAction, check, plan};
use crate::report::{PassEnd, PassReport, words};
use crate::revision::Revision;

/// The longest pause between two looks at an operation.
const POLL_MAX: Duration = Duration::from_secs(10);

/// How many passes in a row may fail before `converge` gives up; with its pauses about half a minute.
const FAILED_PASSES_MAX: u32 = 5;

/// The pause after a first failed pass; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// What happens, as it happens. Everything is also logged; a progress display or a scenario's
/// transcript needs it in order.
pub trait Observer {
    /// OSM was read and this is what is to be done.
    fn planned(&mut self, plan: &Plan) {
        let _ = plan;
    }
    /// An action is about to be sent.
    fn action_starts(&mut self, action: &PlannedAction) {
        let _ = action;
    }
    /// An action went like this.
    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult) {
        let _ = (action, result);
    }
    /// An operation was looked at.
    fn operation_seen(&mut self, look: &OperationLook) {
        let _ = look;
    }
    /// A pass ended.
    fn pass_ended(&mut self, report: &PassReport) {
        let _ = report;
    }
}

/// Watches nothing.
impl Observer for () {}

/// One look at an operation.
#[derive(Debug, Clone)]
pub struct OperationLook {
    /// What it works on.
    pub item: Item,
    /// Which.
    pub operation: OpId,
    /// How it goes.
    pub state: OpState,
    /// OSM's words: the stage while it runs, the detail when it ended.
    pub words: String,
}

/// Reads OSM and plans; writes nothing.
///
/// # Errors
/// The [`NbiError`] that ended the reading.
pub async fn read_and_plan(nbi: &Nbi, desired: &DesiredState) -> Result<Plan, NbiError> {
    if desired.is_empty() {
        return Ok(Plan::default());
    }
    let plan = plan(desired, &observe(nbi, desired).await?);
    if let Err(fault) = check(&plan) {
        // Nothing of a plan that contradicts itself may be sent.
        unreachable!("the planner made a plan that must not be applied: {fault}");
    }
    Ok(plan)
}

/// One pass: read, plan, start.
///
/// # Cancel safety
/// `stop` is looked at between requests that write. Dropped, the next pass carries on from what it reads.
pub async fn pass(
    nbi: &Nbi,
    revision: &Revision,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let (problems, warnings) = (&revision.problems, &revision.warnings);
    let mut report = match read_and_plan(nbi, &revision.desired).await {
        Err(error) => {
            let failure = Failure::of(&error, error.is_transient());
            PassReport::stopped(revision.name.clone(), failure, problems, warnings)
        }
        Ok(plan) => {
            observer.planned(&plan);
            let owner = revision.desired.owner.as_ref();
            let mut sender = Logged { observer };
            let outcomes = apply(nbi, &plan, owner, &revision.packages, stop, &mut sender).await;
            PassReport::of(revision.name.clone(), &plan, &outcomes, problems, warnings)
        }
    };
    report.requests = nbi.request_counts();
    if let Some(reason) = &report.stopped {
        tracing::error!(revision = %report.revision, "cannot read OSM: {reason}");
    }
    observer.pass_ended(&report);
    report
}

/// Passes until OSM matches the revision, nothing more can be done, or `timeout` is over. Between passes
/// only the operations that were started are looked at.
///
/// The report is that of the last pass. Ending as [`PassEnd::Waiting`] means that the time was over, or
/// that `stop` was asked for.
///
/// # Cancel safety
/// `stop` ends it at the next pause or between two writes, never within a request.
pub async fn converge(
    nbi: &Nbi,
    revision: &Revision,
    timeout: Duration,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let deadline = Instant::now() + timeout;
    let mut failures = 0;
    let mut was_read = false;
    let mut changes = Vec::new();
    loop {
        let mut report = pass(nbi, revision, stop, observer).await;
        changes.append(&mut report.changes);
        report.changes.clone_from(&changes);
        was_read |= report.stopped.is_none();
        match report.end {
            PassEnd::Converged | PassEnd::Stalled => return report,
            PassEnd::Waiting { poll_after } => {
                failures = 0;
                follow(nbi, &report, poll_after, deadline, stop, observer).await;
            }
            PassEnd::Failed => {
                failures += 1;
                // Where OSM was never reached, an address is more likely wrong than OSM is down.
                if !was_read || failures > FAILED_PASSES_MAX {
                    return report;
                }
                let pause = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(failures - 1));
                tracing::warn!(revision = %report.revision, "pass failed, next one in {pause:?}");
                pause_until(Instant::now() + pause, deadline, stop).await;
            }
        }
        if stop.is_cancelled() || Instant::now() >= deadline {
            report.interrupted |= stop.is_cancelled();
            report.requests = nbi.request_counts();
            return report;
        }
    }
}

/// Looks at the operations of a pass until all have ended.
async fn follow(
    nbi: &Nbi,
    report: &PassReport,
    poll_after: Duration,
    deadline: Instant,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) {
    let mut open = report.operations();
    let mut pause = poll_after;
    loop {
        pause_until(Instant::now() + pause, deadline, stop).await;
        if stop.is_cancelled() || Instant::now() >= deadline {
            return;
        }
        let mut still_open = Vec::new();
        for (item, operation) in open {
            match nbi.read_operation(&operation).await {
                Ok(record) => {
                    let end = record.state.end();
                    let words = match end {
                        None => stage(&record),
                        Some(OpEnd::Done) => String::new(),
                        Some(OpEnd::Failed) => describe_operation(&record),
                    };
                    let look = OperationLook {
                        item: item.clone(),
                        operation: operation.clone(),
                        state: record.state,
                        words,
                    };
                    log_look(&look, end);
                    observer.operation_seen(&look);
                    if end.is_none() {
                        still_open.push((item, operation));
                    }
                }
                // The next look may reach OSM again.
                Err(error) if error.is_transient() => {
                    tracing::warn!(op_id = %operation, %error, "cannot look at an operation");
                    still_open.push((item, operation));
                }
                // An operation that is gone is explained by the next pass.
                Err(error) => tracing::warn!(op_id = %operation, %error, "an operation is gone"),
            }
        }
        open = still_open;
        if open.is_empty() {
            return;
        }
        pause = pause.mul_f64(1.5).clamp(Duration::from_millis(100), POLL_MAX);
    }
}

/// What OSM writes of an operation while it runs. Upgrades have no stages.
///
/// Source: OSM LCM `lcm.py` and `ns.py`; a queued operation has no `queuePosition`, a running one has 0.
fn stage(record: &crate::nbi::OpRecord) -> String {
    let stage = record.stage.as_ref().and_then(serde_json::Value::as_str);
    let running = record.queue_position.is_some();
    let unnamed = if running { "running" } else { "queued" };
    stage.filter(|stage| !stage.is_empty()).unwrap_or(unnamed).to_owned()
}

fn log_look(look: &OperationLook, end: Option<OpEnd>) {
    let OperationLook { item, operation, state, words } = look;
    match end {
        None => tracing::debug!(op_id = %operation, "{item}: {words}"),
        Some(OpEnd::Done) => tracing::info!(op_id = %operation, "{item}: operation {state}"),
        Some(OpEnd::Failed) => {
            tracing::error!(op_id = %operation, "{item}: operation {state}: {words}");
        }
    }
}

async fn pause_until(when: Instant, deadline: Instant, stop: &CancellationToken) {
    let pause = when.min(deadline).saturating_duration_since(Instant::now());
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = sleep(pause) => {}
    }
}

/// Logs what is sent, and passes it on.
struct Logged<'a> {
    observer: &'a mut dyn Observer,
}

impl ApplyObserver for Logged<'_> {
    fn action_starts(&mut self, action: &PlannedAction) {
        self.observer.action_starts(action);
    }

    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult) {
        let item = &action.item;
        match result {
            ActionResult::Done => tracing::info!("{item}: {}", words(&action.action)),
            ActionResult::Started(operation) => {
                tracing::info!(op_id = %operation, "{item}: {}", words(&action.action));
            }
            ActionResult::Failed(failure) => {
                tracing::error!("{item}: {}", failure.message);
            }
            ActionResult::Skipped(_) | ActionResult::Cancelled => {
                tracing::warn!("{item}: skipped");
            }
        }
        self.observer.action_ended(action, result);
    }
}
