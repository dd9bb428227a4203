//! Keeps values that are named like secrets out of everything that is shown.

use serde::Serializer;
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

/// What is shown instead.
const STARS: &str = "***";

/// A value as it may be shown: itself, or stars when `key`, or a key inside it, is named like a secret.
pub(super) fn shown(key: &str, value: &Value) -> Value {
    let plain: String =
        key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    if SECRET_WORDS.iter().any(|word| plain.contains(word)) {
        return Value::String(STARS.to_owned());
    }
    match value {
        Value::Object(map) => Value::Object(shown_map(map)),
        Value::Array(items) => items.iter().map(|item| shown("", item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn shown_map(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (key.clone(), shown(key, value))).collect()
}

/// For `serialize_with`: parameters as they may be shown.
pub(super) fn serialize_params<S: Serializer>(
    params: &Map<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&shown_map(params), serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_like_a_secret_is_hidden_at_any_depth() {
        let check = |key: &str, value: Value, expected: Value| {
            assert_eq!(shown(key, &value), expected, "{key}");
        };
        check("replicaCount", json!("2"), json!("2"));
        check("adminPassword", json!("x"), json!("***"));
        check("LDAP_ADMIN.pass-phrase", json!("x"), json!("***"));
        check(
            "auth",
            json!({"apiKey": {"a": 1}, "user": "u"}),
            json!({"apiKey": "***", "user": "u"}),
        );
        check("users", json!([{"secretName": "x"}]), json!([{"secretName": "***"}]));
    }
}
