//! YAML as PyYAML's safe loader builds it: version 1.1, where `yes` is true, `010` is eight and
//! `1:30` is ninety. Dates stay text.
//!
//! Invariant: pure; takes texts that [`super::from_yaml`] has found well-formed and small.
//!
//! Source: PyYAML 6.0, `resolver.py` and `constructor.py`.

mod refused;

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

pub(super) use refused::complaint_about;

/// The value of a text's only document; none where this parser finds fault with it.
pub(super) fn value_of(text: &str) -> Option<Value> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        builder.take(event)?;
    }
    Some(builder.root.unwrap_or_default())
}

/// Nodes under way.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    root: Option<Value>,
}

/// A collection that is not complete yet.
struct Open {
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping { merged: Map<String, Value>, own: Map<String, Value>, key: Option<Key> },
}

enum Key {
    /// `<<`, whose value is merged.
    Merge,
    Name(String),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                let is_typed = tag.as_ref().is_some_and(|tag| {
                    tag.is_yaml_core_schema()
                        && ["int", "float", "bool", "null"].contains(&tag.suffix.as_str())
                });
                if is_plain && text == "<<" && self.wants_key() {
                    return self.put_key(Key::Merge);
                }
                let value = if is_plain || is_typed { resolved(&text) } else { (*text).into() };
                self.put(value, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open { anchor, content: Content::Sequence(Vec::new()) });
                Some(())
            }
            Event::MappingStart(anchor, _) => {
                let content = Content::Mapping { merged: Map::new(), own: Map::new(), key: None };
                self.open.push(Open { anchor, content });
                Some(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                let value = match open.content {
                    Content::Sequence(items) => items.into(),
                    Content::Mapping { mut merged, own, .. } => {
                        merged.extend(own);
                        merged.into()
                    }
                };
                self.put(value, open.anchor)
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor)?.clone();
                self.put(value, 0)
            }
            _ => Some(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn put_key(&mut self, name: Key) -> Option<()> {
        if let Content::Mapping { key, .. } = &mut self.open.last_mut()?.content {
            *key = Some(name);
        }
        Some(())
    }

    /// Puts a complete node where it belongs.
    fn put(&mut self, value: Value, anchor: usize) -> Option<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        if self.wants_key() {
            return self.put_key(Key::Name(name_of(&value)?));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(value),
            Some(Content::Sequence(items)) => items.push(value),
            Some(Content::Mapping { merged, own, key }) => match key.take()? {
                Key::Merge => merge(merged, value)?,
                Key::Name(name) => {
                    own.insert(name, value);
                }
            },
        }
        Some(())
    }
}

/// Takes in the keys of a mapping, or of several, of which the first counts most.
fn merge(merged: &mut Map<String, Value>, value: Value) -> Option<()> {
    match value {
        Value::Object(fields) => merged.extend(fields),
        Value::Array(items) => {
            for item in items.into_iter().rev() {
                let Value::Object(fields) = item else {
                    return None;
                };
                merged.extend(fields);
            }
        }
        _ => return None,
    }
    Some(())
}

/// A key as text; collections are none.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some("null".into()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a word without quotes stands for.
fn resolved(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

static INT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$",
    )
    .ok()
});
static FLOAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    )
    .ok()
});

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let is = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| regex.is_match(text));
    let plain = text.replace('_', "");
    let is_negative = plain.starts_with('-');
    let digits = plain.trim_start_matches(['-', '+']);
    if is(&INT) {
        let magnitude = whole(digits)?;
        let number = if is_negative { -magnitude } else { magnitude };
        #[expect(clippy::cast_precision_loss, reason = "no JSON number is that large and exact")]
        let number = Number::from_i128(number).or_else(|| Number::from_f64(number as f64));
        return number.map(Value::Number);
    }
    if !is(&FLOAT) {
        return None;
    }
    let magnitude = digits
        .split(':')
        .try_fold(0.0, |sum: f64, part| Some(sum.mul_add(60.0, part.parse::<f64>().ok()?)));
    // Infinity and what is no number are nothing in JSON.
    let Some(magnitude) = magnitude else {
        return Some(Value::Null);
    };
    Some(Value::from(if is_negative { -magnitude } else { magnitude }))
}

/// A whole number without sign: binary, octal, hexadecimal, to the base of sixty, or decimal.
fn whole(digits: &str) -> Option<i128> {
    if let Some(bits) = digits.strip_prefix("0b") {
        return i128::from_str_radix(bits, 2).ok();
    }
    if let Some(digits) = digits.strip_prefix("0x") {
        return i128::from_str_radix(digits, 16).ok();
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return i128::from_str_radix(digits, 8).ok();
    }
    digits
        .split(':')
        .try_fold(0_i128, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(value_of(text).unwrap(), *expected, "{text}");
    }

    #[test]
    fn bare_words_are_what_they_are_in_version_1_1() {
        check(
            "[yes, No, on, OFF, y, ~, null, '']",
            &json!([true, false, true, false, "y", null, null, ""]),
        );
        check(
            "[010, 0x1F, 0b11, 1_000, 1:30, -5, +5, 08]",
            &json!([8, 31, 3, 1000, 90, -5, 5, "08"]),
        );
        check(
            "[1.5, .5, 1., 1e3, 1.0e+3, 1:30.5, .inf]",
            &json!([1.5, 0.5, 1.0, "1e3", 1000.0, 90.5, null]),
        );
        check(
            "[2020-01-01, 0o17, 1.2.3, '5', \"yes\"]",
            &json!(["2020-01-01", "0o17", "1.2.3", "5", "yes"]),
        );
        check("[!!str 5, !!int '5', !!bool 'on']", &json!(["5", 5, true]));
    }

    #[test]
    fn keys_are_texts_and_the_last_of_the_same_counts() {
        check("{1: a, yes: b, a: 1, a: 2}", &json!({"1": "a", "true": "b", "a": 2}));
    }

    #[test]
    fn merged_keys_come_first_and_yield_to_own_ones() {
        check(
            "base: &b {x: 1, y: 2}\none: {y: 3, <<: *b}\ntwo:\n  <<: [{x: 9}, *b]\n  z: 0\n",
            &json!({"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 9, "y": 2, "z": 0}}),
        );
        check("{'<<': 1}", &json!({"<<": 1}));
    }

    #[test]
    fn long_numbers_do_not_overflow() {
        check("[99999999999999999999]", &json!([1e20]));
        let long = "9".repeat(200);
        check(&format!("[{long}]"), &json!([long]));
    }
}
