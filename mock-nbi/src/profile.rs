//! How long OSM takes, and how its operations end by themselves.

mod course;
mod file;
mod rule;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use course::{Course, Ending, Kind, Outcome};
pub use file::ProfileError;
pub(crate) use rule::{Rule, Span, Subject};

/// Which requests take OSM long, beside what the network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    CreateVnf,
    CreateNs,
    Update,
}

/// How long uploads take where a file says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Uploads {
    pub(crate) create_vnf: Option<Span>,
    pub(crate) create_ns: Option<Span>,
    pub(crate) update: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    Instant,
    Realistic,
    Manual,
}

/// In an instantiation and a termination, the stage that deploys or deletes begins after this
/// share of their time; the one before only reads the database.
const PREPARATION_SHARE: f64 = 0.05;

/// How fast the fake OSM is.
///
/// - [`Profile::instant`]: an operation that a request starts is PROCESSING and untouched in that
///   request's answer, and has ended well when the next request (or inspection) comes, without any
///   time passing. Requests take no time.
/// - [`Profile::realistic`]: durations of a real OSM with small charts. An operation starts 0.2 s
///   after its request (or its predecessor's end); an instantiation shows stage 1 of 5
///   for a twentieth of its time, then stage 2. Uploads keep their client waiting, though they take effect at once.
/// - [`Profile::manual`]: operations start at once, one at a time for each instance, and end only
///   on request ([`crate::MockNbi::end_operations`]).
/// - [`Profile::from_yaml`]: any of these, with rules over it for certain operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pace: Pace,
    speed: f64,
    rules: Arc<[Rule]>,
    uploads: Uploads,
}

impl Profile {
    fn of(pace: Pace) -> Self {
        Self { pace, speed: 1.0, rules: Arc::default(), uploads: Uploads::default() }
    }

    /// Everything at once.
    pub fn instant() -> Self {
        Self::of(Pace::Instant)
    }

    /// Times of a real OSM: instantiation 60 s, upgrade 15 s, other operations 20 s, VIM
    /// accounts and clusters 2 s; creating a VNF package takes 20 s and an NS package 8 s of
    /// request time, an update 0.7 s.
    ///
    /// Source: the measurements behind this project's brief; the 2021 captures show quicker uploads
    /// (0.8 s and 2 s, `ms` in release10/nfpkg-create and nspkg-create).
    pub fn realistic() -> Self {
        Self::of(Pace::Realistic)
    }

    /// Operations end on request only; requests take no time.
    pub fn manual() -> Self {
        Self::of(Pace::Manual)
    }

    /// The same, `factor` times as fast. Factors compose; those that are not above 0 are ignored.
    #[must_use]
    pub fn speeded_up(self, factor: f64) -> Self {
        let is_usable = factor.is_finite() && factor > 0.0;
        Self { speed: if is_usable { self.speed * factor } else { self.speed }, ..self }
    }

    fn with_rules(self, rules: Vec<Rule>, uploads: Uploads) -> Self {
        Self { rules: rules.into(), uploads, ..self }
    }

    /// The rules, the first that fits counts.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What divides every time.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// The course of an operation of `kind` that no rule is for.
    pub(crate) fn course(&self, kind: Kind) -> Course {
        match self.pace {
            Pace::Instant => Course::at_once(Duration::ZERO, Ending::Well),
            Pace::Manual => Course::on_request(),
            Pace::Realistic => {
                let seconds = match kind {
                    Kind::Instantiate => 60.0,
                    Kind::Action => 15.0,
                    Kind::Scale | Kind::Terminate | Kind::Heal | Kind::Update | Kind::Migrate => {
                        20.0
                    }
                    Kind::Admin => 2.0,
                };
                let stages = if matches!(kind, Kind::Instantiate | Kind::Terminate) {
                    let preparation = seconds * PREPARATION_SHARE;
                    vec![self.scaled(preparation), self.scaled(seconds - preparation)]
                } else {
                    vec![self.scaled(seconds)]
                };
                // The message bus between NBI and life-cycle manager takes about 0.2 s.
                Course {
                    starts_after: Some(self.scaled(0.2)),
                    stages,
                    outcome: Outcome::Ends(Ending::Well),
                }
            }
        }
    }

    /// How long OSM keeps the client of an upload waiting.
    pub(crate) fn latency(&self, upload: Upload) -> Duration {
        let (own, usual) = match upload {
            Upload::CreateVnf => (self.uploads.create_vnf, 20.0),
            Upload::CreateNs => (self.uploads.create_ns, 8.0),
            Upload::Update => (self.uploads.update, 0.7),
        };
        match (own, self.pace) {
            // Requests have no place in the stream of draws: the middle.
            (Some(span), _) => self.scaled(span.at(0.5).as_secs_f64()),
            (None, Pace::Instant | Pace::Manual) => Duration::ZERO,
            (None, Pace::Realistic) => self.scaled(usual),
        }
    }

    /// `seconds` at this speed; for ever where that is longer than a `Duration` can say.
    fn scaled(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds / self.speed).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_speed_gives_a_time() {
        let latency = |factor| {
            let profile = Profile::realistic().speeded_up(factor);
            profile.latency(Upload::CreateNs)
        };
        assert_eq!(latency(2.0), Duration::from_secs(4));
        assert_eq!(latency(-1.0), Duration::from_secs(8));
        assert_eq!(latency(1e-300), Duration::MAX);
        assert_eq!(latency(1e300), Duration::ZERO);
    }

    #[test]
    fn files_are_read_and_what_is_wrong_in_them_is_named_with_its_line() {
        let text = "base: realistic\nuploads: {update_seconds: {from: 1, to: 3}}\nrules:\n  - \
                    operation: action\n    kdu: ldap\n    outcome: fail\n    detail: no\n";
        let profile = Profile::from_yaml(text, "p.yaml").unwrap();
        assert_eq!(profile.latency(Upload::Update), Duration::from_secs(2));
        assert_eq!(profile.rules().len(), 1);
        let refusal = |text: &str| Profile::from_yaml(text, "p.yaml").unwrap_err().to_string();
        for (text, place, word) in [
            ("base: instant\nbas: x\n", "p.yaml:2:", "bas"),
            ("rules:\n  - operation: upgrade\n", "p.yaml:2:", "upgrade"),
            ("rules:\n  - ns: a\n    secs: 3\n", "p.yaml:", "secs"),
            ("rules:\n  - seconds: {from: 3, to: 1}\n", "p.yaml:", "after"),
            ("rules:\n  - detail: x\n", "p.yaml:", "outcome"),
            ("speed: 0\n", "p.yaml:1:", "above 0"),
            ("rules:\n  - seconds: five\n", "p.yaml:2:", "no seconds"),
            ("uploads: {update_seconds: -1}\n", "p.yaml", "no time"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with(place) && refusal.contains(word), "{refusal}");
            assert!(!refusal.contains("line "), "the place is told once: {refusal}");
        }
    }
}
