//! How a run ended, in the words of Flux's controllers, and when the next one makes sense.

use std::time::Duration;

use crate::plan::{Item, Plan, Verdict};
use crate::report::{ItemStatus, PassEnd, PassReport};

use super::driver::Outcome;

/// The longest message of a condition or an event; what is cut off is in the log. Kubernetes takes 1024
/// bytes in an event.
const MESSAGE_BYTES_MAX: usize = 1000;

/// Flux's reasons, as far as they occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Progressing,
    ProgressingWithRetry,
    DependencyNotReady,
    ArtifactFailed,
    AuthenticationFailed,
    BuildFailed,
    ReconciliationFailed,
    ReconciliationSucceeded,
    AccessDenied,
    PruneFailed,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Reason::Progressing => "Progressing",
            Reason::ProgressingWithRetry => "ProgressingWithRetry",
            Reason::DependencyNotReady => "DependencyNotReady",
            Reason::ArtifactFailed => "ArtifactFailed",
            Reason::AuthenticationFailed => "AuthenticationFailed",
            Reason::BuildFailed => "BuildFailed",
            Reason::ReconciliationFailed => "ReconciliationFailed",
            Reason::ReconciliationSucceeded => "ReconciliationSucceeded",
            Reason::AccessDenied => "AccessDenied",
            Reason::PruneFailed => "PruneFailed",
        }
    }
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// A run began, or OSM is at work.
    Progressing,
    /// OSM was read and matches.
    Converged {
        /// What it has of the declaration.
        inventory: Vec<String>,
    },
    /// OSM was read, and in plan mode that is all.
    Planned {
        /// What would be done.
        plan: String,
    },
    /// It may work later, with nobody's help.
    Failed(Reason),
    /// Only a commit or an operator helps.
    Stalled(Reason),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) standing: Standing,
    /// For people; at most [`MESSAGE_BYTES_MAX`] bytes.
    pub(super) message: String,
    /// What was sent to OSM and taken on.
    pub(super) changes: Vec<String>,
    /// When the next run makes sense.
    pub(super) outcome: Outcome,
}

impl End {
    fn new(standing: Standing, message: impl Into<String>, outcome: Outcome) -> Self {
        Self { standing, message: shortened(message.into()), changes: Vec::new(), outcome }
    }

    /// A run has begun over something that was not tried before.
    pub(super) fn began(message: impl Into<String>) -> Self {
        Self::new(Standing::Progressing, message, Outcome::Settled)
    }

    /// OSM is at work.
    pub(super) fn at_work(message: impl Into<String>, after: Duration) -> Self {
        Self::new(Standing::Progressing, message, Outcome::Again { after })
    }

