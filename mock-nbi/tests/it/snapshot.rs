//! Snapshots: all of a world comes back, and nothing of what is none.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use mock_nbi::{
    Clock, Collection, Fault, FaultKind, MockNbi, OperationResult, Profile, Release, Seed,
    SnapshotError,
};
use serde_json::json;

use crate::client::{STOCK, Stocked, User, captured_package, send, stocked};

/// A world with something of everything: packages, half an upload, a running and a waiting
/// operation, an installed chart, an armed fault.
async fn busy() -> (MockNbi, Stocked, String) {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder()
        .profile(Profile::manual())
        .clock(Clock::starting_at(1_600_000_000.0))
        .seed(seed)
        .build()
        .unwrap();
    let stock = stocked(&nbi).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"replicaCount": "1"})).await;
    nbi.end_operations(OperationResult::Ok);
    stock.upgrade(&ns_id, json!({"replicaCount": "2"})).await;
    stock.upgrade(&ns_id, json!({"replicaCount": "3"})).await;
    stock.ns(&ns_id).await;
    nbi.inject(Fault { operation: "GET /version".into(), nth: 2, kind: FaultKind::ServerError });
    nbi.advance(Duration::from_secs(100));
    (nbi, stock, ns_id)
}

/// Begins an upload in parts; gives the transaction.
async fn begin_upload(user: &User, package: &[u8]) -> String {
    let bearer = format!("Bearer {}", user.token);
    let range = format!("bytes 0-99/{}", package.len());
    let headers = [
        ("Content-Type", "application/gzip"),
        ("Content-Range", range.as_str()),
        ("Authorization", bearer.as_str()),
    ];
    let path = "/osm/vnfpkgm/v1/vnf_packages_content";
    let answer = send(&user.nbi, "POST", path, &headers, Some(&package[..100])).await.unwrap();
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.header("Transaction-Id").to_owned()
}

async fn go_on_upload(user: &User, package: &[u8], transaction: &str) -> u16 {
    let bearer = format!("Bearer {}", user.token);
    let range = format!("bytes 100-{}/{}", package.len() - 1, package.len());
    let headers = [
        ("Content-Type", "application/gzip"),
        ("Content-Range", range.as_str()),
        ("Transaction-Id", transaction),
        ("Authorization", bearer.as_str()),
    ];
    let path = "/osm/vnfpkgm/v1/vnf_packages_content?FORCE=true";
    send(&user.nbi, "POST", path, &headers, Some(&package[100..])).await.unwrap().status
}

