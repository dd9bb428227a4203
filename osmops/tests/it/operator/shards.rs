//! Operators that share the work by labels.

use serde_json::{Value, json};

use super::world::{Stage, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn each_operator_leaves_other_shards_alone_and_leads_its_own() {
    let Some(stage) = Stage::set().await else { return };
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.publish_tag("test.0.0.7").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.create_deployment("look", json!({ "mode": "plan" })).await;
    let label = json!({ "metadata": { "labels": { "sharding.fluxcd.io/key": "one" } } });
    stage.patch("ldap", label).await;

    let kubeconfig = &stage.kube.kubeconfig;
    let shard = |selector: &'static str| ["--enable-leader-election", selector];
    let one = shard("--watch-label-selector=sharding.fluxcd.io/key=one");
    let one = stage.spawn("one", kubeconfig, &one);
    stage.status("ldap", ready_at("test.0.0.7")).await;
    let look = stage.deployments().get("look").await.unwrap();
    assert_eq!(look.data["status"], Value::Null, "it is of no shard that anybody looks after");
    assert!(!one.log().contains("/look"), "{}", one.log());

    // The first one still leads its own.
    let mark = stage.world.osm.journal_len();
    let rest = shard("--watch-label-selector=!sharding.fluxcd.io/key");
    let rest = stage.spawn("rest", kubeconfig, &rest);
    stage.status("look", |status| status["plan"].is_string()).await;
    assert!(!rest.log().contains("/ldap:"), "{}", rest.log());
    let writes = stage.world.writes_since(mark);
    assert!(writes.iter().all(|write| write.contains("/tokens")), "{writes:?}");
}
