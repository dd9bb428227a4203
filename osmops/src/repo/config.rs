//! `osm_ops_config.yaml`: where things are and how OSM is reached.

use std::sync::Arc;

use crate::ids::Owner;
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};
use crate::yaml::{FieldError, Fields, Node};

use super::policy::{OperationPolicy, take_policy};
use super::problem::RepoProblem;
use super::scan;

/// The configuration file's name, in the repository's root.
pub const CONFIG_FILE: &str = "osm_ops_config.yaml";

/// What files are read when `fileExtensions` is absent or blank.
///
/// Source: the original OSM Ops, `osmops/cfg/store.go` and its documentation.
const FILE_EXTENSIONS_DEFAULT: [&str; 2] = [".osmops.yaml", ".osmops.yml"];

/// A healthy `osm_ops_config.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpsConfig {
    /// The folder that holds everything else.
    pub target_dir: TreePath,
    /// Suffixes of the files to read, in lower case.
    pub file_extensions: Vec<String>,
    /// Where connection data is, as written: absolute, or relative to the root.
    pub connection_file: Option<(String, SourcePos)>,
    /// Marks in OSM what this repository made.
    pub owner: Option<Owner>,
    /// Whether declared items that others made may be taken over.
    pub adopt: bool,
    /// Where it says that what is declared no more is to be removed.
    pub prune: Option<SourcePos>,
    /// Whether everything may be removed, or more than half of many.
    pub allow_large_prune: bool,
    /// How long OSM's operations may take, and how failed ones are tried again.
    pub policy: OperationPolicy,
    /// Parts of names of parameters that are secret, beside the usual ones.
    pub secret_params: Vec<String>,
}

/// Reads and checks the configuration of `tree`.
///
/// With problems that do not concern where files are, the configuration is given all the same, so that
/// the files' own problems can be found too; it must not be acted on.
pub(super) fn read(tree: &Tree) -> Result<(OpsConfig, Vec<RepoProblem>), Vec<RepoProblem>> {
    let path = TreePath::root().join(CONFIG_FILE);
    if tree.file(&path).is_none() {
        return Err(vec![RepoProblem::NoConfig]);
    }
    let (file, documents) = scan::read_documents(tree, &path).map_err(|problem| vec![problem])?;
    let Some(document) = documents.first() else {
        let reason = "the file is empty; `connectionFile` and `targetDir` belong here".to_owned();
        return Err(vec![RepoProblem::Unreadable { at: SourcePos::whole(path), reason }]);
    };
    if let Some(second) = documents.get(1) {
        let at = SourcePos::at(&file, second.line, second.column);
        let reason = "a second document, where only one is read".to_owned();
        return Err(vec![RepoProblem::Unreadable { at, reason }]);
    }
    decode(tree, &file, document)
}

fn decode(
    tree: &Tree,
    file: &Arc<TreePath>,
    document: &Node,
) -> Result<(OpsConfig, Vec<RepoProblem>), Vec<RepoProblem>> {
    let mut fields =
        Fields::of(document, "").map_err(|error| vec![RepoProblem::from_field(file, error)])?;
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let mut problems = Vec::new();

    let mut target_dir = TreePath::root();
    if let Some((text, node)) = fields.optional_text("targetDir") {
        match TreePath::parse(text) {
            None => problems
                .push(RepoProblem::TargetDirOutside { at: at(node), target_dir: text.to_owned() }),
            Some(path) if !path.as_str().is_empty() && !tree.has_folder(&path) => {
                problems.push(RepoProblem::TargetDirMissing {
                    at: at(node),
                    target_dir: text.to_owned(),
                });
            }
            Some(path) => target_dir = path,
        }
    }
    let file_extensions = file_extensions(&mut fields);
    let connection_file =
        fields.optional_text("connectionFile").map(|(text, node)| (text.to_owned(), at(node)));
    let owner = fields.optional_text("owner").and_then(|(text, node)| match parse_owner(text) {
        Ok(owner) => Some(owner),
        Err(reason) => {
            fields.bad_value("owner", node, reason);
            None
        }
    });
    let secret_params = secret_params(&mut fields);
    let mut flag = |key| fields.optional_bool(key).filter(|(flag, _)| *flag).map(|(_, node)| node);
    let adopt = flag("adopt").is_some();
    let prune = flag("prune");
    let allow_large_prune = flag("allowLargePrune").is_some();
    if let (Some(node), None) = (prune, &owner) {
        fields.bad_value("prune", node, "needs `owner`: only what bears its mark is removed");
    }

    let policy = take_policy(&mut fields);
    let errors = fields.finish();
    let is_placed = problems.is_empty() && !errors.iter().any(|(.., error)| hides_files(error));
    problems.extend(errors.into_iter().map(|error| RepoProblem::from_field(file, error)));
    if is_placed {
        let config = OpsConfig {
            target_dir,
            file_extensions,
            connection_file,
            owner,
            adopt,
            prune: prune.map(at),
            allow_large_prune,
            policy,
            secret_params,
        };
        Ok((config, problems))
    } else {
        Err(problems)
    }
}

