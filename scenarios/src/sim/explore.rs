//! Many runs: every fault at every place, every second one after it, and seeds.
//!
//! Worlds are shared between threads, each run is on one. Invariant: what is found does not depend on how many threads
//! there are.

mod hunt;
mod tally;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;

use super::fault::kinds_at;
use super::laws::Law;
use super::laws::ends::Baseline;
use super::plan::{Fault, Plan};
use super::random::{plan_of, world_of};
use super::reconciler::Maker;
use super::run::{Outcome, Simulator};
use super::shrink::shrunk;
use super::world::{SimWorld, SimWorldError};

pub use hunt::hunt;
pub use tally::{Extent, Failure, Tally};

/// One run in so many is run twice, to see that it gives the same bytes.
const TWICE_IN: usize = 50;

/// Failures that are kept, shrunk and told; more are counted.
const FAILURES_MAX: usize = 20;

/// Failures that a thread keeps before it drops all but the first.
const FAILURES_AT_HAND_MAX: usize = 1000;

/// A world, and its run without faults.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The world.
    pub world: Arc<SimWorld>,
    /// What other runs are compared with.
    pub base: Baseline,
    /// The places where faults can be.
    pub places: Vec<(String, u32)>,
    /// The trace without faults.
    pub digest: u64,
    /// What is wrong with it even so.
    pub outcome: Arc<Outcome>,
}

impl Ground {
    /// Runs a world without faults.
    pub fn new(simulator: &Simulator, world: SimWorld, maker: &dyn Maker) -> Self {
        let world = Arc::new(world);
        let outcome = simulator.run(&world, &Plan::default(), maker, None);
        Self {
            base: outcome.baseline(),
            places: outcome.places.clone(),
            digest: outcome.trace.digest(),
            outcome: Arc::new(outcome),
            world,
        }
    }

    /// One run on it.
    pub fn run(&self, simulator: &Simulator, plan: &Plan, maker: &dyn Maker) -> Outcome {
        simulator.run(&self.world, plan, maker, Some(&self.base))
    }

    /// The same run once more, to see that it gives the same bytes.
    pub fn run_again(
        &self,
        simulator: &Simulator,
        plan: &Plan,
        maker: &dyn Maker,
        outcome: &mut Outcome,
    ) {
        let again = self.run(simulator, plan, maker);
        let (at, holds) = (outcome.lasted, again.trace.digest() == outcome.trace.digest());
        outcome.verdicts.test(Law::D4, at, holds, || "another trace the second time".to_owned());
    }
}

/// Every plan of one fault: at each place of the run without faults, each kind that applies.
pub fn singles(places: &[(String, u32)]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (address, nth) in places {
        for kind in kinds_at(address) {
            plans.push(Plan::one(Fault { address: address.clone(), nth: *nth, kind }));
        }
    }
    plans
}

/// How an exploration goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads.
    pub jobs: NonZeroUsize,
    /// Whether second faults are tried too.
    pub pairs: bool,
    /// Of every so many pairs, or of single faults where there are no pairs, one is run; 1 for all of them.
    pub one_in: NonZeroUsize,
}

/// Every fault at every place of a world, and every second one with `pairs`. `bar` goes on with each first fault.
///
/// # Errors
/// [`SimWorldError`], when no runtime can be made.
pub fn exhaustive(
    ground: &Ground,
    options: Options,
    maker: &dyn Maker,
    bar: &ProgressBar,
) -> Result<Tally, SimWorldError> {
    let stride = if options.pairs { 1 } else { options.one_in.get() };
    let plans: Vec<Plan> = singles(&ground.places).into_iter().step_by(stride).collect();
    bar.inc_length(plans.len() as u64);
    let mut whole = in_parallel(options.jobs, plans.len(), |simulator, index, tally| {
        let plan = &plans[index];
        let outcome = tried(simulator, ground, plan, maker, index, tally);
        if options.pairs {
            seconds(simulator, ground, plan, &outcome, options.one_in, maker, tally);
        }
        bar.inc(1);
        Ok(())
    })?;
    shrink(&mut whole, maker)?;
    Ok(whole)
}

