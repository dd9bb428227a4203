//! What one process has read of OSM, as the oracles know it: the latest list of each sort.
//!
//! In: requests for lists, and how they were answered. Out: what each list told, and whether that is news enough to
//! say that OSM matches.

use std::collections::BTreeSet;
use std::time::Duration;

use mock_nbi::{Collection, Look};

use super::laws::writes::Call;
use super::osm::{self, Instance, Package, is_open, text};

/// A place in the course of changes to OSM's records: the time, and how many of them had come by then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Since the run began.
    pub at: Duration,
    /// How many changes had come, or were sure to come.
    pub changes: usize,
}

/// What a list told.
#[derive(Debug, Clone, Default)]
enum Told<T> {
    /// It was not asked for, or no answer came that can be read.
    #[default]
    Nothing,
    /// Something else than OSM had.
    Blurred,
    /// What OSM had.
    All(Vec<T>),
}

/// The latest list of one sort.
#[derive(Debug, Clone)]
pub struct List<T> {
    told: Told<T>,
    /// What OSM had when it was asked for; until it is answered.
    on_its_way: Option<Vec<T>>,
    /// When OSM had what it told: when it was asked for, or when somebody changed that before it was answered.
    had: Option<Moment>,
    /// How many writes had been sent or answered by then.
    after: u64,
    /// Whether it was asked for in the present run.
    is_of_this_run: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { told: Told::default(), on_its_way: None, had: None, after: 0, is_of_this_run: false }
    }
}

impl<T> List<T> {
    /// What OSM had, where the list told it.
    pub fn known(&self) -> Option<&[T]> {
        match &self.told {
            Told::All(list) => Some(list),
            Told::Nothing | Told::Blurred => None,
        }
    }

    /// When OSM had what it told.
    pub fn had(&self) -> Moment {
        self.had.unwrap_or_default()
    }

    /// Whether it told something else than OSM had.
    pub fn is_blurred(&self) -> bool {
        matches!(self.told, Told::Blurred)
    }

    fn asks(&mut self, moment: Moment, writes: u64, now: Vec<T>) {
        self.told = Told::Nothing;
        self.on_its_way = Some(now);
        self.had = Some(moment);
        self.after = writes;
        self.is_of_this_run = true;
    }

    fn answered(&mut self, how: Answered, moment: Moment, now: impl FnOnce() -> Vec<T>) {
        let then = self.on_its_way.take();
        if how == Answered::Changed {
            self.had = Some(moment);
        }
        self.told = match how {
            Answered::Readable => then.map_or(Told::Nothing, Told::All),
            Answered::Changed => Told::All(now()),
            Answered::Blurred => Told::Blurred,
            Answered::Unreadable => Told::Nothing,
        };
    }

    /// Why it does not show that OSM matches.
    fn lack(&self, sort: &str, writes: u64) -> Option<String> {
        if !self.is_of_this_run {
            Some(format!("{sort} were not read in this run"))
        } else if matches!(self.told, Told::Nothing) {
            Some(format!("{sort} were asked for, and not read"))
        } else if self.after != writes {
            Some(format!("{sort} were not read since the last write"))
        } else {
            None
        }
    }
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// With what OSM had when it was asked.
    Readable,
    /// With what somebody else made of it meanwhile.
    Changed,
    /// With something else than OSM had.
    Blurred,
    /// Not at all, or not so that anyone could read it.
    Unreadable,
}

/// What one process has read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The VNFDs, and the NSDs.
    pub packages: [List<Package>; 2],
    /// The instances.
    pub instances: List<Instance>,
    /// The instances at work of which that list does not tell it, because their operation had not begun.
    unshown: BTreeSet<String>,
    /// How many writes it sent, and how many of them were answered.
    writes: u64,
}

/// Which lists must be read before anyone can say that OSM matches.
#[derive(Debug, Clone, Copy)]
pub struct Needed {
    /// That of VNFDs, and that of NSDs.
    pub packages: [bool; 2],
    /// That of instances.
    pub instances: bool,
}

impl Reading {
    /// A run begins.
    pub(crate) fn begins(&mut self) {
        for list in &mut self.packages {
            list.is_of_this_run = false;
        }
        self.instances.is_of_this_run = false;
    }

    /// It sends a write, or a write of its is answered.
    pub(crate) fn wrote(&mut self) {
        self.writes += 1;
    }

    /// When OSM had what the oldest of its lists told.
    pub fn since(&self) -> Moment {
        let moments = self.packages.iter().map(List::had).chain([self.instances.had()]);
        moments.min().unwrap_or_default()
    }

    /// Whether one of its lists told something else than OSM had.
    pub fn is_blurred(&self) -> bool {
        self.packages.iter().any(List::is_blurred) || self.instances.is_blurred()
    }

