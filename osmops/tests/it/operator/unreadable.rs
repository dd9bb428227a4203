//! An object that this version cannot read.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::json;

use crate::kube_api::eventually;

use super::world::{Stage, condition, ready_at};

/// A definition of another version, which knows one more kind of source.
fn other_definition() -> DynamicObject {
    let text = osmops::operator::crd::definition();
    let text =
        text.replace("- ExternalArtifact\n", "- ExternalArtifact\n                    - Bucket\n");
    serde_yaml::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_is_told_of_and_the_others_go_on() {
    let Some(stage) = Stage::with_ldap(json!({})).await else { return };
    let gvk = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let definitions: Api<DynamicObject> =
        Api::all_with(stage.kube.client.clone(), &ApiResource::from_gvk(&gvk));
    let odd = json!({
        "apiVersion": "osmops.io/v1alpha1", "kind": "OsmDeployment",
        "metadata": { "name": "odd" },
        "spec": {
            "interval": "10m", "mode": "plan",
            "sourceRef": { "kind": "Bucket", "name": "demo" },
            "connection": { "secretRef": { "name": "osm" } },
        },
    });
    let odd: DynamicObject = serde_json::from_value(odd).unwrap();
    // Other tests may put the definition back meanwhile.
    eventually("the other version's object is stored", || async {
        let patch = Patch::Merge(other_definition());
        let name = "osmdeployments.osmops.io";
        definitions.patch(name, &PatchParams::default(), &patch).await.unwrap();
        stage.deployments().create(&PostParams::default(), &odd).await.ok()
    })
    .await;
    let told =
        "Warning ValidationFailed: osmops 0.1.0: its spec cannot be read: unknown variant `Bucket`";
    stage.told("OsmDeployment", told).await;

    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    stage.patch("odd", json!({ "spec": { "sourceRef": { "kind": "GitRepository" } } })).await;
    stage.status("odd", |status| condition(status, "Ready")["status"] == "True").await;
}
