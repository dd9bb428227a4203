//! Create or upgrade NS instances.

use crate::desired::{DesiredInstance, DesiredKdu, DesiredState};
use crate::ids::{PackageKind, VimAccountId};
use crate::observed::{Index, NsState, ObservedInstance, OpEnd, Operation, RunningOperation};
use crate::redact::Secrets;
use crate::source_pos::SourcePos;

use super::ownership::{self, Claim};
use super::prerequisites::{
    Provider, blocked_package, kdus_of, package_actions, packages_changed_since, provider,
    vnfd_of_member,
};
use super::prune::{self, Removal, remove_instance};
use super::values::{ValueDifference, differences, same_values};
use super::{
    Action, ActionId, Blocked, InstanceSpec, Item, KduValues, PackageRef, Plan, Verdict, Wait, Why,
};

/// Whether planning needs an instance's operations: only one that is not deployed yet, or whose recorded
/// values are absent or differ.
pub fn needs_history(desired: &DesiredState, have: &ObservedInstance) -> bool {
    if prune::needs_history(desired, have) {
        return true;
    }
    let Some(want) = desired.instance(&have.name) else { return false };
    if have.running.is_some() || !ownership::may_be_ours(desired, have) {
        return false;
    }
    match have.state {
        NsState::NotInstantiated => true,
        NsState::Ready | NsState::Degraded => want.kdus.iter().any(|kdu| {
            have.effective_values(&kdu.member.0, &kdu.name.0)
                .is_none_or(|values| !differences(kdu, &values).is_empty())
        }),
        NsState::Building | NsState::Broken | NsState::Terminating | NsState::Other(_) => false,
    }
}

pub(super) fn plan_instances(plan: &mut Plan, desired: &DesiredState, observed: &Index<'_>) {
    for want in &desired.instances {
        let item = Item::Instance(want.name.clone());
        let mut planner = Planner { plan: &mut *plan, desired, observed, want };
        let decided = match ownership::claim(desired, want, observed.named(&want.name)) {
            Ok(Claim::Free) => planner.create(),
            Ok(Claim::Ours(have)) => planner.keep(have),
            Ok(Claim::MadeTwice(oldest, newer)) => planner.remove_newer(oldest, &newer),
            Ok(Claim::Unmarked(have)) => Err(planner.would_adopt(have)),
            Err(reason) => Err(reason),
        };
        let verdict = decided.unwrap_or_else(|reason| Verdict::Blocked { reason });
        plan.enter(item, &want.at, verdict, Vec::new());
    }
}

/// Decides about one declared instance.
struct Planner<'a> {
    plan: &'a mut Plan,
    desired: &'a DesiredState,
    observed: &'a Index<'a>,
    want: &'a DesiredInstance,
}

