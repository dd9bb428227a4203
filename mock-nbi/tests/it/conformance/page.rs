//! The text of `CONFORMANCE.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::operations::Operation;
use super::{Proofs, Recorded};
use crate::recorded::{Case, Exceptions, ShapeOnly};
use crate::replay::Outcome;

const HEAD: &str = "\
# Conformance

<!-- Generated from tests/recorded/ by `make generate`; do not edit. -->

What proves that `mock-nbi` answers like OSM's NBI. The contract tests replay every recorded exchange and compare status,
headers, kind of body, keys in their order, types, number of bytes and every value that does not vary from run to run; of
those that vary, the shape, and that the same one stands for the same one everywhere (`tests/it/compare.rs`).

";

/// Cases named in a cell; more are counted.
const CASES_NAMED_MAX: usize = 3;

pub fn render(
    operations: &[Operation],
    recorded: &BTreeMap<&Operation, Recorded>,
    proofs: &Proofs,
    replayed: &[(Case, Vec<Outcome>)],
    exceptions: &Exceptions,
) -> String {
    let mut out = HEAD.to_owned();
    write_counts(&mut out, replayed);
    write_exceptions(&mut out, exceptions);
    write_shapes(&mut out, "Shape only", &exceptions.shape_only);
    write_shapes(&mut out, "Shape only in the captures of release 10", &exceptions.shape_only_r10);
    write_operations(&mut out, operations, recorded, proofs);
    out
}

fn write_counts(out: &mut String, replayed: &[(Case, Vec<Outcome>)]) {
    out.push_str("## Exchanges\n\n| recordings | exchanges | hold | shape only | do not hold |\n");
    out.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for (name, is_captured) in [("release 19, 48 cases", false), ("release 10, captures", true)] {
        let outcomes: Vec<&Outcome> = replayed
            .iter()
            .filter(|(case, _)| case.is_captured == is_captured)
            .flat_map(|(_, outcomes)| outcomes)
            .collect();
        let failed = outcomes.iter().filter(|outcome| !outcome.found.is_empty()).count();
        let is_shape =
            |outcome: &&&Outcome| outcome.found.is_empty() && !outcome.leaned_on.is_empty();
        let shapes = outcomes.iter().filter(is_shape).count();
        let all = outcomes.len();
        let _ =
            writeln!(out, "| {name} | {all} | {} | {shapes} | {failed} |", all - shapes - failed);
    }
    out.push_str(
        "\nEight more exchanges of release 10 that users wrote down (`r10/documented.jsonl`) are checked by\n\
         `documented_refusals_hold`.\n\n",
    );
}

fn write_exceptions(out: &mut String, exceptions: &Exceptions) {
    if exceptions.not_yet.is_empty() {
        return;
    }
    out.push_str("## What does not hold\n\n| case | exchange | why |\n| --- | ---: | --- |\n");
    for (case, excuses) in &exceptions.not_yet {
        for (n, why) in excuses {
            let _ = writeln!(out, "| `{case}` | {n} | {} |", in_cell(why));
        }
    }
    out.push('\n');
}

fn write_shapes(out: &mut String, title: &str, shapes: &[ShapeOnly]) {
    let _ = writeln!(out, "## {title}\n\n| what | where | why |\n| --- | --- | --- |");
    for shape in shapes {
        let place = shape.pattern.as_ref().or(shape.place.as_ref());
        let place = in_cell(place.map_or("", String::as_str));
        let _ = writeln!(out, "| {} | `{place}` | {} |", shape.name, in_cell(&shape.why));
    }
    out.push('\n');
}

fn write_operations(
    out: &mut String,
    operations: &[Operation],
    recorded: &BTreeMap<&Operation, Recorded>,
    proofs: &Proofs,
) {
    out.push_str(
        "## Operations\n\n\"Recorded\" counts exchanges that hold and names the cases; *refusals* are cases in which the\n\
         operation was only refused. Releases are those in which the fake serves it.\n\n\
         | operation | releases | recorded | real client | own tests |\n| --- | --- | --- | --- | --- |\n",
    );
    for operation in operations {
        let name = operation.name();
        let proof = recorded.get(operation).map_or_else(String::new, cell_of_recorded);
        let client = proofs.client.get(&name).map_or("", String::as_str);
        let own = proofs.own.get(&name).map(|tests| format!("`{}`", tests.join("`, `")));
        let mut own = own.unwrap_or_default();
        if let Some(why) = proofs.nothing.get(&name) {
            own = format!("nothing: {why}");
        } else if operation.is_missing() {
            own = "OSM announces it and does not have it".into();
        } else if !operation.is_served() {
            own = "not served".into();
        }
        let releases = operation.releases();
        let _ = writeln!(out, "| `{name}` | {releases} | {proof} | {client} | {own} |");
    }
}

fn cell_of_recorded(recorded: &Recorded) -> String {
    let name = |cases: &[String]| {
        let named: Vec<String> =
            cases.iter().take(CASES_NAMED_MAX).map(|case| format!("`{case}`")).collect();
        let more = match cases.len().saturating_sub(CASES_NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", named.join(", "))
    };
    match (recorded.cases.as_slice(), recorded.refusals.as_slice()) {
        ([], refusals) => format!("{}: *refusals* {}", recorded.exchanges, name(refusals)),
        (cases, _) => format!("{}: {}", recorded.exchanges, name(cases)),
    }
}

fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
