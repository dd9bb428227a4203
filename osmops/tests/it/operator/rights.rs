//! The rights that the manifests give the operator: enough, and none too many.

use futures_util::{StreamExt, stream};
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::json;

use crate::kube_api::{Right, eventually, manifest_rights};

use super::world::{Stage, ready_at};

/// Operators that run at once, each with one right less.
const AT_ONCE: usize = 3;

/// An operator with a service account of its own on a whole stage.
async fn staged(missing: Option<&Right>) -> Option<Stage> {
    let mut stage = Stage::set().await?;
    let folder = stage.folder.path().to_owned();
    let kubeconfig = stage.kube.as_operator(&stage.namespace, &folder, missing).await;
    let arguments = ["--enable-leader-election", "--leader-election-retry-period=1s"];
    stage.start_operator_as(&kubeconfig, &arguments);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({ "deletionPolicy": "Delete" })).await;
    stage.publish_tag("test.0.0.7").await;
    Some(stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_rights_are_enough() {
    let Some(mut stage) = staged(None).await else { return };
    stage.status("ldap", ready_at("test.0.0.7")).await;
    eventually("the Event is told", || async {
        let events = stage.events("OsmDeployment").await;
        events.iter().any(|event| event.contains("Applied revision")).then_some(())
    })
    .await;
    stage.deployments().delete("ldap", &Default::default()).await.unwrap();
    eventually("it is gone", || async {
        stage.deployments().get_opt("ldap").await.unwrap().is_none().then_some(())
    })
    .await;
    let mut operator = stage.operator.take().unwrap();
    operator.signal("TERM");
    assert!(operator.ended().await.success());
    assert!(!operator.log().contains("forbidden"), "{}", operator.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_of_its_rights_the_operator_says_which_it_lacks() {
    let rights = manifest_rights();
    assert!(rights.len() > 10, "{rights:?}");
    let each = rights.iter().map(|missing| async move {
        let Some(stage) = staged(Some(missing)).await else { return };
        let Right { resource, verb } = missing;
        // The API server's own words, quoted by the JSON of the log.
        let refusal = format!("cannot {verb} resource \\\"{resource}\\\"");
        let operator = stage.operator.as_ref().unwrap();
        eventually(&refusal, || async {
            let object = stage.deployments().get("ldap").await.unwrap();
            let is_ready = ready_at("test.0.0.7")(&object.data["status"]);
            (is_ready || operator.log().contains(&refusal)).then_some(())
        })
        .await;
        // What it needs at the end alone.
        stage.deployments().delete("ldap", &Default::default()).await.unwrap();
        operator.logged(&refusal).await;
    });
    stream::iter(each).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Every manifest that kustomize installs and that Flux's component adds, one object each.
fn manifests() -> Vec<DynamicObject> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../kind");
    let files =
        ["rbac", "deployment", "networkpolicy"].map(|name| format!("manifests/{name}.yaml"));
    let files = files.into_iter().chain(["flux/rbac.yaml".to_owned()]);
    let texts = files.map(|file| fs_err::read_to_string(format!("{folder}/{file}")).unwrap());
    let texts: Vec<String> = texts.collect();
    let documents = texts.iter().flat_map(|text| text.split("\n---\n"));
    documents.map(|document| serde_yaml::from_str(document).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_takes_every_manifest() {
    let Some(stage) = Stage::set().await else { return };
    let params = PostParams { dry_run: true, ..PostParams::default() };
    for mut object in manifests() {
        let types = object.types.clone().unwrap();
        let gvk = GroupVersionKind::try_from(&types).unwrap();
        let resource = ApiResource::from_gvk(&gvk);
        let client = stage.kube.client.clone();
        let api: Api<DynamicObject> = if object.metadata.namespace.is_some() {
            object.metadata.namespace = Some(stage.namespace.clone());
            Api::namespaced_with(client, &stage.namespace, &resource)
        } else {
            Api::all_with(client, &resource)
        };
        let taken = api.create(&params, &object).await;
        taken.unwrap_or_else(|error| panic!("{} {:?}: {error}", types.kind, object.metadata.name));
    }
}
