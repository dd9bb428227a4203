//! Finds a package's descriptor and reads what others refer to.

use std::sync::Arc;

use crate::ids::{DescriptorId, KduName, MemberIndex, PackageKind};
use crate::repo::{RepoProblem, read_documents};
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};
use crate::yaml::{FieldError, Node};

/// What a VNFD or NSD says of itself, as far as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// VNFD or NSD.
    pub kind: PackageKind,
    /// Its `id`, and where that stands.
    pub id: (DescriptorId, SourcePos),
    /// Its `version`, for people.
    pub version: Option<String>,
    /// An NSD's VNFs.
    pub members: Vec<Member>,
    /// A VNFD's Kubernetes deployment units.
    pub kdus: Vec<KduName>,
}

/// One VNF of an NSD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its index; absent when only the NSD's list of VNFDs names it.
    pub index: Option<MemberIndex>,
    /// The VNFD that it is made from.
    pub vnfd: DescriptorId,
    /// Where the VNFD is named.
    pub at: SourcePos,
}

/// Envelopes of SOL006 and of the older catalogs.
///
/// Source: OSM NBI `descriptor_topics.py`, `_remove_envelop`; OSM IM's `vnfd.yang` and `nsd.yang`
/// before release 9 for the catalogs.
const ENVELOPES: [(&str, PackageKind); 8] = [
    ("vnfd", PackageKind::Vnfd),
    ("etsi-nfv-vnfd:vnfd", PackageKind::Vnfd),
    ("vnfd-catalog", PackageKind::Vnfd),
    ("vnfd:vnfd-catalog", PackageKind::Vnfd),
    ("nsd", PackageKind::Nsd),
    ("etsi-nfv-nsd:nsd", PackageKind::Nsd),
    ("nsd-catalog", PackageKind::Nsd),
    ("nsd:nsd-catalog", PackageKind::Nsd),
];

/// Folder names that tell the kind of a descriptor without an envelope.
const FOLDER_SUFFIXES: [(&str, PackageKind); 3] =
    [("_knf", PackageKind::Vnfd), ("_vnf", PackageKind::Vnfd), ("_ns", PackageKind::Nsd)];

