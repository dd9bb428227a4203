//! The recorded cases, replayed: the fake must answer like the real NBI.

use std::collections::BTreeSet;

use crate::recorded::{Case, Exceptions};
use crate::release10;
use crate::replay::{Outcome, Replay};

/// All recorded cases, those of release 19 and those of release 10, with their outcomes.
pub async fn replay_all(exceptions: &Exceptions) -> Vec<(Case, Vec<Outcome>)> {
    let patterns = exceptions.patterns();
    let mut replayed = release10::replay_captures(exceptions).await;
    for case in Case::all("r19") {
        let outcomes = Replay::of_case(&case, &patterns).await;
        replayed.push((case, outcomes));
    }
    replayed
}

/// Every exchange holds or is excused, and nothing is excused that holds. `BLESS=1` rewrites the
/// list of excuses; each new one then waits for its argument.
#[tokio::test(start_paused = true)]
async fn recorded_cases_hold() {
    let exceptions = Exceptions::read();
    let replayed = replay_all(&exceptions).await;
    if std::env::var_os("BLESS").is_some() {
        let mut blessed = exceptions;
        for (case, outcomes) in &replayed {
            blessed.bless(&case.name, outcomes);
        }
        return blessed.write();
    }
    let complaints: Vec<String> = replayed
        .iter()
        .flat_map(|(case, outcomes)| exceptions.complaints(&case.name, outcomes))
        .collect();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    for (name, excuses) in &exceptions.not_yet {
        let case = replayed.iter().find(|(case, _)| case.name == *name);
        let (_, outcomes) = case.unwrap_or_else(|| panic!("no case {name}"));
        let numbers: BTreeSet<u64> = outcomes.iter().map(|outcome| outcome.n).collect();
        assert!(excuses.keys().all(|n| numbers.contains(n)), "{name} has no such exchange");
    }
}

#[test]
fn the_recordings_are_complete() {
    let cases = Case::all("r19");
    let exchanges: usize = cases.iter().map(|case| case.exchanges().count()).sum();
    assert_eq!((cases.len(), exchanges), (48, 891));
    let captured: usize = Case::all("r10").iter().map(|case| case.exchanges().count()).sum();
    assert_eq!(captured, 31);
}

#[tokio::test(start_paused = true)]
async fn every_shape_only_pattern_is_needed() {
    let exceptions = Exceptions::read();
    let replayed = replay_all(&exceptions).await;
    let needed: BTreeSet<&String> = replayed
        .iter()
        .flat_map(|(_, outcomes)| outcomes)
        .flat_map(|outcome| &outcome.leaned_on)
        .collect();
    let listed: BTreeSet<&String> =
        exceptions.shape_only.iter().chain(&exceptions.shape_only_r10).map(|s| &s.name).collect();
    assert_eq!(needed, listed);
}
