//! The operator as a process of a cluster: how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mock_nbi::{Collection, Fault, FaultKind};
use serde_json::json;

use crate::kube_api::eventually;

use super::world::{Stage, ready_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_the_run_end_and_gives_the_token_back() {
    let Some(mut stage) = Stage::with_ldap(json!({})).await else { return };
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    let mut operator = stage.operator.take().unwrap();
    operator.signal("TERM");
    assert!(operator.ended().await.success());
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
async fn a_request_that_is_on_its_way_gets_its_answer_before_the_process_ends() {
    let Some(mut stage) = Stage::with_ldap(json!({})).await else { return };
    // The instance is made at once; OSM takes its time to say so.
    let operation = "POST /nslcm/v1/ns_instances_content".to_owned();
    let kind = FaultKind::Late { seconds: 3.0 };
    stage.world.osm.inject(Fault { operation, nth: 1, kind });
    stage.publish_tag("test.0.0.7").await;
    let is_made = || !stage.world.osm.records(Collection::NsInstances).is_empty();
    eventually("OSM has made it", || async { is_made().then_some(()) }).await;
    let mut operator = stage.operator.take().unwrap();
    operator.signal("TERM");
    assert!(operator.ended().await.success());
    let log = operator.log();
    let (stopping, after) = log.split_once("asked to stop").expect("it was told to");
    assert!(!stopping.contains("NS ldap: created"), "the answer came later: {log}");
    assert!(after.contains("NS ldap: created"), "{log}");
    assert_eq!(stage.world.sent_since(0).last().unwrap(), "DELETE /osm/admin/v1/tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_are_on_their_way_to_one_osm_than_it_is_said_to_bear() {
    let Some(mut stage) = Stage::set().await else { return };
    // An OSM that is slow to say no, and counts.
    let counts: Arc<(AtomicUsize, AtomicUsize, AtomicUsize)> = Arc::default();
    let counted = counts.clone();
    let routes = axum::Router::new().fallback(move || {
        let counted = counted.clone();
        async move {
            let (now, most, all) = &*counted;
            let here = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(here, Ordering::SeqCst);
            all.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            http::StatusCode::SERVICE_UNAVAILABLE
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hostname = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    stage.create_repository("demo").await;
    stage.publish_tag("test.0.0.7").await;
    for user in ["a", "b", "c", "d", "e", "f"] {
        // Users of their own: sessions of their own with the one OSM.
        let data =
            json!({ "hostname": hostname, "project": "admin", "user": user, "password": "x" });
        stage.create("v1", "Secret", user, json!({ "stringData": data })).await;
        let secret = json!({ "connection": { "secretRef": { "name": user } } });
        stage.create_deployment(user, secret).await;
    }
    stage.start_operator(&["--concurrent", "6", "--calls-at-once", "2"]);
    let all = || counts.2.load(Ordering::SeqCst);
    eventually("each has asked", || async { (all() >= 12).then_some(()) }).await;
    assert_eq!(counts.1.load(Ordering::SeqCst), 2);
}
