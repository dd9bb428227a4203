//! When the source tells of which commit.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sim::fault::{Kind, Own};
use crate::sim::wire::{SharedRef, lock};

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
