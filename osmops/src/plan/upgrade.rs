//! Upgrades of KDUs whose values differ.

use crate::desired::DesiredKdu;
use crate::observed::{Change, ObservedInstance, OpEnd, OpKind, Operation, Settings, made_with};

use super::instances::Planner;
use super::prerequisites::package_actions;
use super::retry::failures;
use super::values::{ValueDifference, differences, leftovers, same_values};
use super::{Action, ActionId, Attempt, Blocked, Item, Note, Verdict, Wait, Why};

/// Whether a KDU is not known to be as declared by the instance's own record.
pub(super) fn is_unsettled(have: &ObservedInstance, kdu: &DesiredKdu) -> bool {
    let (member, name) = (&kdu.member.0, &kdu.name.0);
    let Some(values) = have.effective_values(member, name) else { return true };
    !differences(kdu, &values, &[]).is_empty()
        || (have.can_reset_values && !leftovers(kdu, &values).is_empty())
        || other_model(have, kdu).is_some()
}

/// The chart, where it is declared and not in effect.
fn other_model(have: &ObservedInstance, kdu: &DesiredKdu) -> Option<ValueDifference> {
    let (declared, at) = kdu.model.as_ref()?;
    let observed = have.effective_model(&kdu.member.0, &kdu.name.0);
    (observed.as_ref() != Some(declared)).then(|| ValueDifference {
        key: "model".to_owned(),
        declared: Some(declared.as_str().into()),
        observed: observed.map(Into::into),
        at: at.clone(),
        changed_by: None,
    })
}

/// A KDU that is to be upgraded.
struct Upgrade<'a> {
    kdu: &'a DesiredKdu,
    resets: bool,
    differences: Vec<ValueDifference>,
    attempt: Option<Attempt>,
    /// Whether it is worth a request only once the packages have changed.
    needs_packages: bool,
}

