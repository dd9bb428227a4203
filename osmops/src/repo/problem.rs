//! What can be wrong with a revision, each with its place.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::ids::{DescriptorId, KduName, MemberIndex, NsName, PackageKind};
use crate::source_pos::SourcePos;
use crate::tree::TreePath;
use crate::yaml::{FieldError, YamlError};

use super::config::CONFIG_FILE;

/// Something that only a commit can mend. `Display` begins with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoProblem {
    /// The repository's root has no configuration file, so nothing in it is ours to apply.
    #[error(
        "{CONFIG_FILE}: no such file in the repository's root (`targetDir` and `connectionFile` are declared there)"
    )]
    NoConfig,
    /// A file cannot be read, or is too large to be one of ours.
    #[error("{at}: {reason}")]
    Unreadable {
        /// The file.
        at: SourcePos,
        /// Why not.
        reason: String,
    },
    /// Not YAML.
    #[error("{at}: {message}")]
    NotYaml {
        /// Where the parser gave up.
        at: SourcePos,
        /// What it said.
        message: String,
    },
    /// A key is missing, unknown or has an unusable value.
    #[error("{at}: {error}")]
    Field {
        /// The key or value.
        at: SourcePos,
        /// What is wrong with it.
        error: FieldError,
    },
    /// `targetDir` leads out of the repository.
    #[error("{at}: `targetDir` is `{target_dir}`, which is not a folder inside the repository")]
    TargetDirOutside {
        /// The value.
        at: SourcePos,
        /// As written.
        target_dir: String,
    },
    /// `targetDir` names a folder that does not exist.
    #[error("{at}: `targetDir` is `{target_dir}`, but there is no such folder")]
    TargetDirMissing {
        /// The value.
        at: SourcePos,
        /// As written.
        target_dir: String,
    },
    /// A document of a kind that is not known, or known no more.
    #[error(
        "{at}: kind `{kind}` {}",
        if kind == "KduNsAction" {
            "is no longer supported: declare the instance itself with kind `NsInstance`"
        } else {
            "is not known; `NsInstance` is"
        }
    )]
    UnknownKind {
        /// The value of `kind`.
        at: SourcePos,
        /// As written.
        kind: String,
    },
    /// Two documents declare an NS instance of one name.
    #[error("{at}: NS instance `{name}` is declared already at {first}")]
    DuplicateInstance {
        /// The second declaration.
        at: SourcePos,
        /// The name.
        name: NsName,
        /// The first declaration.
        first: SourcePos,
    },
    /// `dependsOn` names an instance that no file declares.
    #[error("{at}: no NS instance `{name}` is declared in this repository")]
    UnknownDependency {
        /// Where it is named.
        at: SourcePos,
        /// As written.
        name: NsName,
    },
    /// Instances wait for each other.
    #[error("{at}: `dependsOn` goes round in a circle: {}", circle.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "))]
    CircularDependency {
        /// Where the circle closes.
        at: SourcePos,
        /// Its instances; the first is also the last.
        circle: Vec<NsName>,
    },
    /// A package folder without a descriptor.
    #[error(
        "{folder}: no VNFD or NSD in this package folder (a `.yaml` or `.yml` file directly in it with `vnfd:` or `nsd:` on top)"
    )]
    NoDescriptor {
        /// The folder.
        folder: TreePath,
    },
    /// A package folder with several descriptors.
    #[error("{folder}: more than one descriptor in this package folder: {}", files.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", "))]
    SeveralDescriptors {
        /// The folder.
        folder: TreePath,
        /// The descriptors, in order.
        files: Vec<TreePath>,
    },
    /// Two package folders hold a descriptor of one kind and id.
    #[error("{at}: {kind} `{id}` is declared already at {first}")]
    DuplicateDescriptor {
        /// The second descriptor's id.
        at: SourcePos,
        /// VNFD or NSD.
        kind: PackageKind,
        /// The id of both.
        id: DescriptorId,
        /// The first descriptor's id.
        first: SourcePos,
    },
    /// `vnfName` is no member of the NSD. OSM would ignore the parameters without a word.
    #[error("{at}: NSD `{nsd}` has no VNF `{member}` (its VNFs are {})", list(known))]
    UnknownMember {
        /// The value of `vnfName`.
        at: SourcePos,
        /// As written.
        member: MemberIndex,
        /// The NSD.
        nsd: DescriptorId,
        /// The members that it has.
        known: Vec<String>,
    },
    /// `kdu.name` is no KDU of the VNFD. OSM would ignore the parameters without a word.
    #[error("{at}: VNFD `{vnfd}` has no KDU `{kdu}` (its KDUs are {})", list(known))]
    UnknownKdu {
        /// The value of `kdu.name`.
        at: SourcePos,
        /// As written.
        kdu: KduName,
        /// The VNFD.
        vnfd: DescriptorId,
        /// The KDUs that it has.
        known: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

impl RepoProblem {
    pub(crate) fn from_yaml(file: &std::sync::Arc<TreePath>, error: YamlError) -> Self {
        Self::NotYaml { at: SourcePos::at(file, error.line, error.column), message: error.message }
    }

    pub(crate) fn from_field(
        file: &std::sync::Arc<TreePath>,
        (line, column, error): (u32, u32, FieldError),
    ) -> Self {
        Self::Field { at: SourcePos::at(file, line, column), error }
    }

    /// Where it stands.
    pub fn at(&self) -> SourcePos {
        match self {
            Self::NoConfig => SourcePos::whole(TreePath::root().join(CONFIG_FILE)),
            Self::NoDescriptor { folder } | Self::SeveralDescriptors { folder, .. } => {
                SourcePos::whole(folder.clone())
            }
            Self::Unreadable { at, .. }
            | Self::NotYaml { at, .. }
            | Self::Field { at, .. }
            | Self::TargetDirOutside { at, .. }
            | Self::TargetDirMissing { at, .. }
            | Self::UnknownKind { at, .. }
            | Self::DuplicateInstance { at, .. }
            | Self::UnknownDependency { at, .. }
            | Self::CircularDependency { at, .. }
            | Self::DuplicateDescriptor { at, .. }
            | Self::UnknownMember { at, .. }
            | Self::UnknownKdu { at, .. } => at.clone(),
        }
    }

    /// The message without the place.
    pub fn message(&self) -> String {
        let whole = self.to_string();
        let prefix = format!("{}: ", self.at());
        whole.strip_prefix(&prefix).map_or(whole.clone(), str::to_owned)
    }
}

impl JsonSchema for RepoProblem {
    fn schema_name() -> Cow<'static, str> {
        "RepoProblem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "What is wrong in the repository, and where.",
            "properties": {
                "at": generator.subschema_for::<SourcePos>(),
                "message": { "type": "string" },
            },
            "required": ["at", "message"],
        })
    }
}

