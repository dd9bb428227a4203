//! YAML whose every value knows its line and column, and readers that report all mistakes at once.
//!
//! In: the text of one file. Out: [`Node`]s, and [`Fields`] to take values from them. The dialect is
//! serde_yaml's: an unquoted `no`, `010` or `1_000` is text; what OSM reads in a file that it is sent is
//! told beside it ([`Node::to_json_as_osm`]). Invariant: reads only the text it is given;
//! input of any shape gives nodes or a [`YamlError`], never a panic, within the limits named here.

mod fields;
mod node;
mod osm;
mod parse;

pub use fields::{FieldError, Fields};
pub use node::{Node, NodeKind};
pub use osm::read_word_as_osm;
pub use parse::{YamlError, parse_documents};
