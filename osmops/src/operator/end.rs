//! How a run ended, in the words of Flux's controllers, and when the next one makes sense.

use std::time::Duration;

use crate::desired::DesiredState;
use crate::plan::{Plan, Verdict};
use crate::report::{PassEnd, PassReport};

use super::crd::OsmDeploymentStatus;
use super::driver::Outcome;
use super::findings::Findings;

/// The longest message of a condition or an event; what is cut off is in the log. Kubernetes takes 1024
/// bytes in an event.
const MESSAGE_BYTES_MAX: usize = 1000;

/// Flux's reasons, as far as they occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    AccessDenied,
    ArtifactFailed,
    AuthenticationFailed,
    BuildFailed,
    DependencyNotReady,
    DriftDetected,
    HealthCheckFailed,
    Progressing,
    ProgressingWithRetry,
    PruneFailed,
    ReconciliationFailed,
    ReconciliationSucceeded,
    Succeeded,
    ValidationFailed,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Reason::AccessDenied => "AccessDenied",
            Reason::ArtifactFailed => "ArtifactFailed",
            Reason::AuthenticationFailed => "AuthenticationFailed",
            Reason::BuildFailed => "BuildFailed",
            Reason::DependencyNotReady => "DependencyNotReady",
            Reason::DriftDetected => "DriftDetected",
            Reason::HealthCheckFailed => "HealthCheckFailed",
            Reason::Progressing => "Progressing",
            Reason::ProgressingWithRetry => "ProgressingWithRetry",
            Reason::PruneFailed => "PruneFailed",
            Reason::ReconciliationFailed => "ReconciliationFailed",
            Reason::ReconciliationSucceeded => "ReconciliationSucceeded",
            Reason::Succeeded => "Succeeded",
            Reason::ValidationFailed => "ValidationFailed",
        }
    }
}

/// How what is declared fares in OSM, by its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// So much of it is there, and well.
    Well(String),
    /// OSM is at work on this.
    AtWork(String),
    /// An operation on this failed, lasts too long, or left it broken.
    Ailing(String),
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
    /// OSM has taken everything on and is at work, and nobody waits for that.
    TakenOn,
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
    /// How what is declared fares; absent where this run did not find out.
    pub(super) health: Option<Health>,
    /// When the next run makes sense.
    pub(super) outcome: Outcome,
}

