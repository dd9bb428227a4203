//! Upgrades of KDUs whose values differ.

use crate::desired::DesiredKdu;
use crate::observed::{Change, ObservedInstance, OpEnd, Operation};

use super::instances::Planner;
use super::prerequisites::package_actions;
use super::retry::failures;
use super::values::{ValueDifference, differences, same_values};
use super::{Action, ActionId, Attempt, Blocked, Item, Verdict, Wait, Why};

/// A KDU that is to be upgraded.
struct Upgrade<'a> {
    kdu: &'a DesiredKdu,
    differences: Vec<ValueDifference>,
    attempt: Option<Attempt>,
}

impl Planner<'_> {
    /// Brings the declared values about; one KDU that cannot be upgraded now does not keep the others from
    /// it.
    pub(super) fn upgrade(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        // OSM's record embeds its NSD, so an upgrade needs no package; but those that this revision
        // changes come first.
        let needs = package_actions(self.plan, self.desired, self.observed, self.want);
        let mut upgrades = Vec::new();
        let mut waiting = None;
        let mut blocked = None;
        for kdu in &self.want.kdus {
            match self.upgrade_of(have, kdu, &needs) {
                Ok(Step::Nothing) => {}
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
        for Upgrade { kdu, differences, attempt } in upgrades {
            let action = Action::UpgradeKdu {
                ns: have.id.clone(),
                member: kdu.member.0.clone(),
                kdu: kdu.name.0.clone(),
                params: kdu.params.clone(),
            };
            let why = Why::ValuesDiffer { differences, attempt };
            actions.push(self.plan.push(&item, action, why, needs.clone()));
        }
        Ok(Verdict::Act { actions })
    }

    fn upgrade_of<'a>(
        &self,
        have: &ObservedInstance,
        kdu: &'a DesiredKdu,
        needs: &[ActionId],
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
        let differences = differences(kdu, &values, history);
        if differences.is_empty() {
            return Ok(Step::Nothing);
        }
        let fresh_since = self.fresh_since(needs);
        let is_same = |op: &Operation| match op.change_of(member, name) {
            Some(Change::Set(values)) => op.kind == "action" && same_values(values, &kdu.params),
            Some(Change::Back) | None => false,
        };
        // What was completed and is no more in effect would have no effect again.
        let touches = |op: &&Operation| op.change_of(member, name).is_some();
        let last = history.iter().rev().find(touches);
        if last.is_some_and(|op| {
            op.state.end() == Some(OpEnd::Done)
                && is_same(op)
                && op.started.epoch_seconds() >= fresh_since
        }) {
            return Err(Blocked::UpgradeWithoutEffect { at: kdu.name.1.clone() });
        }
        let failed =
            failures(history, fresh_since, is_same, |op| op.change_of(member, name).is_some());
        let what = format!("the upgrade of KDU {member}/{name}");
        match self.again(have, &what, &failed)? {
            Ok(attempt) => Ok(Step::Upgrade(Upgrade { kdu, differences, attempt })),
            Err(until) => Ok(Step::Wait(until)),
        }
    }
}

/// What is to be done about one KDU.
enum Step<'a> {
    Nothing,
    Upgrade(Upgrade<'a>),
    Wait(Wait),
}
