//! An instance that is READY may still have an operation at work, which the record tells elsewhere.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::{NsState, ObservedState};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where a commit comes while an upgrade is at work.
pub const BAD: KnownBad = KnownBad {
    name: "acts_on_busy",
    mistake: "looks at `nsState` alone, and acts on an instance on which an operation is at work",
    breaks: &[Law::S3],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, ByState))
}

struct ByState;

impl Habit for ByState {
    fn read(&mut self, _: &DesiredState, observed: &mut ObservedState) {
        for instance in &mut observed.instances {
            if instance.state == NsState::Ready {
                instance.running = None;
                let history = instance.history.iter_mut();
                history.for_each(|history| history.retain(|past| past.state.end().is_some()));
            }
        }
    }
}
