//! What others do to OSM's records, and when: what it excuses, and that we do not.

use std::borrow::Cow;
use std::time::Duration;

use mock_nbi::{Collection, FaultKind, MockNbi};
use serde_json::{Value, json};

use super::Shared;
use crate::sim::fault::Kind;
use crate::sim::laws::Law;
use crate::sim::laws::writes::Call;
use crate::sim::osm::{self, Osm, text};
use crate::sim::reading::Moment;

/// A change of OSM's records.
#[derive(Debug)]
struct Change {
    at: Duration,
    /// The process that made it, or may have; 0 for none.
    by: u32,
    /// Whether it was sure to come some time before it came.
    is_late: bool,
}

/// Who changed OSM's records, and when.
#[derive(Debug, Default)]
pub(super) struct Others {
    changes: Vec<Change>,
}

impl Others {
    /// Somebody changes something now.
    pub(super) fn change(&mut self, at: Duration, by: u32) {
        self.changes.push(Change { at, by, is_late: false });
    }

    /// Something will change by itself.
    pub(super) fn will_change(&mut self, at: Duration) {
        self.changes.push(Change { at, by: 0, is_late: true });
    }

    /// What comes from now on is after this.
    pub(super) fn moment(&self, at: Duration) -> Moment {
        Moment { at, changes: self.changes.len() }
    }

    /// Whether someone else than this process changed something since, or may have.
    pub(super) fn changed(&self, since: Moment, now: Duration, process: u32) -> bool {
        self.changes.iter().enumerate().any(|(index, change)| {
            let is_after = change.at > since.at
                || change.at == since.at && (change.is_late || index >= since.changes);
            change.by != process && change.at <= now && is_after
        })
    }
}

impl Shared {
    /// A request that was held back lands right after the next one of its operation.
    pub(super) fn lands(&mut self, call: &Call, hit: Option<&Kind>) {
        if hit == Some(&Kind::Osm(FaultKind::LandsAfterRetry)) {
            return;
        }
        if let Some(index) = self.held_back.iter().position(|held| *held == call.operation) {
            self.held_back.remove(index);
            self.others.change(self.now(), 0);
        }
    }

    /// All that was held back lands now.
    pub(crate) fn all_land(&mut self) {
        self.nbi.land_held_back();
        self.held_back.clear();
        let at = self.now();
        self.others.change(at, 0);
    }

    /// Instances of one name that are made by no mistake of ours.
    pub(super) fn excuses_twins(&mut self, kind: &Kind, call: &Call) {
        let by_us = kind.makes_twins() && !kind.is_foreign_hand();
        if by_us && call.is_creation() && call.is_of_instances() {
            self.twins.excuse(text(&call.body, "nsName"));
        }
    }

    /// This process knows what there is, or is no more: from now on its ignorance explains no twin.
    pub(crate) fn knows(&mut self, process: u32) {
        if self.twins.has_window(process) {
            self.look_at_records();
            self.twins.close_windows(process);
        }
    }

    /// Whether this process read all that it needs, as OSM had it, nobody changed that since, and the lists show that
    /// OSM does not match: an operation that was lost while another one ended shows in none of them, and one that had
    /// not begun when they were read changes what they told.
    pub(crate) fn knows_better(&self, process: u32) -> bool {
        let Some(seen) = self.processes.get(&process) else { return false };
        let Some(commit) = seen.commit else { return false };
        let expected = &self.world.commits[commit].expected;
        seen.reading.lacks(expected.needs_lists()).is_empty()
            && !expected.differences(&self.nbi.look(Osm::listed)).is_empty()
            && !seen.reading.is_blurred()
            && !seen.reading.hides_work()
            && !self.others.changed(seen.reading.since(), self.now(), process)
    }

    /// S1: what is not ours is as whoever changed it last left it.
    pub(crate) fn others_untouched(&mut self) {
        let at = self.now();
        let theirs = foreign(&self.nbi, &self.world.owner);
        if !theirs.is_empty() || !self.foreign.is_empty() {
            let holds = theirs == self.foreign;
            self.verdicts.test(Law::S1, at, holds, || "records of others changed".to_owned());
        }
    }

    pub(crate) fn note_foreign(&mut self) {
        self.foreign = foreign(&self.nbi, &self.world.owner);
    }
}

/// What is not ours: packages as they are, and which instances there are, whose operations go on by themselves.
fn foreign(nbi: &MockNbi, owner: &str) -> Vec<Value> {
    nbi.look(|look| {
        let mut found = Vec::new();
        for package in osm::packages(look) {
            let mark = package.upload.as_ref().and_then(|u| u.owner.as_ref());
            if package.is_usable && mark.is_none_or(|mark| mark.as_str() != owner) {
                let collection = if package.is_nsd {
                    Collection::NsDescriptors
                } else {
                    Collection::VnfPackages
                };
                found.extend(look.record(collection, &package.record).map(Cow::into_owned));
            }
        }
        let theirs = osm::instances(look).into_iter();
        let theirs = theirs.filter(|i| i.owner.as_deref().is_none_or(|mark| mark != owner));
        found.extend(theirs.map(|i| json!([i.record, i.name, i.nsd])));
        found
    })
}
