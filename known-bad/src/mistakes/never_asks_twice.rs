//! A request that was lost has to be sent again, once a reading shows that it had no effect.

use std::collections::BTreeSet;

use osmops::apply::{ActionOutcome, ActionResult};
use osmops::desired::DesiredState;
use osmops::ids::NsName;
use osmops::nbi::{Connection, Transport};
use osmops::observed::{ObservedState, RunningOperation};
use osmops::plan::{Action, Plan, PlannedAction, Verdict, Wait};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where a creation never reaches OSM.
pub const BAD: KnownBad = KnownBad {
    name: "never_asks_twice",
    mistake: "remembers which instances it asked for, lest there be two, and asks for none of them again",
    breaks: &[Law::L1],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Careful::default()))
}

#[derive(Default)]
struct Careful(BTreeSet<NsName>);

impl Habit for Careful {
    fn planned(&mut self, _: &DesiredState, _: &ObservedState, plan: &mut Plan) {
        let was_asked = |planned: &PlannedAction| match &planned.action {
            Action::CreateInstance { spec } => self.0.contains(&spec.name),
            _ => false,
        };
        let what = "INSTANTIATING".to_owned();
        let on_its_way = Wait::Operation(RunningOperation { what, id: None, since: None });
        leave_out(plan, &Verdict::Waiting { on: on_its_way }, was_asked);
    }

    fn sent(&mut self, plan: &Plan, outcomes: &mut [ActionOutcome]) {
        for outcome in outcomes {
            let was_sent =
                !matches!(outcome.result, ActionResult::Skipped(_) | ActionResult::Cancelled);
            if let Some(Action::CreateInstance { spec }) =
                plan.action(outcome.id).map(|planned| &planned.action)
                && was_sent
            {
                self.0.insert(spec.name.clone());
            }
        }
    }
}
