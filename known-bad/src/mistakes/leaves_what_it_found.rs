//! A process that was killed does not come back to finish what it began.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Plan, Verdict, Wait};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, leave_out, process};
use crate::{KnownBad, Starts};

/// Found where a process is killed in the middle of its work.
pub const BAD: KnownBad = KnownBad {
    name: "leaves_what_it_found",
    mistake: "takes a revision of which OSM has something when it starts for one that another process is busy with",
    breaks: &[Law::S9],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Polite::default()))
}

/// What was declared when it started, where OSM had something of it.
#[derive(Default)]
struct Polite {
    has_looked: bool,
    others_work: Option<DesiredState>,
}

impl Habit for Polite {
    fn planned(&mut self, desired: &DesiredState, observed: &ObservedState, plan: &mut Plan) {
        let is_ours = |upload: osmops::package::UploadName| upload.owner == desired.owner;
        let is_begun = observed.packages.iter().any(|p| p.upload().is_some_and(is_ours));
        if !self.has_looked && is_begun {
            self.others_work = Some(desired.clone());
        }
        self.has_looked = true;
        if self.others_work.as_ref() == Some(desired) {
            leave_out(plan, &Verdict::Waiting { on: Wait::Users(Vec::new()) }, |_| true);
        }
    }
}
