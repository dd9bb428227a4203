//! A descriptor's content as OSM reads it, and where each part of it stands.

use std::sync::Arc;

use serde_json::Value;

use crate::source_pos::SourcePos;
use crate::tree::TreePath;
use crate::yaml::Node;

/// A VNFD or NSD without its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorBody {
    shared: Arc<Shared>,
}

#[derive(Debug, PartialEq, Eq)]
struct Shared {
    file: Arc<TreePath>,
    node: Node,
    json: Value,
}

impl DescriptorBody {
    pub(super) fn new(file: Arc<TreePath>, node: Node) -> Self {
        let json = node.to_json_as_osm();
        Self { shared: Arc::new(Shared { file, node, json }) }
    }

    /// The content, in the values that OSM reads in it.
    pub fn json(&self) -> &Value {
        &self.shared.json
    }

    /// Where the value at `path` stands (keys, and indexes of lists); of what is not there, the nearest
    /// value around it.
    pub fn position(&self, path: &[String]) -> SourcePos {
        let mut node = &self.shared.node;
        for step in path {
            let index = step.parse::<usize>().ok();
            let below = node.entry(step).or_else(|| node.items().get(index?));
            let Some(below) = below else {
                break;
            };
            node = below;
        }
        SourcePos::at(&self.shared.file, node.line, node.column)
    }
}