    /// Whether an instance was at work that neither the list of instances nor one of operations showed so: what they
    /// told was to change soon.
    pub fn hides_work(&self) -> bool {
        let listed = self.instances.known().unwrap_or_default().iter();
        let mut at_rest = listed.filter(|instance| !instance.is_processing);
        at_rest.any(|instance| self.unshown.contains(&instance.record))
    }

    /// Why it does not know that OSM matches.
    pub fn lacks(&self, needed: Needed) -> Vec<String> {
        let packages = self.packages.iter().zip(["the VNFDs", "the NSDs"]).zip(needed.packages);
        let packages = packages.filter(|(_, is_needed)| *is_needed);
        let packages = packages.filter_map(|((list, sort), _)| list.lack(sort, self.writes));
        let instances = needed.instances.then(|| self.instances.lack("the instances", self.writes));
        packages.chain(instances.flatten()).collect()
    }

    /// It asks for something.
    pub(crate) fn asks(&mut self, call: &Call, look: &Look<'_>, moment: Moment) {
        let writes = self.writes;
        match call.operation.as_str() {
            "GET /vnfpkgm/v1/vnf_packages" => {
                self.packages[0].asks(moment, writes, packages(look, false));
            }
            "GET /nsd/v1/ns_descriptors" => {
                self.packages[1].asks(moment, writes, packages(look, true));
            }
            "GET /nslcm/v1/ns_instances" => {
                let all = osm::instances(look);
                self.unshown = unshown(&all);
                self.instances.asks(moment, writes, osm::as_listed(all));
            }
            "GET /nslcm/v1/ns_lcm_op_occs" => self.notes_operations(call, look),
            _ => {}
        }
    }

    /// What it asked for is answered.
    pub(crate) fn answered(&mut self, call: &Call, look: &Look<'_>, how: Answered, moment: Moment) {
        match call.operation.as_str() {
            "GET /vnfpkgm/v1/vnf_packages" => {
                self.packages[0].answered(how, moment, || packages(look, false));
            }
            "GET /nsd/v1/ns_descriptors" => {
                self.packages[1].answered(how, moment, || packages(look, true));
            }
            "GET /nslcm/v1/ns_instances" => {
                self.instances.answered(how, moment, || osm::listed(look));
                if how == Answered::Changed {
                    self.unshown = unshown(&osm::instances(look));
                }
            }
            "GET /nslcm/v1/ns_lcm_op_occs" => match how {
                Answered::Readable => {}
                Answered::Changed => self.notes_operations(call, look),
                Answered::Blurred | Answered::Unreadable => {
                    let asked = self.listed_instances().iter_mut();
                    for instance in asked.filter(|i| call.query.contains(&i.record)) {
                        instance.is_processing = instance.is_shown_processing;
                    }
                }
            },
            _ => {}
        }
    }

    /// An operation that has not begun is told by the list of operations alone.
    fn notes_operations(&mut self, call: &Call, look: &Look<'_>) {
        for instance in self.listed_instances() {
            let mut open = look.records(Collection::Operations).filter(|op| is_open(op));
            let is_asked = call.query.contains(&instance.record);
            if is_asked && open.any(|op| text(&op, "nsInstanceId") == instance.record) {
                instance.is_processing = true;
            }
        }
    }

    fn listed_instances(&mut self) -> &mut [Instance] {
        match &mut self.instances.told {
            Told::All(list) => list,
            Told::Nothing | Told::Blurred => &mut [],
        }
    }
}

/// The instances whose operation their record does not show.
fn unshown(all: &[Instance]) -> BTreeSet<String> {
    let at_work = all.iter().filter(|i| i.is_processing && !i.is_shown_processing);
    at_work.map(|instance| instance.record.clone()).collect()
}

fn packages(look: &Look<'_>, is_nsd: bool) -> Vec<Package> {
    osm::packages(look).into_iter().filter(|package| package.is_nsd == is_nsd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a list told of an instance, and what OSM had.
    fn hides_work(told: Instance, had: Instance) -> bool {
        let instances = List { told: Told::All(vec![told]), ..List::default() };
        Reading { instances, unshown: unshown(&[had]), ..Reading::default() }.hides_work()
    }

    #[test]
    fn work_is_hidden_where_neither_the_record_nor_a_list_of_operations_shows_it() {
        let at_rest = Instance { record: "a".to_owned(), ..Instance::default() };
        let at_work = Instance { is_processing: true, ..at_rest.clone() };
        let shown = Instance { is_shown_processing: true, ..at_work.clone() };
        assert!(hides_work(at_rest.clone(), at_work.clone()));
        assert!(!hides_work(at_work.clone(), at_work), "a list of operations told it");
        assert!(!hides_work(at_rest.clone(), shown), "its record shows it");
        assert!(!hides_work(at_rest.clone(), at_rest), "it is at rest");
    }
}
