//! Bearer token: get, reuse, renew before expiry.

use std::time::Duration;

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use tokio::time::Instant;

/// A token is renewed this long before OSM would refuse it, so that no pass meets the end of one.
pub(super) const RENEW_MARGIN: Duration = Duration::from_secs(120);

/// A token and when to stop using it. OSM's clock and ours may differ, so only the length of its life
/// is taken from OSM.
#[derive(Debug, Clone)]
pub(super) struct Token {
    bearer: HeaderValue,
    renew_at: Instant,
}

impl Token {
    /// A token that OSM gave `life` to when it was asked at `asked_at`; refused when its id can be no
    /// part of a header.
    pub(super) fn new(
        id: &str,
        life: Duration,
        asked_at: Instant,
    ) -> Result<Self, InvalidHeaderValue> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {id}"))?;
        // Keeps it out of every `Debug` on the way.
        bearer.set_sensitive(true);
        Ok(Self { bearer, renew_at: asked_at + life.saturating_sub(RENEW_MARGIN) })
    }

    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.renew_at
    }

    pub(super) fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }
}
