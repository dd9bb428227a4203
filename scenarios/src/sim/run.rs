//! One run: a world, a plan and a reconciler in; what happened and which laws it broke out.

mod commits;
mod phases;
mod process;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::fault::Kind;
use super::laws::ends::{Baseline, Made, Slack};
use super::laws::{Law, Verdicts};
use super::osm::canonical;
use super::plan::Plan;
use super::reconciler::Maker;
use super::trace::Trace;
use super::wire::{Shared, lock};
use super::world::SimWorld;

/// How long OSM may take to match once faults have stopped and lasting causes were mended: twice the sum of a driver's
/// longest pause of 15 minutes, an interval of 10, and 5 for a deployment with its attempts.
pub const CONVERGE_WITHIN: Duration = Duration::from_secs(3600);

/// How much longer where somebody changed descriptors more than once: what is changed again after its repair is repaired
/// again no sooner than an hour after that, at the next interval of 10 minutes; the rest is reserve.
pub const LONGER_AFTER_EDITS: Duration = Duration::from_secs(1800);

/// How long it must then stay so: two resyncs and more.
pub const STILL_FOR: Duration = Duration::from_secs(1500);

/// How long after the last commit faults may go on.
const FAULTS_FOR: Duration = Duration::from_secs(720);

/// How often the operator looks at a settled object.
const INTERVAL: Duration = Duration::from_secs(600);

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Laws that were tested, and those that were broken.
    pub verdicts: Verdicts,
    /// Everything that happened.
    pub trace: Trace,
    /// Every place where a fault could have been, in order.
    pub places: Vec<(String, u32)>,
    /// The faults that happened.
    pub hits: Vec<Kind>,
    /// What OSM had in the end.
    pub state: Vec<String>,
    /// What was made on the way.
    pub made: Made,
    /// The commits that OSM matched when the next one came.
    pub carried_out: BTreeSet<usize>,
    /// How long it took, in virtual time.
    pub lasted: Duration,
}

impl Outcome {
    /// What other runs of the same world are compared with.
    pub fn baseline(&self) -> Baseline {
        Baseline {
            state: self.state.clone(),
            made: self.made,
            carried_out: self.carried_out.clone(),
        }
    }
}

/// Runs one after another on the thread that has it.
#[derive(Debug)]
pub struct Simulator {
    runtime: Runtime,
}

impl Simulator {
    /// A simulator with a clock of its own.
    ///
    /// # Errors
    /// The operating system's.
    pub fn new() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build()?;
        Ok(Self { runtime })
    }

    /// One run. With `base`, its end is compared with that of the run without faults.
    pub fn run(
        &self,
        world: &Arc<SimWorld>,
        plan: &Plan,
        maker: &dyn Maker,
        base: Option<&Baseline>,
    ) -> Outcome {
        self.runtime.block_on(run(world, plan, maker, base))
    }
}

/// One run, under a paused clock of tokio's.
pub async fn run(
    world: &Arc<SimWorld>,
    plan: &Plan,
    maker: &dyn Maker,
    base: Option<&Baseline>,
) -> Outcome {
    let nbi = world.fork();
    let began = nbi.clock().now();
    let shared = Arc::new(Mutex::new(Shared::new(world, plan, nbi.clone())));
    let mut course = phases::Course::new(&shared, maker);
    course.faults().await;
    course.convergence().await;
    let (state, made) = {
        let mut shared = lock(&shared);
        let made = shared.made();
        (nbi.look(|look| canonical(look, world.leftovers.as_ref())), made)
    };
    if let Some(base) = base
        && course.has_converged
    {
        compare(&shared, base, &state, made, &course);
    }
    course.stillness(&state).await;
    course.at_last();
    let (places, carried_out) = (course.places.clone(), course.told.carried_out.clone());
    drop(course);
    let mut shared = lock(&shared);
    Outcome {
        trace: Trace { events: std::mem::take(&mut shared.events), requests: nbi.journal(), began },
        verdicts: std::mem::take(&mut shared.verdicts),
        places,
        hits: std::mem::take(&mut shared.hits),
        state,
        made,
        carried_out,
        lasted: shared.now(),
    }
}

fn compare(
    shared: &super::wire::SharedRef,
    base: &Baseline,
    state: &[String],
    made: Made,
    course: &phases::Course<'_>,
) {
    let mut shared = lock(shared);
    let at = shared.now();
    let by_faults: usize = shared.hits.iter().map(Kind::detours).sum();
    let detours = course.mended + by_faults + shared.hidden + shared.twins.explained();
    let passing = {
        let both = &base.carried_out & &course.told.carried_out;
        shared.world.passing(|commit| both.contains(&commit))
    };
    let spared = if shared.world.has_earlier_lives { base.made.removed } else { 0 };
    let mut verdicts = std::mem::take(&mut shared.verdicts);
    super::laws::ends::like_baseline(
        base,
        state,
        made,
        Slack { detours, passing, spared },
        course.comes_otherwise(),
        at,
        &mut verdicts,
    );
    shared.verdicts = verdicts;
}

/// The laws that a converging end speaks for as well.
fn also_shown(hits: &[Kind], met_operation: bool, commits_differ: bool) -> Vec<Law> {
    use super::fault::Own;
    let crashed = |kind: &Kind| {
        matches!(kind, Kind::Own(Own::CrashBefore | Own::CrashAfter | Own::CrashUntold))
    };
    let mut laws = Vec::new();
    if hits.iter().any(crashed) {
        laws.push(Law::S9);
    }
    if met_operation {
        laws.push(Law::L4);
    }
    if commits_differ {
        laws.push(Law::D3);
    }
    laws
}
