//! When the source tells of which commit.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::sim::fault::{Kind, Own};
use crate::sim::osm::Osm;
use crate::sim::wire::{Shared, SharedRef, lock};

/// The news to come, in order.
#[derive(Debug)]
pub(super) struct News {
    due: VecDeque<(Duration, usize)>,
    /// The time of the last one.
    pub(super) last: Duration,
    /// Whether they come otherwise than without faults.
    pub(super) is_other: bool,
}

impl News {
    /// The commits of the world, as the plan has them come.
    pub(super) fn of(shared: &SharedRef) -> Self {
        let mut shared = lock(shared);
        let times: Vec<Duration> = shared.world.commits.iter().map(|commit| commit.at).collect();
        let mut due = Vec::new();
        for (index, at) in times.iter().enumerate() {
            let is_last = index + 1 == times.len();
            match shared.step("commit") {
                Some(Kind::Own(Own::Skipped)) if !is_last => {}
                Some(Kind::Own(Own::AtOnce)) if index > 0 => due.push((times[index - 1], index)),
                Some(Kind::Own(Own::Doubled)) => {
                    due.extend([(*at, index), (*at + Duration::from_secs(2), index)]);
                }
                _ => due.push((*at, index)),
            }
        }
        // No commit comes before an earlier one.
        let mut latest = Duration::ZERO;
        for (at, _) in &mut due {
            latest = latest.max(*at);
            *at = latest;
        }
        let plain = times.iter().enumerate().map(|(index, at)| (*at, index));
        let is_other = !plain.eq(due.iter().copied());
        Self { due: due.into(), last: latest, is_other }
    }

    /// When the next one comes.
    pub(super) fn next(&self) -> Option<Duration> {
        self.due.front().map(|(at, _)| *at)
    }

    /// The latest of those that are due: who looks late sees that one alone.
    pub(super) fn take(&mut self, now: Duration) -> Option<usize> {
        let mut found = None;
        while let Some((at, index)) = self.due.front() {
            if *at > now {
                break;
            }
            found = Some(*index);
            self.due.pop_front();
        }
        found
    }
}

/// What the source has told of.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The commit that it told of last.
    pub(super) commit: Option<usize>,
    /// When it did so first, by OSM's clock.
    pub(super) at: Option<f64>,
    /// Changes with everything that is news to the driver.
    pub(super) fingerprint: u64,
    /// Whether a commit came while OSM was at work.
    pub(super) met_operation: bool,
    /// The commits that OSM matched when the next one came.
    pub(super) carried_out: BTreeSet<usize>,
}

impl Told {
    /// It tells of this commit.
    pub(super) fn news(&mut self, commit: usize, shared: &mut Shared) {
        if let Some(before) = self.commit
            && self.differences(shared).is_empty()
        {
            self.carried_out.insert(before);
        }
        self.met_operation |= !shared.nbi.pending_operations().is_empty();
        shared.tell(0, format!("commit {}", commit + 1));
        if self.commit != Some(commit) {
            self.at = Some(shared.nbi.clock().now());
        }
        self.commit = Some(commit);
        self.fingerprint += 1;
    }

    /// What is not as the last commit has it.
    pub(super) fn differences(&self, shared: &Shared) -> Vec<String> {
        let Some(commit) = self.commit else { return vec!["no commit".to_owned()] };
        let osm = shared.nbi.look(Osm::read);
        shared.world.commits[commit].expected.differences(&osm)
    }
}
