//! Finds a package's descriptor and reads what others refer to.

use std::sync::Arc;

use crate::ids::{DescriptorId, KduName, MemberIndex, PackageKind};
use crate::repo::{RepoProblem, RepoWarning, descriptor_warnings, read_documents};
use crate::source_pos::SourcePos;
use crate::tree::{Tree, TreePath};
use crate::yaml::{FieldError, Node};

use super::DescriptorBody;

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
    /// Everything that it says.
    pub body: DescriptorBody,
    /// What deserves a look.
    pub warnings: Vec<RepoWarning>,
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

/// How the name of a descriptor ends. OSM looks for just these, in small letters; it looks for `.json` as
/// well, and fails to read such a one.
const ENDINGS: [&str; 2] = [".yaml", ".yml"];

/// A YAML file that may be the descriptor.
struct Candidate {
    path: TreePath,
    file: Arc<TreePath>,
    kind: PackageKind,
    body: Node,
}

/// Reads the one descriptor directly in `folder`. Other YAML files beside it are files like any others,
/// whatever they hold.
pub(super) fn read(tree: &Tree, folder: &TreePath) -> Result<Descriptor, Vec<RepoProblem>> {
    let (mut in_envelopes, mut bare, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (path, _) in tree.files_below(folder) {
        let inside = path.below(folder).unwrap_or_default();
        if inside.contains('/') || !ENDINGS.iter().any(|ending| inside.ends_with(ending)) {
            continue;
        }
        match read_documents(tree, path) {
            Err(problem) => problems.push(problem),
            Ok((file, documents)) => {
                let mut documents = documents.into_iter().map(Node::merged);
                let Some(document) = documents.next() else {
                    continue;
                };
                let second = documents.next();
                let candidate = |kind, body| Candidate { path: path.clone(), file, kind, body };
                if let Some((kind, body)) = open_envelope(&document) {
                    in_envelopes.push((candidate(kind, body), second));
                } else if let Some(kind) = kind_of_folder(folder)
                    && document.entry("id").is_some()
                {
                    bare.push((candidate(kind, document), second));
                }
            }
        }
    }
    let found = if in_envelopes.is_empty() { bare } else { in_envelopes };
    match found.as_slice() {
        [] if problems.is_empty() => {
            Err(vec![RepoProblem::NoDescriptor { folder: folder.clone() }])
        }
        [] => Err(problems),
        [(only, None)] => decode(only),
        [(only, Some(second))] => {
            let at = SourcePos::at(&only.file, second.line, second.column);
            let message = "a second document; OSM reads descriptors of one document only";
            Err(vec![RepoProblem::NotYaml { at, message: message.to_owned() }])
        }
        several => {
            let files = several.iter().map(|(candidate, _)| candidate.path.clone()).collect();
            Err(vec![RepoProblem::SeveralDescriptors { folder: folder.clone(), files }])
        }
    }
}

/// Takes the descriptor out of its envelope.
fn open_envelope(document: &Node) -> Option<(PackageKind, Node)> {
    ENVELOPES.iter().find_map(|(envelope, kind)| {
        document.entry(envelope).map(|inside| (*kind, unwrap_list(inside).clone()))
    })
}

fn kind_of_folder(folder: &TreePath) -> Option<PackageKind> {
    let name = folder.file_name();
    FOLDER_SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix)).map(|(_, kind)| *kind)
}

/// An NSD's envelope holds `nsd: [one]`, a catalog holds `vnfd: [one]`, a VNFD's holds the descriptor.
fn unwrap_list(inside: &Node) -> &Node {
    let list = ["nsd", "vnfd", "nsd:nsd", "vnfd:vnfd"].iter().find_map(|key| inside.entry(key));
    match list {
        Some(list) => list.items().first().unwrap_or(list),
        None => inside.items().first().unwrap_or(inside),
    }
}

fn decode(candidate: &Candidate) -> Result<Descriptor, Vec<RepoProblem>> {
    let Candidate { file, kind, body, .. } = candidate;
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
    let at_id = at(id);
    let warnings = descriptor_warnings(file, body);
    let body = DescriptorBody::new(Arc::clone(file), body.clone());
    Ok(Descriptor { kind: *kind, id: (name, at_id), version, members, kdus, body, warnings })
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
    fn other_yaml_files_beside_the_descriptor_are_files_like_any_others() {
        let others = [
            ("values.yaml", "x: 1\n---\ny: 2\n"),
            ("template.yml", "{{ if .Values.x }}: ["),
            ("schema.json", "{}"),
            ("chart/Chart.yaml", "vnfd: {id: z}"),
        ];
        for (name, text) in [("d.yaml", "vnfd: {id: a}"), ("d.yml", "id: a")] {
            let (tree, root) = folder("p_knf", &[&others[..], &[(name, text)]].concat());
            let descriptor = read(&tree, &root).unwrap();
            assert_eq!(descriptor.id.0.as_str(), "a");
        }
    }

    #[test]
    fn the_body_is_what_osm_reads_and_knows_its_places() {
        let text = "base: &base {provider: us}\nvnfd:\n  <<: *base\n  id: a\n  version: 1.10\n  \
                    kdu:\n  - {name: no}\n";
        let (tree, root) = folder("p", &[("d.yaml", text)]);
        let body = read(&tree, &root).unwrap().body;
        let expected = serde_json::json!(
            {"provider": "us", "id": "a", "version": 1.1, "kdu": [{"name": false}]}
        );
        assert_eq!(*body.json(), expected);
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            body.position(&path).to_string()
        };
        assert_eq!(at(&["kdu", "0", "name"]), "p/d.yaml:7:12");
        assert_eq!(at(&["kdu", "0", "gone"]), "p/d.yaml:7:5");
        assert_eq!(at(&["provider"]), "p/d.yaml:1:24");
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
        check(&[("a.json", "{\"vnfd\": {\"id\": \"a\"}}")], "no VNFD or NSD");
        check(&[("a.YAML", "vnfd: {id: a}")], "no VNFD or NSD");
        check(&[("a.yaml", "id: a"), ("b.yaml", "id: b")], "more than one descriptor");
        check(&[("a.yaml", "vnfd: [")], "p_knf/a.yaml:1:8: ");
        check(&[("a.yaml", "vnfd: {id: a}\n---\nx: 1\n")], "p_knf/a.yaml:3:1: a second document");
        check(&[("a.yaml", "vnfd: {name: a}")], "p_knf/a.yaml:1:7: `id` is missing");
    }
}
