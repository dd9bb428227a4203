//! Expectation against what was seen.
//!
//! Pure. Out: a [`Check`] for each thing that was looked at, held or not.

use osmops::plan::Plan;
use osmops::repo::RepoProblem;
use osmops::report::{Change, ItemStatus, PassReport};
use osmops::request_counts::RequestCounts;
use serde::Serialize;
use serde_json::Value;

use crate::hand::{OsmState, PackageSeen};
use crate::step::{
    End, Expectation, ExpectedInstance, ExpectedPackage, Placed, RequestBounds, Said,
};
use crate::story::plural;

/// What is found of a revision where none was looked at.
const NO_LOOK: &str = "no apply and no plan before this";

/// What is found of an `apply` where the last step was none.
const NO_APPLY: &str = "no apply before this";

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

impl Last {
    /// Whether there was an `apply` or `plan` at all: of nothing, nothing holds.
    fn is_any(&self) -> bool {
        self.report.is_some() || self.plan.is_some()
    }
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
    if let Some(inventory) = &expected.inventory {
        checks.push(check_inventory(inventory, osm));
    }
    for package in &expected.packages {
        checks.push(check_package(package, osm));
    }
    for instance in &expected.instances {
        check_instance(&mut checks, instance, osm);
    }
    if let Some(said) = &expected.problems {
        checks.push(check_said("problem", said, &problems(last)));
    }
    if let Some(said) = &expected.failures {
        checks.push(check_said("failure", said, &failures(last)));
    }
    checks
}

fn compare(line: u32, claim: String, holds: bool, found: impl FnOnce() -> String) -> Check {
    Check { line, claim, found_instead: (!holds).then(found) }
}

fn check_end(end: &Placed<End>, last: &Last) -> Check {
    let found = last.report.as_ref().map(|report| End::from(report.end));
    let claim = format!("the commit ended {}", end.value.word());
    let words = || found.map_or(NO_APPLY, End::word).to_owned();
    compare(end.line, claim, found == Some(end.value), words)
}

fn check_changes(changes: &Placed<Vec<String>>, last: &Last) -> Check {
    let found = last.report.as_ref().map(|report| {
        let change = |c: &Change| format!("{}: {}", c.item, c.what);
        report.changes.iter().map(change).collect::<Vec<_>>()
    });
    let claim = match changes.value.as_slice() {
        [] => "OSM took no change".to_owned(),
        all => format!("OSM took just this: {}", all.join("; ")),
    };
    compare(changes.line, claim, found.as_ref() == Some(&changes.value), || {
        match found.as_deref() {
            None => NO_APPLY.to_owned(),
            Some([]) => "nothing".to_owned(),
            Some(all) => all.join("; "),
        }
    })
}

