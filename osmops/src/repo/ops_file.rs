//! One `*.ops.yaml` file → NS instance declarations.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ids::{DescriptorId, KduName, MemberIndex, NsName, VimAccountName};
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};
use crate::yaml::{FieldError, Fields, Node, NodeKind};

use super::problem::{RepoProblem, RepoWarning};
use super::{dialect, scan};

/// A document of kind `NsInstance`.
#[derive(Debug, Clone, PartialEq)]
pub struct NsDeclaration {
    /// The instance's name, and where it stands.
    pub name: (NsName, SourcePos),
    /// What OSM shows beside the name.
    pub description: Option<String>,
    /// The NSD's `id`, and where it stands.
    pub nsd: (DescriptorId, SourcePos),
    /// Where it is deployed, and where that is said.
    pub vim_account: (VimAccountName, SourcePos),
    /// The KDUs whose values are declared.
    pub kdus: Vec<KduDeclaration>,
    /// Whether an instance of this name that others made may be taken over.
    pub adopt: bool,
}

/// One KDU of an instance and its declared values.
#[derive(Debug, Clone, PartialEq)]
pub struct KduDeclaration {
    /// The VNF that it belongs to (`vnfName`), and where it stands.
    pub member: (MemberIndex, SourcePos),
    /// The KDU's name, and where it stands.
    pub name: (KduName, SourcePos),
    /// The declared helm values, each with its place; empty when the chart's own are wanted.
    pub params: Map<String, Value>,
    /// Where each of `params` stands, in the same order.
    pub param_positions: Vec<SourcePos>,
}

/// What one file says.
#[derive(Default)]
pub(super) struct OpsFile {
    pub(super) declarations: Vec<NsDeclaration>,
    pub(super) problems: Vec<RepoProblem>,
    pub(super) warnings: Vec<RepoWarning>,
}

/// Reads every document of one file. A broken document does not hide its neighbours.
pub(super) fn read(tree: &Tree, path: &TreePath) -> OpsFile {
    let mut read = OpsFile::default();
    let (file, documents) = match scan::read_documents(tree, path) {
        Ok(read) => read,
        Err(problem) => {
            read.problems.push(problem);
            return read;
        }
    };
    if documents.is_empty() {
        let reason = "the file is empty; a document of kind `NsInstance` belongs here".to_owned();
        let at = SourcePos::whole(path.clone());
        read.problems.push(RepoProblem::Unreadable { at, reason });
    }
    for document in &documents {
        read.warnings.extend(dialect::of_params(&file, document));
        match decode(&file, document) {
            Ok(declaration) => read.declarations.push(declaration),
            Err(found) => read.problems.extend(found),
        }
    }
    read
}

fn decode(file: &Arc<TreePath>, document: &Node) -> Result<NsDeclaration, Vec<RepoProblem>> {
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let mut fields =
        Fields::of(document, "").map_err(|error| vec![RepoProblem::from_field(file, error)])?;
    // A document of another kind has other keys: one problem says so, not one for each key.
    if let Some((kind, node)) = fields.required_text("kind")
        && kind != "NsInstance"
    {
        return Err(vec![RepoProblem::UnknownKind { at: at(node), kind: kind.to_owned() }]);
    }
    let name = fields.required_name("name", NsName::new);
    let description = fields.optional_text("description").map(|(text, _)| text.to_owned());
    let nsd = fields.required_name("nsdName", DescriptorId::new);
    let vim_account = fields.required_name("vimAccountName", VimAccountName::new);
    let member = fields.required_name("vnfName", MemberIndex::new);
    let kdu = fields.required("kdu").and_then(|node| match decode_kdu(file, node) {
        Ok(kdu) => Some(kdu),
        Err(errors) => {
            fields.absorb(errors);
            None
        }
    });
    let adopt = fields.optional_bool("adopt").is_some_and(|(adopt, _)| adopt);
    let errors = fields.finish();
    if let (true, Some(name), Some(nsd), Some(vim), Some(member), Some((kdu, params, positions))) =
        (errors.is_empty(), name, nsd, vim_account, member, kdu)
    {
        return Ok(NsDeclaration {
            name: (name.0, at(name.1)),
            // OSM refuses an empty description, and an absent one says the same.
            description: description.filter(|text| !text.trim().is_empty()),
            nsd: (nsd.0, at(nsd.1)),
            vim_account: (vim.0, at(vim.1)),
            kdus: vec![KduDeclaration {
                member: (member.0, at(member.1)),
                name: kdu,
                params,
                param_positions: positions,
            }],
            adopt,
        });
    }
    Err(errors.into_iter().map(|error| RepoProblem::from_field(file, error)).collect())
}

type DecodedKdu = ((KduName, SourcePos), Map<String, Value>, Vec<SourcePos>);

fn decode_kdu(
    file: &Arc<TreePath>,
    node: &Node,
) -> Result<DecodedKdu, Vec<(u32, u32, FieldError)>> {
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let mut fields = Fields::of(node, "kdu").map_err(|error| vec![error])?;
    let name = fields.required_name("name", KduName::new);
    let mut params = Map::new();
    let mut positions = Vec::new();
    if let Some(node) = fields.optional("params") {
        if matches!(node.kind, NodeKind::Mapping(_)) {
            for (key, value) in node.entries() {
                let text = key.scalar_text().unwrap_or_default();
                params.insert(text.to_owned(), value.to_json());
                positions.push(at(key));
            }
        } else {
            fields.wrong_type("params", node, "a mapping", node.describe());
        }
    }
    match (fields.finish(), name) {
        (errors, Some((name, node))) if errors.is_empty() => {
            Ok(((name, at(node)), params, positions))
        }
        (errors, _) => Err(errors),
    }
}
