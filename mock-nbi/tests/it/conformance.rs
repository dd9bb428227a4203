//! `CONFORMANCE.md`: each operation of OSM's NBI and what proves that the fake answers like it.
//!
//! Written from `tests/recorded/` by the test below; `make generate` rewrites it.

mod operations;
mod page;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::contract::replay_all;
use crate::recorded::{Case, Exceptions};
use crate::replay::Outcome;
use operations::Operation;

/// `tests/recorded/proofs.yaml`: what proves an operation besides the recordings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proofs {
    /// What was driven by the real command line client, and by which of its commands.
    #[serde(default)]
    client: BTreeMap<String, String>,
    /// Names of tests of this crate.
    #[serde(default)]
    own: BTreeMap<String, Vec<String>>,
    /// Operations that nothing proves, with the reason.
    #[serde(default)]
    nothing: BTreeMap<String, String>,
}

impl Proofs {
    fn read() -> Self {
        let path = format!("{}/tests/recorded/proofs.yaml", env!("CARGO_MANIFEST_DIR"));
        serde_yaml::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
    }
}

/// What the recordings say of one operation.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Cases in which it answered with success, and holds.
    cases: Vec<String>,
    /// Cases in which it only refused, and holds.
    refusals: Vec<String>,
    exchanges: usize,
}

/// The recordings by operation, exchanges that do not hold left out.
fn by_operation<'a>(
    operations: &'a [Operation],
    replayed: &[(Case, Vec<Outcome>)],
) -> BTreeMap<&'a Operation, Recorded> {
    let mut found: BTreeMap<&Operation, Recorded> = BTreeMap::new();
    for (case, outcomes) in replayed {
        for (line, outcome) in case.exchanges().zip(outcomes) {
            let method = line["req"]["method"].as_str().unwrap();
            let path = line["req"]["path"].as_str().unwrap();
            let Some(operation) = operations::find(operations, method, path) else { continue };
            if !outcome.found.is_empty() {
                continue;
            }
            let recorded = found.entry(operation).or_default();
            recorded.exchanges += 1;
            let is_success = line["resp"]["status"].as_u64().unwrap() < 300;
            let list = if is_success { &mut recorded.cases } else { &mut recorded.refusals };
            if !list.contains(&case.name) {
                list.push(case.name.clone());
            }
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn conformance_page_is_up_to_date() {
    let exceptions = Exceptions::read();
    let replayed = replay_all(&exceptions).await;
    let operations = operations::all().await;
    let recorded = by_operation(&operations, &replayed);
    let text = page::render(&operations, &recorded, &Proofs::read(), &replayed, &exceptions);
    let path = format!("{}/CONFORMANCE.md", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        return fs_err::write(path, text).unwrap();
    }
    let committed = fs_err::read_to_string(path).unwrap_or_default();
    assert!(text == committed, "mock-nbi/CONFORMANCE.md is stale: run `make generate`");
}

/// An operation that the fake serves has a proof, or stands among those that have none.
#[tokio::test(start_paused = true)]
async fn every_operation_keeps_its_proof() {
    let exceptions = Exceptions::read();
    let replayed = replay_all(&exceptions).await;
    let operations = operations::all().await;
    let recorded = by_operation(&operations, &replayed);
    let proofs = Proofs::read();
    let mut complaints = Vec::new();
    for operation in operations.iter().filter(|operation| operation.is_served()) {
        let name = operation.name();
        let is_proved = recorded.contains_key(operation)
            || proofs.client.contains_key(&name)
            || proofs.own.contains_key(&name);
        match (is_proved, proofs.nothing.contains_key(&name)) {
            (false, false) => complaints.push(format!("{name}: nothing proves it any more")),
            (true, true) => complaints.push(format!("{name}: it has a proof, strike it off")),
            _ => {}
        }
    }
    assert!(complaints.is_empty(), "tests/recorded/proofs.yaml:\n{}", complaints.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn proofs_name_operations_and_tests_that_exist() {
    let operations = operations::all().await;
    let proofs = Proofs::read();
    let names = proofs.client.keys().chain(proofs.own.keys()).chain(proofs.nothing.keys());
    for name in names {
        assert!(operations.iter().any(|operation| operation.name() == *name), "{name}");
    }
    let folder = format!("{}/tests/it", env!("CARGO_MANIFEST_DIR"));
    let sources: String = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| fs_err::read_to_string(path).unwrap())
        .collect();
    for test in proofs.own.values().flatten() {
        assert!(sources.contains(&format!("fn {test}(")), "no test {test}");
    }
}
