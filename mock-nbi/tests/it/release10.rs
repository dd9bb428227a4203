//! The captures of a real Release 10, replayed in the order in which they were made.

use mock_nbi::{Fault, FaultKind, MockNbi, Release, Seed};
use serde_json::json;

use crate::client::{STOCK, captured_package, send, stocked};
use crate::compare::Patterns;
use crate::recorded::Case;
use crate::replay::Replay;

/// What helm said when the captured upgrade failed; the name of the release is the fake's.
const HELM_SAYS: &str = "Rollback \"stable-openldap-1-2-3-0098084071\" failed: cannot patch \
                         \"stable-openldap-1-2-3-0098084071\" with kind Service: Service \
                         \"stable-openldap-1-2-3-0098084071\" is invalid: spec.clusterIP: Invalid \
                         value: \"\": field is immutable";

async fn replay_file(replay: &mut Replay<'_>, file: &str) {
    for line in Case::read(&format!("r10/{file}")).exchanges() {
        replay.exchange(line).await;
        assert!(replay.found().is_empty(), "{file}\n{}", replay.found().join("\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn captures_hold_from_package_creation_to_a_failed_and_a_second_upgrade() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(Release::R10).seed(seed).build().unwrap();
    let patterns = Patterns::default();
    let mut replay = Replay::new(nbi.clone(), &patterns);
    for file in ["nfpkg-create", "nspkg-create", "ns-create", "ns-create2"] {
        replay_file(&mut replay, file).await;
    }
    nbi.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".into(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: HELM_SAYS.into() },
    });
    replay_file(&mut replay, "ns-action.upgrade").await;
    replay_file(&mut replay, "ns-action.upgrade2").await;
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
