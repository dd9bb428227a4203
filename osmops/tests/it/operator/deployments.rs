//! What an OsmDeployment asks for is done, and nothing else.

use serde_json::{Value, json};

use super::artifacts::demo;
use super::world::{Stage, condition, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_follows_its_source_and_only_what_changed_is_written() {
    let Some(stage) = Stage::with_ldap(json!({})).await else { return };
    stage.refusal("ldap", "ArtifactFailed", "GitRepository/").await;
    stage.publish_tag("test.0.0.7").await;
    let status = stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_eq!(status["inventory"], json!(["VNFD openldap_knf", "NSD openldap_ns", "NS ldap"]));
    assert_eq!(status["conditions"].as_array().unwrap().len(), 2, "{status:#}");
    let healthy = condition(&status, "Healthy");
    assert_eq!(healthy["message"], "3 items are as declared, and well");
    assert_eq!(stage.world.instance("ldap")["operational-status"], "running");

    let mark = stage.world.osm.journal_len();
    stage.publish_tag("test.0.0.8").await;
    let status = stage.status("ldap", ready_at("test.0.0.8")).await;
    let writes = stage.world.writes_since(mark);
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(
        writes[0].contains("/vnf_packages/") && writes[0].ends_with("/package_content"),
        "{writes:?}"
    );
    assert!(
        writes[1].contains("/ns_descriptors/") && writes[1].ends_with("/nsd_content"),
        "{writes:?}"
    );
    let history = status["history"].as_array().unwrap();
    let revisions: Vec<&str> = history.iter().map(|e| e["revision"].as_str().unwrap()).collect();
    assert!(revisions[0].starts_with("test.0.0.8") && revisions[1].starts_with("test.0.0.7"));

    // By hand: looked at, answered, nothing written.
    let mark = stage.world.osm.journal_len();
    stage.ask("ldap", "now").await;
    stage.is_answered("ldap", "now").await;
    assert_eq!(stage.world.writes_since(mark), [""; 0]);
    assert!(stage.world.osm.journal_len() > mark, "OSM was read");

    let events = stage.events("OsmDeployment").await;
    let applied =
        |tag: &str| format!("Normal ReconciliationSucceeded: Applied revision: {tag}@sha1:");
    for beginning in [
        "Warning ArtifactFailed: GitRepository/",
        "Normal Progressing: VNFD openldap_knf: created; NSD openldap_ns: created; NS ldap: created",
        &applied("test.0.0.7"),
        "Normal Progressing: VNFD openldap_knf: updated; NSD openldap_ns: updated",
        &applied("test.0.0.8"),
    ] {
        let count = events.iter().filter(|event| event.starts_with(beginning)).count();
        assert_eq!(count, 1, "`{beginning}` once in {events:#?}");
    }
    let log = stage.log();
    assert_eq!(log.matches("New revision detected").count(), 2, "once for each revision");
    assert!(!log.contains("of-the-environment"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_mode_writes_nothing_and_a_dependent_starts_when_its_dependency_is_ready() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage
        .create_deployment("after", json!({ "dependsOn": [{ "name": "first" }], "mode": "plan" }))
        .await;
    stage.refusal("after", "DependencyNotReady", "/first is not there").await;
    stage.publish_tag("test.0.0.7").await;
    stage.create_deployment("first", json!({ "mode": "plan" })).await;
    let status = stage.status("first", |status| status["plan"].is_string()).await;
    assert!(
        status["plan"].as_str().unwrap().starts_with("+ VNFD openldap_knf: create"),
        "{status:#}"
    );
    assert_eq!(status["lastAppliedRevision"], Value::Null);
    stage.status("after", |status| condition(status, "Ready")["status"] == "True").await;
    let writes = stage.world.writes_since(0);
    assert!(writes.iter().all(|write| write.contains("/tokens")), "{writes:?}");

    stage.patch("first", json!({ "spec": { "suspend": true } })).await;
    stage.patch("first", json!({ "spec": { "mode": "apply" } })).await;
    stage.patch("first", json!({ "spec": { "suspend": false } })).await;
    stage.status("first", ready_at("test.0.0.7")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_no_more_is_removed_where_the_deployment_says_prune() {
    let Some(stage) = Stage::with_ldap(json!({})).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let mut files = demo("test.0.0.8");
    files.retain(|(path, _)| !path.ends_with("ldap.ops.yaml"));
    let config = files.iter_mut().find(|(path, _)| path.ends_with("osm_ops_config.yaml"));
    config.unwrap().1.push_str("\nallowLargePrune: true\n");
    stage.publish("without", &files).await;
    stage.status("ldap", ready_at("without")).await;
    stage.world.instance("ldap");

    stage.patch("ldap", json!({ "spec": { "prune": true } })).await;
    let pruned = |status: &Value| {
        condition(status, "Ready")["status"] == "True" && status["observedGeneration"] == 2
    };
    let status = stage.status("ldap", pruned).await;
    assert_eq!(stage.world.osm.records(mock_nbi::Collection::NsInstances), [Value::Null; 0]);
    assert_eq!(stage.world.packages().len(), 2, "the declared packages stay");
    assert_eq!(status["inventory"], json!(["VNFD openldap_knf", "NSD openldap_ns"]));
}