impl Planner<'_> {
    /// Plans as if the instance were ours, to tell what adopting it would do, and takes it back.
    fn would_adopt(&mut self, have: &ObservedInstance) -> Blocked {
        let planned_before = self.plan.actions.len();
        let verdict = self.keep(have).unwrap_or_else(|reason| Verdict::Blocked { reason });
        let planned = self.plan.actions.split_off(planned_before);
        ownership::unmarked_instance(self.want, have, &verdict, &planned)
    }

    /// Of several instances of ours with one name the oldest stays; a later pass looks after it. They come of
    /// a request whose answer was lost and that was carried out late.
    fn remove_newer(
        &mut self,
        oldest: &ObservedInstance,
        newer: &[&ObservedInstance],
    ) -> Result<Verdict, Blocked> {
        let item = Item::Instance(self.want.name.clone());
        let mut actions = Vec::new();
        let mut otherwise = Ok(Verdict::Current);
        for have in newer {
            match remove_instance(&self.want.at, have) {
                Removal::Act { action, needs, .. } => {
                    let why = Why::MadeTwice { oldest: oldest.id.clone() };
                    actions.push(self.plan.push(&item, action, why, needs));
                }
                Removal::Wait(on) => otherwise = Ok(Verdict::Waiting { on }),
                Removal::Blocked(reason) => otherwise = Err(reason),
            }
        }
        if actions.is_empty() { otherwise } else { Ok(Verdict::Act { actions }) }
    }

    fn create(&mut self) -> Result<Verdict, Blocked> {
        let (spec, needs) = self.spec()?;
        Ok(self.act(Action::CreateInstance { spec }, Why::Absent, needs))
    }

    fn act(&mut self, action: Action, why: Why, needs: Vec<ActionId>) -> Verdict {
        let item = Item::Instance(self.want.name.clone());
        Verdict::Act { actions: vec![self.plan.push(&item, action, why, needs)] }
    }

    fn keep(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let want = self.want;
        if have.nsd.as_ref() != Some(&want.nsd.0) {
            let (at, ns) = (want.nsd.1.clone(), have.id.clone());
            let observed = have.nsd.as_ref().map_or("?".to_owned(), ToString::to_string);
            return Err(Blocked::OtherNsd { at, ns, observed });
        }
        if have.vim_account.as_ref() != Some(self.vim_account()?) {
            let (name, at) = want.vim_account.clone();
            return Err(Blocked::OtherVimAccount { at, ns: have.id.clone(), name });
        }
        if let Some(operation) = running(have) {
            return Ok(Verdict::Waiting { on: Wait::Operation(operation) });
        }
        let waiting = |what: &str| Verdict::Waiting {
            on: Wait::Operation(RunningOperation { what: what.to_owned(), id: None }),
        };
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
            NsState::Broken => Err(Blocked::Broken {
                at: want.at.clone(),
                ns: have.id.clone(),
                detail: self.words_of(have),
            }),
            // Not idle by their own word, though no operation is named: OSM is at work.
            NsState::Building => Ok(waiting("BUILDING")),
            NsState::Terminating => Ok(waiting("TERMINATING")),
            NsState::Other(word) => Err(Blocked::StrangeState {
                at: want.at.clone(),
                ns: have.id.clone(),
                state: word.clone(),
            }),
        }
    }

    /// OSM's words on what went wrong with an instance.
    fn words_of(&self, have: &ObservedInstance) -> String {
        let words = have.failure.as_deref().unwrap_or("OSM gives no reason");
        Secrets::of_instance(self.want).hide(words)
    }

    /// A record without a deployment: either nobody ever began, or the instantiation was undone.
    fn instantiate(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let (spec, needs) = self.spec()?;
        if let Some(last) = last_operation(have)
            && last.state.end() == Some(OpEnd::Failed)
            && !self.packages_change(&needs, last)
        {
            return Err(self.failed(have, last));
        }
        let action = Action::Instantiate { ns: have.id.clone(), spec };
        Ok(self.act(action, Why::NeverInstantiated, needs))
    }

    fn upgrade(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let mut differing: Vec<(&DesiredKdu, Vec<ValueDifference>)> = Vec::new();
        for kdu in &self.want.kdus {
            if !have.kdus.iter().any(|k| k.member == kdu.member.0 && k.name == kdu.name.0) {
                return Err(Blocked::NoSuchKdu {
                    at: kdu.name.1.clone(),
                    ns: have.id.clone(),
                    member: kdu.member.0.clone(),
                    kdu: kdu.name.0.clone(),
                });
            }
            let values = have.effective_values(&kdu.member.0, &kdu.name.0).unwrap_or_default();
            let found = differences(kdu, &values);
            if !found.is_empty() {
                differing.push((kdu, found));
            }
        }
        if differing.is_empty() {
            return Ok(Verdict::Current);
        }
        // OSM's record embeds its NSD, so an upgrade needs no package; but those that this revision
        // changes come first.
        let needs = package_actions(self.plan, self.desired, self.observed, self.want);
        for (kdu, _) in &differing {
            self.check_last_upgrade(have, kdu, &needs)?;
        }
        let item = Item::Instance(self.want.name.clone());
        let mut actions = Vec::new();
        for (kdu, differences) in differing {
            let action = Action::UpgradeKdu {
                ns: have.id.clone(),
                member: kdu.member.0.clone(),
                kdu: kdu.name.0.clone(),
                params: kdu.params.clone(),
            };
            let why = Why::ValuesDiffer { differences };
            actions.push(self.plan.push(&item, action, why, needs.clone()));
        }
        Ok(Verdict::Act { actions })
    }

    /// An upgrade to just these values that was the last thing to happen, since the packages last changed,
    /// is not simply repeated: if it failed it would fail again, and if it was completed it had no effect.
    fn check_last_upgrade(
        &self,
        have: &ObservedInstance,
        kdu: &DesiredKdu,
        needs: &[ActionId],
    ) -> Result<(), Blocked> {
        let Some(last) = last_operation(have) else { return Ok(()) };
        let same = last.kind == "action"
            && last.values.iter().any(|(member, name, values)| {
                *member == kdu.member.0 && *name == kdu.name.0 && same_values(values, &kdu.params)
            });
        if !same || self.packages_change(needs, last) {
            return Ok(());
        }
        match last.state.end() {
            Some(OpEnd::Failed) => Err(self.failed(have, last)),
            Some(OpEnd::Done) => Err(Blocked::UpgradeWithoutEffect { at: kdu.name.1.clone() }),
            None => Ok(()),
        }
    }

    /// Whether the packages were changed since an operation began, or are by this very plan.
    fn packages_change(&self, needs: &[ActionId], operation: &Operation) -> bool {
        let started = operation.started;
        !needs.is_empty() || packages_changed_since(self.desired, self.observed, self.want, started)
    }

    fn failed(&self, have: &ObservedInstance, operation: &Operation) -> Blocked {
        let what = if operation.kind == "action" { "the upgrade" } else { "the last operation" };
        Blocked::OperationFailed {
            at: self.want.at.clone(),
            ns: have.id.clone(),
            what: format!("{what} ({})", operation.id),
            detail: Secrets::of_instance(self.want).hide(&operation.detail),
        }
    }

    /// What the instance is made with, and the actions that must come first.
    fn spec(&self) -> Result<(InstanceSpec, Vec<ActionId>), Blocked> {
        if let Some(needed) = blocked_package(self.plan, self.desired, self.observed, self.want) {
            return Err(Blocked::NeedsBlocked { at: self.want.nsd.1.clone(), needed });
        }
        let nsd = self.nsd()?;
        self.check_kdus()?;
        let values = |kdu: &DesiredKdu| KduValues {
            member: kdu.member.0.clone(),
            kdu: kdu.name.0.clone(),
            params: kdu.params.clone(),
        };
        let spec = InstanceSpec {
            name: self.want.name.clone(),
            description: self.want.description.clone(),
            nsd,
            vim_account: self.vim_account()?.clone(),
            kdus: self.want.kdus.iter().map(values).collect(),
            owner: self.desired.owner.clone(),
        };
        let needs = package_actions(self.plan, self.desired, self.observed, self.want);
        Ok((spec, needs))
    }

    fn nsd(&self) -> Result<PackageRef, Blocked> {
        let (nsd, at) = &self.want.nsd;
        match provider(self.plan, self.observed, PackageKind::Nsd, nsd, at) {
            Provider::Ready(by) | Provider::After(by, _) => Ok(by),
            Provider::Blocked(reason) => Err(reason),
            Provider::Unknown => Err(Blocked::UnknownNsd { at: at.clone(), nsd: nsd.clone() }),
        }
    }

    /// OSM takes unknown members and KDUs without a word, so that the service would start with the chart's
    /// own values. `desired` has checked what this revision declares alone; here counts what OSM has, too.
    fn check_kdus(&self) -> Result<(), Blocked> {
        for kdu in &self.want.kdus {
            let (member, name) = (&kdu.member.0, &kdu.name.0);
            let no_such = |at: &SourcePos| Blocked::UnknownKdu {
                at: at.clone(),
                nsd: self.want.nsd.0.clone(),
                member: member.clone(),
                kdu: name.clone(),
            };
            let vnfd = vnfd_of_member(self.desired, self.observed, &self.want.nsd.0, member);
            let vnfd = vnfd.ok_or_else(|| no_such(&kdu.member.1))?;
            let known = kdus_of(self.desired, self.observed, vnfd);
            if known.is_some_and(|known| !known.contains(name)) {
                return Err(no_such(&kdu.name.1));
            }
        }
        Ok(())
    }

    fn vim_account(&self) -> Result<&VimAccountId, Blocked> {
        let (name, at) = &self.want.vim_account;
        let accounts = self.observed.vim_accounts();
        let found = accounts.iter().find(|account| account.name == *name);
        found.map(|account| &account.id).ok_or_else(|| Blocked::UnknownVimAccount {
            at: at.clone(),
            name: name.clone(),
            known: accounts.iter().map(|account| account.name.to_string()).collect(),
        })
    }
}

fn last_operation(have: &ObservedInstance) -> Option<&Operation> {
    have.history.as_ref()?.last()
}

/// What OSM works on: by the instance's own word, or because an operation is queued that has not begun.
fn running(have: &ObservedInstance) -> Option<RunningOperation> {
    if let Some(operation) = &have.running {
        return Some(operation.clone());
    }
    let pending = |op: &&Operation| op.state.end().is_none();
    let operation = have.history.as_ref()?.iter().find(pending)?;
    Some(RunningOperation { what: operation.kind.clone(), id: Some(operation.id.clone()) })
}
