//! One `*.ops.yaml` file → NS instance declarations.

use std::sync::Arc;

use crate::ids::{DescriptorId, NsName, VimAccountName};
use crate::secret::SecretNames;
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};
use crate::yaml::{Fields, Node, NodeKind};

use super::problem::{RepoProblem, RepoWarning};
use super::vnfs::{KduDeclaration, take_kdus};
use super::{dialect, scan};

/// A document of kind `NsInstance`.
#[derive(Debug, Clone, PartialEq)]
pub struct NsDeclaration {
    /// The instance's name, and where it stands.
    pub name: (NsName, SourcePos),
    /// What OSM shows beside the name, and where it stands.
    pub description: Option<(String, SourcePos)>,
    /// The NSD's `id`, and where it stands.
    pub nsd: (DescriptorId, SourcePos),
    /// Where it is deployed, and where that is said.
    pub vim_account: (VimAccountName, SourcePos),
    /// The KDUs whose values are declared.
    pub kdus: Vec<KduDeclaration>,
    /// Whether an instance of this name that others made may be taken over.
    pub adopt: bool,
    /// The instances that must run before this one is made, and where each is named.
    pub depends_on: Vec<(NsName, SourcePos)>,
    /// Whether it is made anew where OSM cannot change it.
    pub recreate: bool,
}

/// What one file says.
#[derive(Default)]
pub(super) struct OpsFile {
    pub(super) declarations: Vec<NsDeclaration>,
    pub(super) problems: Vec<RepoProblem>,
    pub(super) warnings: Vec<RepoWarning>,
}

/// Reads every document of one file. A broken document does not hide its neighbours.
pub(super) fn read(tree: &Tree, path: &TreePath, names: &SecretNames) -> OpsFile {
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
        read.warnings.extend(dialect::of_params(&file, document, names));
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
    let description =
        fields.optional_text("description").map(|(text, node)| (text.to_owned(), at(node)));
    let nsd = fields.required_name("nsdName", DescriptorId::new);
    let vim_account = fields.required_name("vimAccountName", VimAccountName::new);
    let kdus = take_kdus(file, &mut fields);
    let depends_on = depends_on(&mut fields, at);
    let adopt = fields.optional_bool("adopt").is_some_and(|(adopt, _)| adopt);
    let recreate = fields.optional_bool("recreate").is_some_and(|(recreate, _)| recreate);
    let errors = fields.finish();
    if let (true, Some(name), Some(nsd), Some(vim)) = (errors.is_empty(), name, nsd, vim_account) {
        return Ok(NsDeclaration {
            name: (name.0, at(name.1)),
            // OSM refuses an empty description, and an absent one says the same.
            description: description.filter(|(text, _)| !text.trim().is_empty()),
            nsd: (nsd.0, at(nsd.1)),
            vim_account: (vim.0, at(vim.1)),
            kdus,
            adopt,
            depends_on,
            recreate,
        });
    }
    Err(errors.into_iter().map(|error| RepoProblem::from_field(file, error)).collect())
}

fn depends_on(
    fields: &mut Fields<'_>,
    at: impl Fn(&Node) -> SourcePos,
) -> Vec<(NsName, SourcePos)> {
    let Some(node) = fields.optional("dependsOn") else { return Vec::new() };
    if !matches!(node.kind, NodeKind::Sequence(_)) {
        fields.wrong_type("dependsOn", node, "a list of names", node.describe());
    }
    let mut names = Vec::new();
    for item in node.items() {
        match item.scalar_text().map(NsName::new) {
            Some(Ok(name)) => names.push((name, at(item))),
            Some(Err(error)) => fields.bad_value("dependsOn", item, error.to_string()),
            None => fields.wrong_type("dependsOn", item, "a list of names", item.describe()),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreeFile;

    #[test]
    fn an_empty_description_is_none() {
        let description = |line: &str| {
            let text = format!(
                "kind: NsInstance\nname: ldap\n{line}nsdName: ldap_ns\nvnfName: openldap\n\
                 vimAccountName: here\nkdu:\n  name: ldap\n"
            );
            let path = TreePath::parse("ldap.ops.yaml").unwrap();
            let tree = Tree::from_files([(path.clone(), TreeFile::in_memory(text, false))]);
            let mut found = read(&tree, &path, &SecretNames::default());
            assert_eq!(found.problems, [], "{line}");
            found.declarations.remove(0).description.map(|(text, _)| text)
        };
        assert_eq!(description("description: a service\n").as_deref(), Some("a service"));
        for empty in ["", "description:\n", "description: ''\n", "description: ' '\n"] {
            assert_eq!(description(empty), None, "{empty:?}");
        }
    }
}
