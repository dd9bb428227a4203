//! S2: no two instances of ours with one name, but for those that a fault explains.
//!
//! An excuse is for one instance more, of one name. It is used up by the twin that it explains, and no more can be made
//! of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Law, Verdicts};
use crate::sim::osm::Osm;

/// While it is open, one twin of each name is explained.
#[derive(Debug)]
struct Window {
    process: u32,
    used: BTreeSet<String>,
}

/// The records of our instances, by name.
type Records = BTreeMap<String, BTreeSet<String>>;

/// Which instances of ours there are of each name, and what explains more than one.
#[derive(Debug, Default)]
pub struct Twins {
    records: Records,
    excuses: Vec<String>,
    windows: Vec<Window>,
    explained: usize,
}

/// In place of a process, where two of them run at the same time.
pub const BOTH_REPLICAS: u32 = 0;

impl Twins {
    /// As OSM has them in the beginning.
    pub fn of(osm: &Osm, owner: &str) -> Self {
        Self { records: records(osm, owner), ..Self::default() }
    }

    /// The creation of an instance of this name is carried out once more, now or later.
    pub fn excuse(&mut self, name: &str) {
        self.excuses.push(name.to_owned());
    }

    /// This process does not know what there is, or two do not know what the other makes.
    pub fn open_window(&mut self, process: u32) {
        self.windows.push(Window { process, used: BTreeSet::new() });
    }

    /// Whether such a time of this process goes on.
    pub fn has_window(&self, process: u32) -> bool {
        self.windows.iter().any(|window| window.process == process)
    }

    /// From now on it does.
    pub fn close_windows(&mut self, process: u32) {
        self.windows.retain(|window| window.process != process);
    }

    /// Someone else made those that are there more than once, but for those that an excuse explains.
    pub fn accept(&mut self, osm: &Osm, owner: &str) {
        let now = records(osm, owner);
        let before = std::mem::take(&mut self.records);
        for (name, records) in &now {
            // One of them is theirs.
            let come = fresh(records, before.get(name)).min(records.len() - 1).saturating_sub(1);
            self.explained += (0..come).filter(|_| self.is_explained(name)).count();
        }
        self.records = now;
    }

    /// Judges those that have come since.
    pub fn judge(&mut self, osm: &Osm, owner: &str, at: Duration, verdicts: &mut Verdicts) {
        let now = records(osm, owner);
        let before = std::mem::take(&mut self.records);
        for (name, records) in &now {
            let fresh = fresh(records, before.get(name));
            // One of each name is as it should be.
            let come = fresh.min(records.len() - 1);
            if fresh == 0 && records.len() == 1 {
                continue;
            }
            let explained = (0..come).filter(|_| self.is_explained(name)).count();
            self.explained += explained;
            let how = || format!("{} instances {name} of ours", records.len());
            verdicts.test(Law::S2, at, explained == come, how);
        }
        self.records = now;
    }

    /// How many records more there may have been: twins that were explained, and what landed under a name that nothing
    /// had any more.
    pub fn explained(&self) -> usize {
        self.explained + self.excuses.len()
    }

    /// What ends sooner is used first.
    fn is_explained(&mut self, name: &str) -> bool {
        if self.windows.iter_mut().any(|window| window.used.insert(name.to_owned())) {
            return true;
        }
        let excuse = self.excuses.iter().position(|excused| excused == name);
        excuse.map(|index| self.excuses.remove(index)).is_some()
    }
}

/// How many of these records were not there before.
fn fresh(records: &BTreeSet<String>, before: Option<&BTreeSet<String>>) -> usize {
    records.iter().filter(|record| before.is_none_or(|before| !before.contains(*record))).count()
}

fn records(osm: &Osm, owner: &str) -> Records {
    let mut records = Records::new();
    for instance in osm.instances.iter().filter(|i| i.owner.as_deref() == Some(owner)) {
        records.entry(instance.name.clone()).or_default().insert(instance.record.clone());
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::osm::Instance;

    const OWNER: &str = "us";

    /// Instances of ours, each named by its record without the digits at its end.
    fn osm(records: &[&str]) -> Osm {
        let instance = |record: &&str| Instance {
            name: record.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
            record: (*record).to_owned(),
            owner: Some(OWNER.to_owned()),
            state: "READY".to_owned(),
            ..Instance::default()
        };
        Osm { packages: Vec::new(), instances: records.iter().map(instance).collect() }
    }

    fn broken(twins: &mut Twins, records: &[&str]) -> bool {
        let mut verdicts = Verdicts::default();
        twins.judge(&osm(records), OWNER, Duration::ZERO, &mut verdicts);
        !verdicts.violations.is_empty()
    }

    #[test]
    fn an_excuse_is_for_one_twin_of_its_name_alone() {
        let mut twins = Twins::of(&osm(&["a1"]), OWNER);
        twins.excuse("a");
        assert!(!broken(&mut twins, &["a1", "a2"]));
        assert!(!broken(&mut twins, &["a1", "a2"]), "it is the same twin");
        assert!(broken(&mut twins, &["a1", "a3"]), "it is another one, in the place of the first");
        assert!(!broken(&mut twins, &["a1"]));
        assert!(broken(&mut twins, &["a1", "a4"]), "it is another one");
        assert!(!broken(&mut twins, &["a5"]), "there is no other one");
        twins.excuse("a");
        assert!(broken(&mut twins, &["a5", "a6", "b1", "b2"]));
        assert_eq!(twins.explained(), 2);
        twins.excuse("c");
        assert_eq!(twins.explained(), 3, "it may land when there is no other one");
    }

    #[test]
    fn who_does_not_know_what_there_is_makes_one_of_each_until_it_does() {
        let mut twins = Twins::of(&osm(&["a1", "b1"]), OWNER);
        twins.open_window(7);
        assert!(!broken(&mut twins, &["a1", "a2", "b1", "b2"]));
        assert!(broken(&mut twins, &["a1", "a2", "a3", "b1", "b2"]));
        twins.close_windows(7);
        assert!(broken(&mut twins, &["a1", "a2", "a3", "b1", "b2", "b3"]));
    }

    #[test]
    fn a_twin_that_lands_when_someone_else_makes_one_is_explained_all_the_same() {
        let mut twins = Twins::of(&osm(&["a1"]), OWNER);
        twins.excuse("a");
        twins.accept(&osm(&["a1", "a2"]), OWNER);
        assert_eq!(twins.explained(), 1, "it is theirs, and ours is still to come");
        twins.accept(&osm(&["a1", "a2", "a3", "a4"]), OWNER);
        assert_eq!(twins.explained(), 1, "one of the two is theirs");
        assert!(broken(&mut twins, &["a1", "a5"]), "the excuse is used");
    }

    #[test]
    fn a_twin_made_for_want_of_knowledge_leaves_the_excuse_of_one_that_lands_late() {
        let mut twins = Twins::of(&osm(&["a1"]), OWNER);
        twins.excuse("a");
        twins.open_window(7);
        assert!(!broken(&mut twins, &["a1", "a2"]));
        twins.close_windows(7);
        assert!(!broken(&mut twins, &["a1", "a3"]));
        assert!(broken(&mut twins, &["a1", "a4"]));
    }
}
