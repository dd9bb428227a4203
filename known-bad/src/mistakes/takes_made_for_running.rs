//! An instance that was asked for does not run yet, and may never do.

use std::collections::BTreeSet;

use osmops::desired::DesiredState;
use osmops::ids::NsName;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where an instance is to be made after another one.
pub const BAD: KnownBad = KnownBad {
    name: "takes_made_for_running",
    mistake: "makes an instance as soon as those that it depends on are in OSM's list, whatever state they are in",
    breaks: &[Law::S4],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Hasty::default()))
}

/// The names of the instances that were in the list.
#[derive(Default)]
struct Hasty(BTreeSet<NsName>);

impl Habit for Hasty {
    fn declared(&mut self, desired: &mut DesiredState) {
        for instance in &mut desired.instances {
            instance.depends_on.retain(|(name, _)| !self.0.contains(name));
        }
    }

    fn read(&mut self, _: &DesiredState, observed: &mut ObservedState) {
        self.0 = observed.instances.iter().map(|instance| instance.name.clone()).collect();
    }
}
