//! One pass, and passes until converged.
//!
//! In: [`Nbi`] and a [`Revision`]. Out: a [`PassReport`]. Invariant: a pass never waits for OSM: it reads,
//! plans, starts what the plan says, and ends. A pass decides by what it reads alone; from one to the next
//! go only the operations to look at and, so that no upload is repeated for ever, what was sent.

mod converge;
mod follow;
mod rounds;

use tokio_util::sync::CancellationToken;

use crate::apply::{ActionResult, ApplyObserver, Sending, apply};
use crate::desired::DesiredState;
use crate::ids::OpId;
use crate::nbi::{Nbi, NbiError};
use crate::observe::{Lists, observe};
use crate::observed::OpState;
use crate::plan::{Item, Plan, PlannedAction, check, plan};
use crate::redact::Secrets;
use crate::report::{ChangeKind, PassReport};
use crate::revision::Revision;

pub use converge::{Progress, converge};
pub use follow::Following;
pub use rounds::{FIRST_LOOK, Look, Rounds};

/// What happens, as it happens. Everything is also logged; a progress display or a scenario's
/// transcript needs it in order.
pub trait Observer: Send {
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
    /// OSM knows an operation no more: its instance is gone, as it is at the end of a termination.
    fn operation_forgotten(&mut self, item: &Item, operation: &OpId) {
        let _ = (item, operation);
    }
    /// A pass ended like this.
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
    /// What it does, as `upgrade of KDU front/web`.
    pub what: String,
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
    read_lists_and_plan(nbi, &Lists::Own, desired).await
}

/// The same, with lists that others may have read.
///
/// # Errors
/// The [`NbiError`] that ended the reading.
pub async fn read_lists_and_plan(
    nbi: &Nbi,
    lists: &Lists,
    desired: &DesiredState,
) -> Result<Plan, NbiError> {
    if desired.is_empty() {
        return Ok(Plan::default());
    }
    let plan = plan(desired, &observe(nbi, lists, desired).await?);
    if let Err(fault) = check(&plan) {
        // Nothing of a plan that contradicts itself may be sent.
        unreachable!("the planner made a plan that must not be applied: {fault}");
    }
    Ok(plan)
}

/// How passes go about their work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassOptions {
    /// How many writing requests may be on their way at once.
    pub writes_at_once: usize,
}

impl Default for PassOptions {
    /// Four uploads hide the way to OSM; more would only queue there, because it writes under one lock.
    fn default() -> Self {
        Self { writes_at_once: 4 }
    }
}

/// One pass: read, plan, start.
///
/// # Cancel safety
/// `stop` is looked at between requests that write. Dropped, the next pass carries on from what it reads.
pub async fn pass(
    nbi: &Nbi,
    revision: &Revision,
    options: &PassOptions,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    pass_with_lists(nbi, &Lists::Own, revision, options, stop, observer).await
}

/// The same, with lists that others may have read.
///
/// # Cancel safety
/// As that of [`pass`].
pub async fn pass_with_lists(
    nbi: &Nbi,
    lists: &Lists,
    revision: &Revision,
    options: &PassOptions,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let report = untold_pass(nbi, lists, revision, options, stop, observer).await;
    observer.pass_ended(&report);
    report
}

/// A pass whose end nobody was told of yet: by what earlier ones did, it may end otherwise.
async fn untold_pass(
    nbi: &Nbi,
    lists: &Lists,
    revision: &Revision,
    options: &PassOptions,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let (problems, warnings) = (&revision.problems, &revision.warnings);
    let mut report = match read_lists_and_plan(nbi, lists, &revision.desired).await {
        Err(error) => {
            PassReport::stopped(revision.name.clone(), error.failure(), problems, warnings)
        }
        Ok(plan) => {
            observer.planned(&plan);
            let sending = Sending {
                nbi,
                owner: revision.desired.owner.as_ref(),
                packages: &revision.packages,
                secrets: &Secrets::of(&revision.desired),
                writes_at_once: options.writes_at_once,
            };
            let outcomes = apply(&sending, &plan, stop, &mut Logged { observer }).await;
            PassReport::of(revision.name.clone(), &plan, &outcomes, problems, warnings)
        }
    };
    report.requests = nbi.request_counts();
    report
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
            ActionResult::Done => tracing::info!("{item}: {}", ChangeKind::of(&action.action)),
            ActionResult::Started(operation) => {
                tracing::info!(op_id = %operation, "{item}: {}", ChangeKind::of(&action.action));
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
