//! Which KDUs a document declares: `vnfName` with `kdu` or `kdus`, or several VNFs under `vnfs`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ids::{KduName, MemberIndex};
use crate::source_pos::SourcePos;
use crate::tree::TreePath;
use crate::yaml::{Fields, Node, NodeKind};

/// Words that OSM takes out of an upgrade's values and acts on itself.
///
/// Source: OSM LCM v19 `ns.py`, `action`.
const OSMS_OWN_WORDS: [&str; 5] = [
    "kdu_model",
    "kdu_atomic_upgrade",
    "kdu_reset_values",
    "kdu_reuse_values",
    "kdu_reset_then_reuse_values",
];

/// One KDU of an instance and its declared values.
#[derive(Debug, Clone, PartialEq)]
pub struct KduDeclaration {
    /// The VNF that it belongs to (`vnfName`), and where it stands.
    pub member: (MemberIndex, SourcePos),
    /// The KDU's name, and where it stands.
    pub name: (KduName, SourcePos),
    /// The chart, where it is not to be the VNFD's, and where it is named.
    pub model: Option<(String, SourcePos)>,
    /// The declared helm values, each with its place; empty when the chart's own are wanted.
    pub params: Map<String, Value>,
    /// Where each of `params` stands, in the same order.
    pub param_positions: Vec<SourcePos>,
}

/// Takes every KDU out of a document; what is wrong is left in `fields`.
pub(super) fn take_kdus(file: &Arc<TreePath>, fields: &mut Fields<'_>) -> Vec<KduDeclaration> {
    let Some(vnfs) = fields.optional("vnfs") else {
        let kdus = vnf(file, fields);
        report_repeated(fields, &kdus);
        return kdus;
    };
    for key in ["vnfName", "kdu", "kdus"] {
        if let Some(node) = fields.optional(key) {
            fields.bad_value(
                key,
                node,
                "cannot stand beside `vnfs`; move it into an item of `vnfs`",
            );
        }
    }
    let mut kdus = Vec::new();
    for item in items(fields, "vnfs", vnfs, "a list of VNFs") {
        match Fields::of(item, "vnfs") {
            Ok(mut inner) => {
                kdus.extend(vnf(file, &mut inner));
                fields.absorb(inner.finish());
            }
            Err(error) => fields.absorb(vec![error]),
        }
    }
    report_repeated(fields, &kdus);
    kdus
}

/// The KDUs of one VNF.
fn vnf(file: &Arc<TreePath>, fields: &mut Fields<'_>) -> Vec<KduDeclaration> {
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let member = fields.required_name("vnfName", MemberIndex::new);
    let nodes: Vec<(&'static str, &Node)> = match fields.optional("kdus") {
        None => fields.required("kdu").map(|node| ("kdu", node)).into_iter().collect(),
        Some(kdus) => {
            if fields.optional("kdu").is_some() {
                fields.bad_value(
                    "kdus",
                    kdus,
                    "cannot stand beside `kdu`; put all KDUs into `kdus`",
                );
            }
            let items = items(fields, "kdus", kdus, "a list of KDUs");
            items.into_iter().map(|node| ("kdus", node)).collect()
        }
    };
    let decoded = nodes.into_iter().map(|(prefix, node)| kdu(file, fields, prefix, node));
    let decoded: Vec<Option<DecodedKdu>> = decoded.collect();
    let Some((member, node)) = member else { return Vec::new() };
    let member = (member, at(node));
    let declaration = |kdu: DecodedKdu| KduDeclaration {
        member: member.clone(),
        name: kdu.name,
        model: kdu.model,
        params: kdu.params,
        param_positions: kdu.param_positions,
    };
    decoded.into_iter().flatten().map(declaration).collect()
}

/// The items of a list that must have some.
fn items<'a>(
    fields: &mut Fields<'_>,
    key: &'static str,
    node: &'a Node,
    wanted: &'static str,
) -> Vec<&'a Node> {
    if node.items().is_empty() {
        let found = match &node.kind {
            NodeKind::Sequence(_) => "empty",
            NodeKind::Scalar { .. } | NodeKind::Mapping(_) => node.describe(),
        };
        fields.wrong_type(key, node, wanted, found);
    }
    node.items().iter().collect()
}

struct DecodedKdu {
    name: (KduName, SourcePos),
    model: Option<(String, SourcePos)>,
    params: Map<String, Value>,
    param_positions: Vec<SourcePos>,
}

fn kdu(
    file: &Arc<TreePath>,
    outer: &mut Fields<'_>,
    prefix: &'static str,
    node: &Node,
) -> Option<DecodedKdu> {
    let at = |node: &Node| SourcePos::at(file, node.line, node.column);
    let mut fields = match Fields::of(node, prefix) {
        Ok(fields) => fields,
        Err(error) => {
            outer.absorb(vec![error]);
            return None;
        }
    };
    let name = fields.required_name("name", KduName::new);
    let model = fields.optional_text("model");
    if let Some((text, node)) = model
        && text.trim().is_empty()
    {
        fields.bad_value("model", node, "must not be empty");
    }
    let model = model.map(|(text, node)| (text.to_owned(), at(node)));
    let mut params = Map::new();
    let mut param_positions = Vec::new();
    if let Some(node) = fields.optional("params") {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            fields.wrong_type("params", node, "a mapping", node.describe());
        }
        for (key, value) in node.entries() {
            let text = key.scalar_text().unwrap_or_default();
            refuse_osms_own_words(&mut fields, text, key);
            params.insert(text.to_owned(), value.to_json());
            param_positions.push(at(key));
        }
    }
    let errors = fields.finish();
    let is_healthy = errors.is_empty();
    outer.absorb(errors);
    let (name, node) = name?;
    is_healthy.then(|| DecodedKdu { name: (name, at(node)), model, params, param_positions })
}

fn refuse_osms_own_words(fields: &mut Fields<'_>, key: &str, at: &Node) {
    if OSMS_OWN_WORDS.contains(&key) {
        let instead = if key == "kdu_model" { "; a chart is declared as `model`" } else { "" };
        let reason = format!(
            "has `{key}`, which is an option of OSM's upgrade and no value of the chart{instead}"
        );
        fields.bad_value("params", at, reason);
    }
}

/// A KDU has one set of values, so it is named once.
fn report_repeated(fields: &mut Fields<'_>, kdus: &[KduDeclaration]) {
    for (n, kdu) in kdus.iter().enumerate() {
        let same =
            |other: &&KduDeclaration| other.member.0 == kdu.member.0 && other.name.0 == kdu.name.0;
        if let Some(first) = kdus.iter().take(n).find(same)
            && let Some((line, column)) = kdu.name.1.line_and_column()
        {
            let (name, member, first) = (&kdu.name.0, &kdu.member.0, &first.name.1);
            let reason = format!("`{name}` of VNF `{member}` is declared already at {first}");
            fields.bad_value_at("kdu.name", (line, column), reason);
        }
    }
}
