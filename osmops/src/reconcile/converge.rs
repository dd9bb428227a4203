//! Passes until converged.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::nbi::Nbi;
use crate::observe::Lists;
use crate::plan::Item;
use crate::report::{Change, ChangeKind, ItemStatus, PassEnd, PassReport};
use crate::revision::Revision;

use super::follow::{Following, POLL_MAX, follow, pause_until};
use super::{Observer, PassOptions, untold_pass};

/// How many passes in a row may fail before `converge` gives up; with its pauses about half a minute.
const FAILED_PASSES_MAX: u32 = 5;

/// The pause after a first failed pass; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest time-out that is believed: a year.
const TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Passes until OSM matches the revision, nothing more can be done, or `timeout` is over. Between passes
/// only the operations that were started are looked at.
///
/// The report is that of the last pass, with the changes of all. Ending as [`PassEnd::Waiting`] means that
/// the time was over, or that `stop` was asked for. The request on its way is always let end, so that the
/// whole may take longer than `timeout` by the time of one request.
///
/// # Cancel safety
/// `stop` ends it at the next pause or between two writes, never within a request.
pub async fn converge(
    nbi: &Nbi,
    revision: &Revision,
    options: &PassOptions,
    timeout: Duration,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now + TIMEOUT_MAX);
    let mut progress = Progress::default();
    let mut changes = Vec::new();
    loop {
        let mut report = pass_until(deadline, nbi, revision, options, stop, observer).await;
        if report.interrupted && !stop.is_cancelled() {
            (report.interrupted, report.timed_out) = (false, true);
        }
        progress.add(&mut report);
        observer.pass_ended(&report);
        changes.append(&mut report.changes);
        report.changes.clone_from(&changes);
        let over = stop.is_cancelled() || Instant::now() >= deadline;
        match report.end {
            PassEnd::Converged | PassEnd::Stalled => return report,
            PassEnd::Waiting { poll_after } if !over => {
                let pause = progress.pause_while_waiting(&report, poll_after);
                let following = Following::of(revision, &report, pause);
                follow(nbi, following, deadline, stop, observer).await;
            }
            PassEnd::Failed if !over => {
                let Some(pause) = progress.pause_after_failure() else { return report };
                let pause = pause.max(report.retry_after.unwrap_or_default());
                let reason = report.stopped.as_deref().unwrap_or("see above");
                tracing::warn!("pass failed, next one in {pause:?}: {reason}");
                pause_until(Instant::now() + pause, deadline, stop).await;
            }
            PassEnd::Waiting { .. } | PassEnd::Failed => {}
        }
        if stop.is_cancelled() || Instant::now() >= deadline {
            report.interrupted = stop.is_cancelled();
            report.timed_out = !report.interrupted;
            report.requests = nbi.request_counts();
            return report;
        }
    }
}

/// A pass that sends nothing more once the deadline has come; the request on its way is let end.
async fn pass_until(
    deadline: Instant,
    nbi: &Nbi,
    revision: &Revision,
    options: &PassOptions,
    stop: &CancellationToken,
    observer: &mut dyn Observer,
) -> PassReport {
    let time_over = stop.child_token();
    let mut passing =
        std::pin::pin!(untold_pass(nbi, &Lists::Own, revision, options, &time_over, observer));
    tokio::select! {
        biased;
        report = &mut passing => return report,
        () = sleep_until(deadline) => time_over.cancel(),
    }
    passing.await
}

/// What is known of the passes over a revision so far.
#[derive(Debug, Default)]
pub struct Progress {
    /// The changes of packages that no reading has shown to be in effect yet.
    unproven: Vec<Change>,
    failures_in_a_row: u32,
    waits_in_a_row: u32,
    was_read: bool,
}

impl Progress {
    /// Takes over what a pass did, and ends it as stalled where it did what an earlier one had done.
    pub fn add(&mut self, report: &mut PassReport) {
        self.was_read |= report.stopped.is_none();
        if report.end != PassEnd::Failed {
            self.failures_in_a_row = 0;
        }
        let is_current = |item: &Item| {
            report.items.iter().any(|i| i.item == *item && i.status == ItemStatus::Current)
        };
        self.unproven.retain(|change| !is_current(&change.item));
        let is_patch = |change: &Change| change.what == ChangeKind::DescriptorChanged;
        let was_done_before = |change: &Change| {
            let same = |b: &Change| b.item == change.item && is_patch(b) == is_patch(change);
            self.unproven.iter().any(same)
        };
        let of_packages =
            report.changes.iter().filter(|change| matches!(change.item, Item::Package(_)));
        let (again, new): (Vec<Change>, Vec<Change>) =
            of_packages.cloned().partition(was_done_before);
        if !again.is_empty() {
            report.stall_repeated(&again);
        }
        self.unproven.extend(new);
        let waits = matches!(report.end, PassEnd::Waiting { .. }) && report.changes.is_empty();
        self.waits_in_a_row = if waits { self.waits_in_a_row + 1 } else { 0 };
    }

    /// How long to wait before the next look, where passes find nothing to do but to wait: until
    /// something is due or, where OSM is at work, longer each time, because it may name no operation
    /// that could be looked at instead. No shorter than OSM asks to be left alone.
    pub fn pause_while_waiting(&self, report: &PassReport, first: Duration) -> Duration {
        self.pause_until_due(report, first).max(report.retry_after.unwrap_or_default())
    }

    fn pause_until_due(&self, report: &PassReport, first: Duration) -> Duration {
        let due_in = report.due_in();
        if due_in == Some(first) {
            return first;
        }
        let doubled = 2_u32.saturating_pow(self.waits_in_a_row.saturating_sub(1));
        let pause = first.saturating_mul(doubled).min(POLL_MAX);
        due_in.map_or(pause, |due_in| pause.min(due_in))
    }

    /// How long to wait after a failed pass; `None` when it is time to give up. Where OSM was never
    /// reached, an address is more likely wrong than OSM is down.
    fn pause_after_failure(&mut self) -> Option<Duration> {
        self.failures_in_a_row += 1;
        let doubled = 2_u32.saturating_pow(self.failures_in_a_row - 1);
        (self.was_read && self.failures_in_a_row <= FAILED_PASSES_MAX)
            .then(|| BACKOFF_FIRST.saturating_mul(doubled))
    }
}