#[tokio::test(start_paused = true)]
async fn a_world_made_of_a_snapshot_goes_on_as_the_first_does() {
    let (nbi, stock, ns_id) = busy().await;
    let package = captured_package("nfpkg-create.jsonl");
    let transaction = begin_upload(&stock.user, &package).await;
    let snapshot = nbi.snapshot();
    let copy = MockNbi::builder()
        .profile(Profile::manual())
        .rng_seed(99)
        .snapshot(snapshot.clone())
        .build()
        .unwrap();
    assert_eq!(copy.clock().now(), nbi.clock().now());
    let text = |file: &[u8]| {
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        // The clocks show the same time, though less was done to one of them by hand.
        let lines = text.lines().filter(|line| !line.starts_with("{\"part\":\"rest\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(text(&copy.snapshot()), text(&snapshot));

    let mut seen = Vec::new();
    for nbi in [&nbi, &copy] {
        let token = stock.user.token.clone();
        let user = User { nbi: nbi.clone(), token };
        let vim_id = stock.vim_id.clone();
        let stock = Stocked { user, nsd_id: stock.nsd_id.clone(), vim_id };
        // Before there is a second VNFD of this id, of which no instance can be made.
        let (new, _) = stock.create_ns("more", json!({})).await;
        assert_eq!(go_on_upload(&stock.user, &package, &transaction).await, 201);
        nbi.end_operations(OperationResult::Ok);
        let ns = stock.ns(&ns_id).await;
        let helm = ns["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str().unwrap();
        assert!(helm.contains("'replicaCount': '3'") && helm.contains("'version': 3"), "{helm}");
        let statuses = [
            send(nbi, "GET", "/osm/version", &[], None).await.unwrap().status,
            send(nbi, "GET", "/osm/version", &[], None).await.unwrap().status,
        ];
        let path = format!("/osm/vnfpkgm/v1/vnf_packages/{transaction}/package_content");
        let bearer = format!("Bearer {}", stock.user.token);
        let headers = [("Authorization", bearer.as_str()), ("Accept", "application/zip")];
        let content = send(nbi, "GET", &path, &headers, None).await.unwrap().body;
        assert!(content == package, "other bytes");
        seen.push((ns, new, statuses, nbi.records(Collection::NsInstances)));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(start_paused = true)]
async fn restoring_goes_back_in_the_same_world_and_the_journal_stays() {
    let (nbi, stock, ns_id) = busy().await;
    let answer = send(&nbi, "GET", "/_mock/snapshot", &[], None).await.unwrap();
    assert_eq!((answer.status, answer.header("Content-Type")), (200, "application/gzip"));
    let before = nbi.records(Collection::Operations);
    let path = format!("/nslcm/v1/ns_instances_content/{ns_id}?FORCE=true");
    assert_eq!(stock.user.call("DELETE", &path, None).await.status, 204);
    let requests = nbi.journal_len();
    let loaded = send(&nbi, "PUT", "/_mock/snapshot", &[], Some(&answer.body)).await.unwrap();
    assert_eq!(loaded.status, 204);
    assert_eq!(nbi.records(Collection::Operations), before);
    assert_eq!(nbi.journal_len(), requests);
    assert_eq!(stock.ns(&ns_id).await["name"], "ldap");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_snapshot_is_refused_and_changes_nothing() {
    let (nbi, _, _) = busy().await;
    let good = nbi.snapshot();
    let gzipped = |text: &str| {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap()
    };
    let mut text = String::new();
    GzDecoder::new(good.as_slice()).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let header = lines[0];
    type Matches = fn(&SnapshotError) -> bool;
    let foreign: Matches = |error| matches!(error, SnapshotError::Foreign);
    let cut_off: Matches = |error| matches!(error, SnapshotError::CutOff);
    let broken: Matches = |error| matches!(error, SnapshotError::Broken { .. });
    let version: Matches = |error| matches!(error, SnapshotError::Version { found: 9 });
    let mut cases: Vec<(Vec<u8>, Matches)> = vec![
        (Vec::new(), foreign),
        (b"PK\x03\x04".to_vec(), foreign),
        (gzipped("{\"some\": \"json\"}\n"), foreign),
        (gzipped(&header.replace("\"version\":1", "\"version\":9")), version),
        (gzipped(header), cut_off),
        (gzipped(&lines[..lines.len() - 1].join("\n")), cut_off),
        (gzipped(&[&lines[..5], &lines[6..]].concat().join("\n")), cut_off),
        (gzipped(&[&lines[..5], &lines[4..]].concat().join("\n")), broken),
    ];
    for part in [
        r#"{"part":"record/nosuch/1","value":{"_id":"x"}}"#,
        r#"{"part":"record/nsrs/x","value":{"_id":"x"}}"#,
        r#"{"part":"record/nsrs/7777","value":[]}"#,
        r#"{"part":"nosuch/1","value":{}}"#,
        r#"{"part":"file/7777","value":{}}"#,
        r#"{"part":"rest","value":{}}"#,
    ] {
        cases.push((gzipped(&format!("{header}\n{part}\n")), broken));
    }
    for tenth in 1..10 {
        let cut = good[..good.len() * tenth / 10].to_vec();
        cases.push((cut, |error| !matches!(error, SnapshotError::Version { .. })));
    }
    for (file, is_expected) in cases {
        let error = nbi.restore(&file).unwrap_err();
        assert!(is_expected(&error), "{error:?}");
        assert_eq!(nbi.snapshot(), good);
    }
    let other = MockNbi::builder().release(Release::R19Recorded).build().unwrap();
    let error = other.restore(&good).unwrap_err();
    assert_eq!(error.to_string(), "it is of release 10, and this OSM is of 19-recorded");
    let refused = send(&nbi, "PUT", "/_mock/snapshot", &[], Some(b"x")).await.unwrap();
    assert_eq!(refused.status, 400);
}
