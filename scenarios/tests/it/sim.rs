//! The simulator finds nothing in the real reconciler, and tells the same every time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use indicatif::ProgressBar;
use scenarios::sim::explore::{Ground, Options, Tally, exhaustive, seeds};
use scenarios::sim::plan::Plan;
use scenarios::sim::reconciler::Real;
use scenarios::sim::run::Simulator;
use scenarios::sim::world::{NAMED, SimWorld};

fn ground(name: &str) -> Ground {
    Ground::new(&Simulator::new().unwrap(), SimWorld::named(name).unwrap(), &Real)
}

fn assert_clean(tally: &Tally) {
    let failures: Vec<String> = tally
        .failures
        .iter()
        .map(|failure| {
            let violations: Vec<String> =
                failure.violations.iter().map(ToString::to_string).collect();
            format!("{}\n    {}", failure.replay(), violations.join("\n    "))
        })
        .collect();
    assert!(tally.failed == 0, "{} runs broke laws:\n{}", tally.failed, failures.join("\n"));
}

const TWO_THREADS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// One of so many plans is run here, by code that is not optimised; `make sim` runs all.
const ONE_IN: NonZeroUsize = NonZeroUsize::new(23).unwrap();

#[test]
fn no_single_fault_breaks_a_law() {
    for name in NAMED {
        let ground = ground(name);
        let mut all = Tally::default();
        all.add_ground(&ground);
        let options = Options { jobs: TWO_THREADS, pairs: false, one_in: ONE_IN };
        all.merge(exhaustive(&ground, options, &Real, &ProgressBar::hidden()).unwrap());
        assert!(all.runs > 30, "{}", all.runs);
        assert_clean(&all);
    }
}

#[test]
fn random_plans_over_random_worlds_break_no_law() {
    let bar = ProgressBar::hidden();
    // Two seeds of each of some worlds.
    for block in 0..20 {
        assert_clean(&seeds(64 * block..64 * block + 2, NonZeroUsize::MIN, &Real, &bar).unwrap());
    }
}

/// Somebody's operation shows in no list yet, and ends before anyone looks again; an old list hides the operations of
/// two instances.
#[test]
fn what_nobody_could_know_breaks_no_law() {
    let simulator = Simulator::new().unwrap();
    for (world, plan) in [
        (
            "market",
            r#"GET /nslcm/v1/ns_instances#5 {"pause":{"seconds":300}} + GET /nslcm/v1/ns_instances#8 scale"#,
        ),
        (
            "random:11630",
            "run#2 second-replica + GET /nslcm/v1/ns_lcm_op_occs#1 stale-list \
             + POST /admin/v1/tokens#1 reset-before",
        ),
    ] {
        let plan: Plan = plan.parse().unwrap();
        let run = ground(world).run(&simulator, &plan, &Real);
        assert_eq!(run.hits.len(), plan.faults.len(), "{plan}: {:?}", run.hits);
        assert!(run.verdicts.violations.is_empty(), "{plan}: {:?}", run.verdicts.violations);
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let (one, other) = (ground("shop"), ground("shop"));
    let plan = "POST /nslcm/v1/ns_instances_content#2 reset-after + run#5 crash-untold \
                + GET /nslcm/v1/ns_instances#3 late";
    let plan = plan.replace("late", r#"{"late":{"seconds":20.0}}"#).parse().unwrap();
    let simulator = Simulator::new().unwrap();
    let text = |ground: &Ground| ground.run(&simulator, &plan, &Real).trace.text();
    assert_eq!(text(&one), text(&other));
    let apart = std::thread::spawn({
        let (world, plan) = (Arc::clone(&one.world), plan.clone());
        move || Simulator::new().unwrap().run(&world, &plan, &Real, None).trace.text()
    });
    assert_eq!(apart.join().unwrap(), text(&one));
}