impl End {
    fn new(standing: Standing, message: impl Into<String>, outcome: Outcome) -> Self {
        let message = shortened(message.into());
        Self { standing, message, changes: Vec::new(), health: None, outcome }
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

    /// What a pass made of what is declared. `pause` is how long to wait where OSM is at work.
    pub(super) fn of_pass(report: &PassReport, desired: &DesiredState, pause: Duration) -> Self {
        let revision = &report.revision;
        let findings = Findings { report, desired };
        let (standing, message) = match report.end {
            _ if report.interrupted => {
                let message = format!("Stopped before the end of revision {revision}");
                (Standing::Progressing, message)
            }
            PassEnd::Converged => {
                let standing = Standing::Converged { inventory: findings.inventory() };
                (standing, format!("Applied revision: {revision}"))
            }
            PassEnd::Waiting { .. } => {
                let message = format!("Applying revision {revision}: {}", findings.at_work());
                match findings.health() {
                    Some(Health::Ailing(_)) => {
                        (Standing::Failed(Reason::HealthCheckFailed), message)
                    }
                    _ => (Standing::Progressing, message),
                }
            }
            PassEnd::Failed => (Standing::Failed(findings.reason()), findings.faults()),
            PassEnd::Stalled => (Standing::Stalled(findings.reason()), findings.faults()),
        };
        let mut end = Self::new(standing, message, Outcome::of_pass(report, pause));
        end.changes = findings.changes();
        end.health = findings.health();
        end
    }

    /// The same, where nobody waits for OSM's operations: what it has taken on counts as applied.
    /// `was_taken_on` says that it had been before, so that what OSM is at work on is that.
    pub(super) fn without_waiting(
        mut self,
        report: &PassReport,
        desired: &DesiredState,
        was_taken_on: bool,
    ) -> Self {
        let findings = Findings { report, desired };
        if self.standing == Standing::Progressing
            && !report.interrupted
            && findings.is_taken_on(was_taken_on)
        {
            self.standing = Standing::TakenOn;
            self.message = format!("Applied revision: {}", report.revision);
        }
        self
    }

    /// What a pass made of the removal of everything that a deleted object made.
    pub(super) fn of_removal(report: &PassReport, desired: &DesiredState, pause: Duration) -> Self {
        let mut end = Self::of_pass(report, desired, pause);
        end.health = None;
        end.message = match end.standing {
            _ if report.interrupted => "Stopped before everything was removed".to_owned(),
            Standing::Converged { .. } => "Removed from OSM what it made there".to_owned(),
            Standing::Progressing => {
                shortened(format!("Deleting: {}", Findings { report, desired }.at_work()))
            }
            _ => end.message,
        };
        end
    }

    /// There is nothing to do and nothing to look at since an earlier process ended so.
    pub(super) fn finished(status: &OsmDeploymentStatus) -> Self {
        let revision = status.last_applied_revision.as_deref().unwrap_or_default();
        let standing = Standing::Converged { inventory: status.inventory.clone() };
        Self::new(standing, format!("Applied revision: {revision}"), Outcome::Finished)
    }

    /// It was stopped because it took longer than it may.
    pub(super) fn timed_out(limit: Duration) -> Self {
        let limit = humantime::format_duration(limit);
        let message = format!("not done within {limit} (spec.timeout); the next run goes on");
        Self::failed(Reason::ReconciliationFailed, message)
    }

    /// The object cannot be read; only a change of it helps.
    pub(super) fn unreadable(error: &str) -> Self {
        let message = format!("osmops {}: {error}", env!("CARGO_PKG_VERSION"));
        Self::stalled(Reason::ValidationFailed, message)
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
    use crate::ids::{DescriptorId, NsId, NsName, RevisionName};
    use crate::plan::{Action, ActionId, Blocked, Entry, Item, PlannedAction, Wait, Why};
    use crate::revision::Revision;
    use crate::source_pos::SourcePos;
    use crate::tree::{Tree, TreePath};

    #[test]
    fn long_messages_are_cut_between_characters() {
        let end = End::failed(Reason::BuildFailed, "é".repeat(2000));
        assert!(end.message.len() <= MESSAGE_BYTES_MAX);
        assert!(end.message.ends_with("é … (more in the log)"), "{}", end.message);
        assert_eq!(End::failed(Reason::BuildFailed, "short").message, "short");
        let longest = "x".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(shortened(longest.clone()), longest, "as long as it may be");
    }

    #[test]
    fn a_message_that_is_cut_inside_of_a_character_is_not_longer_for_it() {
        for beginning in ["", "x"] {
            let message = shortened(format!("{beginning}{}", "é".repeat(2000)));
            assert!(message.len() <= MESSAGE_BYTES_MAX, "{}", message.len());
            assert!(message.len() + 2 > MESSAGE_BYTES_MAX, "{}: no more is cut off", message.len());
        }
    }

    const PAUSE: Duration = Duration::from_secs(5);

    /// A pass over nothing that ended so.
    fn pass(end: PassEnd, interrupted: bool) -> PassReport {
        let name = RevisionName::new("7").unwrap();
        let revision = Revision::read(&Tree::from_files([]), name);
        let mut report = PassReport::without_osm(&revision);
        report.problems.clear();
        report.end = end;
        report.interrupted = interrupted;
        report
    }

    #[test]
    fn a_pass_that_was_told_to_stop_tells_only_that_however_it_ended() {
        let of_pass = |end: PassEnd, interrupted: bool| {
            End::of_pass(&pass(end, interrupted), &DesiredState::default(), PAUSE)
        };
        for (end, outcome) in [
            (PassEnd::Converged, Outcome::Settled),
            (PassEnd::Waiting { poll_after: Duration::ZERO }, Outcome::Again { after: PAUSE }),
            (PassEnd::Failed, Outcome::Failed { not_before: None }),
            (PassEnd::Stalled, Outcome::Settled),
        ] {
            let stopped = of_pass(end, true);
            assert_eq!(stopped.standing, Standing::Progressing, "{end:?}");
            assert_eq!(stopped.message, "Stopped before the end of revision 7", "{end:?}");
            assert_eq!(stopped.outcome, Outcome::Cancelled, "{end:?}");
            assert_eq!(of_pass(end, false).outcome, outcome, "{end:?}");
        }
    }

    #[test]
    fn without_waiting_only_what_goes_on_undisturbed_counts_as_taken_on() {
        let desired = DesiredState::default();
        let standing = |end: PassEnd, interrupted: bool| {
            let report = pass(end, interrupted);
            let end = End::of_pass(&report, &desired, PAUSE);
            end.without_waiting(&report, &desired, true).standing
        };
        let waiting = PassEnd::Waiting { poll_after: PAUSE };
        assert_eq!(standing(waiting, false), Standing::TakenOn);
        assert_eq!(standing(waiting, true), Standing::Progressing);
        let converged = Standing::Converged { inventory: Vec::new() };
        assert_eq!(standing(PassEnd::Converged, false), converged);
        let reason = Reason::ReconciliationFailed;
        assert_eq!(standing(PassEnd::Stalled, false), Standing::Stalled(reason));
    }

    #[test]
    fn the_end_of_a_removal_says_whether_everything_is_gone() {
        let message = |end: PassEnd, interrupted: bool| {
            let report = pass(end, interrupted);
            End::of_removal(&report, &DesiredState::default(), PAUSE).message
        };
        let converged = PassEnd::Converged;
        assert_eq!(message(converged, false), "Removed from OSM what it made there");
        assert_eq!(message(converged, true), "Stopped before everything was removed");
        let waiting = PassEnd::Waiting { poll_after: PAUSE };
        assert!(message(waiting, false).starts_with("Deleting: "));
    }

    #[test]
    fn a_plan_is_summed_up_in_what_is_to_do_and_what_is_blocked() {
        let item = Item::Instance(NsName::new("ldap").unwrap());
        let at = SourcePos::whole(TreePath::parse("ns.ops.yaml").unwrap());
        let blocked = Verdict::Blocked {
            reason: Blocked::UnknownNsd { at: at.clone(), nsd: DescriptorId::new("none").unwrap() },
        };
        let waiting = Verdict::Waiting { on: Wait::Users(Vec::new()) };
        let act = Verdict::Act { actions: Vec::new() };
        let action = PlannedAction {
            id: ActionId(0),
            item: item.clone(),
            action: Action::TakeDown { ns: NsId::new("ns-1").unwrap() },
            why: Why::Absent,
            needs: Vec::new(),
            after: Vec::new(),
        };
        let message = |verdicts: &[&Verdict], count: usize| {
            let entry = |verdict: &&Verdict| Entry {
                item: item.clone(),
                at: at.clone(),
                verdict: (*verdict).clone(),
                notes: Vec::new(),
            };
            let plan = Plan {
                entries: verdicts.iter().map(entry).collect(),
                actions: vec![action.clone(); count],
                ..Plan::default()
            };
            End::of_plan(&plan, String::new(), "r1").message
        };
        let current = Verdict::Current;
        for (verdicts, count, words) in [
            (vec![&current], 0, "nothing to do"),
            (vec![&current, &waiting], 0, "OSM is at work"),
            (vec![&act, &waiting], 2, "2 to do, see status.plan"),
            (vec![&act, &blocked], 1, "1 to do, 1 blocked, see status.plan"),
            (vec![&blocked, &blocked], 0, "0 to do, 2 blocked, see status.plan"),
        ] {
            assert_eq!(message(&verdicts, count), format!("Planned revision r1: {words}"));
        }
    }
}
