//! What happened to each item, summed up in one PassEnd.
//!
//! Pure. In: plan and outcomes. Out: a [`PassReport`], which is also what `--output json` prints.

mod change;
mod outcomes;

use std::time::Duration;

use serde::Serialize;

use crate::apply::{ActionOutcome, ActionResult};
use crate::failure::Failure;
use crate::ids::{OpId, RevisionName};
use crate::plan::{Blocked, Item, Note, Plan};
use crate::repo::{RepoProblem, RepoWarning};
use crate::request_counts::RequestCounts;
use crate::revision::Revision;
use crate::source_pos::SourcePos;

pub use change::{Change, ChangeKind};
use outcomes::{changes_of, due_in, end_of, is_bad, item_report, retry_after};

/// How a pass ended, and with it when the next one makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum PassEnd {
    /// OSM was read and matches.
    Converged,
    /// Something was started or is at work, or was written and is to be read back.
    Waiting {
        /// How soon to look again.
        #[serde(rename = "poll_after_seconds", serialize_with = "seconds")]
        #[schemars(with = "f64")]
        poll_after: Duration,
    },
    /// Something failed that may succeed later, with nobody's help.
    Failed,
    /// Only a commit or an operator helps.
    Stalled,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn maybe_seconds<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

/// One pass over one revision.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct PassReport {
    /// Which revision.
    pub revision: RevisionName,
    /// How it ended.
    pub end: PassEnd,
    /// What became of each declared item.
    pub items: Vec<ItemReport>,
    /// What was sent and taken on, in order: by this pass and, where passes follow one another until
    /// they converge, by all of them.
    pub changes: Vec<Change>,
    /// Everything wrong with the revision itself.
    pub problems: Vec<RepoProblem>,
    /// What deserves a look.
    pub warnings: Vec<RepoWarning>,
    /// What deserves a look in OSM and is about no declared item.
    pub notes: Vec<Note>,
    /// Why OSM could not even be read.
    pub stopped: Option<String>,
    /// What the reader can do about that, where there is something to say.
    pub help: Option<&'static str>,
    /// Whether it was because OSM refused user, password or project.
    #[serde(skip)]
    pub log_in_refused: bool,
    /// How long OSM asks to be left alone.
    #[serde(rename = "retry_after_seconds", serialize_with = "maybe_seconds")]
    #[schemars(with = "Option<f64>")]
    pub retry_after: Option<Duration>,
    /// Whether we were asked to stop before the end.
    pub interrupted: bool,
    /// Whether the time was over before the end.
    pub timed_out: bool,
    /// Requests of this session so far.
    pub requests: RequestCounts,
}

/// What became of one declared item.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ItemReport {
    /// Which.
    pub item: Item,
    /// Where it is declared.
    pub at: SourcePos,
    /// What became of it.
    pub status: ItemStatus,
    /// More on it: why it is blocked, with what request it failed, what OSM is doing.
    pub detail: Option<String>,
    /// Why it is blocked, where it is.
    #[serde(skip)]
    pub blocked: Option<Blocked>,
    /// The operations to look at: those that were started, or the one that OSM was at work on.
    pub operations: Vec<ItemOperation>,
    /// Whether the failure may pass by itself.
    pub may_pass: bool,
    /// What the reader can do about a failure, where there is something to say.
    pub help: Option<&'static str>,
    /// How soon it is tried again.
    #[serde(rename = "due_in_seconds", serialize_with = "maybe_seconds")]
    #[schemars(with = "Option<f64>")]
    pub due_in: Option<Duration>,
    /// What deserves a look and stops nothing.
    pub notes: Vec<Note>,
}

/// An operation of OSM's on an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ItemOperation {
    /// What it does, as `upgrade of KDU front/web`; OSM's own word where others started it.
    pub what: String,
    /// OSM's id of it.
    pub id: OpId,
}

/// What became of a declared item. Of several actions, the one that went furthest down this list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemStatus {
    /// Read, and matches.
    Current,
    /// Written, and not read back yet.
    Written,
    /// An operation was started.
    Started,
    /// OSM was at work on it before we came.
    AtWork,
    /// It is tried again later, or comes after another one.
    Waiting,
    /// Not sent, because it was time to stop.
    Unsent,
    /// Not sent, because something that it needs was not done.
    Skipped,
    /// Its request failed.
    Failed,
    /// Nothing can be done until someone helps.
    Blocked,
}

impl PassReport {
    /// A pass that came as far as its plan.
    pub fn of(
        revision: RevisionName,
        plan: &Plan,
        outcomes: &[ActionOutcome],
        problems: &[RepoProblem],
        warnings: &[RepoWarning],
    ) -> Self {
        let items: Vec<ItemReport> =
            plan.entries.iter().map(|entry| item_report(plan, outcomes, entry)).collect();
        let cancelled = |outcome: &ActionOutcome| matches!(outcome.result, ActionResult::Cancelled);
        Self {
            revision,
            end: end_of(&items, !problems.is_empty()),
            items,
            changes: changes_of(plan, outcomes),
            problems: problems.to_vec(),
            warnings: warnings.to_vec(),
            notes: plan.notes.clone(),
            stopped: None,
            help: None,
            log_in_refused: false,
            retry_after: outcomes.iter().filter_map(retry_after).max(),
            interrupted: outcomes.iter().any(cancelled),
            timed_out: false,
            requests: RequestCounts::default(),
        }
    }

