//! Text to nodes: `saphyr-parser`'s events, gathered into trees within limits.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::node::{Node, NodeKind};

/// The most values one file may have, anchors and aliases counted with all that they hold: far more than any
/// descriptor has, and what keeps a "billion laughs" file from filling the memory.
const NODES_MAX: usize = 500_000;

/// The deepest nesting; OSM's own descriptors stay below 20.
const DEPTH_MAX: usize = 100;

/// Why a text is no YAML that is accepted here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// How many characters each line of a text has. At the end, and at characters that break lines in YAML 1.1
/// alone, the parser counts on where nothing stands.
#[derive(Debug, Default)]
struct Lines {
    lengths: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let mut lengths = Vec::new();
        let mut length = 0;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' if chars.peek() == Some(&'\n') => {}
                '\n' | '\r' => lengths.push(std::mem::take(&mut length)),
                _ => length += 1,
            }
        }
        lengths.push(length);
        Self { lengths }
    }

    /// Line and column of a place, from 1: one in the text, or right behind a line of it.
    fn position(&self, at: &Marker) -> (u32, u32) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let last = self.lengths.len();
        let line = at.line().clamp(1, last.max(1));
        let behind = self.lengths.get(line - 1).map_or(1, |length| length + 1);
        let column = if at.line() > last { behind } else { (at.col() + 1).min(behind) };
        (number(line), number(column))
    }

    fn error(&self, at: &Marker, message: impl Into<String>) -> YamlError {
        let (line, column) = self.position(at);
        YamlError { line, column, message: message.into() }
    }
}

/// Reads every document of `text`; a document without content is left out.
///
/// # Errors
/// [`YamlError`] at the first place that is no YAML, repeats a key, has a key that is no scalar, or
/// goes beyond a limit.
pub fn parse_documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let lines = Lines::of(text);
    let mut builder = Builder { lines, ..Builder::default() };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| builder.lines.error(error.marker(), error.info()))?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    lines: Lines,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A list or mapping whose end has not come yet.
struct Open {
    line: u32,
    column: u32,
    anchor: usize,
    content: OpenContent,
}

enum OpenContent {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Node, Node)>, key: Option<Node>, seen: HashSet<String> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain
                    && tag.is_none_or(|tag| !(tag.is_yaml_core_schema() && tag.suffix == "str"));
                let kind = NodeKind::Scalar { text: text.into_owned(), plain };
                let (line, column) = self.lines.position(&span.start);
                self.close(Node { line, column, kind }, anchor, span)
            }
            Event::SequenceStart(anchor, _) => {
                self.open(anchor, OpenContent::Sequence(Vec::new()), span)
            }
            Event::MappingStart(anchor, _) => {
                let content =
                    OpenContent::Mapping { entries: Vec::new(), key: None, seen: HashSet::new() };
                self.open(anchor, content, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let kind = match open.content {
                    OpenContent::Sequence(items) => NodeKind::Sequence(items),
                    OpenContent::Mapping { entries, .. } => NodeKind::Mapping(entries),
                };
                let node = Node { line: open.line, column: open.column, kind };
                self.close(node, open.anchor, span)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| {
                    self.lines.error(&span.start, "an alias inside its own anchor")
                })?;
                self.nodes = self.nodes.saturating_add(count(&node));
                self.close(node, 0, span)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, content: OpenContent, span: &Span) -> Result<(), YamlError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self
                .lines
                .error(&span.start, format!("nested more than {DEPTH_MAX} deep")));
        }
        let (line, column) = self.lines.position(&span.start);
        self.open.push(Open { line, column, anchor, content });
        Ok(())
    }

    /// Gives a finished value to the list or mapping around it, or to the documents.
    fn close(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), YamlError> {
        // What an anchor keeps for its aliases takes memory too.
        let kept = if anchor == 0 { 0 } else { count(&node) };
        self.nodes = self.nodes.saturating_add(1).saturating_add(kept);
        if self.nodes > NODES_MAX {
            return Err(self
                .lines
                .error(&span.start, format!("more than {NODES_MAX} values in one file")));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None if is_empty_document(&node) => {}
            None => self.documents.push(node),
            Some(OpenContent::Sequence(items)) => items.push(node),
            Some(OpenContent::Mapping { entries, key: slot, seen }) => match slot.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let Some(text) = node.scalar_text() else {
                        return Err(self
                            .lines
                            .error(&span.start, "a key must be a single word or text"));
                    };
                    if !seen.insert(text.to_owned()) {
                        return Err(self
                            .lines
                            .error(&span.start, format!("key `{text}` appears twice")));
                    }
                    *slot = Some(node);
                }
            },
        }
        Ok(())
    }
}

