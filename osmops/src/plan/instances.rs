//! Create or upgrade NS instances.

use crate::desired::{DesiredInstance, DesiredKdu, DesiredState};
use crate::ids::{KduName, PackageKind, VimAccountId};
use crate::observed::{Index, NsState, ObservedInstance, OpEnd, Operation, RunningOperation};

use super::packages::{Provider, provider};
use super::values::{ValueDifference, differences, same_values};
use super::{
    Action, ActionId, Blocked, InstanceSpec, Item, KduValues, PackageRef, Plan, Verdict, Why,
};

/// Whether planning needs the VIM accounts: only an instance that is to be deployed does.
pub fn needs_vim_accounts(desired: &DesiredState, observed: &Index<'_>) -> bool {
    desired.instances.iter().any(|instance| {
        let have = observed.named(&instance.name);
        have.is_empty() || have.iter().any(|have| have.state == NsState::NotInstantiated)
    })
}

/// Whether planning needs an instance's operations: only one that is not deployed yet, or whose recorded
/// values are absent or differ.
pub fn needs_history(desired: &DesiredState, have: &ObservedInstance) -> bool {
    let Some(want) = desired.instance(&have.name) else { return false };
    match have.state {
        NsState::NotInstantiated => have.running.is_none(),
        NsState::Ready | NsState::Degraded if have.running.is_none() => {
            want.kdus.iter().any(|kdu| {
                have.effective_values(&kdu.member.0, &kdu.name.0)
                    .is_none_or(|values| !differences(kdu, &values).is_empty())
            })
        }
        _ => false,
    }
}

pub(super) fn plan_instances(plan: &mut Plan, desired: &DesiredState, observed: &Index<'_>) {
    for want in &desired.instances {
        let item = Item::Instance(want.name.clone());
        let decided = match observed.named(&want.name) {
            [] => create(plan, desired, observed, want),
            [have] => keep(plan, desired, observed, want, have),
            several => Err(Blocked::SeveralInstances {
                at: want.at.clone(),
                ids: several.iter().map(|instance| instance.id.clone()).collect(),
            }),
        };
        let verdict = decided.unwrap_or_else(|reason| Verdict::Blocked { reason });
        plan.enter(item, &want.at, verdict);
    }
}

