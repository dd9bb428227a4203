//! Points in time, as OSM tells them.

use std::cmp::Ordering;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// The last second of the year 9999; later ones have no form that people read.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A point in time. Prints as `2026-11-21T15:38:20Z`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Moment(f64);

impl Moment {
    /// Seconds since 1970, as OSM writes them.
    pub fn from_epoch_seconds(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub fn epoch_seconds(self) -> f64 {
        self.0
    }

    /// Which of two comes first.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }

    /// So much later.
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0 + time.as_secs_f64())
    }

    /// How long it is after `earlier`; nothing when it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or_default()
    }

    /// The whole second that it lies in: as exact as OSM's clock is told.
    pub fn whole_second(self) -> Self {
        Self(self.0.floor())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = Duration::try_from_secs_f64(self.0.min(LAST_SECOND)).unwrap_or_default();
        let time = UNIX_EPOCH + since;
        write!(f, "{}", humantime::format_rfc3339_seconds(time))
    }
}

crate::schema::written_as_text!(
    Moment,
    "Moment",
    "A point in time by OSM's clock, as `2026-11-21T15:38:20Z`."
);

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_for_people_and_know_how_far_apart_they_are() {
        let moment = Moment::from_epoch_seconds(1_700_000_000.9);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(moment.plus(Duration::from_secs(60)).since(moment).as_secs(), 60);
        assert_eq!(moment.since(moment.plus(Duration::from_secs(60))), Duration::ZERO);
        assert_eq!(Moment::from_epoch_seconds(f64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Moment::from_epoch_seconds(-1.0).to_string(), "1970-01-01T00:00:00Z");
    }
}
