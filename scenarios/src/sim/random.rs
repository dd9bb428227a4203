//! Plans drawn from seeds.
//!
//! A seed names a world and a plan; nothing else is random.

use std::collections::BTreeMap;

use mock_nbi::FaultKind;

use super::fault::{Kind, kinds_at};
use super::plan::{Fault, Plan};
use super::world::NAMED;

/// Numbers that a seed decides: splitmix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.draw() % limit).unwrap_or_default()
    }

    /// One of `all`, which are some.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// So many seeds in a row have the same world, which is made once for them.
const SEEDS_OF_A_WORLD: u64 = 64;

/// More operations that fail are more than a policy of attempts forgives.
const FAILING_MAX: usize = 2;

/// The name of a seed's world.
pub fn world_of(seed: u64) -> String {
    let block = seed / SEEDS_OF_A_WORLD;
    match block % 8 {
        0 => NAMED[0].to_owned(),
        1 => NAMED[1].to_owned(),
        2 => NAMED[2].to_owned(),
        _ => format!("random:{block}"),
    }
}

/// The plan of a seed, over a world whose fault-free run passes these places.
pub fn plan_of(seed: u64, places: &[(String, u32)]) -> Plan {
    let mut dice = Dice::new(seed);
    dice.draw();
    let mut most: BTreeMap<&str, u32> = BTreeMap::new();
    for (address, nth) in places {
        most.insert(address, *nth);
    }
    let addresses: Vec<&str> = most.keys().copied().collect();
    let mut plan = Plan::default();
    if addresses.is_empty() {
        return plan;
    }
    let wanted = 1 + dice.below(4);
    while plan.faults.len() < wanted {
        let address = if dice.below(2) == 0 {
            (*dice.pick(&addresses)).to_owned()
        } else {
            dice.pick(places).0.clone()
        };
        // Faults make more requests than there were without.
        let calls = most.get(address.as_str()).copied().unwrap_or(1) as usize + 2;
        let nth = u32::try_from(1 + dice.below(calls)).unwrap_or(1);
        let kind = dice.pick(&kinds_at(&address)).clone();
        let failing = plan.faults.iter().filter(|fault| fails_operation(&fault.kind)).count();
        let is_taken = plan.faults.iter().any(|f| f.address == address && f.nth == nth);
        if is_taken || (fails_operation(&kind) && failing >= FAILING_MAX) {
            dice.draw();
            continue;
        }
        plan = plan.with(Fault { address, nth, kind });
    }
    plan
}

fn fails_operation(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Osm(
            FaultKind::OperationFails { .. }
                | FaultKind::OperationRests { .. }
                | FaultKind::OperationStuck
                | FaultKind::VimDisabled
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_plan_and_other_seeds_others() {
        let places: Vec<(String, u32)> =
            (1..9).map(|nth| ("GET /nsd/v1/ns_descriptors".to_owned(), nth)).collect();
        let plans: Vec<Plan> = (0..100).map(|seed| plan_of(seed, &places)).collect();
        assert_eq!(plan_of(7, &places), plans[7]);
        assert!(plans.iter().all(|plan| (1..=4).contains(&plan.faults.len())));
        assert!(plans.windows(2).filter(|two| two[0] != two[1]).count() > 90);
        assert_eq!(world_of(3), world_of(60));
        assert_ne!(world_of(3), world_of(64));
    }
}
