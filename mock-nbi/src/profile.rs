//! How long OSM takes, and how its operations end by themselves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When an operation starts and ends by itself, counted from its predecessor's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    /// Wait before the start; none: it never starts.
    pub(crate) starts_after: Option<Duration>,
    /// Time from start to end; none: it ends on request only.
    pub(crate) lasts: Option<Duration>,
    /// Whether it ends well.
    pub(crate) ends_well: bool,
}

/// What kind of operation takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Instantiate,
    Action,
    Scale,
    Terminate,
    /// Creation, edition or deletion of a VIM account or cluster.
    Admin,
}

/// Which requests take OSM long, beside what the network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    CreateVnf,
    CreateNs,
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    Instant,
    Realistic,
    Manual,
}

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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    pace: Pace,
    speed: f64,
}

impl Profile {
    /// Everything at once.
    pub fn instant() -> Self {
        Self { pace: Pace::Instant, speed: 1.0 }
    }

    /// Times of a real OSM: instantiation 60 s, upgrade 15 s, scaling 20 s, termination 20 s, VIM
    /// accounts and clusters 2 s; creating a VNF package takes 20 s and an NS package 8 s of
    /// request time, an update 0.7 s.
    ///
    /// Source: the measurements behind this project's brief; the 2021 captures show quicker uploads
    /// (0.8 s and 2 s, `ms` in release10/nfpkg-create and nspkg-create).
    pub fn realistic() -> Self {
        Self { pace: Pace::Realistic, speed: 1.0 }
    }

    /// Operations end on request only; requests take no time.
    pub fn manual() -> Self {
        Self { pace: Pace::Manual, speed: 1.0 }
    }

    /// The same, `factor` times as fast. Factors compose; those that are not above 0 are ignored.
    #[must_use]
    pub fn speeded_up(self, factor: f64) -> Self {
        let is_usable = factor.is_finite() && factor > 0.0;
        Self { speed: if is_usable { self.speed * factor } else { self.speed }, ..self }
    }

    /// The course of an operation of `kind`.
    pub(crate) fn course(self, kind: Kind) -> Course {
        match self.pace {
            Pace::Instant => Course {
                starts_after: Some(Duration::ZERO),
                lasts: Some(Duration::ZERO),
                ends_well: true,
            },
            Pace::Manual => {
                Course { starts_after: Some(Duration::ZERO), lasts: None, ends_well: true }
            }
            Pace::Realistic => {
                let seconds = match kind {
                    Kind::Instantiate => 60.0,
                    Kind::Action => 15.0,
                    Kind::Scale | Kind::Terminate => 20.0,
                    Kind::Admin => 2.0,
                };
                // The message bus between NBI and life-cycle manager takes about 0.2 s.
                Course {
                    starts_after: Some(self.scaled(0.2)),
                    lasts: Some(self.scaled(seconds)),
                    ends_well: true,
                }
            }
        }
    }

    /// How long OSM keeps the client of an upload waiting.
    pub(crate) fn latency(self, upload: Upload) -> Duration {
        match (self.pace, upload) {
            (Pace::Instant | Pace::Manual, _) => Duration::ZERO,
            (Pace::Realistic, Upload::CreateVnf) => self.scaled(20.0),
            (Pace::Realistic, Upload::CreateNs) => self.scaled(8.0),
            (Pace::Realistic, Upload::Update) => self.scaled(0.7),
        }
    }

    /// `seconds` at this speed; for ever where that is longer than a `Duration` can say.
    fn scaled(self, seconds: f64) -> Duration {
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
}
