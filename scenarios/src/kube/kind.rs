//! Which kinds of objects there are, and what is particular about each.

use std::sync::Arc;

use serde_json::Value;

/// Where objects of a kind are kept; its versions share them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) plural: String,
}

/// A kind in one version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) kind: String,
    pub(super) short_names: Vec<String>,
    pub(super) is_namespaced: bool,
    pub(super) has_status: bool,
    /// `metadata.generation` rises with what is declared.
    pub(super) counts_generations: bool,
    /// A PUT to a name that is free makes the object.
    pub(super) is_made_by_put: bool,
    /// A PUT may leave out which version it changes.
    pub(super) takes_any_version: bool,
    /// What its CustomResourceDefinition says, if it has one.
    pub(super) definition: Option<Definition>,
    /// What `kubectl get` shows, as a definition's `additionalPrinterColumns` tell it.
    pub(super) columns: Vec<Value>,
}

/// A custom kind's shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Definition {
    /// `openAPIV3Schema`.
    pub(super) schema: Value,
}

impl Kind {
    /// As an object's `apiVersion` says it.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Where its objects are kept. Both groups of Events are views of the same ones.
    pub(super) fn resource(&self) -> Resource {
        let group = if self.plural == "events" { String::new() } else { self.group.clone() };
        Resource { group, plural: self.plural.clone() }
    }

    /// As refusals name it: `osmdeployments.osmops.io`.
    pub(super) fn plural_and_group(&self) -> String {
        with_group(&self.plural, &self.group)
    }

    /// As refusals of invalid objects name it: `OsmDeployment.osmops.io`.
    pub(super) fn kind_and_group(&self) -> String {
        with_group(&self.kind, &self.group)
    }

    /// Whether it is an Event as `events.k8s.io` has it; they are kept as the core group's.
    pub(super) fn is_newer_event(&self) -> bool {
        self.plural == "events" && self.group == "events.k8s.io"
    }
}

fn with_group(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// Group and version, kind, plural, short name, and marks: `n`amespaced, has `s`tatus, counts
/// `g`enerations, made by `p`ut, takes `a`ny version.
const BUILT_IN: [(&str, &str, &str, &str, &str); 15] = [
    ("v1", "Namespace", "namespaces", "ns", "sa"),
    ("v1", "Secret", "secrets", "", "na"),
    ("v1", "ConfigMap", "configmaps", "cm", "na"),
    ("v1", "ServiceAccount", "serviceaccounts", "sa", "na"),
    ("v1", "Service", "services", "svc", "nsa"),
    ("v1", "Pod", "pods", "po", "nsa"),
    ("v1", "Event", "events", "ev", "npa"),
    ("events.k8s.io/v1", "Event", "events", "ev", "npa"),
    ("apps/v1", "Deployment", "deployments", "deploy", "nsga"),
    ("coordination.k8s.io/v1", "Lease", "leases", "", "np"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "netpol", "nga"),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", "", "npa"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", "", "npa"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", "", "pa"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", "", "pa"),
];

/// The kinds that are there from the start.
pub(super) fn built_in() -> Vec<Arc<Kind>> {
    let definitions = (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd",
        "sg",
    );
    let kind = |(api_version, kind, plural, short, marks): (&str, &str, &str, &str, &str)| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let has = |mark: char| marks.contains(mark);
        Arc::new(Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            short_names: Some(short.to_owned())
                .filter(|name| !name.is_empty())
                .into_iter()
                .collect(),
            is_namespaced: has('n'),
            has_status: has('s'),
            counts_generations: has('g'),
            is_made_by_put: has('p'),
            takes_any_version: has('a'),
            definition: None,
            columns: if plural == "events" { event_columns(group) } else { Vec::new() },
        })
    };
    BUILT_IN.into_iter().chain([definitions]).map(kind).collect()
}

fn event_columns(group: &str) -> Vec<Value> {
    let (object, text) =
        if group.is_empty() { ("involvedObject", "message") } else { ("regarding", "note") };
    let column = |name: &str, kind: &str, path: &str| serde_json::json!({ "name": name, "type": kind, "jsonPath": path });
    vec![
        column("Last Seen", "date", ".metadata.creationTimestamp"),
        column("Type", "string", ".type"),
        column("Reason", "string", ".reason"),
        column("Object", "string", &format!(".{object}.name")),
        column("Message", "string", &format!(".{text}")),
    ]
}

/// The kinds that a CustomResourceDefinition makes known, one for each version that is served.
pub(super) fn of_definition(definition: &Value) -> Vec<Arc<Kind>> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let versions = list(&spec["versions"]);
    let served = versions.iter().filter(|version| version["served"] == true);
    let kind = |version: &Value| {
        let schema = version["schema"]["openAPIV3Schema"].clone();
        Arc::new(Kind {
            group: text(&spec["group"]),
            version: text(&version["name"]),
            plural: text(&names["plural"]),
            singular: text(&names["singular"]),
            kind: text(&names["kind"]),
            short_names: list(&names["shortNames"]).iter().map(text).collect(),
            is_namespaced: spec["scope"] == "Namespaced",
            has_status: version["subresources"].get("status").is_some(),
            counts_generations: true,
            is_made_by_put: false,
            takes_any_version: false,
            definition: Some(Definition { schema }),
            columns: list(&version["additionalPrinterColumns"]),
        })
    };
    served.map(kind).collect()
}
