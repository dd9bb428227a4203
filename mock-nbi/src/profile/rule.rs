//! Which operations a rule of a profile is for.

use std::time::Duration;

use crate::profile::course::{Course, Ending, Kind, Outcome};

/// What is known of an operation when it is asked for. What it has not is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Name of the NS instance, or of the admin item.
    pub(crate) name: String,
    /// `id` of the NS descriptor.
    pub(crate) nsd: String,
    /// Member VNF index of an action or a scaling.
    pub(crate) member: String,
    pub(crate) kdu: String,
    pub(crate) primitive: String,
    /// Collection of an admin item in the singular (`vim_account`), and `create`, `edit` or `delete`.
    pub(crate) item: String,
    pub(crate) change: String,
}

/// A time, the same always or anywhere between two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

impl Span {
    /// The time for a draw from 0 to 1.
    pub(crate) fn at(self, draw: f64) -> Duration {
        let from = self.from.as_secs_f64();
        let seconds = from + (self.to.as_secs_f64() - from) * draw.clamp(0.0, 1.0);
        Duration::try_from_secs_f64(seconds).unwrap_or(self.to)
    }
}

/// One rule of a profile file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    pub(crate) kind: Option<Kind>,
    /// Globs by what they are compared with.
    pub(crate) name: Option<String>,
    pub(crate) nsd: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) kdu: Option<String>,
    pub(crate) primitive: Option<String>,
    pub(crate) item: Option<String>,
    pub(crate) change: Option<String>,
    pub(crate) starts_after: Option<Span>,
    /// How long the operation or its stages last; none: as the base has it.
    pub(crate) stages: Option<Vec<Span>>,
    pub(crate) outcome: Option<Outcome>,
    /// How many operations it is for; none: any number.
    pub(crate) times: Option<u32>,
}

impl Rule {
    /// Whether an operation of this kind is one of the rule's.
    pub(crate) fn fits(&self, kind: Kind, subject: &Subject) -> bool {
        let meets = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|pattern| is_glob_match(pattern, have))
        };
        self.kind.is_none_or(|wanted| wanted == kind)
            && meets(&self.name, &subject.name)
            && meets(&self.nsd, &subject.nsd)
            && meets(&self.member, &subject.member)
            && meets(&self.kdu, &subject.kdu)
            && meets(&self.primitive, &subject.primitive)
            && meets(&self.item, &subject.item)
            && meets(&self.change, &subject.change)
    }

    /// The base's course with what the rule says over it. `speed` divides the rule's times, `draw`
    /// gives a number from 0 to 1 for each.
    pub(crate) fn over(&self, base: Course, speed: f64, mut draw: impl FnMut() -> f64) -> Course {
        let mut at_speed = |span: Span| {
            let seconds = span.at(draw()).as_secs_f64() / speed;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        };
        let mut course = base;
        if let Some(wait) = self.starts_after {
            course.starts_after = Some(at_speed(wait));
        }
        match self.stages.as_deref() {
            Some([whole]) => course.stages = in_shares(&course.stages, at_speed(*whole)),
            Some(stages) => course.stages = stages.iter().map(|span| at_speed(*span)).collect(),
            None => {}
        }
        let says_how_long = self.stages.is_some();
        course.outcome = match (&self.outcome, course.outcome) {
            (Some(outcome), _) => outcome.clone(),
            // A base that waits for requests does so no more where the rule gives a time.
            (None, Outcome::Stuck) if says_how_long => Outcome::Ends(Ending::Well),
            (None, outcome) => outcome,
        };
        course
    }
}

/// A time divided as the base divides its own.
fn in_shares(stages: &[Duration], whole: Duration) -> Vec<Duration> {
    let total: f64 = stages.iter().map(Duration::as_secs_f64).sum();
    if total <= 0.0 {
        return vec![whole];
    }
    stages.iter().map(|stage| whole.mul_f64(stage.as_secs_f64() / total)).collect()
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters and `?` for one.
pub(crate) fn is_glob_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last star was, and how far the text had come then.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some('?') => (at, from) = (at + 1, from + 1),
            Some(c) if *c == text[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((starred, reached)) => {
                    star = Some((starred, reached + 1));
                    (at, from) = (starred + 1, reached + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(is_glob_match(pattern, text), expected, "{pattern} {text}");
        };
        check("ldap", "ldap", true);
        check("ldap", "ldap2", false);
        check("ldap-*", "ldap-", true);
        check("*-prod-?", "a-b-prod-1", true);
        check("*-prod-?", "a-b-prod-", false);
        check("*", "", true);
        check("a*b*c", "axxbyybzc", true);
        check("a*b*c", "axxbyybz", false);
    }

    #[test]
    fn one_time_is_shared_as_the_base_shares_its_own() {
        let seconds =
            |seconds| Span { from: Duration::from_secs(seconds), to: Duration::from_secs(seconds) };
        let base = Course {
            starts_after: Some(Duration::ZERO),
            stages: vec![Duration::from_secs(1), Duration::from_secs(3)],
            outcome: Outcome::Ends(Ending::Well),
        };
        let rule = Rule { stages: Some(vec![seconds(40)]), ..Rule::default() };
        let course = rule.over(base, 2.0, || 0.5);
        assert_eq!(course.stages, [Duration::from_secs(5), Duration::from_secs(15)]);
    }
}