    /// It may work later.
    pub(super) fn failed(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Standing::Failed(reason), message, Outcome::Failed { not_before: None })
    }

    /// It is tried again after a while, and the pause does not grow.
    pub(super) fn later(reason: Reason, message: impl Into<String>, after: Duration) -> Self {
        Self::new(Standing::Failed(reason), message, Outcome::Again { after })
    }

    /// Only a change of something that is watched helps; looked at again at the interval.
    pub(super) fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Standing::Stalled(reason), message, Outcome::Settled)
    }

    /// Something that was asked for is not there, or not ready; its coming is watched.
    pub(super) fn awaits(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Standing::Failed(reason), message, Outcome::Settled)
    }

    /// Another object must be ready first.
    pub(super) fn awaits_dependency(message: impl Into<String>) -> Self {
        const AGAIN_AFTER: Duration = Duration::from_secs(30);
        let standing = Standing::Failed(Reason::DependencyNotReady);
        Self::new(standing, message, Outcome::AwaitsDependency { after: AGAIN_AFTER })
    }

    /// It was told to stop.
    pub(super) fn cancelled() -> Self {
        Self::new(
            Standing::Progressing,
            "Stopped, because something newer came",
            Outcome::Cancelled,
        )
    }

    /// What a pass made of it. `pause` is how long to wait where OSM is at work.
    pub(super) fn of_pass(report: &PassReport, pause: Duration) -> Self {
        let revision = &report.revision;
        let changes = report.changes.iter().map(|change| {
            let operation = change.operation.as_ref();
            let operation = operation.map(|id| format!(" (operation {id})")).unwrap_or_default();
            format!("{}: {}{operation}", change.item, change.what)
        });
        let changes: Vec<String> = changes.collect();
        let mut end = match report.end {
            _ if report.interrupted => Self::new(
                Standing::Progressing,
                format!("Stopped before the end of revision {revision}"),
                Outcome::Cancelled,
            ),
            PassEnd::Converged => {
                let inventory = current(report).map(ToString::to_string).collect();
                let message = format!("Applied revision: {revision}");
                Self::new(Standing::Converged { inventory }, message, Outcome::Settled)
            }
            PassEnd::Waiting { .. } => {
                let message = format!("Applying revision {revision}: {}", at_work(report));
                Self::at_work(message, pause)
            }
            PassEnd::Failed => {
                let outcome = Outcome::Failed { not_before: report.retry_after };
                Self::new(Standing::Failed(Reason::ReconciliationFailed), faults(report), outcome)
            }
            PassEnd::Stalled => {
                let is_only_repository = report.stopped.is_none()
                    && !report.problems.is_empty()
                    && report.items.iter().all(|item| item.status == ItemStatus::Current);
                let reason = if is_only_repository {
                    Reason::BuildFailed
                } else {
                    Reason::ReconciliationFailed
                };
                Self::stalled(reason, faults(report))
            }
        };
        end.changes = changes;
        end
    }

    /// What a pass made of the removal of everything that a deleted object made.
    pub(super) fn of_removal(report: &PassReport, pause: Duration) -> Self {
        let mut end = Self::of_pass(report, pause);
        let message = match &mut end.standing {
            Standing::Converged { .. } => "Removed from OSM what it made there".to_owned(),
            _ if report.interrupted => "Stopped before everything was removed".to_owned(),
            Standing::Progressing => format!("Deleting: {}", at_work(report)),
            Standing::Failed(reason) | Standing::Stalled(reason) if report.stopped.is_none() => {
                *reason = Reason::PruneFailed;
                return end;
            }
            Standing::Failed(_) | Standing::Stalled(_) | Standing::Planned { .. } => return end,
        };
        end.message = shortened(message);
        end
    }

    /// What a deleted object made stays in OSM.
    pub(super) fn left(why: &str) -> Self {
        let message = format!("Deleted, and OSM is left as it is, because {why}");
        Self::new(Standing::Converged { inventory: Vec::new() }, message, Outcome::Settled)
    }

    /// What was found in plan mode.
    pub(super) fn of_plan(plan: &Plan, text: String, revision: &str) -> Self {
        let count = plan.actions.len();
        let blocked =
            |entry: &&crate::plan::Entry| matches!(entry.verdict, Verdict::Blocked { .. });
        let blocked = plan.entries.iter().filter(blocked).count();
        let message = match (count, blocked) {
            (0, 0) if plan.is_converged() => format!("Planned revision {revision}: nothing to do"),
            (0, 0) => format!("Planned revision {revision}: OSM is at work"),
            (_, 0) => format!("Planned revision {revision}: {count} to do, see status.plan"),
            _ => format!(
                "Planned revision {revision}: {count} to do, {blocked} blocked, see status.plan"
            ),
        };
        Self::new(Standing::Planned { plan: text }, message, Outcome::Settled)
    }
}

fn current(report: &PassReport) -> impl Iterator<Item = &Item> {
    let is_current = |item: &&crate::report::ItemReport| item.status == ItemStatus::Current;
    report.items.iter().filter(is_current).map(|item| &item.item)
}

/// What OSM is doing, and what stands in the way meanwhile.
fn at_work(report: &PassReport) -> String {
    let busy = |status: ItemStatus| {
        matches!(
            status,
            ItemStatus::Written | ItemStatus::Started | ItemStatus::AtWork | ItemStatus::Unsent
        )
    };
    let mut parts: Vec<String> = report
        .items
        .iter()
        .filter(|item| busy(item.status))
        .map(|item| format!("{}: {}", item.item, item.detail.as_deref().unwrap_or("at work")))
        .collect();
    if report.has_failures() {
        parts.push(faults(report));
    }
    parts.join("; ")
}

/// Everything that is wrong: with OSM, with items, with the repository.
fn faults(report: &PassReport) -> String {
    let with_help = |text: &str, help: Option<&str>| match help {
        Some(help) => format!("{text} ({help})"),
        None => text.to_owned(),
    };
    let stopped = report.stopped.iter().map(|reason| with_help(reason, report.help));
    let problems = report.problems.iter().map(ToString::to_string);
    let items = report
        .items
        .iter()
        .filter(|item| {
            matches!(item.status, ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped)
        })
        .map(|item| {
            let detail = item.detail.as_deref().unwrap_or_default();
            with_help(&format!("{}: {detail}", item.item), item.help)
        });
    stopped.chain(problems).chain(items).collect::<Vec<_>>().join("; ")
}

/// Cut where it is too long, between two characters.
pub(super) fn shortened(mut text: String) -> String {
    const MORE: &str = " … (more in the log)";
    if text.len() > MESSAGE_BYTES_MAX {
        let mut cut = MESSAGE_BYTES_MAX - MORE.len();
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
        text.push_str(MORE);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        let end = End::failed(Reason::BuildFailed, "é".repeat(2000));
        assert!(end.message.len() <= MESSAGE_BYTES_MAX);
        assert!(end.message.ends_with("é … (more in the log)"), "{}", end.message);
        assert_eq!(End::failed(Reason::BuildFailed, "short").message, "short");
    }
}
