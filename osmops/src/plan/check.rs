//! What holds for every plan; used by tests and before apply.

use std::collections::BTreeSet;

use crate::ids::PackageKind;

use super::{Action, ActionId, Item, PackageRef, Plan, Verdict};

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
    /// Actions and entries do not tell the same story.
    #[error("the actions of {0} and its entry do not agree")]
    EntryDisagrees(Item),
}

/// Checks what holds for every plan.
///
/// # Errors
/// The first [`PlanFault`].
pub fn check(plan: &Plan) -> Result<(), PlanFault> {
    let mut highest = 0;
    for (index, planned) in plan.actions.iter().enumerate() {
        let id = planned.id;
        if id.0 != index || planned.needs.iter().any(|need| need.0 >= index) {
            return Err(PlanFault::OutOfOrder(id));
        }
        let nsd = match &planned.action {
            Action::CreateInstance { spec } | Action::Instantiate { spec, .. } => Some(&spec.nsd),
            Action::CreatePackage { .. }
            | Action::UpdatePackage { .. }
            | Action::UpgradeKdu { .. } => None,
        };
        if let Some(PackageRef::CreatedBy(maker)) = nsd
            && !planned.needs.contains(maker)
        {
            return Err(PlanFault::NotWaitedFor(id));
        }
        let layer = layer(&planned.item);
        if layer < highest {
            return Err(PlanFault::LayersReversed(id));
        }
        highest = layer;
    }
    let mut told = BTreeSet::new();
    for entry in &plan.entries {
        let actions: Vec<ActionId> = plan
            .actions
            .iter()
            .filter(|a| a.item == entry.item)
            .map(|a| a.id)
            .collect();
        let agrees = match &entry.verdict {
            Verdict::Act { actions: claimed } => *claimed == actions && !actions.is_empty(),
            Verdict::Current | Verdict::Waiting { .. } | Verdict::Blocked { .. } => {
                actions.is_empty()
            }
        };
        if !agrees || !told.insert(entry.item.clone()) {
            return Err(PlanFault::EntryDisagrees(entry.item.clone()));
        }
    }
    match plan
        .actions
        .iter()
        .find(|action| !told.contains(&action.item))
    {
        Some(action) => Err(PlanFault::EntryDisagrees(action.item.clone())),
        None => Ok(()),
    }
}

fn layer(item: &Item) -> u8 {
    match item {
        Item::Package(key) => match key.kind {
            PackageKind::Vnfd => 0,
            PackageKind::Nsd => 1,
        },
        Item::Instance(_) => 2,
    }
}
