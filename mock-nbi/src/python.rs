//! How Python prints values: `repr`, and `yaml.safe_dump` as OSM calls it.
//!
//! OSM's error texts and some of its record fields are Python's own notation, so clients that read
//! them depend on it.

use serde_json::Value;

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => repr_str(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", repr_str(key), repr(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// `type(value).__name__`.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// `repr(text)`: single quotes, unless the text has some and no double ones.
pub(crate) fn repr_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// `json.dumps(value)`: one line, a blank after `,` and `:`, ASCII only.
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
        other => other.to_string(),
    }
}

/// `json.dumps(value, indent=4)` with a line end.
pub(crate) fn json_dumps_indented(value: &Value) -> String {
    let mut out = String::new();
    write_indented(&mut out, value, 0);
    out.push('\n');
    out
}

fn write_indented(out: &mut String, value: &Value, depth: usize) {
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("    "));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                newline(out, depth + 1);
                write_indented(out, item, depth + 1);
            }
            newline(out, depth);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (index, (key, item)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                newline(out, depth + 1);
                push_json_string(out, key);
                out.push_str(": ");
                write_indented(out, item, depth + 1);
            }
            newline(out, depth);
            out.push('}');
        }
        Value::String(text) => push_json_string(out, text),
        other => out.push_str(&json_dumps(other)),
    }
}

fn push_json_string(out: &mut String, text: &str) {
    let is_plain =
        text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&json_string(text));
    }
}

fn json_string(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    if quoted.is_ascii() {
        return quoted;
    }
    let mut out = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Options of `yaml.safe_dump` that OSM uses in different places.
#[derive(Clone, Copy)]
pub(crate) struct YamlStyle {
    /// Columns of one level.
    pub(crate) indent: usize,
    /// Whether the document starts with `---`.
    pub(crate) has_start: bool,
    /// Whether mappings are sorted by key.
    pub(crate) sorts_keys: bool,
}

/// How OSM answers in YAML.
pub(crate) const ANSWER: YamlStyle = YamlStyle { indent: 4, has_start: true, sorts_keys: true };
/// How OSM stores a descriptor that came as YAML or JSON without an archive.
pub(crate) const DESCRIPTOR: YamlStyle =
    YamlStyle { indent: 4, has_start: false, sorts_keys: true };
/// How OSM turns a nested parameter into text.
pub(crate) const NESTED: YamlStyle = YamlStyle { indent: 2, has_start: false, sorts_keys: true };

/// `yaml.safe_dump(value, default_flow_style=False)`.
pub(crate) fn yaml_dump(value: &Value, style: YamlStyle) -> String {
    let mut out = String::new();
    if style.has_start {
        out.push_str("---");
    }
    match value {
        Value::Array(items) if !items.is_empty() => {
            start_line(&mut out);
            write_sequence(&mut out, items, 0, style);
        }
        Value::Object(fields) if !fields.is_empty() => {
            start_line(&mut out);
            write_mapping(&mut out, fields, 0, style);
        }
        scalar => {
            if style.has_start {
                out.push(' ');
            }
            out.push_str(&yaml_scalar(scalar));
            out.push('\n');
            let is_plain = !matches!(scalar, Value::Array(_) | Value::Object(_))
                && !out.trim_end().ends_with(['\'', '"']);
            if is_plain {
                out.push_str("...\n");
            }
        }
    }
    out
}

fn start_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

fn write_mapping(
    out: &mut String,
    fields: &serde_json::Map<String, Value>,
    column: usize,
    style: YamlStyle,
) {
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    if style.sorts_keys {
        fields.sort_by_key(|(key, _)| *key);
    }
    for (index, (key, value)) in fields.into_iter().enumerate() {
        if index > 0 || out.ends_with('\n') || out.is_empty() {
            out.push_str(&" ".repeat(column));
        }
        out.push_str(&yaml_scalar(&Value::from(key.as_str())));
        out.push(':');
        match value {
            // PyYAML does not indent a sequence below its key.
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                write_sequence(out, items, column, style);
            }
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                write_mapping(out, inner, column + style.indent, style);
            }
            scalar => {
                out.push(' ');
                out.push_str(&yaml_scalar(scalar));
                out.push('\n');
            }
        }
    }
}

