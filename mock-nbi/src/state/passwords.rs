//! How passwords are kept and compared.
//!
//! OSM's own hashes until release 10 are SHA-256 with a salt, and so are these. Later ones are
//! bcrypt, which is slow on purpose; here something of that shape is derived that is not.
//!
//! Source: OSM NBI `authconn_internal.py` of releases 8 and 19; recorded case `users_crud`.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ids::Ids;
use crate::release::Release;
use crate::state::db::{admin_of, set, text};

/// The alphabet of bcrypt's own base64.
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// How every hash begins: the algorithm and 2^12 rounds.
const PREFIX: &str = "$2b$12$";
const SALT_LENGTH: usize = 22;
const HASH_LENGTH: usize = 31;

/// Puts a new password into a user's record.
pub(crate) fn store(user: &mut Value, password: &str, ids: &mut Ids, release: Release) {
    let salt = ids.salt();
    if release.has_strong_passwords() {
        set(user, "password", bcrypt_like(password, &salt));
        set(user, "hashing_function", "bcrypt");
    } else {
        set(admin_of(user), "salt", salt.as_str());
        set(user, "password", sha256(password, &salt));
    }
}

/// Starts the history of passwords with the one there is.
pub(crate) fn start_history(user: &mut Value) {
    let history = json!([user["password"]]);
    set(admin_of(user), "password_history", history);
}

/// Whether this is the password of the user.
pub(crate) fn is_right(user: &Value, password: &str) -> bool {
    let stored = text(user, "password");
    if text(user, "hashing_function") == "bcrypt" {
        return is_hash_of(stored, password);
    }
    stored == sha256(password, text(&user["_admin"], "salt"))
}

/// Whether `hash` was made of this password.
pub(crate) fn is_hash_of(hash: &str, password: &str) -> bool {
    let decoded = hex::decode(hash).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.is_some_and(|text| {
        let salt = text.get(PREFIX.len()..PREFIX.len() + SALT_LENGTH).unwrap_or_default();
        text == bcrypt_text(password, salt)
    })
}

fn sha256(password: &str, salt: &str) -> String {
    hex::encode(Sha256::digest(format!("{password}{salt}")))
}

fn bcrypt_like(password: &str, salt: &str) -> String {
    let salt = in_alphabet(&Sha256::digest(salt), SALT_LENGTH);
    hex::encode(bcrypt_text(password, &salt))
}

fn bcrypt_text(password: &str, salt: &str) -> String {
    let digest = Sha256::digest(format!("{salt}{password}"));
    format!("{PREFIX}{salt}{}", in_alphabet(&digest, HASH_LENGTH))
}

fn in_alphabet(bytes: &[u8], length: usize) -> String {
    bytes.iter().take(length).map(|byte| char::from(BCRYPT[usize::from(byte % 64)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_is_right_in_every_release() {
        for release in [Release::R10, Release::R19Recorded] {
            let mut user = json!({"username": "u"});
            store(&mut user, "Passw0rd!Ok", &mut Ids::seeded(1), release);
            assert!(is_right(&user, "Passw0rd!Ok"), "{release:?}");
            assert!(!is_right(&user, "Passw0rd!ok"), "{release:?}");
            assert!(!user.to_string().contains("Passw0rd"), "{release:?}");
        }
    }

    #[test]
    fn hashes_have_the_length_of_the_recorded_ones() {
        let mut user = json!({});
        store(&mut user, "x", &mut Ids::seeded(1), Release::R19Recorded);
        assert_eq!(text(&user, "password").len(), 120);
        store(&mut user, "x", &mut Ids::seeded(1), Release::R10);
        assert_eq!(text(&user, "password").len(), 64);
    }
}
