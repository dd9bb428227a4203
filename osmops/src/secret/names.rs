//! Which names are those of secrets, and what of a value may be shown.

use std::sync::Arc;

use serde_json::{Map, Value};

/// Parts of names that secrets bear, in lower case and without `-`, `_` and `.`.
const SECRET_WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "credential",
    "sshkey",
];

/// Words that make a secret of a name when they are its last, as in `adminPass` and `DB_PWD`.
const LAST_WORDS: [&str; 3] = ["pass", "pw", "pwd"];

/// What is shown instead.
pub const STARS: &str = "***";

/// What OSM puts before a nested value that it stores as text.
///
/// Source: OSM NBI `instance_topics.py`, `_format_additional_params`.
pub const NESTED_PREFIX: &str = "!!yaml ";

/// Reads a nested value that OSM stores as text; `None` for anything else.
pub fn nested_value(text: &str) -> Option<Value> {
    serde_yaml::from_str(text.strip_prefix(NESTED_PREFIX)?).ok()
}

/// The names of secrets: those that everybody uses, and those that a repository adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretNames {
    /// Lower case, without `-`, `_` and `.`.
    more: Arc<[String]>,
}

impl SecretNames {
    /// Adds words to the usual ones: a name that holds one of them, however it is written, is a secret's.
    pub fn with<'a>(more: impl IntoIterator<Item = &'a str>) -> Self {
        Self { more: more.into_iter().map(plain).filter(|word| !word.is_empty()).collect() }
    }

    /// Whether `key` is named like a secret.
    pub fn is_secret(&self, key: &str) -> bool {
        let plain = plain(key);
        SECRET_WORDS.iter().any(|word| plain.contains(word))
            || self.more.iter().any(|word| plain.contains(word.as_str()))
            || LAST_WORDS.contains(&last_word(key).to_lowercase().as_str())
    }

    /// A value as it may be shown: itself, or stars when `key`, or a key inside it, is named like a secret.
    pub fn shown(&self, key: &str, value: &Value) -> Value {
        if self.is_secret(key) {
            return Value::String(STARS.to_owned());
        }
        match value {
            Value::Object(map) => Value::Object(self.shown_map(map)),
            Value::Array(items) => items.iter().map(|item| self.shown("", item)).collect(),
            Value::String(text) => match nested_value(text) {
                Some(nested) => self.shown(key, &nested),
                // What begins like a nested value and is none may hold anything.
                None if text.starts_with(NESTED_PREFIX) => Value::String(STARS.to_owned()),
                None => value.clone(),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// Values as they may be shown.
    pub fn shown_map(&self, map: &Map<String, Value>) -> Map<String, Value> {
        map.iter().map(|(key, value)| (key.clone(), self.shown(key, value))).collect()
    }
}

/// A name without what people write differently.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// The last word of `adminPass`, `ADMIN_PASS`, `admin.pass` and `admin-pass`.
fn last_word(key: &str) -> &str {
    let last = key.rsplit(|c: char| !c.is_alphanumeric()).find(|part| !part.is_empty());
    let last = last.unwrap_or_default();
    let humps = last.char_indices().zip(last.chars().skip(1));
    let hump = humps.filter(|((_, a), b)| a.is_lowercase() && b.is_uppercase()).last();
    hump.and_then(|((at, c), _)| last.get(at + c.len_utf8()..)).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_like_a_secret_is_hidden_at_any_depth() {
        let names = SecretNames::default();
        let check = |key: &str, value: Value, expected: Value| {
            assert_eq!(names.shown(key, &value), expected, "{key}");
        };
        check("replicaCount", json!("2"), json!("2"));
        check("adminPassword", json!("x"), json!("***"));
        check("LDAP_ADMIN.pass-phrase", json!("x"), json!("***"));
        let nested = json!({"apiKey": {"a": 1}, "user": "u"});
        check("auth", nested, json!({"apiKey": "***", "user": "u"}));
        check("users", json!([{"secretName": "x"}]), json!([{"secretName": "***"}]));
        check("auth", json!("!!yaml adminPassword: x\n"), json!({"adminPassword": "***"}));
        check("auth", json!("!!yaml {"), json!("***"));
        for key in ["adminPass", "DB_PWD", "root.pw", "pass", "LDAP_ADMIN_PASS"] {
            check(key, json!("x"), json!("***"));
        }
        for key in ["passthrough", "bypass", "compass", "pwdLength"] {
            check(key, json!("x"), json!("x"));
        }
    }

    #[test]
    fn a_repository_may_add_words() {
        let names = SecretNames::with(["licence-key", "PIN_CODE"]);
        for key in ["licenceKey", "global.licence_key", "pinCode", "adminPassword"] {
            assert!(names.is_secret(key), "{key}");
        }
        assert!(!names.is_secret("licence") && !SecretNames::with([""]).is_secret("replicas"));
    }
}