fn create(
    plan: &mut Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Result<Verdict, Blocked> {
    let (spec, needs) = spec(plan, desired, observed, want)?;
    let item = Item::Instance(want.name.clone());
    let action = plan.push(&item, Action::CreateInstance { spec }, Why::Absent, needs);
    Ok(Verdict::Act { actions: vec![action] })
}

fn keep(
    plan: &mut Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
    have: &ObservedInstance,
) -> Result<Verdict, Blocked> {
    if have.nsd != want.nsd.0 {
        let (at, ns, observed) = (want.nsd.1.clone(), have.id.clone(), have.nsd.clone());
        return Err(Blocked::OtherNsd { at, ns, observed });
    }
    if let Some(operation) = running(have) {
        return Ok(Verdict::Waiting { operation });
    }
    let strange = |state: &str| Blocked::StrangeState {
        at: want.at.clone(),
        ns: have.id.clone(),
        state: state.to_owned(),
    };
    match &have.state {
        NsState::NotInstantiated => instantiate(plan, desired, observed, want, have),
        NsState::Ready | NsState::Degraded => upgrade(plan, observed, want, have),
        NsState::Broken => Err(Blocked::OperationFailed {
            at: want.at.clone(),
            ns: have.id.clone(),
            what: "the last operation".to_owned(),
            detail: have.failure.clone().unwrap_or_else(|| "OSM gives no reason".to_owned()),
        }),
        // Not idle by their own word, though no operation is named: OSM is at work.
        NsState::Building => Ok(Verdict::Waiting { operation: unnamed("BUILDING") }),
        NsState::Terminating => Ok(Verdict::Waiting { operation: unnamed("TERMINATING") }),
        NsState::Other(word) => Err(strange(word)),
    }
}

fn unnamed(what: &str) -> RunningOperation {
    RunningOperation { what: what.to_owned(), id: None }
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

/// A record without a deployment: either nobody ever began, or the instantiation was undone.
fn instantiate(
    plan: &mut Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
    have: &ObservedInstance,
) -> Result<Verdict, Blocked> {
    let last = have.history.as_ref().and_then(|history| history.last());
    if let Some(last) = last.filter(|op| op.state.end() == Some(OpEnd::Failed)) {
        return Err(failed(want, have, last));
    }
    let (spec, needs) = spec(plan, desired, observed, want)?;
    let item = Item::Instance(want.name.clone());
    let action = Action::Instantiate { ns: have.id.clone(), spec };
    let action = plan.push(&item, action, Why::NeverInstantiated, needs);
    Ok(Verdict::Act { actions: vec![action] })
}

fn upgrade(
    plan: &mut Plan,
    observed: &Index<'_>,
    want: &DesiredInstance,
    have: &ObservedInstance,
) -> Result<Verdict, Blocked> {
    let mut differing: Vec<(&DesiredKdu, Vec<ValueDifference>)> = Vec::new();
    for kdu in &want.kdus {
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
            check_last_upgrade(want, have, kdu)?;
            differing.push((kdu, found));
        }
    }
    // OSM's record embeds its NSD, so an upgrade needs none; but when this revision changes packages as
    // well, they come first: the new values may be meant for the new chart.
    let needs = match provider(plan, observed, PackageKind::Nsd, &want.nsd.0, &want.nsd.1) {
        Provider::After(_, action) => vec![action],
        Provider::Ready(_) | Provider::Blocked(_) | Provider::Unknown => Vec::new(),
    };
    let item = Item::Instance(want.name.clone());
    let mut actions = Vec::new();
    for (kdu, differences) in differing {
        let action = Action::UpgradeKdu {
            ns: have.id.clone(),
            member: kdu.member.0.clone(),
            kdu: kdu.name.0.clone(),
            params: kdu.params.clone(),
        };
        actions.push(plan.push(&item, action, Why::ValuesDiffer { differences }, needs.clone()));
    }
    Ok(if actions.is_empty() { Verdict::Current } else { Verdict::Act { actions } })
}

/// An upgrade to just these values that was the last thing to happen is not simply repeated: if it
/// failed it would fail again, and if it was completed it had no effect.
fn check_last_upgrade(
    want: &DesiredInstance,
    have: &ObservedInstance,
    kdu: &DesiredKdu,
) -> Result<(), Blocked> {
    let Some(last) = have.history.as_ref().and_then(|history| history.last()) else {
        return Ok(());
    };
    let same = last.kind == "action"
        && last.values.iter().any(|(member, name, values)| {
            *member == kdu.member.0 && *name == kdu.name.0 && same_values(values, &kdu.params)
        });
    match last.state.end() {
        Some(OpEnd::Failed) if same => Err(failed(want, have, last)),
        Some(OpEnd::Done) if same => Err(Blocked::UpgradeWithoutEffect { at: kdu.name.1.clone() }),
        _ => Ok(()),
    }
}

fn failed(want: &DesiredInstance, have: &ObservedInstance, operation: &Operation) -> Blocked {
    let what = if operation.kind == "action" { "the upgrade" } else { "the last operation" };
    Blocked::OperationFailed {
        at: want.at.clone(),
        ns: have.id.clone(),
        what: format!("{what} ({})", operation.id),
        detail: operation.detail.clone(),
    }
}

fn nsd_of(
    plan: &Plan,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Result<(PackageRef, Vec<ActionId>), Blocked> {
    let (nsd, at) = &want.nsd;
    match provider(plan, observed, PackageKind::Nsd, nsd, at) {
        Provider::Ready(by) => Ok((by, Vec::new())),
        Provider::After(by, action) => Ok((by, vec![action])),
        Provider::Blocked(reason) => Err(reason),
        Provider::Unknown => Err(Blocked::UnknownNsd { at: at.clone(), nsd: nsd.clone() }),
    }
}

/// `desired` has checked the KDUs against descriptors of this revision; here follow those that only OSM
/// has, because OSM takes unknown members and KDUs without a word.
fn check_kdus(
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Result<(), Blocked> {
    if desired.package(PackageKind::Nsd, &want.nsd.0).is_some() {
        return Ok(());
    }
    let find = |kind, id| observed.packages_of(kind, id).first();
    let Some(nsd) = find(PackageKind::Nsd, &want.nsd.0) else {
        return Ok(());
    };
    for kdu in &want.kdus {
        let no_such = |at| Blocked::NoSuchKduInOsm {
            at,
            nsd: want.nsd.0.clone(),
            member: kdu.member.0.clone(),
            kdu: kdu.name.0.clone(),
        };
        let member = nsd.members.iter().find(|(index, _)| *index == kdu.member.0);
        let Some((_, vnfd)) = member else {
            return Err(no_such(kdu.member.1.clone()));
        };
        let has_kdu = |names: &[KduName]| names.contains(&kdu.name.0);
        if let Some(vnfd) = find(PackageKind::Vnfd, vnfd)
            && !has_kdu(&vnfd.kdus)
        {
            return Err(no_such(kdu.name.1.clone()));
        }
    }
    Ok(())
}

/// What the instance is made with, and the actions that must come first.
fn spec(
    plan: &Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Result<(InstanceSpec, Vec<ActionId>), Blocked> {
    let (nsd, needs) = nsd_of(plan, observed, want)?;
    check_kdus(desired, observed, want)?;
    let values = |kdu: &DesiredKdu| KduValues {
        member: kdu.member.0.clone(),
        kdu: kdu.name.0.clone(),
        params: kdu.params.clone(),
    };
    let spec = InstanceSpec {
        name: want.name.clone(),
        description: want.description.clone(),
        nsd,
        vim_account: vim_account(observed, want)?,
        kdus: want.kdus.iter().map(values).collect(),
        owner: desired.owner.clone(),
    };
    Ok((spec, needs))
}

fn vim_account(observed: &Index<'_>, want: &DesiredInstance) -> Result<VimAccountId, Blocked> {
    let (name, at) = &want.vim_account;
    let accounts = observed.vim_accounts();
    let found = accounts.iter().find(|account| account.name == *name);
    found.map(|account| account.id.clone()).ok_or_else(|| Blocked::UnknownVimAccount {
        at: at.clone(),
        name: name.clone(),
        known: accounts.iter().map(|account| account.name.to_string()).collect(),
    })
}
