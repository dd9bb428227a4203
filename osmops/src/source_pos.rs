//! `file:line:column` in the repository; travels with everything that was parsed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::tree::TreePath;

/// A place in one file of the repository. Lines and columns count from 1; both are absent when the
/// file as a whole is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePos {
    file: Arc<TreePath>,
    place: Option<(u32, u32)>,
}

impl SourcePos {
    /// A line and a column of `file`, both from 1.
    pub fn at(file: &Arc<TreePath>, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(file), place: Some((line, column)) }
    }

    /// `file` as a whole.
    pub fn whole(file: TreePath) -> Self {
        Self { file: Arc::new(file), place: None }
    }

    /// The file, relative to the repository's root.
    pub fn file(&self) -> &TreePath {
        &self.file
    }

    /// Line and column, from 1, unless the file as a whole is meant.
    pub fn line_and_column(&self) -> Option<(u32, u32)> {
        self.place
    }
}

impl fmt::Display for SourcePos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.file),
            None => write!(f, "{}", self.file),
        }
    }
}

impl JsonSchema for SourcePos {
    fn schema_name() -> Cow<'static, str> {
        "SourcePos".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A place in the repository; line and column count from 1, and are null when the whole file is meant.",
            "properties": {
                "file": { "type": "string" },
                "line": { "type": ["integer", "null"] },
                "column": { "type": ["integer", "null"] },
            },
            "required": ["file", "line", "column"],
        })
    }
}

impl Serialize for SourcePos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SourcePos", 3)?;
        fields.serialize_field("file", self.file.as_str())?;
        fields.serialize_field("line", &self.place.map(|p| p.0))?;
        fields.serialize_field("column", &self.place.map(|p| p.1))?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_of_a_place_takes_one_in_a_file_and_a_whole_file() {
        let schema = serde_json::to_value(schemars::schema_for!(SourcePos)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let file = TreePath::parse("ns/pod.ops.yaml").unwrap();
        for place in [SourcePos::at(&Arc::new(file.clone()), 1, 7), SourcePos::whole(file)] {
            assert!(validator.is_valid(&serde_json::to_value(&place).unwrap()), "{place}");
        }
        assert!(!validator.is_valid(&json!({ "file": "ns/pod.ops.yaml" })));
        assert!(!validator.is_valid(&json!("ns/pod.ops.yaml:1:7")));
    }
}
