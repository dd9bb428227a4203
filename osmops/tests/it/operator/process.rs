//! The operator as a process of a cluster: how it ends, and with which rights it works.

use std::process::Command;

use serde_json::json;

use crate::kube_api::eventually;

use super::world::{Stage, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_the_run_end_and_gives_the_token_back() {
    let Some(mut stage) = Stage::with_ldap(json!({})).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    let mut operator = stage.operator.take().unwrap();
    let id = operator.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(operator.process.wait().unwrap().success());
    let last = stage.world.sent_since(0).pop();
    assert_eq!(last.as_deref(), Some("DELETE /osm/admin/v1/tokens"));
    let log = operator.log();
    assert!(!log.contains("\"password\"") && !log.contains("Bearer "), "{log}");

    // Started again, it finds everything as it should be.
    let mark = stage.world.osm.journal_len();
    stage.start_operator(&[]);
    eventually("the operator has looked", || async {
        let sent = stage.world.sent_since(mark);
        sent.iter().any(|line| line.ends_with("/ns_instances")).then_some(())
    })
    .await;
    assert!(stage.world.writes_since(mark).iter().all(|write| write.contains("/tokens")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_rights_are_enough() {
    let Some(mut stage) = Stage::set().await else { return };
    let kubeconfig = stage.kube.as_operator(&stage.namespace, stage.folder.path()).await;
    stage.start_operator_as(&kubeconfig, &[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    stage.told("OsmDeployment", "Applied revision").await;
    assert!(!stage.log().contains("forbidden"), "{}", stage.log());
}
