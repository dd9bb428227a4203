//! JSON as Python's `json` module prints it: ASCII only, floats as `repr` has them.

use serde_json::{Number, Value};

use super::number_repr;

/// A line end and blanks for the usual depths.
const NEW_LINE: &str = "\n                                                                ";
const INDENT: usize = 4;

/// `json.dumps(value)`: one line, a blank after `,` and `:`.
pub(crate) fn json_dumps(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(json_dumps).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", json_string(key), json_dumps(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::String(text) => json_string(text),
        Value::Number(number) => number_repr(number),
        other => other.to_string(),
    }
}

/// `json.dumps(value, indent=4)` with a line end.
pub(crate) fn json_dumps_indented(value: &Value) -> String {
    let mut out = String::new();
    push_indented(&mut out, value, 0);
    out.push('\n');
    out
}

/// `json.dumps(value, indent=4)` as it stands within `depth` lists and objects.
pub(crate) fn push_indented(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_new_line(out, depth + 1);
                push_indented(out, item, depth + 1);
            }
            push_new_line(out, depth);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (index, (key, item)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_new_line(out, depth + 1);
                push_string(out, key);
                out.push_str(": ");
                push_indented(out, item, depth + 1);
            }
            push_new_line(out, depth);
            out.push('}');
        }
        Value::String(text) => push_string(out, text),
        other => out.push_str(&json_dumps(other)),
    }
}

/// What [`push_indented`] writes of the value that `json` is: compact JSON as `serde_json` prints it.
/// Much quicker than reading the value first.
pub(crate) fn push_reindented(out: &mut String, json: &str, mut depth: usize) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let begin = at;
        at += 1;
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                push_ascii(out, &json[begin..at]);
            }
            b'{' | b'[' if bytes.get(at) == Some(&(byte + 2)) => {
                at += 1;
                out.push_str(&json[begin..at]);
            }
            b'{' | b'[' => {
                out.push_str(&json[begin..at]);
                depth += 1;
                push_new_line(out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                push_new_line(out, depth);
                out.push_str(&json[begin..at]);
            }
            b',' => {
                out.push(',');
                push_new_line(out, depth);
            }
            b':' => out.push_str(": "),
            _ => {
                let is_inside = |byte: &&u8| !matches!(byte, b',' | b'}' | b']');
                at += bytes[at..].iter().take_while(is_inside).count();
                push_word(out, &json[begin..at]);
            }
        }
    }
}

/// The place behind the quote that ends the string which `at` is in.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// A number, `true`, `false` or `null`; only floats differ in Python.
fn push_word(out: &mut String, word: &str) {
    let is_float = word.bytes().any(|byte| matches!(byte, b'.' | b'e'));
    match serde_json::from_str::<Number>(word) {
        Ok(number) if is_float => out.push_str(&number_repr(&number)),
        _ => out.push_str(word),
    }
}

fn push_new_line(out: &mut String, depth: usize) {
    let blanks = INDENT * depth;
    match NEW_LINE.get(..=blanks) {
        Some(line) => out.push_str(line),
        None => {
            out.push_str(NEW_LINE);
            (NEW_LINE.len()..=blanks).for_each(|_| out.push(' '));
        }
    }
}

fn push_string(out: &mut String, text: &str) {
    let is_plain =
        text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        push_ascii(out, &Value::from(text).to_string());
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// A string of JSON, its quotes with it, in ASCII's visible characters.
fn push_ascii(out: &mut String, quoted: &str) {
    if quoted.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        out.push_str(quoted);
        return;
    }
    for character in quoted.chars() {
        if matches!(character, ' '..='~') {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn json_prints_like_python() {
        // Source: Python 3.11.
        let value =
            json!({"a": [], "b": {}, "c": [1, -2.5, 1e-5, true, null, {"é\u{7f}\u{1}": "\"𝄞"}]});
        let text = "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        -2.5,\n        \
                    1e-05,\n        true,\n        null,\n        {\n            \
                    \"\\u00e9\\u007f\\u0001\": \"\\\"\\ud834\\udd1e\"\n        }\n    ]\n}\n";
        assert_eq!(json_dumps_indented(&value), text);
        let line = "{\"a\": [], \"b\": {}, \"c\": [1, -2.5, 1e-05, true, null, \
                    {\"\\u00e9\\u007f\\u0001\": \"\\\"\\ud834\\udd1e\"}]}";
        assert_eq!(json_dumps(&value), line);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![any::<String>(), "[ -~]{0,9}", "[\\\\\"{}\\[\\],:\n\u{7f}]{0,9}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-1e-3..1e-3).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(20, 60, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn compact_json_is_indented_as_its_value_would_be(value in values(), depth in 0..20_usize) {
            let (mut of_text, mut of_value) = (String::new(), String::new());
            push_reindented(&mut of_text, &value.to_string(), depth);
            push_indented(&mut of_value, &value, depth);
            prop_assert_eq!(of_text, of_value);
        }
    }
}
