//! Pure: the status before, and how things stand → the status after. The same twice changes nothing.

use super::crd::{Condition, HistoryEntry, OsmDeploymentStatus};
use super::end::{End, Reason, Standing};

/// How many revisions the history remembers.
const HISTORY_MAX: usize = 5;

/// What a run was about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) generation: Option<i64>,
    /// The revision that was tried, once that is known.
    pub(super) revision: Option<String>,
    /// The request by hand that it answers.
    pub(super) requested_at: Option<String>,
}

/// The status after a run, or at its beginning. `now` is RFC 3339.
pub(super) fn status_after(
    before: &OsmDeploymentStatus,
    subject: &Subject,
    end: &End,
    now: &str,
) -> OsmDeploymentStatus {
    let mut after = before.clone();
    after.observed_generation = subject.generation;
    if subject.requested_at.is_some() && end.standing != Standing::Progressing {
        after.last_handled_reconcile_at.clone_from(&subject.requested_at);
    }
    if subject.revision.is_some() {
        after.last_attempted_revision.clone_from(&subject.revision);
    }
    let (ready, reason) = match &end.standing {
        Standing::Progressing => ("Unknown", Reason::Progressing),
        Standing::Converged { .. } | Standing::Planned { .. } => {
            ("True", Reason::ReconciliationSucceeded)
        }
        Standing::Failed(reason) | Standing::Stalled(reason) => ("False", *reason),
    };
    match &end.standing {
        Standing::Converged { inventory } => {
            after.last_applied_revision.clone_from(&subject.revision);
            after.inventory.clone_from(inventory);
            after.plan = None;
        }
        Standing::Planned { plan } => after.plan = Some(plan.clone()),
        Standing::Progressing | Standing::Failed(_) | Standing::Stalled(_) => {}
    }
    after.conditions = conditions(before, subject, end, (ready, reason), now);
    if let Some(revision) = &subject.revision {
        remember(&mut after.history, revision, reason, now);
    }
    after
}

/// `Ready` always; `Reconciling` and `Stalled` only while they are true.
fn conditions(
    before: &OsmDeploymentStatus,
    subject: &Subject,
    end: &End,
    (ready, reason): (&str, Reason),
    now: &str,
) -> Vec<Condition> {
    let condition = |type_: &str, status: &str, reason: Reason| {
        let old = before.conditions.iter().find(|old| old.type_ == type_ && old.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: end.message.clone(),
            last_transition_time: old.map_or(now, |old| &old.last_transition_time).to_owned(),
            observed_generation: subject.generation,
        }
    };
    let mut conditions = vec![condition("Ready", ready, reason)];
    match &end.standing {
        Standing::Progressing => {
            conditions.push(condition("Reconciling", "True", Reason::Progressing));
        }
        Standing::Failed(_) => {
            conditions.push(condition("Reconciling", "True", Reason::ProgressingWithRetry));
        }
        Standing::Stalled(reason) => conditions.push(condition("Stalled", "True", *reason)),
        Standing::Converged { .. } | Standing::Planned { .. } => {}
    }
    conditions
}

fn remember(history: &mut Vec<HistoryEntry>, revision: &str, reason: Reason, now: &str) {
    match history.first_mut() {
        Some(latest) if latest.revision == revision => {
            if latest.result != reason.as_str() {
                reason.as_str().clone_into(&mut latest.result);
                now.clone_into(&mut latest.since);
            }
        }
        _ => {
            let entry = HistoryEntry {
                revision: revision.to_owned(),
                result: reason.as_str().to_owned(),
                first_attempted: now.to_owned(),
                since: now.to_owned(),
            };
            history.insert(0, entry);
            history.truncate(HISTORY_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::driver::Outcome;

    fn subject(revision: &str) -> Subject {
        Subject { generation: Some(3), revision: Some(revision.to_owned()), requested_at: None }
    }

    fn converged() -> End {
        let standing = Standing::Converged { inventory: vec!["NS ldap".to_owned()] };
        let message = "Applied revision: 7".to_owned();
        End { standing, message, changes: Vec::new(), outcome: Outcome::Settled }
    }

    fn told(status: &OsmDeploymentStatus) -> Vec<String> {
        let words = |c: &Condition| format!("{} {} {}", c.type_, c.status, c.reason);
        status.conditions.iter().map(words).collect()
    }

    #[test]
    fn a_revision_is_progressing_then_ready_and_the_same_again_changes_nothing() {
        let none = OsmDeploymentStatus::default();
        let began = status_after(&none, &subject("7"), &End::began("Applying 7"), "t1");
        assert_eq!(told(&began), ["Ready Unknown Progressing", "Reconciling True Progressing"]);
        assert_eq!(began.last_attempted_revision.as_deref(), Some("7"));
        assert_eq!(began.last_applied_revision, None);
        let ready = status_after(&began, &subject("7"), &converged(), "t2");
        assert_eq!(told(&ready), ["Ready True ReconciliationSucceeded"]);
        assert_eq!(ready.conditions[0].last_transition_time, "t2");
        assert_eq!(ready.last_applied_revision.as_deref(), Some("7"));
        assert_eq!(ready.inventory, ["NS ldap"]);
        assert_eq!(status_after(&ready, &subject("7"), &converged(), "t3"), ready);
    }

    #[test]
    fn failures_keep_what_was_applied_and_say_whether_they_are_tried_again() {
        let ready =
            status_after(&OsmDeploymentStatus::default(), &subject("7"), &converged(), "t1");
        let failed = End::failed(Reason::ArtifactFailed, "no");
        let failed = status_after(&ready, &subject("8"), &failed, "t2");
        assert_eq!(
            told(&failed),
            ["Ready False ArtifactFailed", "Reconciling True ProgressingWithRetry"]
        );
        assert_eq!(failed.last_applied_revision.as_deref(), Some("7"));
        assert_eq!(failed.inventory, ["NS ldap"]);
        let stalled = End::stalled(Reason::BuildFailed, "three mistakes");
        let stalled = status_after(&failed, &subject("8"), &stalled, "t3");
        assert_eq!(told(&stalled), ["Ready False BuildFailed", "Stalled True BuildFailed"]);
        assert_eq!(stalled.conditions[0].last_transition_time, "t2", "it was false before");
        let revisions: Vec<&str> = stalled.history.iter().map(|e| e.revision.as_str()).collect();
        assert_eq!(revisions, ["8", "7"]);
        assert_eq!(stalled.history[0].first_attempted, "t2");
        assert_eq!(stalled.history[0].since, "t3");
    }

    #[test]
    fn a_request_by_hand_is_answered_when_its_run_ends() {
        let asked = Subject { requested_at: Some("now".to_owned()), ..subject("7") };
        let none = OsmDeploymentStatus::default();
        let began = status_after(&none, &asked, &End::began("…"), "t1");
        assert_eq!(began.last_handled_reconcile_at, None);
        let ended = status_after(&began, &asked, &converged(), "t2");
        assert_eq!(ended.last_handled_reconcile_at.as_deref(), Some("now"));
    }

    #[test]
    fn the_history_remembers_five_revisions() {
        let mut status = OsmDeploymentStatus::default();
        for revision in 0..9 {
            status = status_after(&status, &subject(&revision.to_string()), &converged(), "t");
        }
        assert_eq!(status.history.len(), HISTORY_MAX);
        assert_eq!(status.history[0].revision, "8");
    }
}
