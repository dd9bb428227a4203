//! What depends on the way to a commit, and not on the commit alone.
//!
//! What is not ours, and without `prune` what is declared no more, stays as whoever changed it last left it; and a value that
//! is declared no more stays in force, which OSM cannot take back. Two runs that end in the same commit may
//! differ in that, and in nothing else.

use std::collections::BTreeSet;

use super::expected::Expected;
use super::osm::{Instance, Package};

/// A value: instance, member, KDU, key.
type Value = (String, String, String, String);

/// What two runs that end in the same commit may differ in.
#[derive(Debug, Clone)]
pub struct Leftovers {
    last: Expected,
    values: BTreeSet<Value>,
}

impl Leftovers {
    /// Of these commits; none where there are none.
    pub fn of<'a>(commits: impl DoubleEndedIterator<Item = &'a Expected>) -> Option<Self> {
        let mut commits = commits.rev();
        let last = commits.next()?.clone();
        let mut values: BTreeSet<Value> = commits.flat_map(values_of).collect();
        for value in values_of(&last) {
            values.remove(&value);
        }
        Some(Self { last, values })
    }

    /// Whether a package may be left, in whatever state.
    pub fn has_package(&self, package: &Package) -> bool {
        let is_removed = self.last.may_prune && self.last.is_ours(package);
        self.last.package(package.is_nsd, &package.id).is_none() && !is_removed
    }

    /// Whether an instance may be left, in whatever state.
    pub fn has_instance(&self, instance: &Instance) -> bool {
        let is_removed = self.last.may_prune && self.last.is_ours_instance(instance);
        self.last.instance(&instance.name).is_none() && !is_removed
    }

    /// Whether the value of a key may be left.
    pub fn has_value(&self, instance: &str, (member, kdu): &(String, String), key: &str) -> bool {
        let value = (instance.to_owned(), member.clone(), kdu.clone(), key.to_owned());
        self.values.contains(&value)
    }
}

fn values_of(commit: &Expected) -> Vec<Value> {
    let mut found = Vec::new();
    for instance in &commit.instances {
        for ((member, kdu), values) in &instance.kdus {
            let place =
                |key: &String| (instance.name.clone(), member.clone(), kdu.clone(), key.clone());
            found.extend(values.keys().map(place));
        }
    }
    found
}
