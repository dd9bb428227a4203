//! OSM's information models of descriptors, and what OSM's validator makes of a descriptor.
//!
//! Comes in: a descriptor without envelope. Goes out: the descriptor as `pyangbind` reads it and
//! writes it back (only what the model has, in its types, in its order), or its complaint.
//! Invariant: pure.
//!
//! The models stand in `model/*.txt`, in a notation of their own that is explained on top of each.
//!
//! Source: ETSI SOL006 v2.6.1 and the augments of OSM's information model; OSM NBI
//! `descriptor_topics.py` (`pyangbind_validation`); recorded case `vnf_invalid_descriptors`.

mod leaf;
mod load;
mod notation;
mod words;

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

pub(crate) use load::load;

/// The model of a VNFD since Release 9.
pub(crate) static VNFD: LazyLock<Model> =
    LazyLock::new(|| notation::parse("etsi_nfv_vnfd", include_str!("model/vnfd.txt")));
/// The model of an NSD since Release 9.
pub(crate) static NSD: LazyLock<Model> =
    LazyLock::new(|| notation::parse("etsi_nfv_nsd", include_str!("model/nsd.txt")));
/// The model of a network slice template.
pub(crate) static NST: LazyLock<Model> =
    LazyLock::new(|| notation::parse("nst", include_str!("model/nst.txt")));
/// The model of a VNFD before Release 9.
pub(crate) static VNFD_BEFORE_SOL006: LazyLock<Model> =
    LazyLock::new(|| notation::parse("vnfd", include_str!("model/vnfd-before-sol006.txt")));
/// The model of an NSD before Release 9.
pub(crate) static NSD_BEFORE_SOL006: LazyLock<Model> =
    LazyLock::new(|| notation::parse("nsd", include_str!("model/nsd-before-sol006.txt")));

/// One model.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Name of the Python module that the model is compiled to.
    python_module: &'static str,
    /// Modules of the model, their name and namespace.
    modules: HashMap<&'static str, &'static str>,
    patterns: HashMap<&'static str, (&'static str, Option<Regex>)>,
    identities: HashMap<&'static str, Vec<Identity>>,
    enums: HashMap<&'static str, Vec<(&'static str, Option<&'static str>)>>,
    roots: Vec<Node>,
}

/// Values of an identity that one module defines.
#[derive(Debug)]
struct Identity {
    module: &'static str,
    namespace: &'static str,
    /// Words that may stand before a value, with a colon.
    prefixes: Vec<&'static str>,
    values: Vec<&'static str>,
}

/// One node of a model.
#[derive(Debug)]
struct Node {
    name: &'static str,
    /// The name as Python has it; names that are one there are one for the validator.
    attribute: String,
    module: &'static str,
    /// The choice and the case that it belongs to.
    choice: Option<Case>,
    kind: NodeKind,
}

/// A choice and one of its cases.
type Case = (&'static str, &'static str);

#[derive(Debug)]
enum NodeKind {
    Container(Vec<Node>),
    List { keys: Vec<&'static str>, nodes: Vec<Node> },
    Leaf(LeafType),
    LeafList(LeafType),
}

#[derive(Debug)]
struct LeafType {
    base: Base,
    /// The model's name of the type.
    declared: &'static str,
    default: Option<&'static str>,
}

impl LeafType {
    fn is_identity(&self) -> bool {
        matches!(self.base, Base::Identity(_))
    }
}

#[derive(Debug)]
enum Base {
    /// Text, of a length where that is limited (`1..63`).
    Text(Option<&'static str>),
    Bool,
    Empty,
    Int {
        is_signed: bool,
        bits: u8,
        range: Option<&'static str>,
    },
    Decimal {
        digits: Option<usize>,
        range: Option<&'static str>,
    },
    Enum(&'static str),
    Identity(&'static str),
    /// Names of patterns of which one must match.
    Patterns(Vec<&'static str>),
}

/// Python's name for what the model calls `name`.
fn attribute_of(name: &str) -> String {
    let mut attribute = name.replace(['-', '.'], "_");
    if RESERVED.contains(&attribute.as_str()) {
        attribute.push('_');
    }
    attribute
}

/// Words that get an underscore behind them in Python.
const RESERVED: &[&str] = &[
    "list",
    "str",
    "int",
    "global",
    "decimal",
    "float",
    "as",
    "if",
    "else",
    "elif",
    "map",
    "set",
    "class",
    "from",
    "import",
    "pass",
    "return",
    "is",
    "exec",
    "pop",
    "insert",
    "remove",
    "add",
    "delete",
    "local",
    "get",
    "default",
    "yang_name",
    "def",
    "print",
    "del",
    "break",
    "continue",
    "raise",
    "in",
    "assert",
    "while",
    "for",
    "try",
    "finally",
    "with",
    "except",
    "lambda",
    "or",
    "and",
    "not",
    "yield",
    "property",
    "min",
    "max",
    "async",
];

/// The descriptor in what [`load()`] gave: the first element of the list, or the object, at `path`.
pub(crate) fn at_path(loaded: &Value, path: &[&str]) -> Value {
    let mut value = loaded;
    for step in path {
        let inner = &value[*step];
        value = inner.get(0).unwrap_or(inner);
    }
    if value.is_object() { value.clone() } else { Value::Object(serde_json::Map::new()) }
}