impl Serialize for RepoProblem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("RepoProblem", 2)?;
        fields.serialize_field("at", &self.at())?;
        fields.serialize_field("message", &self.message())?;
        fields.end()
    }
}

/// Something that deserves a look and stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoWarning {
    /// The package's folder and its descriptor go by different names.
    #[error("{at}: the descriptor's id is `{id}`, its folder is `{folder}`; the id counts")]
    FolderNameDiffers {
        /// The descriptor's id.
        at: SourcePos,
        /// The id.
        id: DescriptorId,
        /// The folder's name.
        folder: String,
    },
    /// A link, a special file or a name that is no text under `targetDir`.
    #[error("{path}: left out, because it is a link or a special file, or its name is not UTF-8")]
    NotARegularFile {
        /// Which.
        path: TreePath,
    },
    /// A file directly in `osm-pkgs`, where only folders are read.
    #[error("{path}: not read, because it is not in a package's folder{}", if path.as_str().ends_with(".gz") { " (a ready-made package must be unpacked; Flux leaves such files out)" } else { "" })]
    OutsidePackages {
        /// Which.
        path: TreePath,
    },
    /// A parameter without quotes that is another value than it looks like.
    #[error(
        "{at}: `{word}` without quotes is read as {value}: write \"{word}\" if it is meant as it stands"
    )]
    ReadOtherwise {
        /// Where it stands.
        at: SourcePos,
        /// As written.
        word: String,
        /// As read, in JSON.
        value: String,
    },
    /// A parameter without quotes that is text here, and something else in YAML 1.1.
    #[error(
        "{at}: `{word}` without quotes is text here, but {value} to OSM's and helm's own files: write \"{word}\" or {value}"
    )]
    TextHereOnly {
        /// Where it stands.
        at: SourcePos,
        /// As written.
        word: String,
        /// As YAML 1.1 reads it, in JSON.
        value: String,
    },
    /// A word of a descriptor that is another value to OSM than it looks like.
    #[error(
        "{at}: OSM reads `{word}` without quotes as {value}: write \"{word}\" if it is meant as it stands"
    )]
    ReadOtherwiseByOsm {
        /// Where it stands.
        at: SourcePos,
        /// As written.
        word: String,
        /// As OSM reads it, in JSON.
        value: String,
    },
    /// Nothing is declared at all.
    #[error("{folder}: no package and no operations file below this folder (files end in {})", suffixes.join(", "))]
    NothingDeclared {
        /// The target folder.
        folder: TreePath,
        /// The suffixes that were looked for.
        suffixes: Vec<String>,
    },
}

crate::schema::written_as_text!(
    RepoWarning,
    "RepoWarning",
    "What deserves a look in the repository: one sentence that begins with file, line and column."
);

impl Serialize for RepoWarning {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn a_message_says_what_is_wrong_and_not_where() {
        let file = Arc::new(TreePath::parse("ns/pod.ops.yaml").unwrap());
        let at = SourcePos::at(&file, 1, 7);
        let problem = RepoProblem::UnknownKind { at, kind: "Pod".to_owned() };
        let message = "kind `Pod` is not known; `NsInstance` is";
        assert_eq!(problem.message(), message);
        assert_eq!(problem.to_string(), format!("ns/pod.ops.yaml:1:7: {message}"));
        let at = json!({ "file": "ns/pod.ops.yaml", "line": 1, "column": 7 });
        let told = serde_json::to_value(&problem).unwrap();
        assert_eq!(told, json!({ "at": at, "message": message }));
        let message = RepoProblem::NoConfig.message();
        assert!(message.starts_with("no such file in the repository's root"), "{message}");
    }

    #[test]
    fn the_schema_of_a_problem_wants_its_place_and_its_message() {
        let schema = serde_json::to_value(schemars::schema_for!(RepoProblem)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&serde_json::to_value(RepoProblem::NoConfig).unwrap()));
        let at = json!({ "file": "ns/pod.ops.yaml", "line": 1, "column": 7 });
        assert!(validator.is_valid(&json!({ "at": at, "message": "a mistake" })));
        assert!(!validator.is_valid(&json!({ "at": "ns/pod.ops.yaml", "message": "a mistake" })));
        assert!(!validator.is_valid(&json!({ "at": at })));
        assert!(!validator.is_valid(&json!("a mistake")));
    }
}
