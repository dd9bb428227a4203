//! What becomes of declared NS instances, by the state that OSM has them in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::desired::{DesiredInstance, DesiredState};
use crate::ids::{NsId, NsName};
use crate::moment::Moment;
use crate::observed::{
    Index, NsState, ObservedInstance, ObservedState, Operation, RunningOperation,
};
use crate::redact::Secrets;
use crate::source_pos::SourcePos;

use super::drift;
use super::ownership::{self, Claim};
use super::prerequisites::packages_changed_at;
use super::prune::{self, Removal, remove_instance};
use super::retry::{Again, again, attempt_after};
use super::upgrade::is_unsettled;
use super::{
    Action, ActionId, Attempt, Blocked, Entry, Item, Note, Plan, Unchangeable, Verdict, Wait, Why,
};

/// The instances whose operations planning needs: none that runs as declared.
pub fn needing_history(desired: &DesiredState, observed: &ObservedState) -> BTreeSet<NsId> {
    let index = observed.index();
    let needing = observed.instances.iter().filter(|have| needs_history(desired, &index, have));
    needing.map(|have| have.id.clone()).collect()
}

fn needs_history(desired: &DesiredState, observed: &Index<'_>, have: &ObservedInstance) -> bool {
    if prune::needs_history(desired, have, observed.named(&have.name)) {
        return true;
    }
    let Some(want) = desired.instance(&have.name) else { return false };
    if !ownership::may_be_ours(desired, have) {
        return false;
    }
    if want.recreate && is_made_otherwise(observed, want, have) {
        return true;
    }
    if have.running.is_some() {
        return true;
    }
    match have.state {
        NsState::NotInstantiated | NsState::Building | NsState::Broken | NsState::Terminating => {
            true
        }
        NsState::Ready | NsState::Degraded => want.kdus.iter().any(|kdu| is_unsettled(have, kdu)),
        NsState::Other(_) => false,
    }
}

/// Whether an instance is of another NSD, or at another VIM account, than is declared.
fn is_made_otherwise(
    observed: &Index<'_>,
    want: &DesiredInstance,
    have: &ObservedInstance,
) -> bool {
    let mut accounts = observed.vim_accounts().iter();
    let account = accounts.find(|account| account.name == want.vim_account.0);
    have.nsd.as_ref() != Some(&want.nsd.0)
        || have.vim_account.as_ref() != account.map(|account| &account.id)
}

pub(super) fn plan_instances(plan: &mut Plan, desired: &DesiredState, observed: &Index<'_>) {
    let mut decided: BTreeMap<NsName, Entry> = BTreeMap::new();
    for want in desired.instances_in_order() {
        let notes = Vec::new();
        let mut planner =
            Planner { plan: &mut *plan, desired, observed, want, decided: &decided, notes };
        let planned_before = planner.plan.actions.len();
        let result = match ownership::claim(desired, want, observed.named(&want.name)) {
            Ok(Claim::Free) => planner.create(),
            Ok(Claim::Ours(have)) => {
                planner.notes.extend(other_description(want, have));
                planner.keep(have)
            }
            Ok(Claim::MadeTwice(stays, others)) => planner.remove_twins(stays, &others),
            Ok(Claim::Unmarked(have)) => Err(planner.would_adopt(have)),
            Err(reason) => Err(reason),
        };
        let verdict = result.unwrap_or_else(|reason| Verdict::Blocked { reason });
        let notes = planner.notes;
        let item = Item::Instance(want.name.clone());
        let verdict = drift::or_report(plan, desired, &item, &want.at, planned_before, verdict);
        let entry = Entry { item, at: want.at.clone(), verdict, notes };
        decided.insert(want.name.clone(), entry);
    }
    // Entries stand in the order of their names, whatever order the actions have.
    plan.entries.extend(decided.into_values());
}