fn check_requests(checks: &mut Vec<Check>, bounds: &Placed<RequestBounds>, last: &Last) {
    let requests = last.requests;
    let RequestBounds { writes, reads_at_most, total_at_most } = bounds.value;
    let mut push = |claim, holds, found: u64| {
        checks.push(compare(bounds.line, claim, holds && last.is_any(), || {
            if last.is_any() { found.to_string() } else { NO_LOOK.to_owned() }
        }));
    };
    if let Some(n) = writes {
        let claim = match n {
            0 => "no changing request was sent".to_owned(),
            1 => "1 changing request was sent".to_owned(),
            n => format!("{n} changing requests were sent"),
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

/// Everything that OSM has, and nothing else.
fn check_inventory(expected: &Placed<Vec<String>>, osm: &OsmState) -> Check {
    let packages = osm.packages.iter().map(|package| format!("{} {}", package.kind, package.id));
    let instances = osm.instances.iter().map(|instance| format!("NS {}", instance.name));
    let sorted = |mut items: Vec<String>| {
        items.sort();
        items
    };
    let found = sorted(packages.chain(instances).collect());
    let claim = match expected.value.as_slice() {
        [] => "OSM has no package and no NS instance".to_owned(),
        all => format!("OSM has just {}", all.join(", ")),
    };
    let holds = found == sorted(expected.value.clone());
    compare(expected.line, claim, holds, || match found.as_slice() {
        [] => "nothing".to_owned(),
        all => all.join(", "),
    })
}

fn check_package(expected: &Placed<ExpectedPackage>, osm: &OsmState) -> Check {
    let ExpectedPackage { id, version, state, keys } = &expected.value;
    let found: Vec<_> = osm.packages.iter().filter(|package| package.id == *id).collect();
    let mut claim = format!("OSM has package {id}");
    if let Some(version) = version {
        claim.push_str(&format!(" in version {version}"));
    }
    if let Some(state) = state {
        claim.push_str(&format!(", {state}"));
    }
    for (key, value) in keys {
        claim.push_str(&match value {
            Value::Null => format!(", without {key}"),
            value => format!(", with {key} {value}"),
        });
    }
    // What is absent is null.
    let has = |package: &PackageSeen| keys.iter().all(|(key, value)| package.record[key] == *value);
    let holds = matches!(found.as_slice(), [package] if has(package)
            && version.as_ref().is_none_or(|v| *v == package.version)
            && state.as_ref().is_none_or(|s| *s == package.onboarding_state));
    compare(expected.line, claim, holds, || match found.as_slice() {
        [] => "no such package".to_owned(),
        all => all
            .iter()
            .map(|p| {
                let keys: Vec<String> =
                    keys.keys().map(|key| format!(", {key} {}", p.record[key])).collect();
                format!("version {}, {}{}", p.version, p.onboarding_state, keys.concat())
            })
            .collect::<Vec<_>>()
            .join("; "),
    })
}

fn check_instance(checks: &mut Vec<Check>, expected: &Placed<ExpectedInstance>, osm: &OsmState) {
    let line = expected.line;
    let expected = &expected.value;
    let name = &expected.name;
    let found: Vec<_> = osm.instances.iter().filter(|i| i.name == *name).collect();
    let claim = format!("OSM has one NS instance {name}");
    checks.push(compare(line, claim, found.len() == 1, || format!("{} of them", found.len())));
    let [instance] = found.as_slice() else {
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
            values.map_or("no values".to_owned(), |v| Value::Object(v.clone()).to_string())
        }));
    }
}

/// Everything expected is found, and everything found is expected.
fn check_said(
    what: &str,
    said: &Placed<Vec<Said>>,
    found: &Result<Vec<(String, String)>, &str>,
) -> Check {
    let listed = |pairs: Vec<(&str, &str)>| match pairs.as_slice() {
        [] => format!("no {what}"),
        pairs => pairs
            .iter()
            .map(|(about, says)| format!("{about}: {says}"))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let wanted = said.value.iter().map(|s| (s.about.as_str(), s.says.as_str()));
    let claim = match said.value.as_slice() {
        [] => format!("no {what} is reported"),
        _ => format!("the {what}s reported are {}", listed(wanted.collect())),
    };
    let is_of = |said: &Said, (about, text): &(String, String)| {
        *about == said.about && text.contains(&said.says)
    };
    let holds = found.as_ref().is_ok_and(|found| {
        said.value.len() == found.len()
            && said.value.iter().all(|said| found.iter().any(|pair| is_of(said, pair)))
            && found.iter().all(|pair| said.value.iter().any(|said| is_of(said, pair)))
    });
    compare(said.line, claim, holds, || match found {
        Err(nothing) => (*nothing).to_owned(),
        Ok(found) => listed(found.iter().map(|(a, s)| (a.as_str(), s.as_str())).collect()),
    })
}

/// Everything wrong with the revision, by `file:line`.
fn problems(last: &Last) -> Result<Vec<(String, String)>, &'static str> {
    if !last.is_any() {
        return Err(NO_LOOK);
    }
    let problem = |problem: &RepoProblem| {
        let at = problem.at();
        let place = match at.line_and_column() {
            Some((line, _)) => format!("{}:{line}", at.file()),
            None => at.file().to_string(),
        };
        (place, problem.message())
    };
    Ok(last.problems.iter().map(problem).collect())
}

/// Items that could not be brought about, and why.
fn failures(last: &Last) -> Result<Vec<(String, String)>, &'static str> {
    let report = last.report.as_ref().ok_or(NO_APPLY)?;
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
    Ok(failures)
}
