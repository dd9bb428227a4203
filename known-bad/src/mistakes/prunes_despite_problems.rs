//! What a broken file declares is not known, so it may be what seems to be declared no more.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where a commit has a broken file and drops an item.
pub const BAD: KnownBad = KnownBad {
    name: "prunes_despite_problems",
    mistake: "skips files that cannot be read, and removes what the others do not declare",
    breaks: &[Law::S8],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Lenient))
}

struct Lenient;

impl Habit for Lenient {
    fn declared(&mut self, desired: &mut DesiredState) {
        desired.is_complete = true;
    }
}