/// OSM has no way to change a description.
fn other_description(want: &DesiredInstance, have: &ObservedInstance) -> Option<Note> {
    let (declared, at) = want.description.as_ref()?;
    let observed = have.description.clone().unwrap_or_default();
    let note = || Note::OtherDescription {
        at: at.clone(),
        observed: observed.clone(),
        declared: declared.clone(),
    };
    (*declared != observed).then(note)
}

/// Decides about one declared instance.
pub(super) struct Planner<'a> {
    pub(super) plan: &'a mut Plan,
    pub(super) desired: &'a DesiredState,
    pub(super) observed: &'a Index<'a>,
    pub(super) want: &'a DesiredInstance,
    /// What becomes of those that it depends on.
    pub(super) decided: &'a BTreeMap<NsName, Entry>,
    /// What deserves a look.
    pub(super) notes: Vec<Note>,
}

impl Planner<'_> {
    /// Plans as if the instance were ours, to tell what adopting it would do, and takes it back.
    fn would_adopt(&mut self, have: &ObservedInstance) -> Blocked {
        let planned_before = self.plan.actions.len();
        let verdict = self.keep(have).unwrap_or_else(|reason| Verdict::Blocked { reason });
        let planned = self.plan.actions.split_off(planned_before);
        ownership::unmarked_instance(self.want, have, &verdict, &planned)
    }

    /// Of several instances of ours with one name one stays; a later pass looks after it. They come of
    /// a request whose answer was lost and that was carried out late.
    fn remove_twins(
        &mut self,
        stays: &ObservedInstance,
        others: &[&ObservedInstance],
    ) -> Result<Verdict, Blocked> {
        let item = Item::Instance(self.want.name.clone());
        let mut actions = Vec::new();
        let mut otherwise = Ok(Verdict::Current);
        for have in others {
            match remove_instance(self.desired, self.observed.read_at(), &self.want.at, have) {
                Removal::Act { action, needs, .. } => {
                    let why = Why::MadeTwice { stays: stays.id.clone() };
                    actions.push(self.plan.push(&item, *action, why, needs));
                }
                Removal::Wait(on) => otherwise = Ok(Verdict::Waiting { on }),
                Removal::Blocked(reason) => otherwise = Err(reason),
            }
        }
        if actions.is_empty() { otherwise } else { Ok(Verdict::Act { actions }) }
    }

    fn create(&mut self) -> Result<Verdict, Blocked> {
        let (spec, needs) = self.spec()?;
        if let Some(waiting) = self.dependencies()? {
            return Ok(Verdict::Waiting { on: waiting });
        }
        Ok(self.act(Action::CreateInstance { spec }, Why::Absent, needs))
    }

    pub(super) fn act(&mut self, action: Action, why: Why, needs: Vec<ActionId>) -> Verdict {
        let item = Item::Instance(self.want.name.clone());
        Verdict::Act { actions: vec![self.plan.push(&item, action, why, needs)] }
    }

    fn keep(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let want = self.want;
        if let Some(change) = self.unchangeable(have)? {
            return if want.recreate {
                self.recreate(have, change)
            } else {
                Err(Blocked::MadeOtherwise { change, ns: have.id.clone() })
            };
        }
        if let Some(operation) = running(have) {
            return self.wait_for(have, operation);
        }
        match &have.state {
            NsState::NotInstantiated => self.instantiate(have),
            NsState::Ready => self.upgrade(have),
            NsState::Degraded => match self.upgrade(have)? {
                Verdict::Current => Err(Blocked::Degraded {
                    at: want.at.clone(),
                    ns: have.id.clone(),
                    detail: self.words_of(have),
                }),
                verdict => Ok(verdict),
            },
            NsState::Broken => self.repair(have),
            NsState::Building => self.wait_for(have, unnamed(have, "BUILDING")),
            NsState::Terminating => self.wait_for(have, unnamed(have, "TERMINATING")),
            NsState::Other(word) => Err(Blocked::StrangeState {
                at: want.at.clone(),
                ns: have.id.clone(),
                state: word.clone(),
            }),
        }
    }

    /// What of an instance is declared otherwise and cannot be changed.
    fn unchangeable(&self, have: &ObservedInstance) -> Result<Option<Unchangeable>, Blocked> {
        let want = self.want;
        if have.nsd.as_ref() != Some(&want.nsd.0) {
            let observed = have.nsd.as_ref().map_or("none".to_owned(), ToString::to_string);
            let (declared, at) = want.nsd.clone();
            return Ok(Some(Unchangeable::Nsd { at, observed, declared }));
        }
        if have.vim_account.as_ref() != Some(self.vim_account()?) {
            let (declared, at) = &want.vim_account;
            return Ok(Some(Unchangeable::VimAccount {
                at: at.clone(),
                observed: self.account_of(have),
                declared: declared.to_string(),
            }));
        }
        Ok(None)
    }

    /// The name of the VIM account where an instance runs, or what OSM's record has instead.
    fn account_of(&self, have: &ObservedInstance) -> String {
        let Some(id) = &have.vim_account else { return "none".to_owned() };
        let accounts = self.observed.vim_accounts();
        let known = accounts.iter().find(|account| account.id == *id);
        known.map_or_else(|| id.to_string(), |account| account.name.to_string())
    }

    /// Removes an instance; once it is gone, it is made as declared. It may be running, so that it goes only
    /// after its packages were taken: one that OSM refuses, perhaps because this very instance uses it, keeps
    /// it as it is, and the refusal is told.
    fn recreate(
        &mut self,
        have: &ObservedInstance,
        change: Unchangeable,
    ) -> Result<Verdict, Blocked> {
        // Nothing is removed that could not be made again.
        let (_, needs) = self.spec()?;
        if let Some(waiting) = self.dependencies()? {
            return Ok(Verdict::Waiting { on: waiting });
        }
        match remove_instance(self.desired, self.observed.read_at(), &self.want.at, have) {
            Removal::Act { action, .. } => Ok(self.act(*action, Why::MadeAnew { change }, needs)),
            Removal::Wait(on) => Ok(Verdict::Waiting { on }),
            Removal::Blocked(reason) => Err(reason),
        }
    }

    fn wait_for(
        &self,
        have: &ObservedInstance,
        operation: RunningOperation,
    ) -> Result<Verdict, Blocked> {
        let (limit, now) = (self.desired.policy.timeout, self.observed.read_at());
        let on = wait_or_overdue(&self.want.at, have, operation, limit, now)?;
        Ok(Verdict::Waiting { on })
    }

    /// The first instance that this one depends on and that does not run as declared; `None` when it may
    /// be made.
    pub(super) fn dependencies(&self) -> Result<Option<Wait>, Blocked> {
        for (name, at) in &self.want.depends_on {
            match self.decided.get(name).map(|entry| &entry.verdict) {
                Some(Verdict::Current) => {}
                Some(Verdict::Act { .. } | Verdict::Waiting { .. }) => {
                    return Ok(Some(Wait::Instance { at: at.clone(), name: name.clone() }));
                }
                Some(Verdict::Blocked { .. }) => {
                    let needed = Item::Instance(name.clone());
                    return Err(Blocked::NeedsBlocked { at: at.clone(), needed });
                }
                None => {
                    return Err(Blocked::NeedsMistaken { at: at.clone(), name: name.clone() });
                }
            }
        }
        Ok(None)
    }

    /// OSM's words on what went wrong with an instance.
    pub(super) fn words_of(&self, have: &ObservedInstance) -> String {
        let words = have.failure.as_deref().unwrap_or("OSM gives no reason");
        self.secrets(have).hide(words)
    }

    /// What is declared, and what OSM was ever given: its words may repeat either.
    fn secrets(&self, have: &ObservedInstance) -> Secrets {
        let given = have.history.iter().flatten().flat_map(Operation::values);
        let mut secrets = Secrets::of_values(given, &self.desired.secret_names);
        secrets.add_instance(self.want);
        secrets
    }

    /// Whether what failed so often is tried again: now, with the attempt that this is, or later. Given
    /// up, it is blocked.
    pub(super) fn again(
        &self,
        have: &ObservedInstance,
        what: &str,
        failed: &[&Operation],
    ) -> Result<Result<Option<Attempt>, Wait>, Blocked> {
        let now = self.observed.read_at();
        match again(&self.desired.policy, now, what, failed, &self.secrets(have)) {
            Again::Now(attempt) => Ok(Ok(attempt)),
            Again::Later(until) => Ok(Err(until)),
            Again::GivenUp(attempt) => {
                Err(Blocked::GivenUp { at: self.want.at.clone(), ns: have.id.clone(), attempt })
            }
        }
    }

    /// The attempt that comes after these failures, whatever the policy says of it.
    pub(super) fn attempt_after(
        &self,
        have: &ObservedInstance,
        failed: &[&Operation],
    ) -> Option<Attempt> {
        let secrets = self.secrets(have);
        attempt_after(&self.desired.policy, super::repair::INSTANTIATION, failed, &secrets)
    }

    /// Since when (epoch seconds) the packages are as they are; what failed before may work now. Never, when
    /// this very plan changes them.
    pub(super) fn fresh_since(&self, needs: &[ActionId]) -> f64 {
        if needs.is_empty() {
            packages_changed_at(self.desired, self.observed, self.want).epoch_seconds()
        } else {
            f64::INFINITY
        }
    }
}

