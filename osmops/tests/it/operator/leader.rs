//! Two operators with leader election: one acts, the other stands by.

use std::time::Duration;

use mock_nbi::Collection;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kube_api::eventually;

use super::world::{Operator, Stage, ready_at};

/// Times that a test can wait for.
const QUICK: [&str; 4] = [
    "--enable-leader-election",
    "--leader-election-lease-duration=8s",
    "--leader-election-renew-deadline=6s",
    "--leader-election-retry-period=500ms",
];

/// A leader, and another operator that stands by.
async fn two(stage: &Stage, arguments: &[&str]) -> (Operator, Operator) {
    let kubeconfig = &stage.kube.kubeconfig;
    let first = stage.spawn("first", kubeconfig, arguments);
    first.logged("leading: Lease/").await;
    let second = stage.spawn("second", kubeconfig, arguments);
    second.logged("is held by").await;
    assert_eq!(second.get("health", "/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(second.get("health", "/healthz").await, (200, "ok\n".to_owned()));
    (first, second)
}

/// The operations that OSM has, whatever became of them.
fn operations(stage: &Stage) -> Vec<Value> {
    stage.world.osm.records(Collection::Operations)
}

/// An OsmDeployment whose instance OSM has begun to make, and does not get done.
async fn begun(stage: &Stage) {
    stage.world.operations_mode("manual").await;
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.publish_tag("test.0.0.7").await;
    eventually("OSM is at work", || async { (!operations(stage).is_empty()).then_some(()) }).await;
}

async fn assert_made_once(stage: &Stage) {
    stage.world.instance("ldap");
    assert_eq!(stage.world.packages().len(), 2);
    assert_eq!(operations(stage).len(), 1);
    let made = stage.world.writes_since(0);
    let made = made.iter().filter(|write| write.contains("/ns_instances")).count();
    assert_eq!(made, 1, "one request for the one instance");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_is_killed_in_the_middle_of_an_operation_the_other_carries_on() {
    let Some(stage) = Stage::set().await else { return };
    let (mut first, second) = two(&stage, &QUICK).await;
    begun(&stage).await;
    // SIGKILL: nothing is given back.
    first.process.kill().unwrap();
    second.logged("leading: Lease/").await;
    second.logged("everything is listed").await;
    stage.world.operations_mode("ok").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_made_once(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_told_to_stop_gives_the_lease_back_and_the_other_takes_over() {
    let Some(stage) = Stage::set().await else { return };
    // With the usual times, by which a lease that is not given back lasts 35 s.
    let (mut first, second) = two(&stage, &["--enable-leader-election"]).await;
    begun(&stage).await;
    let told = Instant::now();
    first.signal("TERM");
    assert!(first.ended().await.success());
    assert!(first.log().contains("is given back"), "{}", first.log());
    second.logged("leading: Lease/").await;
    let took = told.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    stage.world.operations_mode("ok").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_made_once(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_slept_through_its_time_sends_nothing_more_and_ends() {
    let Some(stage) = Stage::set().await else { return };
    let (mut first, second) = two(&stage, &QUICK).await;
    begun(&stage).await;
    // As when its machine stands still; it would have looked at the operation every few seconds.
    first.signal("STOP");
    second.logged("leading: Lease/").await;
    stage.world.operations_mode("ok").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_made_once(&stage).await;
    let mark = stage.world.osm.journal_len();
    first.signal("CONT");
    let end = first.ended().await;
    assert_eq!(end.code(), Some(1), "{}", first.log());
    assert!(first.log().contains("the Lease was lost"), "{}", first.log());
    assert_eq!(stage.world.sent_since(mark), [""; 0]);
}
