//! The captures of a real Release 10, replayed in the order in which they were made.

use std::time::Duration;

use mock_nbi::{Clock, Collection, Fault, FaultKind, MockNbi, Release, Seed};
use serde_json::json;

use crate::client::{STOCK, User, captured_package, send, stocked};
use crate::recorded::{Case, Exceptions};
use crate::replay::{Outcome, Replay};

/// What helm said when the captured upgrade failed, less the name of the release.
const HELM_SAYS: &str = "Rollback \"RELEASE\" failed: cannot patch \"RELEASE\" with kind Service: \
                         Service \"RELEASE\" is invalid: spec.clusterIP: Invalid value: \"\": \
                         field is immutable";

/// The captures in the order in which they were made, against one fake, with their outcomes: from
/// the creation of packages to a failed and a second upgrade.
pub async fn replay_captures(exceptions: &Exceptions) -> Vec<(Case, Vec<Outcome>)> {
    let patterns = exceptions.patterns_r10();
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let first = Case::read("r10/nfpkg-create").lines[0]["t_epoch"].as_f64().unwrap();
    let builder = MockNbi::builder().release(Release::R10).seed(seed);
    let nbi = builder.clock(Clock::starting_at(first - 60.0)).build().unwrap();
    let mut replay = Replay::new(nbi.clone(), &patterns);
    let mut replayed = Vec::new();
    for file in [
        "nfpkg-create",
        "nspkg-create",
        "ns-create",
        "ns-create2",
        "ns-action.upgrade",
        "ns-action.upgrade2",
    ] {
        if file == "ns-action.upgrade" {
            show_both_instances(&nbi).await;
            nbi.inject(failing_upgrade(&nbi));
        }
        let case = Case::read(&format!("r10/{file}"));
        for line in case.exchanges() {
            replay.exchange(line).await;
        }
        replayed.push((case, replay.take_outcomes()));
    }
    replayed
}

/// Between the captures both instances changed without an operation, as they do when they are shown:
/// the second 67 seconds after the first, says their `modified`.
async fn show_both_instances(nbi: &MockNbi) {
    const FIRST_SHOWN: f64 = 1_631_285_336.0;
    nbi.advance(Duration::from_secs_f64(FIRST_SHOWN - nbi.clock().now()));
    let user = User::login(nbi).await;
    for ns in nbi.records(Collection::NsInstances) {
        user.get(&format!("/nslcm/v1/ns_instances/{}", ns["_id"].as_str().unwrap())).await;
        nbi.advance(Duration::from_secs(67));
    }
}

fn failing_upgrade(nbi: &MockNbi) -> Fault {
    let ns = &nbi.records(Collection::NsInstances)[0];
    let release = ns["_admin"]["deployed"]["K8s"][0]["kdu-instance"].as_str().unwrap();
    Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".into(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: HELM_SAYS.replace("RELEASE", release) },
    }
}

/// What users of Release 10 wrote down: `tests/recorded/r10/documented.jsonl`.
#[tokio::test(start_paused = true)]
async fn documented_refusals_hold() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(Release::R10).seed(seed).build().unwrap();
    let stock = stocked(&nbi).await;
    for (path, file, detail) in [
        (
            "/vnfpkgm/v1/vnf_packages_content",
            "nfpkg-create.jsonl",
            "vnfd with id 'openldap_knf' already exists for this project",
        ),
        (
            "/nsd/v1/ns_descriptors_content",
            "nspkg-create.jsonl",
            "nsd with id 'openldap_ns' already exists for this project",
        ),
    ] {
        let answer = stock.user.try_upload(path, &captured_package(file)).await.unwrap();
        assert_eq!((answer.status, answer.detail().as_str()), (409, detail));
    }
    let bearer = format!("Bearer {}", stock.user.token);
    let headers = [
        ("Accept", "application/json"),
        ("Content-Type", "application/gzip"),
        ("Authorization", bearer.as_str()),
    ];
    let target = "/osm/vnfpkgm/v1/vnf_packages_content/openldap_knf";
    let package = captured_package("nfpkg-create.jsonl");
    let answer = send(&nbi, "PUT", target, &headers, Some(&package)).await.unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.detail(), "'RequestBody' object has no attribute 'get'");
    // Names of instances are not unique.
    let (first, _) = stock.create_ns("ldap", json!({"a": 1})).await;
    let (second, _) = stock.create_ns("ldap", json!({"a": 1})).await;
    assert_ne!(first, second);
}

/// An update merges the descriptor, replaces the files, and is allowed while an NS uses the
/// package. Source: NBI_FACTS.md sections 7 and 12.
#[tokio::test(start_paused = true)]
async fn a_package_in_use_can_be_updated_and_disabled_ones_become_enabled() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(Release::R10).seed(seed).build().unwrap();
    let stock = stocked(&nbi).await;
    stock.create_ns("ldap", json!({"a": 1})).await;
    let id =
        stock.user.get("/vnfpkgm/v1/vnf_packages").await[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/vnfpkgm/v1/vnf_packages/{id}");
    let patch = json!({"description": "changed", "operationalState": "DISABLED"});
    assert_eq!(stock.user.call("PATCH", &path, Some(patch)).await.status, 204);
    let package = stock.user.get(&path).await;
    assert_eq!(package["usageState"], "NOT_IN_USE");
    assert_eq!(package["operationalState"], "DISABLED");
    assert_eq!(package["_admin"]["storage"]["zipfile"], "package.tar.gz");
    let bearer = format!("Bearer {}", stock.user.token);
    let headers = [
        ("Content-Type", "application/gzip"),
        ("Content-Filename", "mine.tar.gz"),
        ("Authorization", bearer.as_str()),
    ];
    let target = format!("/osm{path}/package_content");
    let bytes = captured_package("nfpkg-create.jsonl");
    let answer = send(&nbi, "PUT", &target, &headers, Some(&bytes)).await.unwrap();
    assert_eq!((answer.status, answer.header("Content-Type")), (204, "text/html;charset=utf-8"));
    let package = stock.user.get(&path).await;
    assert_eq!(package["operationalState"], "ENABLED");
    assert_eq!(package["_admin"]["storage"]["zipfile"], "mine.tar.gz");
    assert_eq!(package["_admin"]["storage"]["folder"], id);
    assert!(package["_admin"].get("revision").is_none());
}
