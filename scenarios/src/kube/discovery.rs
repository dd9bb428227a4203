//! What clients ask to learn which kinds there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kind::Kind;
use super::state::State;

/// The answer to a path that tells of kinds, or of the server; `None` for any other path.
pub(super) fn answer(state: &State, path: &str) -> Option<Value> {
    match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "33", "gitVersion": "v1.33.0-in-memory", "gitCommit": "", "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
        })),
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => {
            let groups: BTreeSet<&str> = state
                .kinds()
                .iter()
                .map(|kind| kind.group.as_str())
                .filter(|g| !g.is_empty())
                .collect();
            let groups: Vec<Value> =
                groups.into_iter().filter_map(|name| group(state, name)).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", name] => {
            let mut group = group(state, name)?;
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            Some(group)
        }
        ["api", version] => resources(state, "", version),
        ["apis", group, version] => resources(state, group, version),
        _ => None,
    }
}

/// Whether a path leads to a group and version that there are.
pub(super) fn is_group_known(state: &State, path: &str) -> bool {
    let of = match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["api", version, ..] => (String::new(), (*version).to_owned()),
        ["apis", group, version, ..] => ((*group).to_owned(), (*version).to_owned()),
        _ => return false,
    };
    state.kinds().iter().any(|kind| (&kind.group, &kind.version) == (&of.0, &of.1))
}

fn group(state: &State, name: &str) -> Option<Value> {
    let mut versions: Vec<Value> = Vec::new();
    for kind in state.kinds().iter().filter(|kind| kind.group == name && !name.is_empty()) {
        let version = json!({ "groupVersion": kind.api_version(), "version": kind.version });
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let preferred = versions.first()?.clone();
    Some(json!({ "name": name, "versions": versions, "preferredVersion": preferred }))
}

fn resources(state: &State, group: &str, version: &str) -> Option<Value> {
    let of_group = |kind: &&Kind| kind.group == group && kind.version == version;
    let kinds: Vec<&Kind> = state.kinds().iter().map(AsRef::as_ref).filter(of_group).collect();
    let group_version = kinds.first()?.api_version();
    let resource = |kind: &Kind| {
        let mut resource = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.is_namespaced,
            "kind": kind.kind,
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        });
        if !kind.short_names.is_empty() {
            resource["shortNames"] = json!(kind.short_names);
        }
        let status = kind.has_status.then(|| json!({
            "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.is_namespaced,
            "kind": kind.kind, "verbs": ["get", "patch", "update"],
        }));
        std::iter::once(resource).chain(status)
    };
    let resources: Vec<Value> = kinds.into_iter().flat_map(resource).collect();
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources,
    }))
}
