//! What could not be removed is to be removed later.

use std::collections::BTreeSet;

use osmops::apply::{ActionOutcome, ActionResult};
use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Action, Plan, PlannedAction, Verdict};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, is_removal, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where OSM does not take a deletion at once.
pub const BAD: KnownBad = KnownBad {
    name: "forgets_undeleted",
    mistake: "asks once for a removal, and strikes the item off its list whatever OSM answers",
    breaks: &[Law::L1, Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Once::default()))
}

/// The records that were asked to go, and how.
#[derive(Default)]
struct Once(BTreeSet<(String, bool)>);

fn request(planned: &PlannedAction) -> Option<(String, bool)> {
    match &planned.action {
        Action::Terminate { ns } => Some((ns.to_string(), false)),
        Action::DeleteInstance { ns } => Some((ns.to_string(), true)),
        Action::DeletePackage { record, .. } => Some((record.to_string(), true)),
        _ => None,
    }
}

impl Habit for Once {
    fn planned(&mut self, _: &DesiredState, _: &ObservedState, plan: &mut Plan) {
        let was_asked = |planned: &PlannedAction| {
            is_removal(planned) && request(planned).is_some_and(|request| self.0.contains(&request))
        };
        leave_out(plan, &Verdict::Current, was_asked);
    }

    fn sent(&mut self, plan: &Plan, outcomes: &mut [ActionOutcome]) {
        for outcome in outcomes {
            let was_sent =
                !matches!(outcome.result, ActionResult::Skipped(_) | ActionResult::Cancelled);
            self.0.extend(plan.action(outcome.id).filter(|_| was_sent).and_then(request));
        }
    }
}
