//! The operator is killed at any request to OSM and started again: OSM ends the same, and nothing is written
//! twice or in vain.
//!
//! Every tenth request is tried, and each of them where `OSMOPS_TEST_EVERY_KILL` is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use futures_util::StreamExt;
use http::{Request, Response};
use mock_nbi::Collection;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::world::PASSWORD;

use super::world::{Stage, ready_at};

const TAGS: [&str; 2] = ["test.0.0.7", "test.0.0.8"];

/// How many journeys are under way at once; each mostly waits.
const AT_ONCE: usize = 4;

/// When the operator is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// OSM never sees the request.
    Before,
    /// OSM did what was asked, and nobody hears of it.
    After,
}

/// Stands before OSM and counts its requests. At one of them time stands still until the operator is dead.
struct Gate {
    count: AtomicUsize,
    strikes: Option<(usize, Moment)>,
    struck: Notify,
}

impl Gate {
    /// Returns the address to use instead of OSM's.
    async fn serve(self: &Arc<Self>, osm: &mock_nbi::MockNbi) -> String {
        let (gate, osm) = (self.clone(), osm.clone());
        let routes = axum::Router::new().fallback(move |request: Request<Body>| {
            let (gate, osm) = (gate.clone(), osm.clone());
            async move { gate.pass(&osm, request).await }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        base
    }

    async fn pass(&self, osm: &mock_nbi::MockNbi, request: Request<Body>) -> Response<Body> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let strikes = self.strikes.filter(|(at, _)| *at == number);
        if strikes != Some((number, Moment::Before)) {
            let response = osm.service().oneshot(request).await.unwrap();
            if strikes.is_none() {
                return response.map(Body::new);
            }
        }
        self.struck.notify_one();
        std::future::pending().await
    }
}

/// What became of it.
#[derive(Debug, PartialEq)]
struct End {
    /// Packages, instances and how many operations there were.
    osm: Vec<Value>,
    inventory: Value,
    /// Every request that wrote, in alphabetical order, without ids.
    writes: Vec<String>,
}

/// From nothing to the first tag and on to the second one, with a kill on the way. Returns also how many
/// requests there were.
async fn journey(strikes: Option<(usize, Moment)>) -> Option<(End, usize)> {
    let mut stage = Stage::set().await?;
    let gate = Arc::new(Gate { count: AtomicUsize::new(0), strikes, struck: Notify::new() });
    let data = json!({
        "hostname": gate.serve(&stage.world.osm).await,
        "project": "admin", "user": "admin", "password": PASSWORD,
    });
    stage.create("v1", "Secret", "osm", json!({ "stringData": data })).await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.start_operator(&[]);
    let mut status = Value::Null;
    for tag in TAGS {
        stage.publish_tag(tag).await;
        let reached = {
            tokio::select! {
                status = stage.status("ldap", ready_at(tag)) => Some(status),
                () = gate.struck.notified() => None,
            }
        };
        status = match reached {
            Some(status) => status,
            None => {
                // Killed, without a chance to tidy up.
                stage.operator = None;
                stage.start_operator(&[]);
                stage.status("ldap", ready_at(tag)).await
            }
        };
    }
    let end = End {
        osm: what_osm_has(&stage),
        inventory: status["inventory"].clone(),
        writes: writes(&stage),
    };
    Some((end, gate.count.load(Ordering::SeqCst)))
}

fn what_osm_has(stage: &Stage) -> Vec<Value> {
    let package = |record: &Value| {
        let file = record["_admin"]["storage"]["zipfile"].as_str().unwrap();
        json!({
            "id": record["id"], "version": record["version"],
            "state": record["_admin"]["onboardingState"],
            // The owner's mark has the namespace.
            "file": file.replace(&stage.namespace, "NS"),
        })
    };
    let mut all: Vec<Value> = stage.world.packages().iter().map(package).collect();
    let instance = stage.world.instance("ldap");
    all.push(json!({ "instance": instance["name"], "state": instance["nsState"] }));
    let operations = stage.world.osm.records(Collection::Operations);
    all.extend(operations.iter().map(|operation| {
        json!({ "operation": operation["lcmOperationType"], "state": operation["operationState"] })
    }));
    all
}

/// Tokens are no news, and ids are another run's.
fn writes(stage: &Stage) -> Vec<String> {
    let without_ids = |line: String| -> String {
        let part = |part: &str| {
            let is_id = part.len() == 36 && part.bytes().filter(|byte| *byte == b'-').count() == 4;
            if is_id { "ID".to_owned() } else { part.to_owned() }
        };
        line.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let all = stage.world.writes_since(0).into_iter();
    let mut writes: Vec<String> =
        all.filter(|write| !write.contains("/tokens")).map(without_ids).collect();
    writes.sort();
    writes
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_and_started_again_it_ends_the_same_and_writes_nothing_in_vain() {
    let Some((undisturbed, count)) = journey(None).await else { return };
    assert_eq!(undisturbed.inventory.as_array().unwrap().len(), 3, "{undisturbed:#?}");
    assert!(undisturbed.writes.len() >= 5 && count > 15, "{count} requests: {undisturbed:#?}");
    let every = std::env::var("OSMOPS_TEST_EVERY_KILL").is_ok_and(|value| !value.is_empty());
    let kills = (0..count).flat_map(|at| [(at, Moment::Before), (at, Moment::After)]);
    let kills =
        kills.filter(|(at, moment)| every || at % 10 == 5 * usize::from(*moment == Moment::After));
    let journeys = kills.map(|kill| async move { (kill, journey(Some(kill)).await) });
    let mut journeys = futures_util::stream::iter(journeys).buffer_unordered(AT_ONCE);
    let mut different = Vec::new();
    while let Some((kill, end)) = journeys.next().await {
        let (end, _) = end.unwrap();
        if end != undisturbed {
            different.push((kill, end));
        }
    }
    assert!(different.is_empty(), "{different:#?} instead of {undisturbed:#?}");
}
