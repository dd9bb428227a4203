//! Expectation against what was seen.
//!
//! Pure. Out: a [`Check`] for each thing that was looked at, held or not.

use osmops::plan::Plan;
use osmops::repo::RepoProblem;
use osmops::report::{ItemStatus, PassEnd, PassReport};
use osmops::request_counts::RequestCounts;
use serde::Serialize;

use crate::hand::OsmState;
use crate::step::{Expectation, ExpectedInstance, ExpectedPackage, Placed, RequestBounds, Said};
use crate::story::plural;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The line of the scenario file.
    pub line: u32,
    /// What must hold, in words.
    pub claim: String,
    /// What was found instead; nothing when it holds.
    pub found_instead: Option<String>,
}

/// What the last `apply` or `plan` left behind.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// The last pass of an `apply`.
    pub(crate) report: Option<PassReport>,
    /// The plan of a `plan`.
    pub(crate) plan: Option<Plan>,
    /// Everything wrong with the revision.
    pub(crate) problems: Vec<RepoProblem>,
    /// Requests of the whole step, log-out included.
    pub(crate) requests: RequestCounts,
    /// How many operations were looked at, each counted once.
    pub(crate) operations_probed: u64,
}

/// Looks at everything that `expected` names.
pub(crate) fn check(expected: &Expectation, last: &Last, osm: &OsmState) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(end) = &expected.end {
        checks.push(check_end(end, last));
    }
    if let Some(actions) = &expected.plan_actions {
        let claim = format!("the plan has {}", plural(actions.value as u64, "action"));
        let found = last.plan.as_ref().map(|plan| plan.actions.len());
        checks.push(compare(actions.line, claim, Some(actions.value) == found, || {
            found.map_or("no plan".to_owned(), |n| n.to_string())
        }));
    }
    if let Some(changes) = &expected.changes {
        checks.push(check_changes(changes, last));
    }
    if let Some(bounds) = &expected.requests {
        check_requests(&mut checks, bounds, last);
    }
    for package in &expected.packages {
        checks.push(check_package(package, osm));
    }
    for instance in &expected.instances {
        check_instance(&mut checks, instance, osm);
    }
    if let Some(said) = &expected.problems {
        let found = last.problems.iter().map(|problem| {
            let at = problem.at();
            let place = match at.line_and_column() {
                Some((line, _)) => format!("{}:{line}", at.file()),
                None => at.file().to_string(),
            };
            (place, problem.message())
        });
        checks.push(check_said("problem", said, &found.collect::<Vec<_>>()));
    }
    if let Some(said) = &expected.failures {
        checks.push(check_said("failure", said, &failures(last)));
    }
    checks
}

fn compare(line: u32, claim: String, holds: bool, found: impl FnOnce() -> String) -> Check {
    Check { line, claim, found_instead: (!holds).then(found) }
}

fn check_end(end: &Placed<String>, last: &Last) -> Check {
    let found = match last.report.as_ref().map(|report| report.end) {
        Some(PassEnd::Converged) => "converged",
        Some(PassEnd::Waiting { .. }) => "waiting",
        Some(PassEnd::Failed) => "failed",
        Some(PassEnd::Stalled) => "stalled",
        None => "no apply before this",
    };
    let claim = format!("the commit ended {}", end.value);
    compare(end.line, claim, end.value == found, || found.to_owned())
}

fn check_changes(changes: &Placed<Vec<String>>, last: &Last) -> Check {
    let made = last.report.as_ref().map(|report| report.changes.as_slice());
    let found: Vec<String> = made
        .unwrap_or_default()
        .iter()
        .map(|change| format!("{}: {}", change.item, change.what))
        .collect();
    let claim = match changes.value.as_slice() {
        [] => "OSM was sent no change".to_owned(),
        all => format!("OSM was sent just this: {}", all.join("; ")),
    };
    compare(changes.line, claim, changes.value == found, || match found.as_slice() {
        [] => "nothing".to_owned(),
        all => all.join("; "),
    })
}

fn check_requests(checks: &mut Vec<Check>, bounds: &Placed<RequestBounds>, last: &Last) {
    let requests = last.requests;
    let RequestBounds { writes, reads_at_most, total_at_most } = bounds.value;
    let mut push = |claim, holds, found: u64| {
        checks.push(compare(bounds.line, claim, holds, || found.to_string()));
    };
    if let Some(n) = writes {
        let claim = match n {
            0 => "no request wrote to OSM".to_owned(),
            n => format!("{} wrote to OSM", plural(n, "request")),
        };
        push(claim, requests.write == n, requests.write);
    }
    if let Some(n) = reads_at_most {
        let claim = format!("at most {} read from OSM", plural(n, "request"));
        push(claim, requests.read <= n, requests.read);
    }
    if let Some(n) = total_at_most {
        let repeated = requests.probe.saturating_sub(last.operations_probed);
        let total = requests.total() - repeated;
        let claim = match n {
            0 => "no request was sent at all".to_owned(),
            n => format!(
                "at most {} in all, repeated looks at an operation aside",
                plural(n, "request")
            ),
        };
        push(claim, total <= n, total);
    }
}