/// The second faults, over the run that the first one made.
fn seconds(
    simulator: &Simulator,
    ground: &Ground,
    first: &Plan,
    outcome: &Outcome,
    one_in: NonZeroUsize,
    maker: &dyn Maker,
    tally: &mut Tally,
) {
    let Some(fault) = first.faults.first() else { return };
    let is_first = |(address, nth): &&(String, u32)| *address == fault.address && *nth == fault.nth;
    let Some(at) = outcome.places.iter().position(|place| is_first(&place)) else { return };
    let later = outcome.places.get(at + 1..).unwrap_or_default();
    for (index, second) in singles(later).into_iter().enumerate() {
        if index % one_in == at % one_in {
            let plan = first.with(second.faults[0].clone());
            tried(simulator, ground, &plan, maker, index, tally);
        }
    }
}

/// The plans of these seeds. `bar` goes on with each.
///
/// # Errors
/// [`SimWorldError`].
pub fn seeds(
    range: std::ops::Range<u64>,
    jobs: NonZeroUsize,
    maker: &dyn Maker,
    bar: &ProgressBar,
) -> Result<Tally, SimWorldError> {
    const BLOCK: u64 = 64;
    bar.inc_length(range.end.saturating_sub(range.start));
    let first = range.start / BLOCK;
    let blocks = usize::try_from(range.end.div_ceil(BLOCK) - first).unwrap_or(usize::MAX);
    let mut whole = in_parallel(jobs, blocks, |simulator, index, tally| {
        let block = first + index as u64;
        let from = (block * BLOCK).max(range.start);
        let ground = Ground::new(simulator, SimWorld::named(&world_of(from))?, maker);
        tally.add_ground(&ground);
        for seed in from..((block + 1) * BLOCK).min(range.end) {
            let plan = plan_of(seed, &ground.places);
            let failures = tally.failures.len();
            let place = usize::try_from(seed).unwrap_or_default();
            tried(simulator, &ground, &plan, maker, place, tally);
            for failure in tally.failures.iter_mut().skip(failures) {
                failure.seed = Some(seed);
            }
            bar.inc(1);
        }
        Ok(())
    })?;
    shrink(&mut whole, maker)?;
    Ok(whole)
}

/// One run, counted, and shrunk where it breaks a law.
fn tried(
    simulator: &Simulator,
    ground: &Ground,
    plan: &Plan,
    maker: &dyn Maker,
    number: usize,
    tally: &mut Tally,
) -> Outcome {
    let mut outcome = ground.run(simulator, plan, maker);
    if number.is_multiple_of(TWICE_IN) {
        ground.run_again(simulator, plan, maker, &mut outcome);
        tally.runs += 1;
    }
    tally.add(ground, plan, &outcome);
    if !outcome.verdicts.violations.is_empty() {
        tally.failed += 1;
        tally.failures.push(Failure {
            world: ground.world.name.clone(),
            plan: plan.clone(),
            shrunk: plan.clone(),
            seed: None,
            violations: outcome.verdicts.violations.clone(),
        });
    }
    outcome
}

/// Makes the plans of failures small.
fn shrink(tally: &mut Tally, maker: &dyn Maker) -> Result<(), SimWorldError> {
    let simulator = Simulator::new()?;
    let mut ground: Option<Ground> = None;
    for failure in &mut tally.failures {
        let ground = match ground.take().filter(|ground| ground.world.name == failure.world) {
            Some(same) => ground.insert(same),
            None => ground.insert(Ground::new(&simulator, SimWorld::named(&failure.world)?, maker)),
        };
        let laws = failure.violations.iter().map(|violation| violation.law).collect();
        let base = Some(&ground.base);
        failure.shrunk = shrunk(&simulator, &ground.world, &failure.plan, &laws, maker, base);
    }
    Ok(())
}

/// Does `work` for each index below `count`, on so many threads.
fn in_parallel(
    jobs: NonZeroUsize,
    count: usize,
    work: impl Fn(&Simulator, usize, &mut Tally) -> Result<(), SimWorldError> + Sync,
) -> Result<Tally, SimWorldError> {
    let next = AtomicUsize::new(0);
    let whole = Mutex::new(Ok(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                let run = || {
                    let (simulator, mut tally) = (Simulator::new()?, Tally::default());
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            return Ok(tally);
                        }
                        work(&simulator, index, &mut tally)?;
                        if tally.failures.len() > FAILURES_AT_HAND_MAX {
                            tally.keep_first(FAILURES_MAX);
                        }
                    }
                };
                let done: Result<Tally, SimWorldError> = run();
                let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
                match (done, whole.as_mut()) {
                    (Ok(tally), Ok(whole)) => whole.merge(tally),
                    (Err(error), _) => *whole = Err(error),
                    (Ok(_), Err(_)) => {}
                }
            });
        }
    });
    let mut tally = whole.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    tally.keep_first(FAILURES_MAX);
    Ok(tally)
}
