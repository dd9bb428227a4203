//! What it costs: how many requests, and how many at once.

use std::collections::BTreeSet;

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::reconcile::{PassOptions, pass};
use osmops::report::PassEnd;
use osmops::revision::Revision;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, instance, nsd, revision, vnfd};

/// The demo's packages and `count` instances, the first of which has `replicas`.
fn many(count: usize, replicas: &str) -> Revision {
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    for n in 0..count {
        let replicas = if n == 0 { replicas } else { "1" };
        let param = format!("replicaCount: \"{replicas}\"");
        files.push(instance(&format!("ldap-{n:03}"), "openldap_ns", &param));
    }
    revision("many", &files)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_instances_take_106_requests_one_change_one_write_and_no_change_none() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let mark = world.osm.journal_len();
    let report = pass(&nbi, &many(100, "1"), &PassOptions::default(), &stop, &mut ()).await;
    assert!(matches!(report.end, PassEnd::Waiting { .. }), "{report:#?}");
    nbi.log_out().await.unwrap();
    let sent = world.sent_since(mark);
    assert_eq!(sent.len(), 106, "{sent:#?}");
    assert_eq!(world.osm.records(Collection::NsInstances).len(), 100);

    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&many(100, "2")).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark).len(), 1);

    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&many(100, "2")).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    assert_eq!(world.sent_since(mark).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn other_peoples_instances_are_not_even_read() {
    let world = World::new(Profile::instant());
    world.converge(&many(20, "1")).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&many(1, "1")).await;
    assert_eq!(report.end, PassEnd::Converged);
    let journal = world.osm.journal();
    let list = journal[mark..].iter().find(|entry| entry.path.ends_with("/ns_instances")).unwrap();
    assert_eq!(list.query, "name=ldap-000");
    let (listed, one) = (list.response_bytes, world.instance("ldap-000").to_string().len());
    assert!(listed < 2 * one as u64, "{listed} bytes for an instance of {one}");
}

#[tokio::test(start_paused = true)]
async fn operations_are_followed_together_not_one_by_one() {
    let world = World::new(Profile::realistic());
    let report = world.converge(&many(30, "1")).await;
    assert_eq!(report.end, PassEnd::Converged);
    let looks = report.requests.probe;
    let instantiation = 60.0;
    assert!((looks as f64) < instantiation, "{looks} requests to follow 30 operations");
}

#[tokio::test(start_paused = true)]
async fn what_needs_nothing_of_one_another_is_sent_at_once_and_never_more_than_allowed() {
    let mut files = vec![config("")];
    for n in 0..6 {
        files.push(vnfd(&format!("vnf{n}_knf"), "ldap", "1"));
        files.push(nsd(&format!("ns{n}_ns"), &format!("vnf{n}_knf"), "openldap", "1"));
    }
    let packages = revision("packages", &files);
    let mut took = Vec::new();
    for writes_at_once in [1, 3] {
        let world = World::new(Profile::realistic());
        let options = PassOptions { writes_at_once };
        let begun = tokio::time::Instant::now();
        let stop = CancellationToken::new();
        let report = pass(&world.client(), &packages, &options, &stop, &mut ()).await;
        assert_eq!(report.changes.len(), 12, "{report:#?}");
        took.push(begun.elapsed());
        let sent = world.osm.journal();
        let nsd_of = |n: usize| {
            let made: Vec<_> = sent.iter().filter(|e| e.path.ends_with("_content")).collect();
            made.iter().map(|e| e.path.contains("/nsd/")).nth(n)
        };
        assert_eq!(nsd_of(0), Some(false), "a VNFD first");
    }
    // Virtual time: how long a real OSM would have taken.
    assert!(took[1] * 2 < took[0] && took[1] * 4 > took[0], "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_be_left_alone_is_left_alone_that_long() {
    let world = World::new(Profile::instant());
    world.osm.inject(Fault {
        operation: "POST /nsd/v1/ns_descriptors_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 503, body: None, retry_after: Some(90) },
    });
    let begun = tokio::time::Instant::now();
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let waited = begun.elapsed().as_secs();
    assert!((90..120).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn a_full_project_is_no_expired_token_and_the_report_says_whom_to_ask() {
    let world = World::new(Profile::instant());
    let project = world.osm.records(Collection::Projects)[0]["_id"].clone();
    let path = format!("/osm/admin/v1/projects/{}", project.as_str().unwrap());
    world
        .by_hand("PATCH", &path, json!({ "name": "admin", "quotas": { "ns_instances": 1 } }))
        .await;
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let report = pass(&nbi, &many(2, "1"), &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(nbi.request_counts().log_in, 1, "asked for one token only");
    let failed: BTreeSet<_> =
        report.items.iter().filter_map(|item| Some((item.detail.clone()?, item.help?))).collect();
    assert_eq!(failed.len(), 1, "{report:#?}");
    let (detail, help) = failed.first().unwrap();
    assert!(detail.contains("quota (ns_instances=1) exceeded"), "{detail}");
    assert!(help.contains("larger quota"), "{help}");
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_be_left_alone_for_ever_is_granted_for_a_day_at_most() {
    let world = World::new(Profile::instant());
    world.osm.inject(Fault {
        operation: "POST /nsd/v1/ns_descriptors_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 503, body: None, retry_after: Some(u32::MAX) },
    });
    let report = world.converge(&Demo::default().revision()).await;
    assert!(report.timed_out && report.retry_after.is_some(), "{report:#?}");
}
