//! What an OsmDeployment says of OSM's operations, and whether it waits for them.

use mock_nbi::{OperationResult, Profile};
use serde_json::{Value, json};

use super::artifacts::demo_with;
use super::world::{Stage, condition, ready_at};

/// The status and reason of a condition, as `True Succeeded`.
fn told(status: &Value, kind: &str) -> String {
    let condition = condition(status, kind);
    let text = |key: &str| condition[key].as_str().unwrap_or("-").to_owned();
    format!("{} {}", text("status"), text("reason"))
}

fn is(kind: &'static str, wanted: &'static str) -> impl Fn(&Value) -> bool + Clone {
    move |status| told(status, kind) == wanted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_ready_when_its_operations_have_ended_or_without_wait_when_they_are_taken_on()
 {
    let Some(stage) = Stage::with_ldap_in(Profile::manual(), json!({})).await else { return };
    stage.publish_tag("test.0.0.7").await;
    let status = stage.status("ldap", is("Healthy", "Unknown Progressing")).await;
    assert_eq!(told(&status, "Ready"), "Unknown Progressing");
    let message = condition(&status, "Healthy")["message"].to_string();
    assert!(message.contains("NS ldap: created, instantiation started"), "{message}");
    assert_eq!(status["lastAppliedRevision"], Value::Null);

    stage.patch("ldap", json!({ "spec": { "wait": false } })).await;
    // Whose operation it is cannot be told from outside; it is looked at until it ends.
    stage.status("ldap", |status| status["observedGeneration"] == 2).await;
    stage.world.osm.end_operations(OperationResult::Ok);
    stage.status("ldap", is("Healthy", "True Succeeded")).await;

    let more =
        demo_with("test.0.0.7", "ldap.ops.yaml", "replicaCount: \"1\"", "replicaCount: \"2\"");
    stage.publish("more", &more).await;
    let status = stage.status("ldap", ready_at("more")).await;
    assert_eq!(told(&status, "Healthy"), "Unknown Progressing");
    stage.ask("ldap", "now").await;
    stage.is_answered("ldap", "now").await;
    let status = stage.status("ldap", ready_at("more")).await;
    assert_eq!(told(&status, "Healthy"), "Unknown Progressing", "it was taken on before");
    stage.world.osm.end_operations(OperationResult::Ok);
    let status = stage.status("ldap", is("Healthy", "True Succeeded")).await;
    assert_eq!(told(&status, "Ready"), "True ReconciliationSucceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_fail_or_last_too_long_make_a_deployment_unhealthy() {
    let spec = json!({ "timeout": "10m" });
    let Some(stage) = Stage::with_ldap_in(Profile::manual(), spec).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", is("Healthy", "Unknown Progressing")).await;
    let detail = "helm says: no such chart".to_owned();
    stage.world.osm.end_operations(OperationResult::Fail { detail });
    let message = stage.refusal("ldap", "HealthCheckFailed", "helm says: no such chart").await;
    assert!(message.starts_with("Applying revision test.0.0.7@sha1:"), "{message}");
    let status = stage.status("ldap", is("Healthy", "False HealthCheckFailed")).await;
    assert_eq!(told(&status, "Reconciling"), "True ProgressingWithRetry");

    stage.world.osm.advance(std::time::Duration::from_secs(61));
    stage.ask("ldap", "first").await;
    stage.status("ldap", is("Healthy", "Unknown Progressing")).await;
    stage.world.osm.advance(std::time::Duration::from_secs(700));
    stage.ask("ldap", "second").await;
    let message = stage.refusal("ldap", "HealthCheckFailed", "longer than the 10m").await;
    assert!(message.contains("OSM is at work on NS instance"), "{message}");
    let status = stage.status("ldap", is("Healthy", "False HealthCheckFailed")).await;
    assert_eq!(told(&status, "Stalled"), "True HealthCheckFailed");
}