fn secret_params(fields: &mut Fields<'_>) -> Vec<String> {
    let Some(node) = fields.optional("secretParams") else { return Vec::new() };
    if node.items().is_empty() && !node.is_null() {
        fields.wrong_type("secretParams", node, "a list of words", node.describe());
    }
    let mut words = Vec::new();
    for item in node.items() {
        match item.scalar_text().filter(|text| text.chars().any(char::is_alphanumeric)) {
            Some(text) => words.push(text.to_owned()),
            None => fields.wrong_type("secretParams", item, "a list of words", item.describe()),
        }
    }
    words
}

/// Whether a mistake leaves it open which files are meant.
fn hides_files(error: &FieldError) -> bool {
    let key = match error {
        FieldError::Unknown { nearest, .. } => nearest.as_deref().unwrap_or_default(),
        FieldError::Missing { key }
        | FieldError::WrongType { key, .. }
        | FieldError::BadValue { key, .. } => key,
    };
    matches!(key, "targetDir" | "fileExtensions")
}

fn file_extensions(fields: &mut Fields<'_>) -> Vec<String> {
    let mut suffixes = Vec::new();
    if let Some(node) = fields.optional("fileExtensions") {
        if node.scalar_text().is_some() {
            fields.wrong_type("fileExtensions", node, "a list of suffixes", node.describe());
        }
        for item in node.items() {
            match item.scalar_text() {
                Some(text) if text.trim().is_empty() => {}
                Some(text) => suffixes.push(text.trim().to_lowercase()),
                None => {
                    fields.wrong_type("fileExtensions", item, "a list of text", item.describe());
                }
            }
        }
    }
    if suffixes.is_empty() {
        suffixes = FILE_EXTENSIONS_DEFAULT.map(str::to_owned).to_vec();
    }
    suffixes
}

/// An owner travels in file names and in helm values, so it is made of few characters.
fn parse_owner(text: &str) -> Result<Owner, String> {
    const OWNER_BYTES_MAX: usize = 63;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    if text.len() > OWNER_BYTES_MAX || !text.chars().all(allowed) {
        return Err(format!(
            "must be at most {OWNER_BYTES_MAX} letters, digits, `-`, `_` and `/`, but is `{text}`"
        ));
    }
    // `-` alone says in an upload's name that there is no owner.
    if !text.is_empty() && !text.contains(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!("must have a letter or a digit, but is `{text}`"));
    }
    Owner::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreeFile;

    #[test]
    fn a_configuration_that_does_not_say_where_files_are_is_not_given() {
        let is_given = |text: &str| {
            let path = TreePath::root().join(CONFIG_FILE);
            let tree = Tree::from_files([(path, TreeFile::in_memory(text.to_owned(), false))]);
            read(&tree).map(|(_, problems)| assert_eq!(problems.len(), 1, "{problems:?}")).is_ok()
        };
        assert!(!is_given("targetDir: no/such\n"));
        assert!(!is_given("targetDir: ../elsewhere\n"));
        assert!(!is_given("fileExtensions: 3\n"));
        // A mistake that hides no file.
        assert!(is_given("prune: true\n"));
    }

    /// The configuration of a text, with how many mistakes it has.
    fn decoded(text: &str) -> (OpsConfig, usize) {
        let path = TreePath::root().join(CONFIG_FILE);
        let tree = Tree::from_files([(path, TreeFile::in_memory(text.to_owned(), false))]);
        let (config, problems) = read(&tree).unwrap();
        (config, problems.len())
    }

    #[test]
    fn words_of_secrets_are_a_list_of_words() {
        let words = |text: &str| {
            let (config, problems) = decoded(&format!("secretParams: {text}\n"));
            (config.secret_params, problems)
        };
        assert_eq!(words("[pin, 7]"), (vec!["pin".to_owned(), "7".to_owned()], 0));
        assert_eq!(words("[]"), (Vec::new(), 1));
        assert_eq!(words(""), (Vec::new(), 0));
        assert_eq!(words("pin"), (Vec::new(), 1));
        assert_eq!(words("[pin, '-', {a: 1}]"), (vec!["pin".to_owned()], 2));
    }

    #[test]
    fn an_owner_is_63_characters_of_some_kinds() {
        let owner = |text: &str| parse_owner(text).ok().map(|owner| owner.to_string());
        for fine in ["a", "team-a/b_1", "a".repeat(63).as_str()] {
            assert_eq!(owner(fine).as_deref(), Some(fine));
        }
        for wrong in ["-", "_/", "a b", "ä", "a".repeat(64).as_str()] {
            assert_eq!(owner(wrong), None, "{wrong}");
        }
    }
}
