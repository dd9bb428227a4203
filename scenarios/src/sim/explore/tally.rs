//! What many runs come to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Ground;
use crate::sim::laws::{Counts, Law, Violation};
use crate::sim::plan::Plan;
use crate::sim::run::Outcome;

/// A run that broke laws.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The world.
    pub world: String,
    /// The plan.
    pub plan: Plan,
    /// As little of it as breaks one of the same laws.
    pub shrunk: Plan,
    /// The seed that drew it.
    pub seed: Option<u64>,
    /// What was broken.
    pub violations: Vec<Violation>,
}

impl Failure {
    /// The line that shows it again.
    pub fn replay(&self) -> String {
        format!("scenario sim --world {} --plan '{}'", self.world, self.shrunk)
    }
}

/// How much was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some of it.
    Part,
    /// So many seeds that every law must have been put to the test.
    Seeds,
    /// Every fault at every place, so that every kind of fault must have mattered as well.
    Whole,
}

/// How often a kind of fault was planned, and how often it mattered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfKind {
    /// Plans with it.
    pub plans: u64,
    /// Those whose trace was another one than without it.
    pub changed: u64,
}

/// Sums over runs.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Runs, with those for a second look.
    pub runs: u64,
    /// Requests that OSM served.
    pub requests: u64,
    /// Virtual time.
    pub lasted: Duration,
    /// How often each law was tested.
    pub counts: Counts,
    /// By the name of the kind.
    pub kinds: BTreeMap<String, OfKind>,
    /// Runs that broke laws.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
}

impl Tally {
    pub(super) fn add(&mut self, ground: &Ground, plan: &Plan, outcome: &Outcome) {
        self.runs += 1;
        self.requests += outcome.trace.requests.len() as u64;
        self.lasted += outcome.lasted;
        self.counts.add(&outcome.verdicts.counts);
        // Only a plan of one tells whether its kind mattered.
        if let [fault] = plan.faults.as_slice() {
            let kind = self.kinds.entry(fault.kind.name()).or_default();
            kind.plans += 1;
            kind.changed += u64::from(outcome.trace.is_other_than(&ground.outcome.trace));
        }
    }

    /// The run without faults counts as well.
    pub fn add_ground(&mut self, ground: &Ground) {
        let outcome = &ground.outcome;
        self.runs += 1;
        self.requests += outcome.trace.requests.len() as u64;
        self.lasted += outcome.lasted;
        self.counts.add(&outcome.verdicts.counts);
        if !outcome.verdicts.violations.is_empty() {
            self.failed += 1;
            self.failures.push(Failure {
                world: ground.world.name.clone(),
                plan: Plan::default(),
                shrunk: Plan::default(),
                seed: None,
                violations: outcome.verdicts.violations.clone(),
            });
        }
    }

    /// The sums of both.
    pub fn merge(&mut self, other: Tally) {
        self.runs += other.runs;
        self.requests += other.requests;
        self.lasted += other.lasted;
        self.counts.add(&other.counts);
        for (name, kind) in other.kinds {
            let sum = self.kinds.entry(name).or_default();
            sum.plans += kind.plans;
            sum.changed += kind.changed;
        }
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }

    /// Of the failures, the first so many by world, seed and plan.
    pub(super) fn keep_first(&mut self, most: usize) {
        let key =
            |failure: &Failure| (failure.world.clone(), failure.seed, failure.plan.to_string());
        self.failures.sort_by_key(key);
        self.failures.truncate(most);
    }

    /// Laws that no run put to the test.
    pub fn untested(&self) -> Vec<Law> {
        Law::ALL.into_iter().filter(|law| self.counts.of(*law) == 0).collect()
    }

    /// Why this is no proof of anything, violations aside: of few runs, only that there were none at all.
    pub fn complaints(&self, extent: Extent) -> Vec<String> {
        if self.runs == 0 {
            return vec!["nothing was run".to_owned()];
        }
        if extent == Extent::Part {
            return Vec::new();
        }
        let untested = self.untested().into_iter();
        let mut found: Vec<String> =
            untested.map(|law| format!("{law} was never tested: {}", law.words())).collect();
        if extent == Extent::Whole {
            let idle = self.without_effect().into_iter();
            found.extend(idle.map(|kind| format!("`{kind}` never changed a trace")));
        }
        found
    }

    /// Kinds of fault that never changed anything.
    pub fn without_effect(&self) -> Vec<&str> {
        let idle = self.kinds.iter().filter(|(_, kind)| kind.changed == 0);
        idle.map(|(name, _)| name.as_str()).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, kind) in &self.kinds {
            writeln!(
                f,
                "  {name:<28} {:>7} plans, {:>7} with another trace",
                kind.plans, kind.changed
            )?;
        }
        for law in Law::ALL {
            writeln!(f, "  {:<4} {:>10} tests: {}", law, self.counts.of(law), law.words())?;
        }
        let hours = self.lasted.as_secs_f64() / 3600.0;
        writeln!(
            f,
            "{} runs, {} requests, {hours:.0} virtual hours, {} with violations",
            self.runs, self.requests, self.failed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_tested_nothing_prove_nothing() {
        assert_eq!(Tally::default().complaints(Extent::Part), ["nothing was run"]);
        let mut tally = Tally { runs: 1, ..Tally::default() };
        assert!(tally.complaints(Extent::Part).is_empty());
        assert_eq!(tally.complaints(Extent::Whole).len(), Law::ALL.len());
        for law in Law::ALL {
            tally.counts.count(law);
        }
        assert!(tally.complaints(Extent::Whole).is_empty());
        tally.kinds.insert("hang".to_owned(), OfKind { plans: 3, changed: 0 });
        assert_eq!(tally.complaints(Extent::Whole), ["`hang` never changed a trace"]);
        assert!(tally.complaints(Extent::Seeds).is_empty());
    }
}
