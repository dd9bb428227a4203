//! The planner at 10, 100 and 1,000 instances: nothing to do, one value changed, everything to create.

use std::hint::black_box;

use benches::{empty, observed, revision};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use osmops::plan::plan;

fn planner(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for instances in [10, 100, 1000] {
        group.throughput(Throughput::Elements(instances as u64));
        let desired = revision(instances, "2").desired;
        let changed = revision(instances, "3").desired;
        let (same, nothing) = (observed(&desired), empty());
        for (name, desired, observed, actions) in [
            ("unchanged", &desired, &same, 0),
            ("one_value_changed", &changed, &same, 1),
            ("all_to_create", &desired, &nothing, instances + 2 * instances.div_ceil(10)),
        ] {
            assert_eq!(plan(desired, observed).actions.len(), actions, "{name}");
            let id = BenchmarkId::new(name, format!("{instances}_instances"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| plan(black_box(desired), black_box(observed)));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = planner
}
criterion_main!(benches);