    /// A pass that could not read OSM.
    pub fn stopped(
        revision: RevisionName,
        failure: Failure,
        problems: &[RepoProblem],
        warnings: &[RepoWarning],
    ) -> Self {
        Self {
            revision,
            end: if failure.may_pass { PassEnd::Failed } else { PassEnd::Stalled },
            items: Vec::new(),
            changes: Vec::new(),
            problems: problems.to_vec(),
            warnings: warnings.to_vec(),
            notes: Vec::new(),
            stopped: Some(failure.message),
            help: failure.help,
            log_in_refused: failure.log_in_refused,
            retry_after: failure.retry_after,
            interrupted: false,
            timed_out: false,
            requests: RequestCounts::default(),
        }
    }

    /// A pass over a revision that declares nothing healthy, so that OSM has no part in it.
    pub fn without_osm(revision: &Revision) -> Self {
        let (problems, warnings) = (&revision.problems, &revision.warnings);
        Self::of(revision.name.clone(), &Plan::default(), &[], problems, warnings)
    }

    /// Ends as stalled, because each of `changes` to a package was made once more though nothing else
    /// changed: OSM does not list what it was given, or someone else changes it as well.
    pub(crate) fn stall_repeated(&mut self, changes: &[Change]) {
        for report in &mut self.items {
            let Some(change) = changes.iter().find(|change| change.item == report.item) else {
                continue;
            };
            report.status = ItemStatus::Blocked;
            report.detail = Some(if change.what == ChangeKind::DescriptorChanged {
                format!(
                    "{}: its descriptor was changed twice, and OSM listed another one each time (`osmops plan` \
                     shows the difference); does someone else change it too, or does OSM put it there?",
                    report.at
                )
            } else {
                format!(
                    "{}: uploaded twice, and OSM listed other files each time; does someone else upload them \
                     too, or does something on the way change the header Content-Filename?",
                    report.at
                )
            });
        }
        self.end = end_of(&self.items, !self.problems.is_empty());
    }

    /// Whether anything failed, is blocked or is wrong, whatever else is still at work.
    pub fn has_failures(&self) -> bool {
        self.stopped.is_some() || !self.problems.is_empty() || self.items.iter().any(is_bad)
    }

    /// How many items cannot go on by themselves.
    pub fn stalled_items(&self) -> usize {
        self.items.iter().filter(|item| is_bad(item)).count()
    }

    /// How soon the first of those that failed is tried again.
    pub fn due_in(&self) -> Option<Duration> {
        due_in(&self.items)
    }

    /// Every operation that is worth looking at, with the item that it works on.
    pub fn operations(&self) -> Vec<(Item, OpId)> {
        let of_item = |item: &ItemReport| {
            let name = item.item.clone();
            item.operations.iter().map(move |op| (name.clone(), op.id.clone())).collect::<Vec<_>>()
        };
        self.items.iter().flat_map(of_item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DescriptorId, NsId, NsName};
    use crate::plan::{Action, ActionId, Entry, PlannedAction, Verdict, Why};
    use crate::tree::TreePath;

    #[test]
    fn of_an_item_s_actions_the_one_that_fared_worst_is_told_and_the_same_words_once() {
        let item = || Item::Instance(NsName::new("ldap").unwrap());
        let told = |results: Vec<ActionResult>| {
            let ids: Vec<ActionId> = (0..results.len()).map(ActionId).collect();
            let action = |id: &ActionId| PlannedAction {
                id: *id,
                item: item(),
                action: Action::DeleteInstance { ns: NsId::new("ns-1").unwrap() },
                why: Why::Absent,
                needs: Vec::new(),
                after: Vec::new(),
            };
            let actions = ids.iter().map(action).collect();
            let entry = Entry {
                item: item(),
                at: SourcePos::whole(TreePath::root()),
                verdict: Verdict::Act { actions: ids.clone() },
                notes: Vec::new(),
            };
            let plan = Plan { entries: vec![entry], actions, ..Plan::default() };
            let outcome = |(id, result): (ActionId, ActionResult)| ActionOutcome { id, result };
            let outcomes: Vec<ActionOutcome> = ids.into_iter().zip(results).map(outcome).collect();
            let revision = RevisionName::new("7").unwrap();
            let report = PassReport::of(revision, &plan, &outcomes, &[], &[]).items.remove(0);
            (report.status, report.detail.unwrap())
        };
        let unsent = "not sent, because it was time to stop".to_owned();
        let cancelled = || ActionResult::Cancelled;
        let written = told(vec![ActionResult::Done, ActionResult::Done]);
        assert_eq!(written, (ItemStatus::Written, "deleted".to_owned()));
        for results in [
            vec![cancelled(), cancelled()],
            vec![ActionResult::Done, cancelled()],
            vec![cancelled(), ActionResult::Done],
        ] {
            assert_eq!(told(results), (ItemStatus::Unsent, unsent.clone()));
        }
    }

    #[test]
    fn items_that_cannot_go_on_by_themselves_are_counted() {
        let at = SourcePos::whole(TreePath::root());
        let nsd = DescriptorId::new("none").unwrap();
        let blocked = Verdict::Blocked { reason: Blocked::UnknownNsd { at: at.clone(), nsd } };
        let count = |verdicts: &[&Verdict]| {
            let entry = |(number, verdict): (usize, &&Verdict)| Entry {
                item: Item::Instance(NsName::new(format!("i{number}")).unwrap()),
                at: at.clone(),
                verdict: (*verdict).clone(),
                notes: Vec::new(),
            };
            let entries = verdicts.iter().enumerate().map(entry).collect();
            let plan = Plan { entries, ..Plan::default() };
            let revision = RevisionName::new("7").unwrap();
            PassReport::of(revision, &plan, &[], &[], &[]).stalled_items()
        };
        let current = &Verdict::Current;
        assert_eq!(count(&[current]), 0);
        assert_eq!(count(&[current, &blocked]), 1);
        assert_eq!(count(&[&blocked, current, &blocked]), 2);
    }
}
