//! What counts as the same answer: keys, types, and every value that does not vary.

use serde_json::Value;

/// Keys whose values vary from run to run; their types and nulls must still agree.
const VARYING: &[&str] = &[
    "_id",
    "id",
    "op_id",
    "nslcmop_id",
    "created",
    "modified",
    "issued_at",
    "expires",
    "last_login",
    "login_count",
    "create-time",
    "created-time",
    "startTime",
    "statusEnteredTime",
    "last_token_time",
    "status-time",
    "remote_port",
    "remote_host",
    "vim_password",
    "password",
    "secret",
    "salt",
    "path",
    "kdu-instance",
    "k8scluster-uuid",
    "currentOperationID",
    "current-operation",
    "nslcmop",
    "detailed-status",
    "client-secret",
    "cacert",
    "session_id",
    "vim_id",
];

/// Everything that differs, as `<place> <what>`.
pub fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    diff(want, got, "", &mut found);
    found
}

fn diff(want: &Value, got: &Value, at: &str, found: &mut Vec<String>) {
    let key = at.rsplit('/').next().unwrap_or_default();
    match (want, got) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                let place = format!("{at}/{}", mask(name));
                match b.get(name).or_else(|| same_masked(b, name)) {
                    Some(other) => diff(value, other, &place, found),
                    None => found.push(format!("{place} is missing")),
                }
            }
            for name in b.keys() {
                if !a.contains_key(name) && same_masked(a, name).is_none() {
                    found.push(format!("{at}/{name} is extra"));
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                found.push(format!("{at} has {} elements, not {}", b.len(), a.len()));
            }
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                diff(a, b, &format!("{at}/{index}"), found);
            }
        }
        _ if VARYING.contains(&key) || key.ends_with("-ref") || key.ends_with("Id") => {
            if kind(want) != kind(got) {
                found.push(format!("{at} is {got}, not {want}"));
            }
        }
        (Value::String(a), Value::String(b)) => {
            if mask(a) != mask(b) {
                found.push(format!("{at} is {b:?}, not {a:?}"));
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if want == got => {}
        _ => found.push(format!("{at} is {got}, not {want}")),
    }
}

fn same_masked<'a>(fields: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    let masked = mask(name);
    if masked == name {
        return None;
    }
    fields.iter().find(|(other, _)| mask(other) == masked).map(|(_, value)| value)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `text` with ids, tokens, addresses and the digits of release names blanked.
pub fn mask(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        out.push_str(mask_word(word).as_deref().unwrap_or(word));
        let next = tail.find(is_word).unwrap_or(tail.len());
        out.push_str(&tail[..next]);
        rest = &tail[next..];
    }
    out
}

fn mask_word(word: &str) -> Option<String> {
    if is_uuid(word) {
        return Some("<uuid>".into());
    }
    if word.len() == 43 || (word.len() == 32 && !word.contains(['-', '_'])) {
        return Some("<token>".into());
    }
    if word.starts_with("0x") {
        return Some("<address>".into());
    }
    let (head, digits) = word.rsplit_once('-')?;
    let is_release = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_release.then(|| format!("{head}-<digits>"))
}

pub fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
