//! The part of Flux's sources that is read.
//!
//! Source: source-controller 1.9, `api/v1/artifact_types.go`; `tests/crds` holds its definitions.

use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{GroupVersionKind, Selector, SelectorExt};
use serde::Deserialize;

use super::crd::SourceKind;

/// The group and version of all sources.
pub(super) const GROUP: &str = "source.toolkit.fluxcd.io";
pub(super) const VERSION: &str = "v1";

/// The annotation that asks for a run, on sources and on deployments.
pub(super) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// A source, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Which kind.
    pub(super) kind: SourceKind,
    /// Where.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Which one of this name.
    pub(super) uid: String,
    /// Its files; none until Flux fetched them once.
    pub(super) artifact: Option<Artifact>,
    /// Why it is not ready, in Flux's words.
    pub(super) not_ready: Option<String>,
    /// Whether it may be reconciled by itself, as far as labels go.
    pub(super) is_selected: bool,
    /// A request for a run by hand.
    pub(super) requested_at: Option<String>,
}

/// One revision of a source, to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Artifact {
    /// Where.
    pub(super) url: String,
    /// What the source calls it.
    pub(super) revision: String,
    /// `algorithm:hex` of the file; absent in artifacts of old Flux versions.
    #[serde(default)]
    pub(super) digest: String,
}

#[derive(Deserialize, Default)]
struct Status {
    artifact: Option<Artifact>,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
}

impl Source {
    /// Takes over what matters. What is of another shape than Flux gives counts as absent.
    pub(super) fn of(
        kind: SourceKind,
        object: &DynamicObject,
        selector: Option<&Selector>,
    ) -> Self {
        let status = object.data.get("status").cloned().unwrap_or_default();
        let status: Status = serde_json::from_value(status).unwrap_or_default();
        let not_ready = status
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == "Ready" && condition.status != "True")
            .map(|condition| condition.message);
        Self {
            kind,
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            artifact: status.artifact,
            not_ready,
            is_selected: selector.is_none_or(|selector| selector.matches(object.labels())),
            requested_at: object.annotations().get(REQUESTED_AT).cloned(),
        }
    }
}

/// How Kubernetes addresses sources of this kind.
pub(super) fn api_resource(kind: SourceKind) -> ApiResource {
    let plural = match kind {
        SourceKind::GitRepository => "gitrepositories",
        SourceKind::OCIRepository => "ocirepositories",
        SourceKind::ExternalArtifact => "externalartifacts",
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, kind.as_str()), plural)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_flux_s_definitions_promise() {
        for kind in SourceKind::ALL {
            let resource = api_resource(kind);
            let path = format!(
                "{}/tests/crds/source.toolkit.fluxcd.io_{}.yaml",
                env!("CARGO_MANIFEST_DIR"),
                resource.plural
            );
            let text = fs_err::read_to_string(path).unwrap();
            let crd: CustomResourceDefinition = serde_yaml::from_str(&text).unwrap();
            assert_eq!(
                (crd.spec.group.as_str(), crd.spec.names.kind.as_str()),
                (GROUP, kind.as_str())
            );
            assert_eq!(crd.spec.names.plural, resource.plural);
            let version = crd.spec.versions.iter().find(|version| version.name == VERSION).unwrap();
            assert!(version.served);
            let schema = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let properties = |schema: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps, name: &str| {
                schema.properties.as_ref().unwrap()[name].clone()
            };
            let artifact = properties(&properties(schema, "status"), "artifact");
            for name in ["url", "revision", "digest"] {
                assert_eq!(properties(&artifact, name).type_.as_deref(), Some("string"), "{name}");
                assert!(artifact.required.as_ref().unwrap().iter().any(|field| field == name));
            }
        }
    }

    #[test]
    fn sources_of_any_shape_are_read_as_far_as_they_go() {
        let read = |status: serde_json::Value| {
            let object = json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": { "name": "demo", "namespace": "ns", "uid": "u" }, "status": status,
            });
            Source::of(SourceKind::GitRepository, &serde_json::from_value(object).unwrap(), None)
        };
        let artifact = json!({ "url": "http://x/a.tar.gz", "revision": "main@sha1:1", "digest": "sha256:2", "size": 3 });
        let conditions =
            json!([{ "type": "Ready", "status": "False", "message": "no such branch" }]);
        let source = read(json!({ "artifact": artifact, "conditions": conditions }));
        assert_eq!(source.artifact.unwrap().digest, "sha256:2");
        assert_eq!(source.not_ready.as_deref(), Some("no such branch"));
        assert_eq!(read(json!({})).artifact, None);
        assert_eq!(read(json!({ "artifact": 7 })).artifact, None);
    }
}
