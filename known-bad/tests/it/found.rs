//! Each known-bad reconciler is found within so many seeds: by that of the table, or else by the first that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use known_bad::{ALL, KnownBad};
use scenarios::sim::explore::{Ground, hunt};
use scenarios::sim::laws::{Law, Violation};
use scenarios::sim::plan::Plan;
use scenarios::sim::reconciler::Real;
use scenarios::sim::run::Simulator;
use scenarios::sim::shrink::broken;
use scenarios::sim::world::SimWorld;

use crate::table::{self, Row};

/// It must be found by then.
const SEEDS: u64 = 1000;

/// How many hunt at once.
const THREADS: usize = 2;

#[test]
fn every_one_is_found_within_a_thousand_seeds_and_each_law_is_broken() {
    let known = table::known_seeds();
    let next = AtomicUsize::new(0);
    let rows: Mutex<BTreeMap<usize, Row>> = Mutex::default();
    let missed: Mutex<Vec<&str>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(bad) = ALL.get(index)
                {
                    let known = known.get(bad.name).and_then(|seed| hunted(bad, *seed..seed + 1));
                    match known.or_else(|| hunted(bad, 0..SEEDS)) {
                        Some(row) => drop(rows.lock().unwrap().insert(index, row)),
                        None => missed.lock().unwrap().push(bad.name),
                    }
                }
            });
        }
    });
    let rows: Vec<Row> = rows.into_inner().unwrap().into_values().collect();
    for row in &rows {
        println!(
            "{:<26} seed {:>4}  {:<3} {}\n{:30}{}",
            row.name, row.seed, row.law, row.how, "", row.plan
        );
    }
    assert!(missed.lock().unwrap().is_empty(), "not found: {missed:?}");
    let broken: BTreeSet<Law> = rows.iter().flat_map(|row| row.laws.clone()).collect();
    let unbroken: Vec<Law> = Law::ALL.into_iter().filter(|law| !broken.contains(law)).collect();
    assert!(unbroken.is_empty(), "no run of a known-bad one broke {unbroken:?}");
    table::is_up_to_date(&rows);
}

/// What the first of these seeds shows that breaks a law which it is expected to break, and which the good reconciler
/// keeps over the same plan.
fn hunted(bad: &'static KnownBad, mut seeds: Range<u64>) -> Option<Row> {
    loop {
        let failure = hunt(seeds.clone(), bad.breaks, bad.maker).unwrap()?;
        let seed = failure.seed?;
        let plans = [&failure.plan, &failure.shrunk];
        let by_good_one = plans.map(|plan| broken_by_good_one(&failure.world, plan)).concat();
        let own = |violation: &&Violation| {
            bad.breaks.contains(&violation.law) && !by_good_one.contains(&violation.law)
        };
        if let Some(violation) = failure.violations.iter().find(own) {
            let (law, how) = (violation.law, violation.what.clone());
            let plan = failure.shrunk.to_string();
            let broken = failure.violations.iter().map(|violation| violation.law);
            let laws = broken.filter(|law| !by_good_one.contains(law)).collect();
            return Some(Row { name: bad.name, mistake: bad.mistake, seed, law, laws, how, plan });
        }
        seeds.start = seed + 1;
    }
}

fn broken_by_good_one(world: &str, plan: &Plan) -> Vec<Law> {
    let simulator = Simulator::new().unwrap();
    let ground = Ground::new(&simulator, SimWorld::named(world).unwrap(), &Real);
    broken(&ground.run(&simulator, plan, &Real)).into_iter().collect()
}
