//! A failing plan, made small: faults that are not needed are left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::laws::Law;
use super::laws::ends::Baseline;
use super::plan::Plan;
use super::reconciler::Maker;
use super::run::{Outcome, Simulator};
use super::world::SimWorld;

/// The laws that a run broke.
pub fn broken(outcome: &Outcome) -> BTreeSet<Law> {
    outcome.verdicts.violations.iter().map(|violation| violation.law).collect()
}

/// The smallest plan found that breaks one of the laws that `plan` breaks, by leaving out fault after fault.
pub fn shrunk(
    simulator: &Simulator,
    world: &Arc<SimWorld>,
    plan: &Plan,
    laws: &BTreeSet<Law>,
    maker: &dyn Maker,
    base: Option<&Baseline>,
) -> Plan {
    let mut small = plan.clone();
    let mut index = 0;
    while index < small.faults.len() {
        let fewer = small.without(index);
        let outcome = simulator.run(world, &fewer, maker, base);
        if broken(&outcome).is_disjoint(laws) {
            index += 1;
        } else {
            small = fewer;
            index = 0;
        }
    }
    small
}
