//! plan(desired, observed) → Plan.
//!
//! Pure and total: it cannot fail, and what cannot be done is an entry that says why. Invariant: nothing
//! is planned for an item whose reading equals its declaration, nor for one that OSM is working on.

mod action;
mod blocked;
mod check;
mod descriptor;
mod drift;
mod instances;
mod note;
mod ownership;
mod packages;
mod prerequisites;
mod prune;
mod render;
mod repair;
mod retry;
mod spec;
mod unchangeable;
mod upgrade;
mod values;
mod waiting;
mod would;

use serde::Serialize;

use crate::desired::DesiredState;
use crate::moment::Moment;
use crate::observed::ObservedState;
use crate::source_pos::SourcePos;

pub use action::{Action, ActionId, InstanceSpec, Item, KduValues, PackageRef, PlannedAction, Why};
pub use blocked::Blocked;
pub use check::{PlanFault, check};
pub use descriptor::DescriptorDifference;
pub use instances::needing_history;
pub use note::Note;
pub use packages::needs_content;
pub use render::render;
pub use unchangeable::Unchangeable;
pub use values::ValueDifference;
pub use waiting::{Attempt, FailedOperation, Wait};
pub use would::{Deed, Would};

/// What is to be done so that OSM matches the revision, in an order that works.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// One entry for each item that is declared or to be removed: packages in the order of their
    /// dependencies, then instances.
    pub entries: Vec<Entry>,
    /// Every action, each after those that it needs.
    pub actions: Vec<PlannedAction>,
    /// What deserves a look in OSM and is about no declared item.
    pub notes: Vec<Note>,
    /// When OSM was read, by its own clock.
    pub read_at: Moment,
}

/// What becomes of one declared item.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// Where it is declared.
    pub at: SourcePos,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What deserves a look and stops nothing.
    pub notes: Vec<Note>,
}

/// What becomes of a declared item in this pass.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Verdict {
    /// OSM matches the declaration.
    Current,
    /// These actions make it match.
    Act {
        /// In order.
        actions: Vec<ActionId>,
    },
    /// Nothing is to be done yet.
    Waiting {
        /// What is waited for.
        on: Wait,
    },
    /// Nothing can be done until a commit or an operator helps.
    Blocked {
        /// Why.
        reason: Blocked,
    },
}

/// Compares and decides.
pub fn plan(desired: &DesiredState, observed: &ObservedState) -> Plan {
    let notes = packages::half_made(observed);
    let mut plan = Plan { notes, read_at: observed.read_at, ..Plan::default() };
    let index = observed.index();
    packages::plan_packages(&mut plan, desired, &index);
    instances::plan_instances(&mut plan, desired, &index);
    prune::plan_removals(&mut plan, desired, observed);
    plan
}

impl Plan {
    /// Adds an action and returns its place.
    fn push(&mut self, item: &Item, action: Action, why: Why, needs: Vec<ActionId>) -> ActionId {
        self.push_after(item, action, why, needs, Vec::new())
    }

    fn push_after(
        &mut self,
        item: &Item,
        action: Action,
        why: Why,
        needs: Vec<ActionId>,
        after: Vec<ActionId>,
    ) -> ActionId {
        let id = ActionId(self.actions.len());
        self.actions.push(PlannedAction { id, item: item.clone(), action, why, needs, after });
        id
    }

    fn enter(&mut self, item: Item, at: &SourcePos, verdict: Verdict, notes: Vec<Note>) {
        self.entries.push(Entry { item, at: at.clone(), verdict, notes });
    }

    /// The verdict on `item`, when it is declared. Entries stand in the order of their items.
    pub fn verdict(&self, item: &Item) -> Option<&Verdict> {
        let found = self.entries.binary_search_by(|entry| entry.item.cmp(item));
        self.entries.get(found.ok()?).map(|entry| &entry.verdict)
    }

    /// The action of this id.
    pub fn action(&self, id: ActionId) -> Option<&PlannedAction> {
        self.actions.get(id.0)
    }

    /// Whether every declared item matches OSM.
    pub fn is_converged(&self) -> bool {
        self.entries.iter().all(|entry| entry.verdict == Verdict::Current)
    }
}
