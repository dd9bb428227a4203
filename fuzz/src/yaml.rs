//! Any text as YAML: nodes or an error, with places in the text; what is written of a value reads the same.

use osmops::yaml::{Node, parse_documents};
use serde_json::Value;

use crate::text::check_place;

/// Reads a text as YAML.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let documents = match parse_documents(text) {
        Err(error) => return check_place(text, error.line, error.column),
        Ok(documents) => documents,
    };
    for document in documents {
        check_places(text, &document);
        let value = document.to_json();
        check_written(&value);
        let merged = document.merged();
        check_places(text, &merged);
        let as_osm = merged.to_json_as_osm();
        assert_eq!(merged.clone().merged().to_json_as_osm(), as_osm, "merged once and twice");
    }
}

fn check_places(text: &str, node: &Node) {
    check_place(text, node.line, node.column);
    node.items().iter().for_each(|item| check_places(text, item));
    for (key, value) in node.entries() {
        check_places(text, key);
        check_places(text, value);
    }
}

/// What the workspace's YAML writer makes of a value reads as that value.
fn check_written(value: &Value) {
    let written = serde_yaml::to_string(value).expect("a value that can be written");
    // It writes these as YAML 1.1 does, where they are line breaks; they are characters here, as in YAML 1.2.
    if written.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return;
    }
    let read = parse_documents(&written);
    let read = read.unwrap_or_else(|error| panic!("{error} in {written:?}"));
    // A document of nothing is left out.
    let read = read.first().map_or(Value::Null, Node::to_json);
    assert_eq!(read, *value, "{written:?}");
}
