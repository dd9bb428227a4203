//! Whether an upgrade is needed is told by what OSM has, not by what one remembers.

use std::collections::BTreeSet;

use osmops::apply::{ActionOutcome, ActionResult};
use osmops::desired::DesiredState;
use osmops::ids::NsName;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::plan::{Action, ActionId, Item, Plan, PlannedAction, Verdict, Why};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where a process is started anew.
pub const BAD: KnownBad = KnownBad {
    name: "upgrades_to_be_sure",
    mistake: "upgrades every instance that it does not remember to have made or upgraded itself",
    breaks: &[Law::S6],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, Sure::default()))
}

#[derive(Default)]
struct Sure(BTreeSet<NsName>);

impl Habit for Sure {
    fn planned(&mut self, desired: &DesiredState, observed: &ObservedState, plan: &mut Plan) {
        for have in &observed.instances {
            let item = Item::Instance(have.name.clone());
            let Some(want) = desired.instance(&have.name) else { continue };
            if self.0.contains(&want.name) || plan.verdict(&item) != Some(&Verdict::Current) {
                continue;
            }
            let mut actions = Vec::new();
            for kdu in &want.kdus {
                let id = ActionId(plan.actions.len());
                let action = Action::UpgradeKdu {
                    ns: have.id.clone(),
                    member: kdu.member.0.clone(),
                    kdu: kdu.name.0.clone(),
                    params: kdu.params.clone(),
                    model: None,
                    resets: false,
                };
                let why = Why::ValuesDiffer { differences: Vec::new(), attempt: None };
                let (needs, after) = (Vec::new(), Vec::new());
                plan.actions.push(PlannedAction {
                    id,
                    item: item.clone(),
                    action,
                    why,
                    needs,
                    after,
                });
                actions.push(id);
            }
            if let Some(entry) = plan.entries.iter_mut().find(|entry| entry.item == item)
                && !actions.is_empty()
            {
                entry.verdict = Verdict::Act { actions };
            }
        }
    }

    fn sent(&mut self, plan: &Plan, outcomes: &mut [ActionOutcome]) {
        for outcome in outcomes {
            if let (ActionResult::Started(_), Some(planned)) =
                (&outcome.result, plan.action(outcome.id))
                && let Item::Instance(name) = &planned.item
            {
                self.0.insert(name.clone());
            }
        }
    }
}
