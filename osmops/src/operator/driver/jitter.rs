//! Spreads pauses, so that many objects do not all come at once. The same input gives the same pause.

use std::fmt::Display;
use std::time::Duration;

use super::Policy;

/// `pause`, longer or shorter by at most the policy's part of it.
pub(super) fn jittered(pause: Duration, policy: &Policy, key: &impl Display, run: u64) -> Duration {
    let mut hash = fnv(key.to_string().as_bytes()) ^ policy.seed.rotate_left(32) ^ run;
    // SplitMix64: neighbouring runs get pauses that have nothing to do with one another.
    hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let unit = f64::from(u32::try_from(hash >> 32).unwrap_or(0)) / f64::from(u32::MAX);
    let factor = 1.0 + policy.jitter.clamp(0.0, 1.0) * (2.0 * unit - 1.0);
    pause.mul_f64(factor)
}

/// FNV-1a: the standard library's hashes may differ from one version to the next.
fn fnv(bytes: &[u8]) -> u64 {
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_of_neighbours_are_spread_evenly_over_what_the_policy_allows() {
        let tenths = |pause: &dyn Fn(u64) -> Duration| {
            let mut found = [0; 10];
            for number in 0..1000 {
                let seconds = pause(number).as_secs_f64();
                assert!((90.0..=110.0).contains(&seconds), "{seconds}");
                found[((seconds - 90.0) / 2.0).min(9.0) as usize] += 1;
            }
            assert!(found.iter().all(|count| (60..140).contains(count)), "{found:?}");
        };
        let policy = |seed| Policy { jitter: 0.1, seed, ..Policy::default() };
        let of = Duration::from_secs(100);
        tenths(&|object| jittered(of, &policy(7), &format!("ns/{object}"), 1));
        tenths(&|run| jittered(of, &policy(7), &"ns/one", run));
        tenths(&|seed| jittered(of, &policy(seed), &"ns/one", 1));
    }

    #[test]
    fn a_pause_is_the_same_in_every_version() {
        let policy = Policy { jitter: 0.5, seed: 42, ..Policy::default() };
        let pause =
            |key: &str, run| jittered(Duration::from_secs(1000), &policy, &key, run).as_secs();
        let pauses = [pause("ns/a", 1), pause("ns/a", 2), pause("ns/b", 1), pause("", 0)];
        assert_eq!(pauses, [647, 1276, 1104, 817]);
        let none = Policy { jitter: 0.0, ..policy };
        assert_eq!(jittered(Duration::from_secs(9), &none, &"ns/a", 1), Duration::from_secs(9));
    }
}
