//! How long OSM's operations may take, and how failed ones are tried again.

use std::time::Duration;

use crate::yaml::{Fields, Node};

/// How long an operation may take unless the configuration says otherwise: as long as OSM itself gives an
/// instantiation.
///
/// Source: OSM LCM, `timeout_ns_deploy` of `lcm.cfg`.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(2 * 3600);

/// How often an operation is asked for in all, unless the configuration says otherwise.
const ATTEMPTS_DEFAULT: u32 = 3;

/// The pause before the second attempt, unless the configuration says otherwise.
const BACKOFF_DEFAULT: Duration = Duration::from_secs(60);

/// Pauses double no further than this, unless the first one is longer already.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// How long OSM's operations may take, and how failed ones are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationPolicy {
    /// How long an operation may take before it is reported as overdue.
    pub timeout: Duration,
    /// How often an operation is asked for in all; at least once.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles before each further one.
    pub backoff: Duration,
}

impl Default for OperationPolicy {
    fn default() -> Self {
        Self { timeout: TIMEOUT_DEFAULT, attempts: ATTEMPTS_DEFAULT, backoff: BACKOFF_DEFAULT }
    }
}

impl OperationPolicy {
    /// How long to wait after so many failures.
    pub fn pause_after(&self, failures: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(PAUSE_MAX.max(self.backoff))
    }
}

/// Takes `timeout` and `retry` out of a configuration; what is wrong is left in `fields`.
pub(super) fn take_policy(fields: &mut Fields<'_>) -> OperationPolicy {
    let mut policy = OperationPolicy::default();
    if let Some(node) = fields.optional("timeout") {
        policy.timeout = duration(fields, "timeout", node).unwrap_or(policy.timeout);
    }
    let Some(retry) = fields.optional("retry") else { return policy };
    match Fields::of(retry, "retry") {
        Ok(mut inner) => {
            if let Some(node) = inner.optional("attempts") {
                match node.to_json().as_u64().and_then(|number| u32::try_from(number).ok()) {
                    Some(attempts) if attempts > 0 => policy.attempts = attempts,
                    _ => inner.bad_value("attempts", node, "must be a whole number from 1"),
                }
            }
            if let Some(node) = inner.optional("backoff") {
                policy.backoff = duration(&mut inner, "backoff", node).unwrap_or(policy.backoff);
            }
            fields.absorb(inner.finish());
        }
        Err(error) => fields.absorb(vec![error]),
    }
    policy
}

fn duration(fields: &mut Fields<'_>, key: &str, node: &Node) -> Option<Duration> {
    let parsed = node.scalar_text().and_then(|text| humantime::parse_duration(text.trim()).ok());
    let parsed = parsed.filter(|time| !time.is_zero());
    if parsed.is_none() {
        fields.wrong_type(key, node, "a time with its unit, as `30s` or `1h 30m`", node.describe());
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_documents;

    #[test]
    fn an_operation_is_asked_for_at_least_once() {
        let attempts = |number: &str| {
            let text = format!("retry: {{attempts: {number}}}\n");
            let document = parse_documents(&text).unwrap().remove(0);
            let mut fields = Fields::of(&document, "").unwrap();
            let policy = take_policy(&mut fields);
            let errors = fields.finish().into_iter().map(|(.., error)| error.to_string());
            (policy.attempts, errors.collect::<Vec<_>>())
        };
        assert_eq!(attempts("1"), (1, Vec::new()));
        for wrong in ["0", "-1", "1.5", "4294967296", "many"] {
            let (number, errors) = attempts(wrong);
            assert_eq!((number, errors.len()), (ATTEMPTS_DEFAULT, 1), "{wrong}: {errors:?}");
            assert_eq!(errors[0], "`retry.attempts` must be a whole number from 1");
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let policy = OperationPolicy::default();
        let minutes = |failures| policy.pause_after(failures).as_secs() / 60;
        assert_eq!([1, 2, 3, 7, 99].map(minutes), [1, 2, 4, 60, 60]);
        let slow = OperationPolicy { backoff: Duration::from_secs(7200), ..policy };
        assert_eq!(slow.pause_after(5).as_secs(), 7200);
    }
}
