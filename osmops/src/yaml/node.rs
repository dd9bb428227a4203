//! One YAML value and where it stands.

use serde_json::{Map, Number, Value};

/// A value of a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line of its first character, from 1.
    pub line: u32,
    /// Column of its first character, from 1.
    pub column: u32,
    /// What it is.
    pub kind: NodeKind,
}

/// What a YAML value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Text, number, boolean or null; `plain` when it was written without quotes.
    Scalar {
        /// The text between the quotes, or the bare word.
        text: String,
        /// Written without quotes, so that it may be a number, a boolean or null.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file. Keys are scalars and unique.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The value as JSON. Keys become text; a scalar without quotes is read as serde_yaml reads it.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { text, plain: false } => Value::String(text.clone()),
            NodeKind::Scalar { text, plain: true } => resolve_plain(text),
            NodeKind::Sequence(items) => items.iter().map(Node::to_json).collect(),
            NodeKind::Mapping(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.insert(key.scalar_text().unwrap_or_default().to_owned(), value.to_json());
                }
                Value::Object(map)
            }
        }
    }

    /// The text of a scalar, quoted or not.
    pub fn scalar_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// Whether this is null: an absent value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, plain: true } if resolve_plain(text).is_null())
    }

    /// The value under `key`, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.scalar_text() == Some(key)).map(|(_, value)| value)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            NodeKind::Mapping(entries) => entries,
            NodeKind::Scalar { .. } | NodeKind::Sequence(_) => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            NodeKind::Sequence(items) => items,
            NodeKind::Scalar { .. } | NodeKind::Mapping(_) => &[],
        }
    }

    /// What the value is, in the words of an error message.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Scalar { .. } => match self.to_json() {
                Value::Null => "nothing",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) | Value::Array(_) | Value::Object(_) => "text",
            },
        }
    }
}

/// Reads a word without quotes. serde_yaml decides, so that there is one dialect in the workspace;
/// what JSON has no number for (`.inf`, `.nan`) stays text.
fn resolve_plain(text: &str) -> Value {
    // Most words in these files are names; a first letter that starts no number, boolean or null
    // settles them without a parser.
    let may_be_special = text.is_empty()
        || text.starts_with(|c: char| c.is_ascii_digit() || "+-.~tTfFnN".contains(c));
    // Alone in a text, `---` is where a document begins; here it is a word.
    let is_mark = text.starts_with("---") || text.starts_with("...");
    if !may_be_special || is_mark {
        return Value::String(text.to_owned());
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Null) => Value::Null,
        Ok(serde_yaml::Value::Bool(flag)) => Value::Bool(flag),
        Ok(serde_yaml::Value::Number(number)) => {
            let json = if let Some(n) = number.as_u64() {
                Some(Number::from(n))
            } else if let Some(n) = number.as_i64() {
                Some(Number::from(n))
            } else {
                number.as_f64().and_then(Number::from_f64)
            };
            json.map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
        _ => Value::String(text.to_owned()),
    }
}
