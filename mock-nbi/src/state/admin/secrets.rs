//! What OSM encrypts before it stores it.
//!
//! OSM encrypts with AES under its own key and the record's id, block by block, so the same secret
//! of the same record always looks the same. So does this, with bytes that mean nothing.
//!
//! Source: OSM common `dbbase.py`, `encrypt` and `encrypt_decrypt_fields`; OSM NBI
//! `admin_topics.py`.

use base64::Engine as _;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::kinds::Kind;
use crate::problem::Problem;
use crate::python::type_name;
use crate::state::db::set;

/// Bytes of a block of AES.
const BLOCK_BYTES: usize = 16;

/// Encrypts in `record` (with id `id`) what `given`, the body of a creation or change, says.
///
/// # Errors
/// 400 for a secret that is no text.
pub(super) fn encrypt(
    record: &mut Value,
    given: &Value,
    kind: &Kind,
    id: &str,
) -> Result<(), Problem> {
    for key in kind.secrets {
        let Some(secret) = given.get(*key) else {
            continue;
        };
        // An empty password stays as it is, and comes out of encryption the same anyway.
        if let Some(cipher) = ciphertext_of(secret, id)? {
            set(record, key, cipher);
        }
    }
    for key in kind.config_secrets {
        let secret = given.get("config").and_then(|config| config.get(*key));
        if let Some(secret) = secret
            && !is_falsy(secret)
            && let Some(cipher) = ciphertext_of(secret, id)?
        {
            set(&mut record["config"], key, cipher);
        }
    }
    Ok(())
}

/// Encrypts the credentials of a cloud in `config`; OSM knows two.
pub(super) fn encrypt_cloud(record: &mut Value, id: &str) -> Result<(), Problem> {
    let Some(credentials) = record.pointer_mut("/config/credentials") else {
        return Ok(());
    };
    for key in CLOUD_SECRETS {
        let Some(secret) = credentials.get(key).filter(|secret| !is_falsy(secret)) else {
            continue;
        };
        if let Some(cipher) = ciphertext_of(secret, id)? {
            set(credentials, key, cipher);
        }
        return Ok(());
    }
    Ok(())
}

/// Whether a change gives credentials of a cloud, over which OSM stumbles.
pub(super) fn has_cloud_secrets(change: &Value) -> bool {
    CLOUD_SECRETS.iter().any(|key| {
        let secret = change.pointer(&format!("/config/credentials/{key}"));
        secret.is_some_and(|secret| !is_falsy(secret))
    })
}

const CLOUD_SECRETS: [&str; 2] = ["clientSecret", "SecretAccessKey"];

/// Encrypts every text, however deep, the key of which speaks of a password or secret.
pub(crate) fn encrypt_fields(value: &mut Value, id: &str) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                let lower = key.to_lowercase();
                match inner {
                    Value::String(secret)
                        if lower.contains("password") || lower.contains("secret") =>
                    {
                        *secret = ciphertext(secret, id);
                    }
                    Value::String(_) => {}
                    other => encrypt_fields(other, id),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| encrypt_fields(item, id)),
        _ => {}
    }
}

fn is_falsy(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value == "" || value == 0
}

fn ciphertext_of(secret: &Value, id: &str) -> Result<Option<String>, Problem> {
    match secret {
        Value::String(secret) => Ok(Some(ciphertext(secret, id))),
        other => {
            Err(Problem::bad_request(format!("object of type '{}' has no len()", type_name(other))))
        }
    }
}

/// A text as it looks encrypted for the record with this id.
pub(crate) fn ciphertext(secret: &str, id: &str) -> String {
    // OSM fills the last block; each block is encrypted by itself.
    let bytes: Vec<u8> = secret
        .as_bytes()
        .chunks(BLOCK_BYTES)
        .flat_map(|block| {
            let digest = Sha256::digest([id.as_bytes(), b":", block].concat());
            digest.into_iter().take(BLOCK_BYTES)
        })
        .collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphertext_is_as_long_as_osms_and_the_same_each_time() {
        assert_eq!(ciphertext("p", "id").len(), 24);
        assert_eq!(ciphertext(&"p".repeat(16), "id").len(), 24);
        assert_eq!(ciphertext(&"p".repeat(17), "id").len(), 44);
        assert_eq!(ciphertext("", "id"), "");
        assert_eq!(ciphertext("p", "id"), ciphertext("p", "id"));
        assert_ne!(ciphertext("p", "id"), ciphertext("p", "other"));
    }
}
