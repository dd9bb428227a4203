//! Seeds, one after another, until one breaks a law.

use super::{Failure, Ground, TWICE_IN};
use crate::sim::laws::Law;
use crate::sim::random::{plan_of, world_of};
use crate::sim::reconciler::Maker;
use crate::sim::run::Simulator;
use crate::sim::shrink::{broken, shrunk};
use crate::sim::world::{SimWorld, SimWorldError};

/// The first of these seeds whose run breaks one of `laws`, with its plan made small; nothing when none does.
///
/// # Errors
/// [`SimWorldError`], when no runtime can be made.
pub fn hunt(
    seeds: std::ops::Range<u64>,
    laws: &[Law],
    maker: &dyn Maker,
) -> Result<Option<Failure>, SimWorldError> {
    let simulator = Simulator::new()?;
    let mut ground: Option<Ground> = None;
    for seed in seeds {
        let world = world_of(seed);
        let ground = match ground.take().filter(|ground| ground.world.name == world) {
            Some(same) => ground.insert(same),
            None => ground.insert(Ground::new(&simulator, SimWorld::named(&world)?, maker)),
        };
        let plan = plan_of(seed, &ground.places);
        let mut outcome = ground.run(&simulator, &plan, maker);
        if laws.contains(&Law::D4) && seed.is_multiple_of(TWICE_IN as u64) {
            ground.run_again(&simulator, &plan, maker, &mut outcome);
        }
        let mut found = broken(&outcome);
        found.retain(|law| laws.contains(law));
        if !found.is_empty() {
            let base = Some(&ground.base);
            return Ok(Some(Failure {
                shrunk: shrunk(&simulator, &ground.world, &plan, &found, maker, base),
                world,
                plan,
                seed: Some(seed),
                violations: outcome.verdicts.violations,
            }));
        }
    }
    Ok(None)
}
