//! How long one simulated run takes: the operator's driver, its passes, the fake and all oracles.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scenarios::sim::explore::Ground;
use scenarios::sim::plan::Plan;
use scenarios::sim::reconciler::Real;
use scenarios::sim::run::Simulator;
use scenarios::sim::world::{NAMED, SimWorld};

/// Plans that apply in every world: nothing, a lost answer, a crash.
const PLANS: [(&str, &str); 3] = [
    ("no_fault", ""),
    ("answer_lost", "POST /vnfpkgm/v1/vnf_packages_content#1 reset-after"),
    ("crash", "run#2 crash-untold"),
];

fn runs(criterion: &mut Criterion) {
    let simulator = Simulator::new().expect("a runtime without sockets");
    let mut group = criterion.benchmark_group("sim");
    group.throughput(Throughput::Elements(1));
    for name in NAMED {
        let world = SimWorld::named(name).expect("it is one of the named");
        let ground = Ground::new(&simulator, world, &Real);
        for (what, plan) in PLANS {
            let plan: Plan = plan.parse().expect("the plan is well-formed");
            group.bench_function(format!("{name}/{what}"), |bencher| {
                bencher.iter(|| black_box(ground.run(&simulator, &plan, &Real)));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = runs
}
criterion_main!(benches);
