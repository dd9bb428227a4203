//! Laws of the YAML reader: any text gives nodes or an error with places in the text, what is written reads the
//! same, and bare words are serde_yaml's.

use osmops::yaml::{Node, NodeKind, parse_documents, read_word_as_osm};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Number, Value};

/// Texts that are YAML, nearly YAML, and nothing of the kind.
fn text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => "[a-z0-9]{1,4}",
        4 => Just("\n".to_owned()),
        3 => " {1,3}",
        3 => Just(": ".to_owned()),
        3 => Just("- ".to_owned()),
        6 => "[\\[\\]{},&*!|>'\"%@`#?~<=.+-]",
        1 => Just("\r\n".to_owned()),
        1 => Just("\t".to_owned()),
        1 => Just("---\n".to_owned()),
        1 => Just("<<: *a\n".to_owned()),
        1 => Just("é\u{2028}\u{feff}\u{85}".to_owned()),
        1 => Just("\\x41\\u00e9\\0".to_owned()),
        1 => Just("\0".to_owned()),
    ];
    prop_oneof![
        8 => prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat()),
        1 => any::<String>(),
    ]
}

/// Values of any shape; numbers are such as JSON and YAML both write exactly.
fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        6 => "[ -~]{0,12}",
        2 => Just("no".to_owned()),
        1 => Just("~".to_owned()),
        1 => Just("010".to_owned()),
        1 => Just("1e3".to_owned()),
        1 => Just(" x\n\ny \n".to_owned()),
        1 => Just("\t\u{1}\u{7f}\u{85}\u{a0}\u{2028}\u{feff}".to_owned()),
        2 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |float| Number::from_f64(float).map(Value::Number)),
        word.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The same without the characters that break lines in YAML 1.1 alone: serde_yaml writes indentation after each of them.
fn without_old_line_breaks(value: Value) -> Value {
    let plain = |text: String| text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "?");
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(items) => items.into_iter().map(without_old_line_breaks).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, value)| (plain(key), without_old_line_breaks(value)));
            Value::Object(entries.collect())
        }
        other => other,
    }
}

/// A place in a text, or at its end.
fn check_place(text: &str, line: u32, column: u32) -> TestCaseResult {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let (line, column) = (line as usize, column as usize);
    prop_assert!((1..=lines.len()).contains(&line), "line {line} of {text:?}");
    let length = lines[line - 1].chars().count();
    prop_assert!((1..=length + 1).contains(&column), "{line}:{column} of {text:?}");
    Ok(())
}

/// Every value stands where it says: a bare word is found there, unless it has a tag or an anchor before it.
fn check_places(text: &str, node: &Node) -> TestCaseResult {
    check_place(text, node.line, node.column)?;
    if let NodeKind::Scalar { text: word, plain: true } = &node.kind
        && !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric())
    {
        let text = text.replace("\r\n", "\n");
        let line = text.split(['\n', '\r']).nth(node.line as usize - 1).unwrap_or_default();
        let there: String = line.chars().skip(node.column as usize - 1).collect();
        let is_there = there.starts_with(word.as_str()) || there.starts_with(['!', '&']);
        prop_assert!(is_there, "{word} is not at {node:?} of {text:?}");
    }
    for item in node.items() {
        check_places(text, item)?;
    }
    for (key, value) in node.entries() {
        check_places(text, key)?;
        check_places(text, value)?;
    }
    Ok(())
}

/// The only value of a text; a document of nothing is left out.
fn read(text: &str) -> Result<Value, TestCaseError> {
    let documents = parse_documents(text);
    let documents =
        documents.map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
    prop_assert!(documents.len() < 2, "{text:?}");
    Ok(documents.first().map_or(Value::Null, Node::to_json))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_nodes_or_an_error_with_places_in_it(text in text()) {
        match parse_documents(&text) {
            Err(error) => {
                check_place(&text, error.line, error.column)?;
                prop_assert!(!error.message.is_empty());
            }
            Ok(documents) => {
                prop_assert!(!text.contains('\0'), "what stands behind it would be lost");
                for document in documents {
                    check_places(&text, &document)?;
                    let merged = document.merged();
                    let once = merged.to_json_as_osm();
                    prop_assert_eq!(merged.merged().to_json_as_osm(), once);
                }
            }
        }
    }

    #[test]
    fn what_is_written_reads_the_same(value in value().prop_map(without_old_line_breaks)) {
        let block = serde_yaml::to_string(&value).unwrap();
        prop_assert_eq!(&read(&block)?, &value, "{:?}", block);
    }

    #[test]
    fn a_value_in_json_reads_the_same(value in value()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(&read(&pretty)?, &value, "{:?}", pretty);
    }

    #[test]
    fn a_bare_word_is_what_serde_yaml_says(word in "(---|\\.\\.\\.)[ ]?[5~]?|[-+.~0-9a-zA-Z_:]{1,10}|[-+]?[0-9]{1,25}(\\.[0-9]{0,5})?(e[-+]?[0-9]{1,2})?|(?i)null|true|yes|off|\\.inf|\\.nan") {
        let text = format!("a: {word}\n");
        let expected: Result<serde_yaml::Value, _> = serde_yaml::from_str(&text);
        // What is no number that JSON has stays text: infinity, and what is too long.
        let is_number = |value: &serde_yaml::Value| value.as_f64().is_none_or(f64::is_finite);
        let Ok(documents) = parse_documents(&text) else {
            prop_assert!(expected.is_err(), "{expected:?}");
            return Ok(());
        };
        let expected = match expected.map(|map| map["a"].clone()) {
            Ok(value) if is_number(&value) => serde_json::to_value(&value).unwrap(),
            Ok(_) | Err(_) => Value::String(word),
        };
        prop_assert_eq!(documents[0].entry("a").map(Node::to_json), Some(expected));
    }

    #[test]
    fn what_osm_reads_in_a_word_is_read_again_as_itself(word in "[-+0-9._:eExXbinfNaA]{0,12}") {
        let read = read_word_as_osm(&word);
        let written = match &read {
            // OSM writes back numbers in decimal.
            Value::Number(number) => number.to_string(),
            Value::Bool(_) | Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => return Ok(()),
        };
        // Python writes `1e+16` and `1e-07`, which its YAML reads as text.
        prop_assume!(!written.contains('e'));
        let again = read_word_as_osm(&written);
        prop_assert_eq!(again.as_f64(), read.as_f64(), "{} and {}", word, written);
    }
}
