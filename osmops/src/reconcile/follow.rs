//! Looks at running operations between passes. Decides nothing but when the next pass runs.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::ids::OpId;
use crate::nbi::{Nbi, NbiError, OpRecord, Refusal};
use crate::observe::{describe_operation, name_operation};
use crate::observed::OpEnd;
use crate::plan::Item;
use crate::redact::Secrets;
use crate::report::PassReport;
use crate::revision::Revision;
use crate::secret::SecretNames;

use super::{Observer, OperationLook};

/// The longest pause between two looks at an operation.
pub(super) const POLL_MAX: Duration = Duration::from_secs(10);

/// How long nothing may have ended after something has, before the next pass takes that further.
const LULL: Duration = Duration::from_secs(10);

/// The longest time that operations are looked at without a pass between: a year.
const DUE_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// The operations of a pass, until the next pass makes sense: when all have ended, when something else is
/// due, and when one has ended and no other does for a while.
pub struct Following {
    open: Vec<OpenOperation>,
    secrets: Secrets,
    secret_names: SecretNames,
    pause: Duration,
    due: Instant,
    last_end: Option<Instant>,
}

struct OpenOperation {
    item: Item,
    operation: OpId,
    /// What was last told of it, so that nothing is told twice.
    told: String,
}

impl Following {
    /// Those that a pass started or found at work; the first look is due in `pause`.
    pub fn of(revision: &Revision, report: &PassReport, pause: Duration) -> Self {
        let open = |(item, operation)| OpenOperation { item, operation, told: String::new() };
        // What lasts too long is for the next pass to judge; OSM's clock is told in whole seconds.
        let limit = revision.desired.policy.timeout.saturating_add(Duration::from_secs(1));
        let wait = report.due_in().map_or(limit, |due_in| due_in.min(limit));
        let now = Instant::now();
        Self {
            open: report.operations().into_iter().map(open).collect(),
            secrets: Secrets::of(&revision.desired),
            secret_names: revision.desired.secret_names.clone(),
            pause,
            due: now.checked_add(wait.min(DUE_MAX)).unwrap_or(now),
            last_end: None,
        }
    }

    /// How long to wait before the next look.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Whether there is anything to look at.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Looks once, and tells whether it is time for the next pass. An operation that OSM has forgotten
    /// counts as ended.
    ///
    /// # Errors
    /// The [`NbiError`] of the reading; nothing is known then.
    pub async fn look(&mut self, nbi: &Nbi, observer: &mut dyn Observer) -> Result<bool, NbiError> {
        self.pause = longer(self.pause);
        let ids: Vec<&OpId> = self.open.iter().map(|open| &open.operation).collect();
        let records = read(nbi, &ids).await?;
        let before = self.open.len();
        let open = std::mem::take(&mut self.open);
        for OpenOperation { item, operation, told } in open {
            let Some(record) = records.iter().find(|record| record.id == operation) else {
                tracing::info!(op_id = %operation, "{item}: OSM has removed it, and the operation with it");
                observer.operation_forgotten(&item, &operation);
                continue;
            };
            // It may be of an earlier revision, or somebody else's.
            for given in record.params.given() {
                self.secrets.add_given(given, &self.secret_names);
            }
            let look = look_at(&item, &operation, record, &self.secrets);
            if look.words != told || look.state.end().is_some() {
                log_look(&look);
            }
            observer.operation_seen(&look);
            if look.state.end().is_none() {
                self.open.push(OpenOperation { item, operation, told: look.words });
            }
        }
        if self.open.len() < before {
            self.last_end = Some(Instant::now());
        }
        let is_lull = self.last_end.is_some_and(|end| end.elapsed() >= LULL);
        Ok(self.open.is_empty() || is_lull || Instant::now() >= self.due)
    }
}

/// Looks at operations until the next pass makes sense.
pub(super) async fn follow(
    nbi: &Nbi,
    mut following: Following,
    deadline: Instant,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) {
    loop {
        pause_until(Instant::now() + following.pause(), deadline, stop).await;
        if stop.is_cancelled() || Instant::now() >= deadline {
            return;
        }
        match following.look(nbi, observer).await {
            Ok(true) => return,
            Ok(false) => {}
            // The next look may reach OSM again.
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "cannot look at operations");
                if Instant::now() >= following.due {
                    return;
                }
                following.pause = following.pause.max(error.retry_after().unwrap_or_default());
            }
            // The next pass finds out what became of them.
            Err(error) => {
                tracing::warn!(%error, "lost sight of operations");
                return;
            }
        }
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
    OperationLook {
        item: item.clone(),
        operation: operation.clone(),
        what: name_operation(record),
        state: record.state,
        words,
    }
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
    let OperationLook { item, operation, what, state, words } = look;
    match state.end() {
        None => tracing::info!(op_id = %operation, "{item}: {what}: {words}"),
        Some(OpEnd::Done) => tracing::info!(op_id = %operation, "{item}: {what} {state}"),
        Some(OpEnd::Failed) => {
            tracing::error!(op_id = %operation, "{item}: {what} {state}: {words}");
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
