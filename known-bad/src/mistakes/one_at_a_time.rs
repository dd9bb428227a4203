//! An operation that never ends must not keep others waiting.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Plan, Verdict, Wait};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where an operation hangs.
pub const BAD: KnownBad = KnownBad {
    name: "one_at_a_time",
    mistake: "sends nothing as long as OSM is at work on anything",
    breaks: &[Law::L3],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Patient))
}

struct Patient;

impl Habit for Patient {
    fn planned(&mut self, _: &DesiredState, observed: &ObservedState, plan: &mut Plan) {
        let at_work = observed.instances.iter().find_map(|instance| instance.running.clone());
        if let Some(operation) = at_work {
            leave_out(plan, &Verdict::Waiting { on: Wait::Operation(operation) }, |_| true);
        }
    }
}
