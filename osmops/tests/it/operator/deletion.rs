//! What becomes of OSM when an OsmDeployment is deleted.

use kube::api::DeleteParams;
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;
use mock_nbi::{Collection, OperationResult, Profile};
use serde_json::{Value, json};

use crate::kube_api::eventually;

use super::world::{PATIENCE, Stage, condition, ready_at};

impl Stage {
    /// Asks Kubernetes to delete a deployment, which may have to wait.
    async fn delete(&self, name: &str) -> String {
        let object = self.deployments().get(name).await.unwrap();
        self.deployments().delete(name, &DeleteParams::default()).await.unwrap();
        object.metadata.uid.unwrap()
    }

    async fn is_gone(&self, name: &str, uid: &str) {
        let gone = await_condition(self.deployments(), name, is_deleted(uid));
        tokio::time::timeout(PATIENCE, gone).await.expect("it goes").unwrap();
    }

    async fn finalizers(&self, name: &str) -> Vec<String> {
        self.deployments().get(name).await.unwrap().metadata.finalizers.unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deleted_deployment_made_is_removed_though_its_source_is_gone() {
    let spec = json!({ "deletionPolicy": "Delete" });
    let Some(stage) = Stage::with_ldap(spec).await else { return };
    stage.publish_tag("test.0.0.7").await;
    let status = stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_eq!(status["owner"], format!("{}/ldap", stage.namespace));
    assert_eq!(stage.finalizers("ldap").await, ["osmops.io/finalizer"]);
    stage.repositories().delete("demo", &DeleteParams::default()).await.unwrap();
    stage.refusal("ldap", "ArtifactFailed", "/demo is not there").await;

    let uid = stage.delete("ldap").await;
    stage.is_gone("ldap", &uid).await;
    assert_eq!(stage.world.osm.records(Collection::NsInstances), [Value::Null; 0]);
    assert_eq!(stage.world.packages().len(), 0);
    stage.told("OsmDeployment", "Normal Progressing: NS ldap: termination started").await;
    let last = "Normal ReconciliationSucceeded: Removed from OSM what it made there";
    stage.told("OsmDeployment", last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_goes_on_where_a_killed_operator_left_it() {
    let spec = json!({ "deletionPolicy": "Delete" });
    let Some(mut stage) = Stage::with_ldap_in(Profile::manual(), spec).await else { return };
    stage.publish_tag("test.0.0.7").await;
    let healthy = |wanted: &'static str| {
        move |status: &Value| condition(status, "Healthy")["status"] == wanted
    };
    stage.status("ldap", healthy("Unknown")).await;
    stage.world.osm.end_operations(OperationResult::Ok);
    stage.status("ldap", healthy("True")).await;

    let mark = stage.world.osm.journal_len();
    let uid = stage.delete("ldap").await;
    let is_at_work = |status: &Value| {
        let message = condition(status, "Ready")["message"].to_string();
        message.contains("Deleting: ") && message.contains("NS ldap: termination started")
    };
    stage.status("ldap", is_at_work).await;
    stage.operator = None;
    let killed = stage.world.osm.journal_len();
    stage.start_operator(&[]);
    eventually("the next one has looked", || async {
        let sent = stage.world.sent_since(killed);
        sent.iter().any(|line| line.ends_with("/ns_instances")).then_some(())
    })
    .await;
    stage.world.osm.end_operations(OperationResult::Ok);
    stage.is_gone("ldap", &uid).await;
    let writes = stage.world.writes_since(mark);
    let terminations = writes.iter().filter(|write| write.ends_with("/terminate")).count();
    assert_eq!(terminations, 1, "{writes:?}");
    assert_eq!(stage.world.packages().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_let_go_at_once_where_osm_is_to_be_left_as_it_is() {
    let Some(stage) = Stage::with_ldap(json!({ "deletionPolicy": "Delete" })).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    stage.patch("ldap", json!({ "spec": { "suspend": true } })).await;
    let uid = stage.delete("ldap").await;
    stage.is_gone("ldap", &uid).await;
    let left = "Deleted, and OSM is left as it is, because it is suspended";
    stage.told("OsmDeployment", left).await;
    stage.world.instance("ldap");

    stage.create_deployment("ldap", json!({ "deletionPolicy": "Delete" })).await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    stage.patch("ldap", json!({ "spec": { "deletionPolicy": "Orphan" } })).await;
    let looked_at = |status: &Value| {
        status["observedGeneration"] == 2 && condition(status, "Ready")["status"] == "True"
    };
    stage.status("ldap", looked_at).await;
    assert_eq!(stage.finalizers("ldap").await, [""; 0]);
    let uid = stage.delete("ldap").await;
    stage.is_gone("ldap", &uid).await;
    stage.world.instance("ldap");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_keeps_the_deployment_and_is_told_until_it_can() {
    let Some(stage) = Stage::with_ldap(json!({ "deletionPolicy": "Delete" })).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    stage.secrets().delete("osm", &DeleteParams::default()).await.unwrap();
    let uid = stage.delete("ldap").await;
    stage.refusal("ldap", "AuthenticationFailed", "/osm with the connection to OSM").await;
    stage.world.instance("ldap");

    stage.world.instance_by_hand("other", "openldap_ns", None, json!({})).await;
    stage.create_secret().await;
    let message = stage.refusal("ldap", "PruneFailed", "NSD openldap_ns: ").await;
    assert!(message.contains("still used by NS other"), "{message}");
    assert_eq!(stage.finalizers("ldap").await, ["osmops.io/finalizer"]);
    stage.told("OsmDeployment", "Warning PruneFailed: VNFD openldap_knf: ").await;
    let left = stage.world.osm.records(Collection::NsInstances);
    assert_eq!(left.len(), 1, "what can be removed is: {left:#?}");
    stage.world.instance("other");

    // Whoever asked for it may think better of it.
    stage.patch("ldap", json!({ "spec": { "deletionPolicy": "Orphan" } })).await;
    stage.is_gone("ldap", &uid).await;
    assert_eq!(stage.world.packages().len(), 2);
}
