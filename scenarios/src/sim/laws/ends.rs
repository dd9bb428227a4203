//! Laws of what a run says and of what it leaves behind.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Law, Verdicts};
use crate::sim::expected::Expected;
use crate::sim::reading::Reading;

/// S7: it says that it is ready. Each list that tells of something declared was read in this run and after the last
/// write, and what they told matches.
pub fn ready(expected: &Expected, reading: &Reading, at: Duration, verdicts: &mut Verdicts) {
    let lacks = reading.lacks(expected.needs_lists());
    verdicts.test(Law::S7, at, lacks.is_empty(), || {
        format!("it says that it is ready: {}", lacks.join("; "))
    });
    for (list, is_nsd) in reading.packages.iter().zip([false, true]) {
        if let Some(packages) = list.known() {
            matching(&expected.differences_of_packages(is_nsd, packages), at, verdicts);
        }
    }
    if let Some(instances) = reading.instances.known() {
        matching(&expected.differences_of_instances(instances), at, verdicts);
    }
}

fn matching(differences: &[String], at: Duration, verdicts: &mut Verdicts) {
    verdicts.test(Law::S7, at, differences.is_empty(), || {
        format!("it says that it is ready: {}", differences.join("; "))
    });
}

/// What a run over a matching OSM asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// Lists that were read.
    pub lists: usize,
    /// Everything else but tokens.
    pub others: usize,
}

/// L2: a resync reads three lists, or four, and that is all.
pub fn only_reads(asked: Asked, at: Duration, verdicts: &mut Verdicts) {
    let Asked { lists, others } = asked;
    verdicts.test(Law::L2, at, lists <= 4 && others == 0, || {
        format!("{lists} lists and {others} other requests over an OSM that matches")
    });
}

/// How many records were made and removed in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// Packages and instances that ever were.
    pub made: usize,
    /// Those of them that are no more.
    pub removed: usize,
}

/// What a run without faults comes to.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// The end state.
    pub state: Vec<String>,
    /// What was made on the way.
    pub made: Made,
    /// The commits that OSM matched when the next one came.
    pub carried_out: BTreeSet<usize>,
}

/// How many records more or fewer than without faults may be made and removed.
#[derive(Debug, Clone, Copy)]
pub struct Slack {
    /// More, by what happened and what was mended.
    pub detours: usize,
    /// More or fewer: those of commits that were passed over, or cut short by the next one.
    pub passing: usize,
    /// Fewer: what earlier lives left may be mended by accident before it is made anew.
    pub spared: usize,
}

/// D1 and D2, and D3 where commits came otherwise.
pub fn like_baseline(
    base: &Baseline,
    state: &[String],
    made: Made,
    slack: Slack,
    commits_differ: bool,
    at: Duration,
    verdicts: &mut Verdicts,
) {
    let law = if commits_differ { Law::D3 } else { Law::D1 };
    verdicts.test(law, at, base.state == state, || {
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|line| !b.contains(line)).cloned().collect()
        };
        format!(
            "without faults: {:?}; now: {:?}",
            only(&base.state, state),
            only(state, &base.state)
        )
    });
    let Slack { detours, passing, spared } = slack;
    let near = |base: usize, now: usize| {
        base.saturating_sub(passing + spared) <= now && now <= base + detours + passing
    };
    let holds = near(base.made.made, made.made) && near(base.made.removed, made.removed);
    verdicts.test(Law::D2, at, holds, || {
        format!("without faults {:?}, now {made:?}, and {detours} explained", base.made)
    });
}

/// L1: what is not as declared when the time is over.
pub fn converged(differences: &[String], said: &str, at: Duration, verdicts: &mut Verdicts) {
    verdicts.test(Law::L1, at, differences.is_empty(), || {
        format!("not as declared: {}; it says {said}", differences.join("; "))
    });
}
