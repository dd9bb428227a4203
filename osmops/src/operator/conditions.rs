//! Pure: the status before, and how things stand → the status after. The same twice changes nothing.

use crate::ids::Owner;

use super::crd::{Condition, HistoryEntry, OsmDeploymentStatus};
use super::end::{End, Health, Reason, Standing};

/// How many revisions the history remembers.
const HISTORY_MAX: usize = 5;

/// What a run was about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) generation: Option<i64>,
    /// The revision that was tried, once that is known.
    pub(super) revision: Option<String>,
    /// What that revision's files are, once that is known.
    pub(super) files: Option<String>,
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
        Standing::Converged { .. } | Standing::TakenOn | Standing::Planned { .. } => {
            ("True", Reason::ReconciliationSucceeded)
        }
        Standing::Failed(reason) | Standing::Stalled(reason) => ("False", *reason),
    };
    match &end.standing {
        Standing::Converged { inventory } => {
            after.last_applied_revision.clone_from(&subject.revision);
            after.last_applied_files.clone_from(&subject.files);
            after.inventory.clone_from(inventory);
            after.plan = None;
        }
        Standing::TakenOn => {
            after.last_applied_revision.clone_from(&subject.revision);
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

/// The status before anything is sent: whose mark is borne by what is made from now on, and that what was
/// applied last is so no more, unless it is the same.
pub(super) fn status_before_sending(
    before: &OsmDeploymentStatus,
    subject: &Subject,
    owner: Option<&Owner>,
) -> OsmDeploymentStatus {
    let mut after = before.clone();
    after.owner = owner.map(ToString::to_string);
    if after.last_applied_files != subject.files {
        after.last_applied_files = None;
    }
    after
}

/// `Ready` always; `Reconciling` and `Stalled` only while they are true; `Healthy` as it was last seen.
fn conditions(
    before: &OsmDeploymentStatus,
    subject: &Subject,
    end: &End,
    (ready, reason): (&str, Reason),
    now: &str,
) -> Vec<Condition> {
    let find = |type_: &str| before.conditions.iter().find(|old| old.type_ == type_);
    let condition = |type_: &str, status: &str, reason: Reason, message: &str| {
        let old = find(type_).filter(|old| old.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: message.to_owned(),
            last_transition_time: old.map_or(now, |old| &old.last_transition_time).to_owned(),
            observed_generation: subject.generation,
        }
    };
    let mut conditions = vec![condition("Ready", ready, reason, &end.message)];
    match &end.standing {
        Standing::Progressing => {
            let reason = Reason::Progressing;
            conditions.push(condition("Reconciling", "True", reason, &end.message));
        }
        Standing::Failed(_) => {
            let reason = Reason::ProgressingWithRetry;
            conditions.push(condition("Reconciling", "True", reason, &end.message));
        }
        Standing::Stalled(reason) => {
            conditions.push(condition("Stalled", "True", *reason, &end.message));
        }
        Standing::Converged { .. } | Standing::TakenOn | Standing::Planned { .. } => {}
    }
    match &end.health {
        Some(Health::Well(message)) => {
            conditions.push(condition("Healthy", "True", Reason::Succeeded, message));
        }
        Some(Health::AtWork(message)) => {
            conditions.push(condition("Healthy", "Unknown", Reason::Progressing, message));
        }
        Some(Health::Ailing(message)) => {
            conditions.push(condition("Healthy", "False", Reason::HealthCheckFailed, message));
        }
        None => conditions.extend(find("Healthy").cloned()),
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
        let revision = Some(revision.to_owned());
        Subject { generation: Some(3), revision, ..Subject::default() }
    }

    fn converged() -> End {
        let standing = Standing::Converged { inventory: vec!["NS ldap".to_owned()] };
        let message = "Applied revision: 7".to_owned();
        let health = Some(Health::Well("1 item is as declared".to_owned()));
        End { standing, message, changes: Vec::new(), health, outcome: Outcome::Settled }
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
        assert_eq!(told(&ready), ["Ready True ReconciliationSucceeded", "Healthy True Succeeded"]);
        assert_eq!(ready.conditions[0].last_transition_time, "t2");
        assert_eq!(ready.last_applied_revision.as_deref(), Some("7"));
        assert_eq!(ready.inventory, ["NS ldap"]);
        assert_eq!(status_after(&ready, &subject("7"), &converged(), "t3"), ready);
    }

    #[test]
    fn what_was_applied_is_so_no_more_once_something_else_is_sent() {
        let files = |revision: &str| Subject {
            files: Some(format!("sha256:{revision}")),
            ..subject(revision)
        };
        let ready = status_after(&OsmDeploymentStatus::default(), &files("7"), &converged(), "t1");
        assert_eq!(ready.last_applied_files.as_deref(), Some("sha256:7"));
        let owner = Owner::new("ns/a").unwrap();
        let again = status_before_sending(&ready, &files("7"), Some(&owner));
        assert_eq!(again.last_applied_files, ready.last_applied_files);
        assert_eq!(again.owner.as_deref(), Some("ns/a"));
        let other = status_before_sending(&again, &files("8"), Some(&owner));
        assert_eq!(other.last_applied_files, None);
        assert_eq!(other.last_applied_revision.as_deref(), Some("7"));
        let taken_on = End { standing: Standing::TakenOn, ..converged() };
        let taken_on = status_after(&other, &files("8"), &taken_on, "t2");
        assert_eq!(taken_on.last_applied_files, None, "what may still fail is no drift");
        assert_eq!(taken_on.last_applied_revision.as_deref(), Some("8"));
        assert_eq!(told(&taken_on)[0], "Ready True ReconciliationSucceeded");
    }

    #[test]
    fn failures_keep_what_was_applied_and_say_whether_they_are_tried_again() {
        let ready =
            status_after(&OsmDeploymentStatus::default(), &subject("7"), &converged(), "t1");
        let failed = End::failed(Reason::ArtifactFailed, "no");
        let failed = status_after(&ready, &subject("8"), &failed, "t2");
        assert_eq!(
            told(&failed),
            [
                "Ready False ArtifactFailed",
                "Reconciling True ProgressingWithRetry",
                "Healthy True Succeeded"
            ]
        );
        assert_eq!(failed.last_applied_revision.as_deref(), Some("7"));
        assert_eq!(failed.inventory, ["NS ldap"]);
        let stalled = End::stalled(Reason::BuildFailed, "three mistakes");
        let stalled = status_after(&failed, &subject("8"), &stalled, "t3");
        assert_eq!(
            told(&stalled),
            ["Ready False BuildFailed", "Stalled True BuildFailed", "Healthy True Succeeded"]
        );
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
