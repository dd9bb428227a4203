//! What OSM reads in a file: YAML 1.1 as PyYAML's safe loader has it, where `no` is false, `010` is eight,
//! `1_000` is a thousand, `1.10` is 1.1 and `1:30` is ninety.
//!
//! Source: PyYAML 6.0, `resolver.py` and `constructor.py`.

use serde_json::{Map, Number, Value};

use super::node::{Node, NodeKind};

/// The value of a word without quotes. What JSON has no number for stays text: of numbers too long their
/// digits, of infinity and of what is no number their names in Python; a date stays as it is written.
pub fn read_word_as_osm(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Value::String(text.to_owned());
    }
    integer(text).or_else(|| float(text)).unwrap_or_else(|| Value::String(text.to_owned()))
}

impl Node {
    /// The value as OSM reads it, once [`Node::merged`] has put `<<` in its place. Keys become text.
    pub fn to_json_as_osm(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { text, plain: false } => Value::String(text.clone()),
            NodeKind::Scalar { text, plain: true } => read_word_as_osm(text),
            NodeKind::Sequence(items) => items.iter().map(Node::to_json_as_osm).collect(),
            NodeKind::Mapping(entries) => {
                let entry = |(key, value): &(Node, Node)| {
                    (key.scalar_text().unwrap_or_default().to_owned(), value.to_json_as_osm())
                };
                Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }

    /// This value with every key `<<` replaced by the entries of the mappings that it names; entries that
    /// stand beside it win.
    pub fn merged(self) -> Node {
        let Node { line, column, kind } = self;
        let kind = match kind {
            scalar @ NodeKind::Scalar { .. } => scalar,
            NodeKind::Sequence(items) => {
                NodeKind::Sequence(items.into_iter().map(Node::merged).collect())
            }
            NodeKind::Mapping(entries) => NodeKind::Mapping(merged_entries(entries)),
        };
        Node { line, column, kind }
    }
}

fn merged_entries(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let (merging, own): (Vec<_>, Vec<_>) =
        entries.into_iter().map(|(k, v)| (k, v.merged())).partition(|(k, v)| names_mappings(k, v));
    if merging.is_empty() {
        return own;
    }
    let mut all: Vec<(Node, Node)> = Vec::new();
    let mut put = |key: Node, value: Node| match all
        .iter_mut()
        .find(|(k, _)| k.scalar_text() == key.scalar_text())
    {
        Some(known) => known.1 = value,
        None => all.push((key, value)),
    };
    for (_, value) in merging {
        // Of several mappings the first wins.
        let mappings = match value.kind {
            NodeKind::Sequence(items) => items.into_iter().rev().map(|item| item.kind).collect(),
            kind => vec![kind],
        };
        for kind in mappings {
            if let NodeKind::Mapping(entries) = kind {
                entries.into_iter().for_each(|(k, v)| put(k, v));
            }
        }
    }
    own.into_iter().for_each(|(k, v)| put(k, v));
    all
}

/// Whether this entry is `<<: *name` or `<<: [*one, *other]`.
fn names_mappings(key: &Node, value: &Node) -> bool {
    let is_mapping = |node: &Node| matches!(node.kind, NodeKind::Mapping(_));
    let merges = matches!(&key.kind, NodeKind::Scalar { text, plain: true } if text == "<<");
    let items = value.items();
    merges && (is_mapping(value) || (!items.is_empty() && items.iter().all(is_mapping)))
}

/// Binary, octal, hexadecimal, decimal, and base sixty with colons; underscores anywhere but in front.
fn integer(text: &str) -> Option<Value> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let bare = digits.replace('_', "");
    let number = if let Some(rest) = digits.strip_prefix("0b") {
        i128::from_str_radix(&rest.replace('_', ""), 2).ok()?
    } else if let Some(rest) = digits.strip_prefix("0x") {
        i128::from_str_radix(&rest.replace('_', ""), 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        if !digits.bytes().all(|b| matches!(b, b'0'..=b'7' | b'_')) {
            return None;
        }
        i128::from_str_radix(&bare, 8).ok()?
    } else if digits.starts_with(|c: char| c.is_ascii_digit()) {
        let (whole, sixties) = split_sixties(digits);
        if !whole.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return None;
        }
        if sixties.is_empty() && bare.len() > 38 {
            return Some(Value::String(format!("{}{bare}", if is_negative { "-" } else { "" })));
        }
        let mut number: i128 = whole.replace('_', "").parse().ok()?;
        for part in sixties {
            number = number.checked_mul(60)?.checked_add(sixtieth(part)?.into())?;
        }
        number
    } else {
        return None;
    };
    let number = if is_negative { -number } else { number };
    Some(Number::from_i128(number).map_or_else(|| number.to_string().into(), Value::Number))
}

/// What stands before the first colon, and the parts after it.
fn split_sixties(text: &str) -> (&str, Vec<&str>) {
    let mut parts = text.split(':');
    (parts.next().unwrap_or_default(), parts.collect())
}

