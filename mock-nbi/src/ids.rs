//! Ids that look random and are decided by one seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::release::Release;

/// The source of every id. The order of requests decides the ids, nothing else does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ids {
    rng: ChaCha8Rng,
    sessions: ChaCha8Rng,
    salts: ChaCha8Rng,
}

impl Ids {
    /// Ids of the stream that `rng_seed` names.
    pub(crate) fn seeded(rng_seed: u64) -> Self {
        // Session cookies and salts have their own streams, so that a request more does not change the ids of
        // what comes after.
        Self {
            rng: ChaCha8Rng::seed_from_u64(rng_seed),
            sessions: ChaCha8Rng::seed_from_u64(!rng_seed),
            salts: ChaCha8Rng::seed_from_u64(rng_seed.rotate_left(32) ^ 0x5a17),
        }
    }

    /// A version 4 UUID in lower case.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes: [u8; 16] = self.rng.random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = hex::encode(bytes);
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }

    /// A token id in the shape of `release`.
    pub(crate) fn token(&mut self, release: Release) -> String {
        let (length, alphabet) = release.token_shape();
        (0..length)
            .map(|_| char::from(alphabet[self.rng.random_range(0..alphabet.len())]))
            .collect()
    }

    /// The ten digits as OSM draws them: from 1 to 99,999,999.
    pub(crate) fn eight_digits(&mut self) -> String {
        format!("{:010}", self.rng.random_range(1..100_000_000_u32))
    }

    /// The ten digits that end the name of a helm release.
    pub(crate) fn ten_digits(&mut self) -> String {
        format!("{:010}", self.rng.random_range(0..10_000_000_000_u64))
    }

    /// What tells two equal names apart in Git: five small letters and digits.
    pub(crate) fn git_suffix(&mut self) -> String {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..5).map(|_| char::from(alphabet[self.rng.random_range(0..alphabet.len())])).collect()
    }

    /// Passes over the part of the stream that a secret used to take, so that the ids of what comes
    /// later stay as they are in what was written down of them.
    pub(crate) fn pass_over_secret(&mut self) {
        let _: [u8; 16] = self.rng.random();
    }

    /// The salt of a password: a UUID without hyphens.
    pub(crate) fn salt(&mut self) -> String {
        let bytes: [u8; 16] = self.salts.random();
        hex::encode(bytes)
    }

    /// The same without what reading alone moves on.
    pub(crate) fn without_sessions(&self) -> Self {
        Self { sessions: ChaCha8Rng::seed_from_u64(0), ..self.clone() }
    }

    /// Leaves out so many sessions that none comes again of those that may have been given since
    /// these ids were kept.
    pub(crate) fn skip_sessions(&mut self) {
        self.sessions.set_word_pos(self.sessions.get_word_pos().wrapping_add(1 << 40));
    }

    /// The value of a `session_id` cookie.
    pub(crate) fn session(&mut self) -> String {
        let bytes: [u8; 20] = self.sessions.random();
        hex::encode(bytes)
    }
}

/// Whether `text` has the form of a UUID, as OSM's schemas check it.
pub(crate) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == 5
        && groups.iter().zip([8, 4, 4, 4, 12]).all(|(group, length)| {
            group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_ids_of_the_right_shape() {
        let (mut one, mut two) = (Ids::seeded(3), Ids::seeded(3));
        let id = one.uuid();
        assert_eq!(id, two.uuid());
        assert!(is_uuid(&id), "{id}");
        assert_eq!(&id[14..15], "4");
        assert_eq!(one.token(Release::R10).len(), 32);
        assert_eq!(one.token(Release::R19Recorded).len(), 43);
    }
}
