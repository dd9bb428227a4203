//! An operation that takes long is at work all the same.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::{NsState, ObservedState, OpState};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where an operation takes longer than the policy gives it.
pub const BAD: KnownBad = KnownBad {
    name: "takes_overdue_for_failed",
    mistake: "takes an operation that is not done in time for a failed one",
    breaks: &[Law::S3],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Impatient))
}

struct Impatient;

impl Habit for Impatient {
    fn read(&mut self, desired: &DesiredState, observed: &mut ObservedState) {
        let now = observed.read_at;
        for instance in &mut observed.instances {
            for operation in instance.history.iter_mut().flatten() {
                let is_late = now.since(operation.started) > desired.policy.timeout;
                if operation.state.end().is_some() || !is_late {
                    continue;
                }
                operation.state = OpState::Failed;
                operation.entered = operation.started.plus(desired.policy.timeout);
                instance.running = None;
                if matches!(instance.state, NsState::Building | NsState::Terminating) {
                    instance.state = NsState::Broken;
                }
            }
        }
    }
}