fn write_sequence(out: &mut String, items: &[Value], column: usize, style: YamlStyle) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || out.ends_with('\n') || out.is_empty() {
            out.push_str(&" ".repeat(column));
        }
        out.push('-');
        // A scalar follows its dash at once; only what has lines of its own is padded.
        let is_block = match item {
            Value::Array(inner) => !inner.is_empty(),
            Value::Object(inner) => !inner.is_empty(),
            _ => false,
        };
        out.push_str(&" ".repeat(if is_block { style.indent - 1 } else { 1 }));
        match item {
            Value::Array(inner) if !inner.is_empty() => {
                write_sequence(out, inner, column + style.indent, style);
            }
            Value::Object(inner) if !inner.is_empty() => {
                write_mapping(out, inner, column + style.indent, style);
            }
            scalar => {
                out.push_str(&yaml_scalar(scalar));
                out.push('\n');
            }
        }
    }
}

fn yaml_scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) => "[]".into(),
        Value::Object(_) => "{}".into(),
        Value::String(text) => yaml_string(text),
    }
}

fn yaml_string(text: &str) -> String {
    let has_special = text.chars().any(|c| c.is_control() || c == '\u{feff}');
    if has_special {
        return Value::from(text).to_string();
    }
    if is_plain_safe(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn is_plain_safe(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let starts_badly = "!&*-?|>@`%#,[]{}:\"' =".contains(first)
        && !(first == '-' && text.len() > 1 && !text.starts_with("- "));
    !starts_badly
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(['\n', '\t'])
        && !resolves_to_other_type(text)
}

/// Whether YAML 1.1 reads the plain text as something else than a string.
fn resolves_to_other_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_word = matches!(
        lower.as_str(),
        "null"
            | "~"
            | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "<<"
            | ".inf"
            | "-.inf"
            | ".nan"
    );
    let digits = lower.trim_start_matches(['-', '+']);
    let is_number_like = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_hexdigit() || b"_.:+-xotz ".contains(&b))
        && (digits.replace('_', "").parse::<f64>().is_ok()
            || digits.starts_with("0x")
            || digits.bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.')
            || looks_like_date(digits));
    is_word || is_number_like
}

fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repr_prints_like_python() {
        let value = json!({"a": [1, null, true], "b": "it's", "c": "x"});
        assert_eq!(repr(&value), r#"{'a': [1, None, True], 'b': "it's", 'c': 'x'}"#);
    }

    #[test]
    fn yaml_sorts_keys_indents_by_four_and_quotes_what_is_no_string() {
        let value =
            json!({"b": [{"id": "x", "n": {"k": 1}}], "a": "1.0", "c": [], "d": "2020-04-17"});
        let want = "---\na: '1.0'\nb:\n-   id: x\n    n:\n        k: 1\nc: []\nd: '2020-04-17'\n";
        assert_eq!(yaml_dump(&value, ANSWER), want);
    }

    #[test]
    fn nested_parameter_is_dumped_like_the_recorded_one() {
        // Source: recorded case `ns_by_placement_and_more_params`, exchange 15.
        assert_eq!(
            yaml_dump(&json!({"a": [1, 2, {"b": null}]}), NESTED),
            "a:\n- 1\n- 2\n- b: null\n"
        );
    }

    #[test]
    fn yaml_written_is_read_back_the_same() {
        let value = json!({"s": ["", "a: b", "#x", "- y", "12:30:45", "0x1f", "é", "a\nb", "true", "1e3", "-x", "@"]});
        let back: Value = serde_yaml::from_str(&yaml_dump(&value, ANSWER)).unwrap();
        assert_eq!(back, value);
    }
}
