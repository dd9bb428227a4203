//! OSM's times are compared with OSM's clock, not with one's own.

use osmops::desired::DesiredState;
use osmops::moment::Moment;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where an operation fails, which is to be tried again after a while.
pub const BAD: KnownBad = KnownBad {
    name: "reads_times_as_local",
    mistake: "compares OSM's times, which are in UTC, with a local clock two hours away from it",
    breaks: &[Law::L1],
    maker: &Starts(start),
};

/// From summer time in the middle of Europe.
const OFFSET_SECONDS: f64 = 7200.0;

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Local))
}

struct Local;

impl Habit for Local {
    fn read(&mut self, _: &DesiredState, observed: &mut ObservedState) {
        let osms = observed.read_at.epoch_seconds();
        observed.read_at = Moment::from_epoch_seconds(osms - OFFSET_SECONDS);
    }
}
