//! Laws of tokens and secrets.

use std::time::Duration;

use super::{Law, Verdicts};

/// How long a token is used at least: OSM gives an hour, and the last two minutes of it are left.
const TOKEN_USED_AT_LEAST: Duration = Duration::from_secs(3600 - 120);

/// What one process did about its token.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// When it got its token.
    logged_in: Option<Duration>,
    /// Whether OSM refused a token since.
    refused: bool,
    /// The token, as it is sent.
    pub bearer: String,
}

impl Session {
    /// It asks for a token (S12).
    pub fn asks(&self, at: Duration, verdicts: &mut Verdicts) {
        let age = self.logged_in.map(|since| at.saturating_sub(since));
        let holds = self.refused || age.is_none_or(|age| age >= TOKEN_USED_AT_LEAST);
        let how =
            || format!("another token after {:?}, and none was refused", age.unwrap_or_default());
        verdicts.test(Law::S12, at, holds, how);
    }

    /// OSM answered to that, or the answer was lost.
    pub fn got(&mut self, at: Duration, arrived: bool) {
        self.logged_in = arrived.then_some(at);
        self.refused = false;
    }

    /// OSM refused its token.
    pub fn was_refused(&mut self) {
        self.refused = true;
    }
}

/// S10: none of `secrets` is in what is told.
pub fn keeps_secrets(told: &str, secrets: &[&str], at: Duration, verdicts: &mut Verdicts) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let holds = !told.contains(secret);
        verdicts.test(Law::S10, at, holds, || "a secret is told".to_owned());
    }
}
