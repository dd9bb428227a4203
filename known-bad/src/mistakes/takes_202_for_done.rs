//! 202 says that OSM will try, not that it did.

use std::collections::BTreeMap;

use osmops::apply::{ActionOutcome, ActionResult};
use osmops::desired::DesiredState;
use osmops::ids::{KduName, MemberIndex, NsId};
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Action, Plan};
use osmops::secret::Params;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where an upgrade fails after OSM took it on.
pub const BAD: KnownBad = KnownBad {
    name: "takes_202_for_done",
    mistake: "takes the values of an upgrade that OSM took on for those in effect",
    breaks: &[Law::S7, Law::L1],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Confident::default()))
}

#[derive(Default)]
struct Confident(BTreeMap<(NsId, MemberIndex, KduName), Params>);

impl Habit for Confident {
    fn read(&mut self, _: &DesiredState, observed: &mut ObservedState) {
        for instance in &mut observed.instances {
            for have in &mut instance.kdus {
                let key = (instance.id.clone(), have.member.clone(), have.name.clone());
                if let Some(sent) = self.0.get(&key) {
                    have.values = Some(sent.values().clone());
                }
            }
        }
    }

    fn sent(&mut self, plan: &Plan, outcomes: &mut [ActionOutcome]) {
        for outcome in outcomes {
            if let Some(Action::UpgradeKdu { ns, member, kdu, params, .. }) =
                plan.action(outcome.id).map(|planned| &planned.action)
                && matches!(outcome.result, ActionResult::Started(_))
            {
                self.0.insert((ns.clone(), member.clone(), kdu.clone()), params.clone());
            }
        }
    }
}
