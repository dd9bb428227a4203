//! Whoever uses an instance notices when it is another one.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Action, Plan};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where a commit changes a value.
pub const BAD: KnownBad = KnownBad {
    name: "recreates_to_upgrade",
    mistake: "brings new values about by terminating the instance and making it anew with them",
    breaks: &[Law::S8],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, MakesAnew))
}

struct MakesAnew;

impl Habit for MakesAnew {
    fn planned(&mut self, _: &DesiredState, _: &ObservedState, plan: &mut Plan) {
        for planned in &mut plan.actions {
            if let Action::UpgradeKdu { ns, .. } = &planned.action {
                planned.action = Action::Terminate { ns: ns.clone() };
            }
        }
    }
}
