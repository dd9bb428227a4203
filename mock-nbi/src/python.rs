//! How Python prints values: `repr`, and `json.dumps` and `yaml.safe_dump` as OSM calls them.
//!
//! OSM's error texts and some of its record fields are Python's own notation, so clients that read
//! them depend on it.

mod complaint;
mod json;
mod read;
mod text;
mod yaml;

use serde_json::{Number, Value};

pub(crate) use json::{json_dumps, json_dumps_indented, push_indented, push_reindented};
pub(crate) use read::{YamlSource, read_yaml};
pub(crate) use yaml::{ANSWER, DESCRIPTOR, NESTED, YamlStyle, yaml_dump};

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number_repr(number),
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

/// `repr` of a number: floats have an exponent from 1e16 and below 1e-4, of two digits at least.
pub(crate) fn number_repr(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        return format!("{float:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats_print_like_python() {
        // Source: Python 3.11.
        for (float, want) in [
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5, "1.5"),
            (0.0001, "0.0001"),
            (0.00012, "0.00012"),
            (0.00001, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (-2e300, "-2e+300"),
            (1_795_172_017.236_664_3, "1795172017.2366643"),
        ] {
            assert_eq!(repr(&json!(float)), want);
        }
    }

    #[test]
    fn repr_prints_like_python() {
        let value = json!({"a": [1, null, true], "b": "it's", "c": "x"});
        assert_eq!(repr(&value), r#"{'a': [1, None, True], 'b': "it's", 'c': 'x'}"#);
    }
}
