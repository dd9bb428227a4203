//! Who made an instance is told by its mark alone.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where someone else has an instance in the project.
pub const BAD: KnownBad = KnownBad {
    name: "prunes_what_others_made",
    mistake: "takes every instance in its project for its own",
    breaks: &[Law::S1],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Possessive))
}

struct Possessive;

impl Habit for Possessive {
    fn read(&mut self, desired: &DesiredState, observed: &mut ObservedState) {
        for instance in &mut observed.instances {
            instance.owner.clone_from(&desired.owner);
        }
    }
}
