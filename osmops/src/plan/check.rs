//! What holds for every plan; used by tests and before apply.

use std::collections::BTreeMap;

use crate::ids::PackageKind;

use super::{Action, ActionId, Item, PackageRef, Plan, PlannedAction, Verdict};

/// A plan that must not be applied: a mistake of the planner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// An action does not stand where its id says, or needs one that does not come before it.
    #[error("action {0:?} is out of order")]
    OutOfOrder(ActionId),
    /// An action uses what an earlier one makes, and does not wait for it.
    #[error("action {0:?} uses what it does not wait for")]
    NotWaitedFor(ActionId),
    /// A package or instance is written before what it is made of.
    #[error("action {0:?} comes before what it is made of")]
    LayersReversed(ActionId),
    /// Actions and entries do not tell the same story, or entries are not in the order of their items.
    #[error("the actions of {0} and its entry do not agree")]
    EntryDisagrees(Item),
}

/// Checks what holds for every plan.
///
/// # Errors
/// The first [`PlanFault`].
pub fn check(plan: &Plan) -> Result<(), PlanFault> {
    if let Some(pair) = plan.entries.windows(2).find(|pair| pair[0].item >= pair[1].item) {
        return Err(PlanFault::EntryDisagrees(pair[1].item.clone()));
    }
    let mut highest = 0;
    for (index, planned) in plan.actions.iter().enumerate() {
        let id = planned.id;
        let mut earlier = planned.needs.iter().chain(&planned.after);
        if id.0 != index || earlier.any(|need| need.0 >= index) {
            return Err(PlanFault::OutOfOrder(id));
        }
        let nsd = match &planned.action {
            Action::CreateInstance { spec } | Action::Instantiate { spec, .. } => Some(&spec.nsd),
            Action::CreatePackage { .. }
            | Action::UpdatePackage { .. }
            | Action::PatchPackage { .. }
            | Action::TakeDown { .. }
            | Action::UpgradeKdu { .. }
            | Action::Terminate { .. }
            | Action::DeleteInstance { .. }
            | Action::DeletePackage { .. } => None,
        };
        if let Some(PackageRef::CreatedBy(maker)) = nsd
            && !planned.needs.contains(maker)
        {
            return Err(PlanFault::NotWaitedFor(id));
        }
        let layer = layer(planned);
        if layer < highest {
            return Err(PlanFault::LayersReversed(id));
        }
        highest = layer;
    }
    let mut by_item: BTreeMap<&Item, Vec<ActionId>> = BTreeMap::new();
    for action in &plan.actions {
        by_item.entry(&action.item).or_default().push(action.id);
    }
    for entry in &plan.entries {
        let agrees = match (&entry.verdict, by_item.remove(&entry.item)) {
            (Verdict::Act { actions: claimed }, Some(actions)) => *claimed == actions,
            (Verdict::Act { .. }, None) => false,
            (_, actions) => actions.is_none(),
        };
        if !agrees {
            return Err(PlanFault::EntryDisagrees(entry.item.clone()));
        }
    }
    match by_item.first_key_value() {
        Some((item, _)) => Err(PlanFault::EntryDisagrees((*item).clone())),
        None => Ok(()),
    }
}

/// What is made comes in the order of what it is made of, and what is removed after it in the opposite order.
fn layer(planned: &PlannedAction) -> u8 {
    let deletes = matches!(planned.action, Action::DeletePackage { .. });
    match &planned.item {
        Item::Package(key) => match (key.kind, deletes) {
            (PackageKind::Vnfd, false) => 0,
            (PackageKind::Nsd, false) => 1,
            (PackageKind::Nsd, true) => 3,
            (PackageKind::Vnfd, true) => 4,
        },
        Item::Instance(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::PackageKey;
    use crate::ids::{DescriptorId, PackageId};
    use crate::plan::Why;
    use crate::source_pos::SourcePos;
    use crate::tree::TreePath;

    /// A plan that makes packages of these kinds or, where it says so, deletes them.
    fn plan_of(steps: &[(PackageKind, bool)]) -> Plan {
        let at = SourcePos::whole(TreePath::root());
        let mut plan = Plan::default();
        for (number, (kind, goes)) in steps.iter().enumerate() {
            let id = DescriptorId::new(format!("package-{number}")).unwrap();
            let package = PackageKey { kind: *kind, id };
            let item = Item::Package(package.clone());
            let record = PackageId::new(format!("record-{number}")).unwrap();
            let action = if *goes {
                Action::DeletePackage { package, record }
            } else {
                Action::CreatePackage { package }
            };
            let actions = vec![plan.push(&item, action, Why::Absent, Vec::new())];
            plan.enter(item, &at, Verdict::Act { actions }, Vec::new());
        }
        plan.entries.sort_by(|a, b| a.item.cmp(&b.item));
        plan
    }

    #[test]
    fn actions_stand_where_their_ids_say_and_need_only_those_before_them() {
        let checked = |change: &dyn Fn(&mut PlannedAction)| {
            let mut plan = plan_of(&[(PackageKind::Vnfd, false), (PackageKind::Vnfd, false)]);
            change(&mut plan.actions[1]);
            check(&plan)
        };
        let out_of_order = |id: usize| PlanFault::OutOfOrder(ActionId(id));
        assert_eq!(checked(&|second| second.needs.push(ActionId(0))), Ok(()));
        assert_eq!(checked(&|second| second.needs.push(ActionId(1))), Err(out_of_order(1)));
        assert_eq!(checked(&|second| second.after.push(ActionId(2))), Err(out_of_order(1)));
        assert_eq!(checked(&|second| second.id = ActionId(2)), Err(out_of_order(2)));
    }

    #[test]
    fn what_is_made_of_something_comes_after_it_and_goes_before_it() {
        let (vnfd, nsd) = (PackageKind::Vnfd, PackageKind::Nsd);
        let ordered = [(vnfd, false), (nsd, false), (nsd, true), (vnfd, true)];
        assert_eq!(check(&plan_of(&ordered)), Ok(()));
        for reversed in [
            [(nsd, false), (vnfd, false)],
            [(vnfd, true), (nsd, true)],
            [(nsd, true), (nsd, false)],
        ] {
            let fault = PlanFault::LayersReversed(ActionId(1));
            assert_eq!(check(&plan_of(&reversed)), Err(fault), "{reversed:?}");
        }
    }
}