fn is_empty_document(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Scalar { text, plain: true } if text.is_empty() || text == "~")
}

fn count(node: &Node) -> usize {
    let inside: usize = match &node.kind {
        NodeKind::Scalar { .. } => 0,
        NodeKind::Sequence(items) => items.iter().map(count).sum(),
        NodeKind::Mapping(entries) => entries.iter().map(|(k, v)| count(k) + count(v)).sum(),
    };
    inside.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn one(text: &str) -> Node {
        parse_documents(text).unwrap().remove(0)
    }

    #[test]
    fn every_value_knows_its_place() {
        let node = one("kind: NsInstance\nkdu:\n  name: ldap\n");
        let name = node.entry("kdu").unwrap().entry("name").unwrap();
        assert_eq!((name.line, name.column), (3, 9));
        let (key, _) = &node.entries()[1];
        assert_eq!((key.line, key.column), (2, 1));
    }

    #[test]
    fn words_without_quotes_are_read_as_serde_yaml_reads_them() {
        let text = "a: no\nb: 010\nc: 1_000\nd: 1.10\ne: yes\nf: ~\ng: true\nh: 12\ni: '1'\nj: 0x1F\n\
                    k: stable/openldap:1.2.7\nl: null\nm: -3\nn: 1e3\no: .5\n";
        let expected: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(one(text).to_json(), expected);
        assert_eq!(expected["a"], json!("no"), "the dialect that the documentation promises");
    }

    #[test]
    fn what_is_said_to_be_text_is_text() {
        let read = one("a: !!str 12\nb: !!int 12\nc: 12\n").to_json();
        assert_eq!(read, json!({"a": "12", "b": 12, "c": 12}));
    }

    #[test]
    fn broken_texts_are_refused_with_their_place() {
        let check = |text: &str, line: u32, part: &str| {
            let error = parse_documents(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error:?}");
            assert!(error.message.contains(part), "{text}: {error:?}");
        };
        check("a: 1\nb: [1, 2\n", 3, "");
        check("a: 1\nb: [1, 2", 2, "");
        check("a: 1\n\0b: 2\n", 2, "unprintable");
        check("a: 1\nb: 2\na: 3\n", 3, "key `a` appears twice");
        check("a: 1\rb: 2\ra: 3\r", 3, "key `a` appears twice");
        check("a: 1\r\nb: 2\r\na: 3\r\n", 3, "key `a` appears twice");
        check("? [a]\n: 1\n", 1, "single word");
        check(&"[".repeat(200), 1, "nested more than");
        let kept = format!("{}{}", "&a [".repeat(90), "x,".repeat(20_000)) + &"]".repeat(90);
        assert!(parse_documents(&kept).unwrap_err().message.contains("values in one file"));
        assert!(parse_documents(&laughs()).unwrap_err().message.contains("values in one file"));
    }

    #[test]
    fn a_file_may_have_so_many_values_counted_with_all_that_aliases_hold_and_not_one_more() {
        // 999 values: they count once as they are read and once because they are kept.
        let entries: Vec<String> = (0..499).map(|n| format!("k{n}: x")).collect();
        let kept = format!("- &a {{{}}}\n", entries.join(", "));
        let documents = |more: usize| {
            let text = [kept.as_str(), &"- *a\n".repeat(498), &"- x\n".repeat(more)].concat();
            parse_documents(&text).map(|documents| documents.len())
        };
        assert_eq!(documents(1), Ok(1));
        let error = documents(2).unwrap_err();
        assert_eq!(error.message, "more than 500000 values in one file");
    }

    fn laughs() -> String {
        let mut text = "- &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..12 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(",");
            text.push_str(&format!("- &a{n} [{aliases}]\n"));
        }
        text
    }

    #[test]
    fn several_documents_come_in_order_and_empty_ones_are_left_out() {
        let documents = parse_documents("---\na: 1\n---\n---\na: 2\n").unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1].entry("a").unwrap().line, 5);
        assert_eq!(parse_documents("# nothing\n").unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_text_gives_nodes_or_an_error(text in "[ -~\\n\\t]{0,200}") {
            let _ = parse_documents(&text);
        }

        #[test]
        fn what_serde_yaml_writes_reads_the_same(
            map in proptest::collection::btree_map("[a-z]{1,6}", "[ -~]{0,12}", 0..6)
        ) {
            let text = serde_yaml::to_string(&map).unwrap();
            if let Some(node) = parse_documents(&text).unwrap().first() {
                prop_assert_eq!(node.to_json(), json!(map));
            }
        }
    }
}
