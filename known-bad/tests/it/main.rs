//! The simulator finds every known-bad reconciler, and none of the good one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod found;
mod nothing;
mod table;

use std::collections::BTreeSet;

use known_bad::ALL;

#[test]
fn each_mistake_has_a_name_of_its_own_and_breaks_a_law() {
    let names: BTreeSet<&str> = ALL.iter().map(|bad| bad.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.is_sorted_by_key(|bad| bad.name));
    assert!(ALL.iter().all(|bad| !bad.breaks.is_empty() && !bad.mistake.ends_with('.')));
}
