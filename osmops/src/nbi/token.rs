//! Bearer token: get, reuse, renew before expiry.

use std::time::Duration;

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use tokio::time::Instant;

/// A token is renewed this long before OSM would refuse it, so that no pass meets the end of one.
pub(super) const RENEW_MARGIN: Duration = Duration::from_secs(120);

/// The longest life that a token is believed to have; OSM gives an hour.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

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
        Ok(Self { bearer, renew_at: asked_at + life.min(LIFE_MAX).saturating_sub(RENEW_MARGIN) })
    }

    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.renew_at
    }

    pub(super) fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fresh_until_shortly_before_its_end_however_long_it_claims_to_live() {
        let token = Token::new("t", Duration::from_secs(3600), Instant::now()).unwrap();
        tokio::time::advance(Duration::from_secs(3600) - RENEW_MARGIN - Duration::from_secs(1))
            .await;
        assert!(token.is_fresh());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!token.is_fresh());
        assert!(Token::new("t", Duration::MAX, Instant::now()).unwrap().is_fresh());
        assert!(Token::new("a\nb", Duration::MAX, Instant::now()).is_err());
        assert!(!format!("{token:?}").contains("Bearer"), "{token:?}");
    }
}