/// One or two digits below sixty.
fn sixtieth(part: &str) -> Option<u8> {
    let is_short = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    part.parse().ok().filter(|n| is_short && *n < 60)
}

/// A number with a point; an exponent needs a sign, so that `1e3` and `1.0e3` are text.
fn float(text: &str) -> Option<Value> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(format!("{sign}inf").into()),
        ".nan" | ".NaN" | ".NAN" if body == text => return Some("nan".into()),
        _ => {}
    }
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !is_digits(fraction) || whole.starts_with('_') {
        return None;
    }
    // Without a whole part there is no sign, and the fraction begins with a digit.
    if whole.is_empty() && (body != text || !fraction.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+'])?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let (hours, sixties) = split_sixties(whole);
    if !is_digits(hours) || (!sixties.is_empty() && exponent.is_some()) {
        return None;
    }
    let plain = |text: &str| text.replace('_', "");
    let number: f64 = if sixties.is_empty() {
        let exponent = exponent.map(|e| format!("e{e}")).unwrap_or_default();
        format!("{}.{}{exponent}", plain(whole), plain(fraction)).parse().ok()?
    } else {
        let mut number: f64 = plain(hours).parse().ok()?;
        for part in sixties {
            number = number * 60.0 + f64::from(sixtieth(part)?);
        }
        number + format!("0.{}", plain(fraction)).parse::<f64>().unwrap_or_default()
    };
    let number = if sign.is_empty() { number } else { -number };
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_documents;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn words_are_read_as_pyyaml_reads_them() {
        // Each line was given to PyYAML 6.0's safe_load.
        let cases = [
            ("no", json!(false)),
            ("On", json!(true)),
            ("y", json!("y")),
            ("nO", json!("nO")),
            ("~", Value::Null),
            ("nULL", json!("nULL")),
            ("010", json!(8)),
            ("08", json!("08")),
            ("0o10", json!("0o10")),
            ("1_000", json!(1000)),
            ("_1", json!("_1")),
            ("0b101", json!(5)),
            ("0x1F", json!(31)),
            ("-0x1F", json!(-31)),
            ("1:30", json!(90)),
            ("190:20:30", json!(685_230)),
            ("1:60", json!("1:60")),
            ("0:30", json!("0:30")),
            ("1_0:30", json!(630)),
            ("1_0:3_0", json!("1_0:3_0")),
            ("1:005", json!("1:005")),
            ("1:+5", json!("1:+5")),
            ("1.10", json!(1.1)),
            ("-1.5", json!(-1.5)),
            ("+1.5", json!(1.5)),
            ("+-1.5", json!("+-1.5")),
            ("1.0_1", json!(1.01)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-.5", json!("-.5")),
            ("1e3", json!("1e3")),
            ("1.0e3", json!("1.0e3")),
            ("1.0e+3", json!(1000.0)),
            ("1:30.5", json!(90.5)),
            ("-1:30.5", json!(-90.5)),
            ("1:30.5e+3", json!("1:30.5e+3")),
            ("1:30.x", json!("1:30.x")),
            ("+_1.5", json!("+_1.5")),
            (".inf", json!("inf")),
            ("-.inf", json!("-inf")),
            (".nan", json!("nan")),
            ("-.nan", json!("-.nan")),
            ("1.2.3", json!("1.2.3")),
            ("2024-01-02", json!("2024-01-02")),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!("18446744073709551616")),
            ("+12", json!(12)),
            (
                "+1_0000000000000000000000000000000000000000",
                json!("10000000000000000000000000000000000000000"),
            ),
            (
                "-123456789012345678901234567890123456789_0",
                json!("-1234567890123456789012345678901234567890"),
            ),
            ("-", json!("-")),
            (".", json!(".")),
            ("stable/openldap:1.2.7", json!("stable/openldap:1.2.7")),
        ];
        for (text, expected) in cases {
            assert_eq!(read_word_as_osm(text), expected, "{text}");
        }
    }

    #[test]
    fn merge_keys_are_put_in_their_place() {
        let text = "base: &b {a: 1, b: {c: 2}}\nother: &o {a: 9, d: 4}\none:\n  <<: *b\n  a: 3\n\
                    two: {<<: [*b, *o], e: yes}\nthree: {<<: text}\nfour: {'<<': *b}\n";
        let node = parse_documents(text).unwrap().remove(0).merged();
        let read = node.to_json_as_osm();
        assert_eq!(read["one"], json!({"a": 3, "b": {"c": 2}}));
        assert_eq!(read["two"], json!({"a": 1, "d": 4, "b": {"c": 2}, "e": true}));
        assert_eq!(read["three"], json!({"<<": "text"}), "left for OSM to refuse");
        assert_eq!(read["four"], json!({"<<": {"a": 1, "b": {"c": 2}}}));
    }

    proptest! {
        #[test]
        fn any_word_is_read(text in "[-+0-9._:eExXbinfNaA]{0,12}") {
            let _ = read_word_as_osm(&text);
        }
    }
}
