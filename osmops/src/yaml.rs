//! YAML whose every value knows its line and column, and readers that report all mistakes at once.
//!
//! In: the text of one file. Out: [`Node`]s, and [`Fields`] to take values from them. The dialect is
//! serde_yaml's: an unquoted `no`, `010` or `1_000` is text. Invariant: reads only the text it is given;
//! input of any shape gives nodes or a [`YamlError`], never a panic, within the limits named here.

mod fields;
mod node;
mod parse;

pub use fields::{FieldError, Fields};
pub use node::{Node, NodeKind};
pub use parse::{YamlError, parse_documents};