fn check_package(expected: &Placed<ExpectedPackage>, osm: &OsmState) -> Check {
    let ExpectedPackage { id, version, state } = &expected.value;
    let found: Vec<_> = osm.packages.iter().filter(|package| package.id == *id).collect();
    let mut claim = format!("OSM has package {id}");
    if let Some(version) = version {
        claim.push_str(&format!(" in version {version}"));
    }
    if let Some(state) = state {
        claim.push_str(&format!(", {state}"));
    }
    let holds = matches!(found.as_slice(), [package]
        if version.as_ref().is_none_or(|v| *v == package.version)
            && state.as_ref().is_none_or(|s| *s == package.onboarding_state));
    compare(expected.line, claim, holds, || match found.as_slice() {
        [] => "no such package".to_owned(),
        all => all
            .iter()
            .map(|p| format!("version {}, {}", p.version, p.onboarding_state))
            .collect::<Vec<_>>()
            .join("; "),
    })
}

fn check_instance(checks: &mut Vec<Check>, expected: &Placed<ExpectedInstance>, osm: &OsmState) {
    let line = expected.line;
    let expected = &expected.value;
    let name = &expected.name;
    let found: Vec<_> = osm.instances.iter().filter(|i| i.name == *name).collect();
    let [instance] = found.as_slice() else {
        let claim = format!("OSM has one NS instance {name}");
        checks.push(compare(line, claim, false, || format!("{} of them", found.len())));
        return;
    };
    if let Some(state) = &expected.state {
        let claim = format!("NS instance {name} is {state}");
        let holds = *state == instance.state;
        checks.push(compare(line, claim, holds, || instance.state.clone()));
    }
    if let Some(count) = expected.operations {
        let all = osm.operations.iter().filter(|op| op.instance == instance.record);
        let all: Vec<&str> = all.map(|op| op.what.as_str()).collect();
        let claim = format!("NS instance {name} has had {}", plural(count as u64, "operation"));
        checks.push(compare(line, claim, all.len() == count, || all.join(", ")));
    }
    for kdu in &expected.kdus {
        let values = instance.values(kdu);
        let claim = kdu
            .values
            .iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect::<Vec<_>>()
            .join(", ");
        let claim = format!("KDU {} of {name} has {claim}", kdu.key());
        let has = |(key, value)| values.and_then(|v| v.get(key)) == Some(value);
        checks.push(compare(line, claim, kdu.values.iter().all(has), || {
            values.map_or("no values".to_owned(), |v| {
                serde_json::Value::Object(v.clone()).to_string()
            })
        }));
    }
}

/// Everything expected is found, each at its own place, and nothing else is.
fn check_said(what: &str, said: &Placed<Vec<Said>>, found: &[(String, String)]) -> Check {
    let listed = |pairs: Vec<(&str, &str)>| match pairs.as_slice() {
        [] => format!("no {what}"),
        pairs => pairs
            .iter()
            .map(|(about, says)| format!("{about}: {says}"))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let wanted = said.value.iter().map(|s| (s.about.as_str(), s.says.as_str()));
    let claim = format!("the {what}s reported are {}", listed(wanted.collect()));
    let holds = said.value.len() == found.len()
        && said.value.iter().all(|said| {
            found.iter().any(|(about, text)| *about == said.about && text.contains(&said.says))
        });
    compare(said.line, claim, holds, || {
        listed(found.iter().map(|(a, s)| (a.as_str(), s.as_str())).collect())
    })
}

/// Items that could not be brought about, and why.
fn failures(last: &Last) -> Vec<(String, String)> {
    let Some(report) = &last.report else {
        return Vec::new();
    };
    let mut failures: Vec<(String, String)> = report
        .items
        .iter()
        .filter(|item| {
            matches!(item.status, ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped)
        })
        .map(|item| (item.item.to_string(), item.detail.clone().unwrap_or_default()))
        .collect();
    if let Some(reason) = &report.stopped {
        failures.push(("OSM".to_owned(), reason.clone()));
    }
    failures
}
