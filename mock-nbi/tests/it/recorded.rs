//! The recordings and the list of what of them does not hold.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compare::{Pattern, Patterns};
use crate::replay::Outcome;

fn folder() -> String {
    format!("{}/tests/recorded", env!("CARGO_MANIFEST_DIR"))
}

/// A recorded case: a header, exchanges and controls in order.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// Whether it was captured of a real release 10.
    pub is_captured: bool,
    pub lines: Vec<Value>,
}

impl Case {
    /// A file below `tests/recorded`, without its ending.
    pub fn read(file: &str) -> Self {
        let text = fs_err::read_to_string(format!("{}/{file}.jsonl", folder())).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let name = file.rsplit('/').next().unwrap().to_owned();
        Self { name, is_captured: file.starts_with("r10/"), lines }
    }

    /// Every case of a release's folder, by name.
    pub fn all(release: &str) -> Vec<Self> {
        let entries = fs_err::read_dir(format!("{}/{release}", folder())).unwrap();
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".jsonl").map(|name| format!("{release}/{name}"))
            })
            .collect();
        names.sort();
        names.iter().map(|name| Self::read(name)).collect()
    }

    pub fn exchanges(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line.get("req").is_some())
    }
}

/// Texts of which only the shape counts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeOnly {
    pub name: String,
    /// What in a text is of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether the pattern's text may be missing on one side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// A whole value, by the path of its request and its place in the body: `/osm/...#/a/0/b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    pub why: String,
}

/// `tests/recorded/exceptions.yaml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    #[serde(default)]
    pub shape_only: Vec<ShapeOnly>,
    /// The same for the captures of a real release 10.
    #[serde(default)]
    pub shape_only_r10: Vec<ShapeOnly>,
    /// Case, number of the exchange, and why it does not hold.
    #[serde(default)]
    pub not_yet: BTreeMap<String, BTreeMap<u64, String>>,
}

impl Exceptions {
    pub fn read() -> Self {
        let text = fs_err::read_to_string(Self::path()).unwrap();
        serde_yaml::from_str(&text).unwrap()
    }

    fn path() -> String {
        format!("{}/exceptions.yaml", folder())
    }

    pub fn patterns(&self) -> Patterns {
        Self::compiled(&self.shape_only)
    }

    pub fn patterns_r10(&self) -> Patterns {
        Self::compiled(&self.shape_only_r10)
    }

    fn compiled(shapes: &[ShapeOnly]) -> Patterns {
        let compile = |shape: &ShapeOnly| Pattern {
            name: shape.name.clone(),
            regex: shape.pattern.as_ref().map(|pattern| Regex::new(pattern).unwrap()),
            is_optional: shape.optional,
            place: shape.place.as_ref().map(|place| Regex::new(place).unwrap()),
        };
        Patterns(shapes.iter().map(compile).collect())
    }

    /// Complaints about exchanges that neither hold nor are excused, and about excuses that are not
    /// needed any more.
    pub fn complaints(&self, case: &str, outcomes: &[Outcome]) -> Vec<String> {
        let mut complaints = Vec::new();
        for Outcome { n, request, found, .. } in outcomes {
            match (self.reason(case, *n), found.is_empty()) {
                (Some(_), true) => complaints.push(format!("{case}#{n} holds now: off the list")),
                (None, false) => {
                    complaints.push(format!("{case}#{n} {request}:\n    {}", found.join("\n    ")));
                }
                _ => {}
            }
        }
        complaints
    }

    /// Lists what does not hold of a case; what is new there waits for its argument.
    pub fn bless(&mut self, case: &str, outcomes: &[Outcome]) {
        let old = self.not_yet.remove(case).unwrap_or_default();
        let excuse = |outcome: &Outcome| {
            let first: String = outcome.found[0].chars().take(100).collect();
            let new = || format!("not argued yet: {}", first.replace('\n', " "));
            (outcome.n, old.get(&outcome.n).cloned().unwrap_or_else(new))
        };
        let failed = outcomes.iter().filter(|outcome| !outcome.found.is_empty());
        let excuses: BTreeMap<u64, String> = failed.map(excuse).collect();
        if !excuses.is_empty() {
            self.not_yet.insert(case.to_owned(), excuses);
        }
    }

    pub fn write(&self) {
        fs_err::write(Self::path(), serde_yaml::to_string(self).unwrap()).unwrap();
    }

    pub fn reason(&self, case: &str, n: u64) -> Option<&str> {
        self.not_yet.get(case)?.get(&n).map(String::as_str)
    }
}
