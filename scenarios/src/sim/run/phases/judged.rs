//! Laws that look at a whole phase: what waits, what is said of it, and how often it is tried.

use std::time::Duration;

use mock_nbi::{FaultKind, RestState};

use super::{Course, Told};
use crate::sim::fault::{Kind, Own};
use crate::sim::laws::Law;
use crate::sim::osm::{self, Osm};
use crate::sim::reconciler::Says;
use crate::sim::wire::{Shared, lock};

/// More requests than this in ten minutes are no bounded rate: one in two seconds, beside those of a pass.
const REQUESTS_IN_TEN_MINUTES_MAX: usize = 300;

impl Course<'_> {
    /// L3: before the next commit comes, what is healthy in one with a broken file matches.
    pub(super) fn healthy_items_match(&self) {
        let Some(commit) = self.told.commit else { return };
        let shared = lock(&self.shared);
        let is_broken = !shared.world.commits[commit].revision.problems.is_empty();
        let settled = shared.hits.is_empty() && !shared.world.has_earlier_lives;
        drop(shared);
        let at_rest = self.last.as_ref().is_some_and(|last| last.says == Says::Stalled);
        if is_broken && settled && at_rest {
            let differences = self.differences();
            let mut shared = lock(&self.shared);
            let at = shared.now();
            let how = || differences.join("; ");
            shared.verdicts.test(Law::L3, at, differences.is_empty(), how);
        }
    }

    /// L3: where an operation of one instance never ends, the others match all the same.
    pub(super) fn others_go_on(&self) {
        let shared = lock(&self.shared);
        let is_lasting = |kind: &Kind| {
            matches!(
                kind,
                Kind::Osm(
                    FaultKind::OperationStuck
                        | FaultKind::OperationLost
                        | FaultKind::OperationRests { state: RestState::RollingBack, .. }
                )
            )
        };
        let Some(commit) = self.told.commit else { return };
        if shared.hits.is_empty() || !shared.hits.iter().all(is_lasting) {
            return;
        }
        let osm = shared.nbi.look(Osm::read);
        let stuck: Vec<&str> =
            osm.instances.iter().filter(|i| i.is_processing).map(|i| i.name.as_str()).collect();
        let expected = &shared.world.commits[commit].expected;
        let held_up = expected.held_up_by(&stuck);
        // What is to go and does not keeps its packages.
        let has_stray = stuck.iter().any(|name| expected.instance(name).is_none());
        let differences = expected.differences(&osm);
        let others: Vec<String> = differences
            .into_iter()
            .filter(|difference| {
                let is_needed = difference.ends_with("not removed") && has_stray;
                !is_needed
                    && !held_up.iter().any(|name| difference.contains(&format!("NS {name}:")))
            })
            .collect();
        drop(shared);
        if !stuck.is_empty() {
            let mut shared = lock(&self.shared);
            let at = shared.now();
            shared.verdicts.test(Law::L3, at, others.is_empty(), || {
                format!("{stuck:?} at work, and others wait: {}", others.join("; "))
            });
        }
    }

    /// L5: what does not come to match says so, and asks no more than it must.
    pub(super) fn bounded_rate(&self) {
        if self.differences().is_empty() {
            return;
        }
        let mut shared = lock(&self.shared);
        let at = shared.now();
        let since = shared.nbi.clock().now() - 600.0;
        let journal = shared.nbi.journal();
        let asked = journal.iter().rev().take_while(|request| request.at >= since).count();
        shared.verdicts.test(Law::L5, at, asked <= REQUESTS_IN_TEN_MINUTES_MAX, || {
            format!("{asked} requests in ten minutes")
        });
        drop(shared);
        self.tells_what_is_wrong();
    }

    /// L5: what it says while OSM does not match. Ready may say only who cannot know better, and at work only while
    /// something happens.
    pub(super) fn tells_what_is_wrong(&self) {
        let Some(last) = &self.last else { return };
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        let at = shared.now();
        let holds = match last.says {
            Says::Ready if !shared.knows_better(self.process.number) => return,
            Says::Ready => false,
            Says::Failing | Says::Stalled => !last.told.is_empty(),
            Says::Progressing => {
                // Who did nothing for a while is as far as it was before.
                let paused = shared.hits.iter().filter_map(|kind| match kind {
                    Kind::Own(Own::Pause { seconds }) => Some(Duration::from_secs(*seconds)),
                    _ => None,
                });
                let limit = shared.world.patience() + paused.sum::<Duration>();
                let is_young = |since: Duration| at.saturating_sub(since) < limit;
                let now = shared.nbi.clock().now();
                is_young(shared.last_hit)
                    || is_young(self.news.last)
                    || shared.nbi.look(|look| osm::worked_since(look, now - limit.as_secs_f64()))
            }
        };
        let how = || format!("it says {}, and not what is wrong", last.says.word());
        shared.verdicts.test(Law::L5, at, holds, how);
    }
}

/// L5: nothing that fails is tried for ever.
pub(super) fn attempts_are_counted(told: &Told, shared: &mut Shared) {
    let (Some(commit), Some(since)) = (told.commit, told.at) else { return };
    let expected = &shared.world.commits[commit].expected;
    let failures = shared.nbi.look(|look| osm::most_failures(look, &expected.owner, since));
    // Once more for each change by others, and for each fault by which an operation may be asked for twice or not be seen.
    let is_news = |kind: &&Kind| kind.is_foreign_hand() || kind.makes_twins();
    let most = expected.attempts * (1 + shared.hits.iter().filter(is_news).count());
    if failures > 0 {
        let at = shared.now();
        let how = || format!("{failures} times the same operation, which fails");
        shared.verdicts.test(Law::L5, at, failures <= most, how);
    }
}
