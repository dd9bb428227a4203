//! What was changed in OSM after it was applied.

use serde_json::{Value, json};

use crate::kube_api::eventually;

use super::world::{Stage, condition, ready_at};

/// A status that says ready, of this generation of the object.
fn looked_at(generation: u64) -> impl Fn(&Value) -> bool + Clone {
    move |status| {
        status["observedGeneration"] == generation && condition(status, "Ready")["status"] == "True"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_corrected_told_or_not_even_looked_for() {
    let Some(mut stage) = Stage::with_ldap(json!({})).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    stage.world.upgrade_by_hand("2").await;
    let mark = stage.world.osm.journal_len();
    stage.ask("ldap", "at first").await;
    stage.is_answered("ldap", "at first").await;
    let writes = stage.world.writes_since(mark);
    assert!(writes.len() == 1 && writes[0].ends_with("/action"), "the values: {writes:?}");
    stage.patch("ldap", json!({ "spec": { "drift": "warn" } })).await;
    stage.status("ldap", looked_at(2)).await;

    stage.world.upgrade_by_hand("3").await;
    let mark = stage.world.osm.journal_len();
    stage.ask("ldap", "first").await;
    let message = stage.refusal("ldap", "DriftDetected", "NS ldap: ").await;
    assert!(
        message.contains("changed in OSM after it was applied; drift is only reported"),
        "{message}"
    );
    stage.told("OsmDeployment", "Warning DriftDetected: NS ldap: ").await;
    assert_eq!(stage.world.writes_since(mark), [""; 0]);

    // Another revision is applied whole.
    stage.publish_tag("test.0.0.8").await;
    stage.status("ldap", ready_at("test.0.0.8")).await;
    assert_eq!(stage.world.writes_since(mark).len(), 3, "two packages, and the values");

    stage.patch("ldap", json!({ "spec": { "drift": "disabled" } })).await;
    stage.status("ldap", looked_at(3)).await;
    stage.world.upgrade_by_hand("3").await;
    stage.operator = None;
    let mark = stage.world.osm.journal_len();
    stage.start_operator(&[]);
    let line = format!("OsmDeployment/{}/ldap: Applied revision", stage.namespace);
    eventually("it is seen", || async { stage.log().contains(&line).then_some(()) }).await;
    assert_eq!(stage.world.osm.journal_len(), mark, "OSM was not asked anything");
    stage.ask("ldap", "second").await;
    stage.is_answered("ldap", "second").await;
    let mut writes = stage.world.writes_since(mark);
    writes.retain(|write| !write.ends_with("/tokens"));
    assert!(writes.len() == 1 && writes[0].ends_with("/action"), "the values: {writes:?}");
    stage.status("ldap", ready_at("test.0.0.8")).await;
}
