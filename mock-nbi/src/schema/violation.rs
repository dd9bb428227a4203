//! One thing that is wrong, and which of several Python's library names.

use std::cmp::Ordering;

use crate::release::Release;

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// One violation.
#[derive(Debug)]
pub(super) struct Violation {
    /// From the value, or, inside an alternative, from the place of the alternatives.
    pub(super) path: Vec<Step>,
    pub(super) message: String,
    /// Whether the value has the type that its schema names.
    pub(super) matches_type: bool,
    /// For alternatives: what each of them complains about.
    pub(super) context: Vec<Violation>,
}

impl Violation {
    /// The path as OSM prints it: `a:0:b`.
    pub(super) fn place(&self) -> String {
        let steps: Vec<String> = self
            .path
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            })
            .collect();
        steps.join(":")
    }

    fn is_weak(&self) -> bool {
        !self.context.is_empty()
    }

    /// How much the library prefers this one over `other` outside of alternatives.
    fn relevance(&self, other: &Self, release: Release) -> Ordering {
        let shorter = other.path.len().cmp(&self.path.len());
        let stronger = other.is_weak().cmp(&self.is_weak());
        if !release.has_later_jsonschema() {
            return shorter.then(stronger);
        }
        shorter
            .then_with(|| self.path.cmp(&other.path))
            .then(stronger)
            .then(other.matches_type.cmp(&self.matches_type))
    }
}

/// The violation that `jsonschema.validate` raises: the first of the most relevant, and below
/// alternatives the first of the least relevant.
///
/// Source: jsonschema 3.2.0 (until Release 10) and 4.23.0, `exceptions.py`, `best_match`.
pub(super) fn best(violations: Vec<Violation>, release: Release) -> Option<Violation> {
    let mut best = extreme(violations, release, Ordering::Greater)?;
    while best.is_weak() {
        if release.has_later_jsonschema() && has_no_least(&best.context, release) {
            return Some(best);
        }
        best = extreme(best.context, release, Ordering::Less)?;
    }
    Some(best)
}

/// The first of those that nothing surpasses in the given direction.
fn extreme(violations: Vec<Violation>, release: Release, wanted: Ordering) -> Option<Violation> {
    violations
        .into_iter()
        .reduce(|best, next| if next.relevance(&best, release) == wanted { next } else { best })
}

/// Whether the two least relevant are equally so; the later library then stays where it is.
fn has_no_least(violations: &[Violation], release: Release) -> bool {
    violations.iter().any(|least| {
        violations.iter().all(|other| least.relevance(other, release).is_le())
            && violations
                .iter()
                .filter(|other| least.relevance(other, release).is_eq())
                .nth(1)
                .is_some()
    })
}