/// An operation is let end; one that takes too long is reported, and never repeated while it runs.
pub(super) fn wait_or_overdue(
    at: &SourcePos,
    have: &ObservedInstance,
    operation: RunningOperation,
    limit: Duration,
    now: Moment,
) -> Result<Wait, Blocked> {
    match operation.since.map(|since| now.since(since)) {
        Some(lasting) if lasting > limit => Err(Blocked::Overdue {
            at: at.clone(),
            ns: have.id.clone(),
            operation,
            lasting: Duration::from_secs(lasting.as_secs()),
            limit,
        }),
        Some(_) | None => Ok(Wait::Operation(operation)),
    }
}

/// What OSM works on: by the instance's own word, or because an operation is queued that has not begun.
pub(super) fn running(have: &ObservedInstance) -> Option<RunningOperation> {
    let history = have.history.as_deref().unwrap_or_default();
    let told = |op: &Operation| RunningOperation {
        what: op.kind.to_string(),
        id: Some(op.id.clone()),
        since: Some(op.started),
    };
    let pending = history.iter().find(|op| op.state.end().is_none()).map(told);
    let Some(named) = &have.running else { return pending };
    let record = history.iter().find(|op| Some(&op.id) == named.id.as_ref());
    let since = record.map(|op| op.started).or(pending.and_then(|op| op.since));
    // One that its history does not have, or has as ended, is nothing that could be looked at.
    let is_open = record.is_some_and(|op| op.state.end().is_none());
    let id = named.id.clone().filter(|_| have.history.is_none() || is_open);
    let what = named.what.clone();
    Some(RunningOperation { what, id, since: since.or_else(|| made_at(have)) })
}

/// An instance that is not idle by its state, though no operation is named.
pub(super) fn unnamed(have: &ObservedInstance, what: &str) -> RunningOperation {
    let last = have.history.as_ref().and_then(|history| history.last());
    let since = last.map(|op| op.started).or_else(|| made_at(have));
    RunningOperation { what: what.to_owned(), id: None, since }
}

/// When an instance was made, where its history was read and is of no help: nothing may go on for ever.
fn made_at(have: &ObservedInstance) -> Option<Moment> {
    have.history.as_ref().map(|_| have.created)
}