impl Planner<'_> {
    /// Brings the declared values about; one KDU that cannot be upgraded now does not keep the others from
    /// it.
    pub(super) fn upgrade(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        // OSM's record embeds its NSD, so an upgrade needs no package. Those that this revision changes
        // come first; where OSM refuses that, the instance gets its values all the same.
        let packages = package_actions(self.plan, self.desired, self.observed, self.want);
        let mut upgrades = Vec::new();
        let mut waiting = None;
        let mut blocked = None;
        for kdu in &self.want.kdus {
            match self.upgrade_of(have, kdu, &packages) {
                Ok(Step::Nothing) => {}
                Ok(Step::Tell(note)) => self.notes.push(note),
                Ok(Step::Upgrade(upgrade)) => upgrades.push(upgrade),
                Ok(Step::Wait(until)) => waiting = waiting.or(Some(until)),
                Err(reason) => blocked = blocked.or(Some(reason)),
            }
        }
        if upgrades.is_empty() {
            return match (blocked, waiting) {
                (Some(reason), _) => Err(reason),
                (None, Some(waiting)) => Ok(Verdict::Waiting { on: waiting }),
                (None, None) => Ok(Verdict::Current),
            };
        }
        let item = Item::Instance(self.want.name.clone());
        let mut actions = Vec::new();
        for Upgrade { kdu, resets, differences, attempt, needs_packages } in upgrades {
            let action = Action::UpgradeKdu {
                ns: have.id.clone(),
                member: kdu.member.0.clone(),
                kdu: kdu.name.0.clone(),
                params: kdu.params.clone(),
                model: kdu.model.as_ref().map(|(model, _)| model.clone()),
                resets,
            };
            let why = Why::ValuesDiffer { differences, attempt };
            let (mut needs, mut after) = (Vec::new(), packages.clone());
            if needs_packages {
                std::mem::swap(&mut needs, &mut after);
            }
            actions.push(self.plan.push_after(&item, action, why, needs, after));
        }
        Ok(Verdict::Act { actions })
    }

    /// What failed or had no effect before may do better with the packages that this plan changes, and only
    /// with them.
    fn upgrade_of<'a>(
        &self,
        have: &ObservedInstance,
        kdu: &'a DesiredKdu,
        packages: &[ActionId],
    ) -> Result<Step<'a>, Blocked> {
        let step = self.upgrade_since(have, kdu, self.fresh_since(&[]));
        if packages.is_empty() || matches!(step, Ok(Step::Upgrade(_) | Step::Wait(_))) {
            return step;
        }
        let step = self.upgrade_since(have, kdu, self.fresh_since(packages))?;
        Ok(match step {
            Step::Upgrade(upgrade) => Step::Upgrade(Upgrade { needs_packages: true, ..upgrade }),
            Step::Nothing | Step::Tell(_) | Step::Wait(_) => step,
        })
    }

    /// What is to be done about a KDU whose operations count from `fresh_since` (epoch seconds).
    fn upgrade_since<'a>(
        &self,
        have: &ObservedInstance,
        kdu: &'a DesiredKdu,
        fresh_since: f64,
    ) -> Result<Step<'a>, Blocked> {
        let (member, name) = (&kdu.member.0, &kdu.name.0);
        if !have.kdus.iter().any(|k| k.member == *member && k.name == *name) {
            return Err(Blocked::NoSuchKdu {
                at: kdu.name.1.clone(),
                ns: have.id.clone(),
                member: member.clone(),
                kdu: name.clone(),
            });
        }
        let values = have.effective_values(member, name).unwrap_or_default();
        let history = have.history.as_deref().unwrap_or_default();
        let mut differences = differences(kdu, &values, history);
        differences.extend(other_model(have, kdu));
        let left = leftovers(kdu, &values);
        if differences.is_empty() && left.is_empty() {
            return Ok(Step::Nothing);
        }
        // Values of the instantiation come back with every upgrade that does not reset them.
        let comes_back = || match made_with(history).and_then(|op| op.change_of(member, name)) {
            Some(Change::Set(own)) => !leftovers(kdu, &own.values).is_empty(),
            Some(Change::Back) | None => false,
        };
        let resets = have.can_reset_values && (!left.is_empty() || comes_back());
        let is_same = |op: &Operation| match op.change_of(member, name) {
            Some(Change::Set(settings)) => {
                op.kind == OpKind::Action && is_upgrade_to(settings, kdu, resets)
            }
            Some(Change::Back) | None => false,
        };
        // What was completed and is no more in effect would have no effect again.
        let touches = |op: &&Operation| op.change_of(member, name).is_some();
        let had_no_effect = history.iter().rev().find(touches).filter(|op| {
            op.state.end() == Some(OpEnd::Done)
                && is_same(op)
                && op.started.epoch_seconds() >= fresh_since
        });
        if differences.is_empty() && (!resets || had_no_effect.is_some()) {
            return Ok(Step::Tell(Note::LeftInEffect { at: kdu.name.1.clone(), values: left }));
        }
        if let Some(upgrade) = had_no_effect {
            return Err(Blocked::UpgradeWithoutEffect {
                at: kdu.name.1.clone(),
                ns: have.id.clone(),
                operation: upgrade.id.clone(),
                differences,
            });
        }
        if resets {
            differences.extend(left);
        }
        let failed =
            failures(history, fresh_since, is_same, |op| op.change_of(member, name).is_some());
        let what = format!("the upgrade of KDU {member}/{name}");
        match self.again(have, &what, &failed)? {
            Ok(attempt) => Ok(Step::Upgrade(Upgrade {
                kdu,
                resets,
                differences,
                attempt,
                needs_packages: false,
            })),
            Err(until) => Ok(Step::Wait(until)),
        }
    }
}

/// Whether an upgrade was to what would be asked for now.
fn is_upgrade_to(settings: &Settings, kdu: &DesiredKdu, resets: bool) -> bool {
    same_values(&settings.values, &kdu.params)
        && settings.model.as_ref() == kdu.model.as_ref().map(|(model, _)| model)
        && settings.resets == resets
}

/// What is to be done about one KDU.
enum Step<'a> {
    Nothing,
    Tell(Note),
    Upgrade(Upgrade<'a>),
    Wait(Wait),
}
