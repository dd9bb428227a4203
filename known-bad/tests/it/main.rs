//! The simulator finds every known-bad reconciler, and none of the good one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod found;
mod nothing;
mod table;

use std::collections::BTreeSet;

use known_bad::ALL;
use scenarios::sim::laws::Law;

#[test]
fn each_mistake_has_a_name_of_its_own_and_breaks_a_law() {
    let names: BTreeSet<&str> = ALL.iter().map(|bad| bad.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.is_sorted_by_key(|bad| bad.name));
    assert!(ALL.iter().all(|bad| !bad.breaks.is_empty() && !bad.mistake.ends_with('.')));
}

/// Only someone who compares descriptors with an earlier commit's, not with OSM's, would break it alone; the same test
/// is D1 where commits come as they are.
const BROKEN_BY_NONE: [Law; 1] = [Law::D3];

#[test]
fn each_law_is_broken_by_someone() {
    let broken: BTreeSet<Law> = ALL.iter().flat_map(|bad| bad.breaks).copied().collect();
    let unbroken: Vec<Law> = Law::ALL.into_iter().filter(|law| !broken.contains(law)).collect();
    assert_eq!(unbroken, BROKEN_BY_NONE);
}
