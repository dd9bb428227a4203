//! Keeps values that are named like secrets out of everything that is shown.

use std::collections::BTreeSet;

use serde::Serializer;
use serde_json::{Map, Value};

use crate::desired::{DesiredInstance, DesiredState};

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
const STARS: &str = "***";

/// What OSM puts before a nested value that it stores as text.
///
/// Source: OSM NBI `instance_topics.py`, `_format_additional_params`.
pub const NESTED_PREFIX: &str = "!!yaml ";

/// The shortest text that is searched for in OSM's words: shorter ones stand in too many others.
const HIDDEN_CHARS_MIN: usize = 4;

/// Reads a nested value that OSM stores as text; `None` for anything else.
pub fn nested_value(text: &str) -> Option<Value> {
    serde_yaml::from_str(text.strip_prefix(NESTED_PREFIX)?).ok()
}

fn is_secret_name(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = plain.to_lowercase();
    SECRET_WORDS.iter().any(|word| plain.contains(word))
        || LAST_WORDS.contains(&last_word(key).to_lowercase().as_str())
}

/// The last word of `adminPass`, `ADMIN_PASS`, `admin.pass` and `admin-pass`.
fn last_word(key: &str) -> &str {
    let last = key.rsplit(|c: char| !c.is_alphanumeric()).find(|part| !part.is_empty());
    let last = last.unwrap_or_default();
    let humps = last.char_indices().zip(last.chars().skip(1));
    let hump = humps.filter(|((_, a), b)| a.is_lowercase() && b.is_uppercase()).last();
    hump.and_then(|((at, c), _)| last.get(at + c.len_utf8()..)).unwrap_or(last)
}

/// Whether a mapping that is written in one line, `{user: u, password: p}`, has a key like a secret's.
fn holds_secret(line: &str) -> bool {
    line.split(['{', '[', ','])
        .filter_map(|part| part.split_once(':'))
        .any(|(k, _)| is_secret_name(k))
}

/// A YAML text as it may be shown around a mistake: what stands after a key that is named like a secret
/// becomes stars, as many as it had characters, so that lines and columns stay where they are.
pub fn shown_source(text: &str) -> String {
    let stars =
        |text: &str| text.chars().map(|c| if c == ' ' { ' ' } else { '*' }).collect::<String>();
    let mut shown = String::new();
    // How far in the key of a secret stands whose value goes on below it.
    let mut inside: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let indent = content.len() - content.trim_start().len();
        if inside.is_some_and(|key| indent > key || content.trim().is_empty()) {
            shown.push_str(&stars(content));
        } else {
            inside = None;
            match content.split_once(':') {
                Some((key, value)) if is_secret_name(key) || holds_secret(value) => {
                    inside = Some(indent);
                    shown.push_str(key);
                    shown.push(':');
                    shown.push_str(&stars(value));
                }
                _ => shown.push_str(content),
            }
        }
        shown.push_str(line.get(content.len()..).unwrap_or_default());
    }
    shown
}

/// A value as it may be shown: itself, or stars when `key`, or a key inside it, is named like a secret.
pub fn shown(key: &str, value: &Value) -> Value {
    if is_secret_name(key) {
        return Value::String(STARS.to_owned());
    }
    match value {
        Value::Object(map) => Value::Object(shown_map(map)),
        Value::Array(items) => items.iter().map(|item| shown("", item)).collect(),
        Value::String(text) => match nested_value(text) {
            Some(nested) => shown(key, &nested),
            // What begins like a nested value and is none may hold anything.
            None if text.starts_with(NESTED_PREFIX) => Value::String(STARS.to_owned()),
            None => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn shown_map(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (key.clone(), shown(key, value))).collect()
}

/// For `serialize_with`: parameters as they may be shown.
pub(crate) fn serialize_params<S: Serializer>(
    params: &Map<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&shown_map(params), serializer)
}

/// Declared values that are named like secrets, to be hidden in the words of others: helm repeats its
/// command line when it fails, and OSM repeats helm.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Those of every declared instance.
    pub fn of(desired: &DesiredState) -> Self {
        let mut secrets = Self::default();
        for instance in &desired.instances {
            secrets.add_instance(instance);
        }
        secrets
    }

    /// Those of one instance.
    pub fn of_instance(instance: &DesiredInstance) -> Self {
        let mut secrets = Self::default();
        secrets.add_instance(instance);
        secrets
    }

    /// Those among values that were given to OSM.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a Map<String, Value>>) -> Self {
        let mut secrets = Self::default();
        values.into_iter().for_each(|map| secrets.add_map(map, false));
        secrets
    }

    fn add_instance(&mut self, instance: &DesiredInstance) {
        for kdu in &instance.kdus {
            self.add_map(&kdu.params, false);
        }
    }

    fn add_map(&mut self, map: &Map<String, Value>, secret: bool) {
        for (key, value) in map {
            self.add(value, secret || is_secret_name(key));
        }
    }

    fn add(&mut self, value: &Value, secret: bool) {
        match value {
            Value::Object(map) => self.add_map(map, secret),
            Value::Array(items) => items.iter().for_each(|item| self.add(item, secret)),
            Value::String(text) if secret && text.chars().count() >= HIDDEN_CHARS_MIN => {
                self.0.insert(text.clone());
            }
            Value::Number(number) if secret && number.to_string().len() >= HIDDEN_CHARS_MIN => {
                self.0.insert(number.to_string());
            }
            Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) => {}
        }
    }

    /// `text` with every secret in it replaced by stars.
    pub fn hide(&self, text: &str) -> String {
        // The longest first: one secret may begin another.
        let mut secrets: Vec<&String> = self.0.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, STARS))
    }
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
    fn a_source_is_shown_with_its_secrets_starred_and_every_column_in_its_place() {
        let text = "auth: {user: u, pass: p}\nuser: bob\nadminPassword: hunter2 # é\nkey:\n  sshKey: |\n    line é\n    two\n  a: 1\n";
        let expected = "auth: ****** ** ***** **\nuser: bob\nadminPassword: ******* * *\nkey:\n  sshKey: *\n    **** *\n    ***\n  a: 1\n";
        assert_eq!(shown_source(text), expected);
    }

    #[test]
    fn secrets_are_hidden_in_the_words_of_others() {
        let secrets = {
            let mut secrets = Secrets::default();
            let params =
                json!({"auth": {"adminPassword": "hunter2", "pin": 1}, "user": "bob-the-user"});
            secrets.add_map(params.as_object().unwrap(), false);
            secrets
        };
        let text = "helm upgrade --set auth.adminPassword=hunter2,user=bob-the-user failed";
        let expected = "helm upgrade --set auth.adminPassword=***,user=bob-the-user failed";
        assert_eq!(secrets.hide(text), expected);
    }
}
