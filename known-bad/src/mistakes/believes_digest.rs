//! A descriptor can be changed without its package.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Action, Plan, Verdict};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where someone else changes a descriptor.
pub const BAD: KnownBad = KnownBad {
    name: "believes_digest",
    mistake: "takes a package whose file bears the declared digest for the declared one, whatever its descriptor says",
    breaks: &[Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Believing))
}

struct Believing;

impl Habit for Believing {
    fn planned(&mut self, _: &DesiredState, _: &ObservedState, plan: &mut Plan) {
        leave_out(plan, &Verdict::Current, |planned| {
            matches!(planned.action, Action::PatchPackage { .. })
        });
    }
}
