//! Words without quotes that are read otherwise than they are written, by us or by OSM.
//!
//! Operations files are read in serde_yaml's dialect, and OSM gets their values as JSON; descriptors are
//! sent as they are, and OSM reads them as YAML 1.1. Where nobody could be mistaken, nothing is said, nor of
//! secrets: a warning would repeat them.

use std::sync::Arc;

use serde_json::Value;

use crate::secret::SecretNames;
use crate::source_pos::SourcePos;
use crate::tree::TreePath;
use crate::yaml::{Node, NodeKind, read_word_as_osm};

use super::problem::RepoWarning;

/// What stands under a `params` key anywhere in a document.
pub(super) fn of_params(
    file: &Arc<TreePath>,
    document: &Node,
    names: &SecretNames,
) -> Vec<RepoWarning> {
    let mut warnings = Vec::new();
    below_params(document, &mut |params| {
        each_word(params, names, &mut |node, word| {
            warnings.extend(of_param(&SourcePos::at(file, node.line, node.column), node, word));
        });
    });
    warnings
}

/// Everything in a descriptor.
pub(crate) fn of_descriptor(file: &Arc<TreePath>, descriptor: &Node) -> Vec<RepoWarning> {
    let mut warnings = Vec::new();
    each_word(descriptor, &SecretNames::default(), &mut |node, word| {
        let value = read_word_as_osm(word);
        if !is_plain(word, &value) {
            let at = SourcePos::at(file, node.line, node.column);
            let (word, value) = (word.to_owned(), value.to_string());
            warnings.push(RepoWarning::ReadOtherwiseByOsm { at, word, value });
        }
    });
    warnings
}

fn of_param(at: &SourcePos, node: &Node, word: &str) -> Option<RepoWarning> {
    let (ours, theirs) = (node.to_json(), read_word_as_osm(word));
    let (at, word_text) = (at.clone(), word.to_owned());
    if !is_plain(word, &ours) {
        let value = ours.to_string();
        return Some(RepoWarning::ReadOtherwise { at, word: word_text, value });
    }
    if matches!(ours, Value::String(_)) && !matches!(theirs, Value::String(_)) {
        let value = theirs.to_string();
        return Some(RepoWarning::TextHereOnly { at, word: word_text, value });
    }
    None
}

fn below_params(node: &Node, found: &mut dyn FnMut(&Node)) {
    node.items().iter().for_each(|item| below_params(item, found));
    for (key, value) in node.entries() {
        if key.scalar_text() == Some("params") {
            found(value);
        } else {
            below_params(value, found);
        }
    }
}

fn each_word(node: &Node, names: &SecretNames, found: &mut dyn FnMut(&Node, &str)) {
    match &node.kind {
        NodeKind::Scalar { text, plain: true } => found(node, text),
        NodeKind::Scalar { plain: false, .. } => {}
        NodeKind::Sequence(items) => items.iter().for_each(|item| each_word(item, names, found)),
        NodeKind::Mapping(entries) => {
            for (key, value) in entries {
                each_word(key, names, found);
                if !key.scalar_text().is_some_and(|key| names.is_secret(key)) {
                    each_word(value, names, found);
                }
            }
        }
    }
}

/// Whether a word and its value look alike, so that nobody could take the one for something else.
fn is_plain(word: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text == word,
        Value::Bool(flag) => word.eq_ignore_ascii_case(&flag.to_string()),
        Value::Number(number) => word == number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_documents;

    fn told(text: &str, of: fn(&Arc<TreePath>, &Node) -> Vec<RepoWarning>) -> Vec<String> {
        let file = Arc::new(TreePath::root().join("f"));
        let document = parse_documents(text).unwrap().remove(0);
        of(&file, &document).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn parameters_that_are_read_otherwise_than_written_are_told() {
        let text = "name: no\nkdu:\n  params:\n    a: no\n    b: 010\n    c: 1.10\n    d: 1_000\n    \
                    e: \"no\"\n    f: [2, true, ~, 1.0, text, 0x1F]\n    \
                    adminPassword: 010\n    licence: 010\n";
        let params: fn(&Arc<TreePath>, &Node) -> Vec<RepoWarning> =
            |file, node| of_params(file, node, &SecretNames::with(["licence"]));
        assert_eq!(
            told(text, params),
            [
                "f:4:8: `no` without quotes is text here, but false to OSM's and helm's own files: write \"no\" or false",
                "f:5:8: `010` without quotes is text here, but 8 to OSM's and helm's own files: write \"010\" or 8",
                "f:6:8: `1.10` without quotes is read as 1.1: write \"1.10\" if it is meant as it stands",
                "f:7:8: `1_000` without quotes is text here, but 1000 to OSM's and helm's own files: write \"1_000\" or 1000",
                "f:9:32: `0x1F` without quotes is read as 31: write \"0x1F\" if it is meant as it stands",
            ]
        );
    }

    #[test]
    fn descriptors_are_told_as_osm_reads_them() {
        let text = "version: 1.10\nname: no\nid: 1:30\nkind: True\nok: '010'\n";
        assert_eq!(
            told(text, of_descriptor),
            [
                "f:1:10: OSM reads `1.10` without quotes as 1.1: write \"1.10\" if it is meant as it stands",
                "f:2:7: OSM reads `no` without quotes as false: write \"no\" if it is meant as it stands",
                "f:3:5: OSM reads `1:30` without quotes as 90: write \"1:30\" if it is meant as it stands",
            ]
        );
    }
}
