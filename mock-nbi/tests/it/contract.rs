//! The recorded cases, replayed: the fake must answer like the real NBI.

use std::collections::BTreeSet;

use crate::recorded::{Case, Exceptions};
use crate::replay::{Outcome, Replay};

/// All cases of `tests/recorded/r19` with their outcomes.
pub async fn replay_all(exceptions: &Exceptions) -> Vec<(Case, Vec<Outcome>)> {
    let patterns = exceptions.patterns();
    let mut replayed = Vec::new();
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
    let mut blessed =
        Exceptions { shape_only: exceptions.shape_only.clone(), ..Exceptions::default() };
    let mut complaints = Vec::new();
    let replayed = replay_all(&exceptions).await;
    let exchanges: usize = replayed.iter().map(|(_, outcomes)| outcomes.len()).sum();
    assert_eq!((replayed.len(), exchanges), (48, 891), "the recordings are complete");
    for (case, outcomes) in &replayed {
        for Outcome { n, request, found, .. } in outcomes {
            let reason = exceptions.reason(&case.name, *n);
            let name = &case.name;
            match (reason, found.is_empty()) {
                (Some(_), true) => complaints.push(format!("{name}#{n} holds now: off the list")),
                (None, false) => {
                    complaints.push(format!("{name}#{n} {request}:\n    {}", found.join("\n    ")));
                }
                _ => {}
            }
            if !found.is_empty() {
                let first: String = found[0].chars().take(100).collect();
                let new = || format!("not argued yet: {}", first.replace('\n', " "));
                let reason = reason.map_or_else(new, str::to_owned);
                blessed.not_yet.entry(name.clone()).or_default().insert(*n, reason);
            }
        }
    }
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(Exceptions::path(), serde_yaml::to_string(&blessed).unwrap()).unwrap();
        return;
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
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
    let listed: BTreeSet<&String> = exceptions.shape_only.iter().map(|shape| &shape.name).collect();
    assert_eq!(needed, listed);
}