/// Reads the one descriptor directly in `folder`.
pub(super) fn read(tree: &Tree, folder: &TreePath) -> Result<Descriptor, Vec<RepoProblem>> {
    let candidates: Vec<&TreePath> = tree
        .files_below(folder)
        .map(|(path, _)| path)
        .filter(|path| path.below(folder).is_some_and(|inside| !inside.contains('/')))
        .filter(|path| has_ending(path, &[".yaml", ".yml", ".json"]))
        .collect();
    let mut found: Vec<(&TreePath, Arc<TreePath>, Node, PackageKind)> = Vec::new();
    let mut strays = Vec::new();
    let mut problems = Vec::new();
    for &path in &candidates {
        if !has_ending(path, &[".yaml", ".yml"]) {
            strays.push(path);
            continue;
        }
        match read_documents(tree, path) {
            Err(problem) => problems.push(problem),
            Ok((file, documents)) => {
                let document = documents.into_iter().next();
                let opened = document.and_then(|d| open_envelope(&d, folder, candidates.len()));
                match opened {
                    Some((kind, body)) => found.push((path, file, body, kind)),
                    None => strays.push(path),
                }
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    match found.as_slice() {
        [] => Err(vec![RepoProblem::NoDescriptor { folder: folder.clone() }]),
        [(path, file, body, kind)] => {
            if let Some(stray) = strays.first() {
                let (file, descriptor) = ((*stray).clone(), (*path).clone());
                return Err(vec![RepoProblem::StrayYaml { file, descriptor }]);
            }
            decode(file, body, *kind)
        }
        several => {
            let files = several.iter().map(|(path, ..)| (*path).clone()).collect();
            Err(vec![RepoProblem::SeveralDescriptors { folder: folder.clone(), files }])
        }
    }
}

fn has_ending(path: &TreePath, endings: &[&str]) -> bool {
    let name = path.file_name().to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Takes the descriptor out of its envelope. Without one, the only YAML file of a folder counts when it
/// has an `id` and the folder's name tells its kind.
fn open_envelope(
    document: &Node,
    folder: &TreePath,
    candidates: usize,
) -> Option<(PackageKind, Node)> {
    for (envelope, kind) in ENVELOPES {
        if let Some(inside) = document.entry(envelope) {
            return Some((kind, unwrap_list(inside).clone()));
        }
    }
    let name = folder.file_name();
    let (_, kind) = FOLDER_SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix))?;
    (candidates == 1 && document.entry("id").is_some()).then(|| (*kind, document.clone()))
}

/// An NSD's envelope holds `nsd: [one]`, a catalog holds `vnfd: [one]`, a VNFD's holds the descriptor.
fn unwrap_list(inside: &Node) -> &Node {
    let list = ["nsd", "vnfd", "nsd:nsd", "vnfd:vnfd"].iter().find_map(|key| inside.entry(key));
    match list {
        Some(list) => list.items().first().unwrap_or(list),
        None => inside.items().first().unwrap_or(inside),
    }
}

fn decode(
    file: &Arc<TreePath>,
    body: &Node,
    kind: PackageKind,
) -> Result<Descriptor, Vec<RepoProblem>> {
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let field = |node: &Node, error| vec![RepoProblem::Field { at: at(node), error }];
    let Some(id) = body.entry("id").filter(|id| !id.is_null()) else {
        return Err(field(body, FieldError::Missing { key: "id".to_owned() }));
    };
    let bad = |reason: String| field(id, FieldError::BadValue { key: "id".to_owned(), reason });
    let text = id.scalar_text().ok_or_else(|| bad("must be text".to_owned()))?;
    let name = DescriptorId::new(text).map_err(|error| bad(error.to_string()))?;
    let version = body.entry("version").and_then(Node::scalar_text).map(str::to_owned);
    let (members, kdus) = match kind {
        PackageKind::Vnfd => (Vec::new(), kdus(body)),
        PackageKind::Nsd => (members(file, body), Vec::new()),
    };
    Ok(Descriptor { kind, id: (name, at(id)), version, members, kdus })
}

fn kdus(body: &Node) -> Vec<KduName> {
    let list = body.entry("kdu").map(Node::items).unwrap_or_default();
    list.iter().filter_map(|kdu| KduName::new(kdu.entry("name")?.scalar_text()?).ok()).collect()
}

/// The VNFs of an NSD: `df[].vnf-profile[]` of SOL006, `constituent-vnfd[]` of the catalogs, and then
/// whatever else the plain list `vnfd-id` names.
fn members(file: &Arc<TreePath>, body: &Node) -> Vec<Member> {
    let text =
        |node: &Node, key: &str| node.entry(key).and_then(Node::scalar_text).map(str::to_owned);
    let mut members: Vec<Member> = Vec::new();
    let mut add = |index: Option<String>, vnfd: Option<&Node>| {
        let Some((vnfd, node)) = vnfd.and_then(|node| Some((node.scalar_text()?, node))) else {
            return;
        };
        let Ok(vnfd) = DescriptorId::new(vnfd) else {
            return;
        };
        if index.is_some() || !members.iter().any(|member| member.vnfd == vnfd) {
            let index = index.and_then(|index| MemberIndex::new(index).ok());
            let at = SourcePos::at(file, node.line, node.column);
            members.push(Member { index, vnfd, at });
        }
    };
    for df in body.entry("df").map(Node::items).unwrap_or_default() {
        for profile in df.entry("vnf-profile").map(Node::items).unwrap_or_default() {
            add(text(profile, "id"), profile.entry("vnfd-id"));
        }
    }
    for vnf in body.entry("constituent-vnfd").map(Node::items).unwrap_or_default() {
        add(text(vnf, "member-vnf-index"), vnf.entry("vnfd-id-ref"));
    }
    for vnfd in body.entry("vnfd-id").map(Node::items).unwrap_or_default() {
        add(None, Some(vnfd));
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreeFile;

    fn folder(name: &str, files: &[(&str, &str)]) -> (Tree, TreePath) {
        let root = TreePath::parse(name).unwrap();
        let files = files
            .iter()
            .map(|(path, text)| (root.join(path), TreeFile::in_memory((*text).to_owned(), false)));
        (Tree::from_files(files), root.clone())
    }

    fn check(name: &str, text: &str, kind: PackageKind, id: &str, members: &[(&str, &str)]) {
        let (tree, root) = folder(name, &[("d.yaml", text), ("charts/values.yaml", "a: 1")]);
        let descriptor = read(&tree, &root).unwrap();
        assert_eq!((descriptor.kind, descriptor.id.0.as_str()), (kind, id));
        let found: Vec<(&str, &str)> = descriptor
            .members
            .iter()
            .map(|m| (m.index.as_ref().map_or("", MemberIndex::as_str), m.vnfd.as_str()))
            .collect();
        assert_eq!(found, members);
    }

    #[test]
    fn every_envelope_is_read() {
        use PackageKind::{Nsd, Vnfd};
        check("p", "vnfd:\n  id: a\n  kdu:\n  - name: k\n", Vnfd, "a", &[]);
        check("p", "etsi-nfv-vnfd:vnfd:\n  id: a\n", Vnfd, "a", &[]);
        check("p", "vnfd:vnfd-catalog:\n  vnfd:\n  - id: a\n", Vnfd, "a", &[]);
        let profile = "df:\n    - vnf-profile:\n      - {id: one, vnfd-id: v}\n    vnfd-id: [v]\n";
        check("p", &format!("nsd:\n  nsd:\n  - id: a\n    {profile}"), Nsd, "a", &[("one", "v")]);
        let catalog = "nsd:nsd-catalog:\n  nsd:\n  - id: a\n    constituent-vnfd:\n    \
                       - {member-vnf-index: 1, vnfd-id-ref: v}\n";
        check("p", catalog, Nsd, "a", &[("1", "v")]);
        check("p_ns", "id: a\nvnfd-id: [v]\n", Nsd, "a", &[("", "v")]);
    }

    #[test]
    fn a_folder_without_one_clear_descriptor_is_refused() {
        let check = |files: &[(&str, &str)], expected: &str| {
            let (tree, root) = folder("p_knf", files);
            let problems = read(&tree, &root).unwrap_err();
            assert!(problems[0].to_string().contains(expected), "{}", problems[0]);
        };
        check(&[("README.md", "x")], "no VNFD or NSD");
        check(
            &[("a.yaml", "vnfd: {id: a}"), ("b.yml", "nsd: {id: b}")],
            "`p_knf/a.yaml`, `p_knf/b.yml`",
        );
        check(
            &[("a.yaml", "vnfd: {id: a}"), ("values.yaml", "x: 1")],
            "p_knf/values.yaml: OSM refuses",
        );
        check(&[("a.yaml", "vnfd: {name: a}")], "p_knf/a.yaml:1:7: `id` is missing");
    }
}
