//! A pass of `osmops`'s own public stages, where a habit has its say between them.

use std::collections::BTreeMap;

use osmops::apply::{ActionOutcome, ActionResult, ApplyObserver, Sending, apply};
use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Nbi, Transport};
use osmops::observe::{Lists, observe};
use osmops::observed::ObservedState;
use osmops::plan::{Action, ActionId, PackageRef, Plan, PlannedAction, Verdict, Why, plan};
use osmops::reconcile::PassOptions;
use osmops::redact::Secrets;
use osmops::report::PassReport;
use osmops::revision::Revision;
use scenarios::sim::reconciler::{LocalFuture, Passes, Process};
use tokio_util::sync::CancellationToken;

/// What is done between the stages of a pass; nothing, unless said otherwise.
pub trait Habit {
    /// With what is declared.
    fn declared(&mut self, desired: &mut DesiredState) {
        let _ = desired;
    }

    /// With what was read of OSM.
    fn read(&mut self, desired: &DesiredState, observed: &mut ObservedState) {
        let _ = (desired, observed);
    }

    /// With the plan.
    fn planned(&mut self, desired: &DesiredState, observed: &ObservedState, plan: &mut Plan) {
        let _ = (desired, observed, plan);
    }

    /// With what was sent.
    fn sent(&mut self, plan: &Plan, outcomes: &mut [ActionOutcome]) {
        let _ = (plan, outcomes);
    }
}

/// The plan without these actions; `verdict` is that on an item which has none left.
pub fn leave_out(plan: &mut Plan, verdict: &Verdict, is_left_out: impl Fn(&PlannedAction) -> bool) {
    let mut places: BTreeMap<ActionId, ActionId> = BTreeMap::new();
    let mut kept: Vec<PlannedAction> = Vec::new();
    for mut planned in std::mem::take(&mut plan.actions) {
        if is_left_out(&planned) {
            continue;
        }
        let moved =
            |ids: &[ActionId]| ids.iter().filter_map(|id| places.get(id).copied()).collect();
        planned.needs = moved(&planned.needs);
        planned.after = moved(&planned.after);
        if let Action::CreateInstance { spec } | Action::Instantiate { spec, .. } =
            &mut planned.action
            && let PackageRef::CreatedBy(maker) = &mut spec.nsd
        {
            *maker = places.get(maker).copied().expect("no package is left out");
        }
        let place = ActionId(kept.len());
        places.insert(planned.id, place);
        planned.id = place;
        kept.push(planned);
    }
    plan.actions = kept;
    for entry in &mut plan.entries {
        if let Verdict::Act { actions } = &mut entry.verdict {
            *actions = actions.iter().filter_map(|id| places.get(id).copied()).collect();
            if actions.is_empty() {
                entry.verdict = verdict.clone();
            }
        }
    }
}

/// Whether it takes away something that is declared no more.
pub fn is_removal(planned: &PlannedAction) -> bool {
    matches!(planned.why, Why::DeclaredNoMore)
}

/// A process whose passes have a habit.
pub fn process(
    connection: Connection,
    transport: Transport,
    habit: impl Habit + 'static,
) -> Process {
    Process::passing(connection, transport, Box::new(Habitual(habit)))
}

struct Habitual<H>(H);

impl<H: Habit> Passes for Habitual<H> {
    fn pass<'a>(
        &'a mut self,
        nbi: &'a Nbi,
        revision: &'a Revision,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, PassReport> {
        Box::pin(pass(&mut self.0, nbi, revision, stop))
    }
}

async fn pass(
    habit: &mut impl Habit,
    nbi: &Nbi,
    revision: &Revision,
    stop: &CancellationToken,
) -> PassReport {
    let (name, problems, warnings) =
        (revision.name.clone(), &revision.problems, &revision.warnings);
    let mut desired = revision.desired.clone();
    habit.declared(&mut desired);
    let mut observed = match observe(nbi, &Lists::Own, &desired).await {
        Ok(observed) => observed,
        Err(error) => return PassReport::stopped(name, error.failure(), problems, warnings),
    };
    habit.read(&desired, &mut observed);
    let mut plan = plan(&desired, &observed);
    habit.planned(&desired, &observed, &mut plan);
    let sending = Sending {
        nbi,
        owner: desired.owner.as_ref(),
        packages: &revision.packages,
        secrets: &Secrets::of(&desired),
        writes_at_once: PassOptions::default().writes_at_once,
    };
    let mut outcomes = apply(&sending, &plan, stop, &mut Unwatched).await;
    habit.sent(&plan, &mut outcomes);
    PassReport::of(name, &plan, &outcomes, problems, warnings)
}

struct Unwatched;

impl ApplyObserver for Unwatched {
    fn action_starts(&mut self, _: &PlannedAction) {}

    fn action_ended(&mut self, _: &PlannedAction, _: &ActionResult) {}
}
