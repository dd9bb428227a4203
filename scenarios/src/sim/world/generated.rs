//! Worlds drawn from a number: repositories, and how they change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::SimWorld;
use super::texts::{Declared, Repo};
use crate::sim::random::Dice;

/// The world of this number.
pub fn generated(number: u64) -> SimWorld {
    let mut dice = Dice::new(number);
    let mut repo = first(&mut dice);
    let mut at = Duration::ZERO;
    let mut commits = vec![(at, repo.clone())];
    for _ in 0..dice.below(4) {
        at += Duration::from_secs(*dice.pick(&[0, 1, 3, 9, 20, 60, 180]));
        for _ in 0..=dice.below(2) {
            change(&mut repo, &mut dice);
        }
        commits.push((at, repo.clone()));
    }
    // A world that ends in a broken commit could never match.
    if repo.has_broken_file {
        repo.has_broken_file = false;
        commits.push((at + Duration::from_secs(60), repo));
    }
    let mut nsds = BTreeMap::new();
    for (_, repo) in &mut commits {
        declare_recreation(repo, &mut nsds);
    }
    let start = (dice.below(2) == 0).then_some(dice);
    SimWorld::of(&format!("random:{number}"), &commits, start)
}

/// An instance that an earlier commit declares of another NSD is to be made anew: whoever passes over the commits
/// between the two, in which it may be gone, finds the old one.
fn declare_recreation(repo: &mut Repo, nsds: &mut BTreeMap<String, BTreeSet<String>>) {
    for instance in &mut repo.instances {
        let known = nsds.entry(instance.name.clone()).or_default();
        known.insert(instance.nsd.clone());
        instance.recreate |= known.len() > 1;
    }
}

fn first(dice: &mut Dice) -> Repo {
    let mut repo = Repo {
        prune: dice.below(4) > 0,
        timeout_minutes: 5,
        has_broken_file: dice.below(8) == 0,
        is_reordered: dice.below(2) == 0,
        ..Repo::default()
    };
    for index in 0..=dice.below(2) {
        repo.vnfds.insert(format!("v{index}_knf"), 1);
    }
    for index in 0..=dice.below(2) {
        let vnfd = format!("v{}_knf", dice.below(repo.vnfds.len()));
        repo.nsds.insert(format!("n{index}_ns"), (vnfd, 1));
    }
    for index in 0..dice.below(5) {
        add_instance(&mut repo, dice, index);
    }
    repo
}

fn add_instance(repo: &mut Repo, dice: &mut Dice, index: usize) {
    if repo.nsds.is_empty() {
        return;
    }
    let nsds: Vec<String> = repo.nsds.keys().cloned().collect();
    let replicas = 1 + u32::try_from(dice.below(3)).unwrap_or_default();
    let nsd: &String = dice.pick(&nsds);
    let mut instance = Declared::new(&format!("i{index}"), nsd, replicas);
    instance.has_secret = dice.below(4) == 0;
    if repo.instances.iter().any(|known| known.name == instance.name) {
        return;
    }
    if dice.below(4) == 0 {
        instance.depends_on = repo.instances.last().map(|other| other.name.clone());
    }
    repo.instances.push(instance);
}

fn change(repo: &mut Repo, dice: &mut Dice) {
    match dice.below(7) {
        0 => {
            let ids: Vec<String> = repo.vnfds.keys().cloned().collect();
            if let Some(version) = repo.vnfds.get_mut(dice.pick(&ids)) {
                *version += 1;
            }
        }
        1 => {
            let ids: Vec<String> = repo.nsds.keys().cloned().collect();
            if let Some((_, version)) = repo.nsds.get_mut(dice.pick(&ids)) {
                *version += 1;
            }
        }
        2 | 3 if !repo.instances.is_empty() => {
            let index = dice.below(repo.instances.len());
            repo.instances[index].replicas += 1;
        }
        4 if !repo.instances.is_empty() => {
            let gone = repo.instances.remove(dice.below(repo.instances.len()));
            for instance in &mut repo.instances {
                if instance.depends_on.as_ref() == Some(&gone.name) {
                    instance.depends_on = None;
                }
            }
        }
        5 => repo.has_broken_file = !repo.has_broken_file,
        _ => {
            let index = 5 + dice.below(4);
            add_instance(repo, dice, index);
        }
    }
}
