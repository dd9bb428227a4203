//! `dependsOn`: what is named, circles, and the order that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NsName;
use crate::repo::RepoProblem;
use crate::source_pos::SourcePos;

use super::DesiredInstance;

type ByName<'a> = BTreeMap<&'a NsName, &'a DesiredInstance>;

/// Finds names that nobody declares and instances that wait for each other, and adds whoever has such a
/// mistake to `broken`.
pub(super) fn check(
    declared: &BTreeMap<NsName, DesiredInstance>,
    broken: &mut BTreeSet<NsName>,
) -> Vec<RepoProblem> {
    let mut problems = Vec::new();
    for instance in declared.values() {
        for (name, at) in &instance.depends_on {
            if !declared.contains_key(name) {
                let (at, name) = (at.clone(), name.clone());
                problems.push(RepoProblem::UnknownDependency { at, name });
                broken.insert(instance.name.clone());
            }
        }
    }
    let mut open: ByName<'_> = declared.iter().collect();
    loop {
        for done in take_in_order(&mut open.clone()) {
            open.remove(&done.name);
        }
        let Some((circle, at)) = find_circle(&open) else { return problems };
        for name in &circle {
            open.remove(name);
        }
        broken.extend(circle.iter().cloned());
        problems.push(RepoProblem::CircularDependency { at, circle });
    }
}

/// `instances`, each after those that it depends on, else in the order of their names.
pub(super) fn in_order(instances: &[DesiredInstance]) -> Vec<&DesiredInstance> {
    take_in_order(&mut instances.iter().map(|instance| (&instance.name, instance)).collect())
}

/// Takes out of `open` whatever depends on nothing that is left in it, until only circles and what
/// depends on them are left.
fn take_in_order<'a>(open: &mut ByName<'a>) -> Vec<&'a DesiredInstance> {
    let mut dependents: BTreeMap<&NsName, Vec<&'a DesiredInstance>> = BTreeMap::new();
    let mut missing: BTreeMap<&NsName, usize> = BTreeMap::new();
    for instance in open.values() {
        let needed: BTreeSet<&NsName> =
            needed(instance, open).map(|(needed, _)| &needed.name).collect();
        missing.insert(&instance.name, needed.len());
        for name in needed {
            dependents.entry(name).or_default().push(instance);
        }
    }
    let mut free: BTreeSet<&NsName> =
        missing.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut taken = Vec::with_capacity(open.len());
    while let Some(instance) = free.pop_first().and_then(|name| open.remove(name)) {
        taken.push(instance);
        for dependent in dependents.remove(&instance.name).unwrap_or_default() {
            if let Some(count) = missing.get_mut(&dependent.name) {
                *count -= 1;
                if *count == 0 {
                    free.insert(&dependent.name);
                }
            }
        }
    }
    taken
}

fn needed<'a>(
    instance: &'a DesiredInstance,
    among: &ByName<'a>,
) -> impl Iterator<Item = (&'a DesiredInstance, &'a SourcePos)> {
    instance.depends_on.iter().filter_map(|(name, at)| Some((*among.get(name)?, at)))
}

/// A circle of `open`, in which everybody depends on somebody, and where it closes. Its first name is
/// also its last.
fn find_circle(open: &ByName<'_>) -> Option<(Vec<NsName>, SourcePos)> {
    let mut path = vec![*open.values().next()?];
    loop {
        let (next, at) = needed(path.last()?, open).next()?;
        let start = path.iter().position(|on_path| on_path.name == next.name);
        path.push(next);
        if let Some(start) = start {
            let circle = path.iter().skip(start).map(|instance| instance.name.clone());
            return Some((circle.collect(), at.clone()));
        }
    }
}
