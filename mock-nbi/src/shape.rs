//! Latency and bandwidth, as a line between client and NBI would have them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long the line takes; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Seconds from request to answer beside what OSM takes.
    #[serde(default)]
    pub latency_seconds: f64,
    /// Bytes a second in each direction; none: as fast as it goes.
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
}

impl Shape {
    /// # Errors
    /// What no line can have.
    pub(crate) fn check(&self) -> Result<(), String> {
        if Duration::try_from_secs_f64(self.latency_seconds).is_err() {
            return Err(format!("`latency_seconds` {} is no time", self.latency_seconds));
        }
        if self.bytes_per_second == Some(0) {
            return Err("`bytes_per_second` must be above 0".into());
        }
        Ok(())
    }

    /// How long the line holds up an exchange of so many bytes.
    pub(crate) fn delay(&self, request_bytes: u64, response_bytes: u64) -> Duration {
        let latency = Duration::try_from_secs_f64(self.latency_seconds).unwrap_or_default();
        let bytes = request_bytes.saturating_add(response_bytes);
        let transfer = self.bytes_per_second.filter(|rate| *rate > 0).map(|rate| {
            Duration::try_from_secs_f64(bytes as f64 / rate as f64).unwrap_or(Duration::MAX)
        });
        latency.saturating_add(transfer.unwrap_or_default())
    }
}
