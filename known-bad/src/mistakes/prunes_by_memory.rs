//! What is to be removed must be known after a crash as well.

use std::collections::BTreeSet;

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Item, Plan, PlannedAction, Verdict};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, is_removal, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where a process is killed before it has removed everything.
pub const BAD: KnownBad = KnownBad {
    name: "prunes_by_memory",
    mistake: "removes what earlier revisions of its process declared, not what OSM shows with its mark",
    breaks: &[Law::L1, Law::S9, Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Mindful::default()))
}

#[derive(Default)]
struct Mindful(BTreeSet<Item>);

impl Habit for Mindful {
    fn declared(&mut self, desired: &mut DesiredState) {
        let packages = desired.packages.iter().map(|package| Item::Package(package.key.clone()));
        let instances =
            desired.instances.iter().map(|instance| Item::Instance(instance.name.clone()));
        self.0.extend(packages.chain(instances));
    }

    fn planned(&mut self, _: &DesiredState, _: &ObservedState, plan: &mut Plan) {
        let is_unknown =
            |planned: &PlannedAction| is_removal(planned) && !self.0.contains(&planned.item);
        leave_out(plan, &Verdict::Current, is_unknown);
    }
}
