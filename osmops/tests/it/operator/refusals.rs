//! What is refused is told with its reason, and goes on when it is mended.

use serde_json::json;

use super::artifacts::{archive, demo, demo_with};
use super::world::{Stage, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_what_is_wrong_and_end_when_it_is_mended() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_repository("demo").await;
    let whole = stage.publish_tag("test.0.0.7").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.start_operator(&[]);

    stage.refusal("ldap", "AuthenticationFailed", "Secret/").await;
    stage.create_secret().await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let mut wrong = stage.artifacts.add("wrong", archive(&demo("test.0.0.8")));
    wrong["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    stage.point_at(&wrong).await;
    let message = stage.refusal("ldap", "ArtifactFailed", "nothing was unpacked").await;
    assert!(
        message.contains("/wrong.tar.gz") && message.contains("the source promises sha256:0000")
    );

    let mut gone = whole.clone();
    gone["url"] = json!(format!("{}/gone.tar.gz", stage.artifacts.base));
    stage.point_at(&gone).await;
    stage
        .refusal("ldap", "ArtifactFailed", "/gone.tar.gz: the artifact is there no more (404)")
        .await;

    let mark = stage.world.osm.journal_len();
    let misspelt = demo_with("test.0.0.8", "ldap.ops.yaml", "nsdName", "nsdNme");
    stage.publish("broken", &misspelt).await;
    let message = stage.refusal("ldap", "BuildFailed", "did you mean `nsdName`?").await;
    assert!(message.starts_with("_deployment_/kdu/ldap.ops.yaml:"), "{message}");
    assert_eq!(
        stage.world.writes_since(mark).len(),
        2,
        "the healthy packages are updated all the same"
    );

    let path = json!({ "spec": { "path": "elsewhere" } });
    stage.patch("ldap", path).await;
    stage.refusal("ldap", "BuildFailed", "spec.path is `elsewhere`").await;
    stage.publish_tag("test.0.0.8").await;
    stage.patch("ldap", json!({ "spec": { "path": "./" } })).await;
    stage.status("ldap", ready_at("test.0.0.8")).await;
}
