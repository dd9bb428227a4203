//! OSM's clock, as its answers tell it: what OSM did is dated by it, so what is due is reckoned by it too.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::DATE;
use tokio::time::Instant;

use crate::moment::Moment;

/// The time of the latest answer that told one.
#[derive(Debug, Default)]
pub(super) struct OsmClock {
    told: Mutex<Option<(Moment, Instant)>>,
}

impl OsmClock {
    /// Takes the time from an answer's `Date`.
    pub(super) fn read(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        if let Some(time) = date.and_then(|date| httpdate::parse_http_date(date).ok()) {
            let told = (moment(time), Instant::now());
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }

    /// The time by now. Where nothing on the way lets a `Date` through, this machine's.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one fallback where an answer has no date, which OSM's web server always sends"
    )]
    pub(super) fn now(&self) -> Moment {
        match *self.told.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((time, at)) => time.plus(at.elapsed()),
            None => moment(SystemTime::now()),
        }
    }
}

fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_epoch_seconds(since.as_secs_f64())
}
